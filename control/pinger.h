// SPDX-License-Identifier: Apache-2.0
// Echo requests of the switch itself, and what comes back for them. Control thread.
#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <string>

#include "control/ports.h"
#include "control/rib.h"

namespace vethway {

struct PingRequest {
    Ip4 to;
    Ip4 from;                                  // zero: chosen by the route
    uint16_t size = 56, id = 0, sequence = 0;  // size: of the data, in bytes
    uint8_t ttl = 64, tos = 0;
    bool dont_fragment = false;
    std::chrono::milliseconds timeout{1000};
};

struct PingResult {
    enum class Outcome : uint8_t {
        reply,
        unreachable,
        time_exceeded,
        fragmentation_needed,
        timeout,
        not_sent
    };
    Outcome outcome = Outcome::timeout;
    Ip4 from;
    uint8_t type = 0, code = 0, ttl = 0;
    uint16_t bytes = 0, mtu = 0;  // bytes: of the ICMP message
    double rtt_ms = 0;            // between a worker's sending and a worker's receiving
    std::string text;             // "Destination Host Unreachable", as ping(8) says it
    std::string reason;           // of not_sent
};

class Pinger {
public:
    Pinger(Dataplane& dataplane, const Ports& ports, const Rib& rib);

    // Sends, and calls `done` once: at once for not_sent, else from take_punted() or expire();
    // cancel() destroys it uncalled.
    void send(const PingRequest& request, std::function<void(const PingResult&)> done);
    // Looks at what the workers handed up.
    void take_punted();
    void expire();
    void cancel() { waiting_.clear(); }  // nobody is going to receive any more
    bool waiting() const { return !waiting_.empty(); }

private:
    struct Waiting {
        PingRequest request;
        std::chrono::steady_clock::time_point deadline;
        uint64_t sent_tsc;
        std::function<void(const PingResult&)> done;
    };
    std::string refusal(const PingRequest& request) const;
    rte_mbuf* make(const PingRequest& request);
    void receive(rte_mbuf& m);

    Dataplane& dataplane_;
    const Ports& ports_;
    const Rib& rib_;
    std::list<Waiting> waiting_;
    uint64_t hz_;
};

}  // namespace vethway
