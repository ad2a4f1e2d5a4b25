// SPDX-License-Identifier: Apache-2.0
// Sends probes of the switch itself, and tells of what comes back to whoever sent them. Control
// thread.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "control/paths.h"
#include "control/ports.h"
#include "control/probe/heard.h"
#include "control/probe/way.h"
#include "control/rib.h"

namespace vethway {

class Prober {
public:
    using Tell = std::function<void(const ProbeNews&)>;

    Prober(Dataplane& dataplane, const Ports& ports, const Rib& rib, Paths& paths);

    // From now on, answers to the series' probes go to `tell`, until close(). Throws
    // std::runtime_error where nothing can be sent: its words are for whoever asked.
    struct Opened {
        uint32_t id;
        uint16_t mark;  // by which its probes are told from others'
        ProbeWay way;
    };
    Opened open(const ProbeSeries& series, Tell tell);
    // News of what has been sent or why it has not; `lost` where there is no such series.
    ProbeNews send(uint32_t id, const Probe& probe);
    void close(uint32_t id);
    // Looks at a packet that a worker handed up; it stays the caller's.
    void take(rte_mbuf& m);
    // Tells all that nobody is going to receive any more.
    void stop();

private:
    struct Sent {
        uint64_t tsc = 0;  // 0: not yet
        uint8_t ttl = 0;
        bool answered = false;
    };
    struct Series {
        ProbeSeries what;
        Tell tell;
        uint16_t mark;
        std::vector<Sent> sent;  // by sequence
        ProbeWay arp_way;        // of ARP: as workers are to listen for
        Mac arp_to = Mac::broadcast();
    };
    uint16_t free_mark();
    rte_mbuf* make(const Series& series, const Probe& probe, const ProbeWay& way, bool may_cut);
    bool hand_over(Series& series, const Probe& probe, rte_mbuf* m);
    ProbeNews send_ip(Series& series, const Probe& probe);
    ProbeNews send_arp(Series& series, const Probe& probe);
    void listen_for_arp(Series& series, const ProbeWay& way);
    void stop_listening(const Series& series);
    Series* series_of(const Heard& heard);
    double rtt_ms(const Sent& sent, rte_mbuf& m) const;
    void receive(rte_mbuf& m);
    void receive_arp(rte_mbuf& m);

    Dataplane& dataplane_;
    const Ports& ports_;
    const Rib& rib_;
    Paths& paths_;
    std::map<uint32_t, Series> series_;
    uint32_t next_id_ = 1;
    uint16_t next_mark_;
    uint64_t hz_;
};

}  // namespace vethway
