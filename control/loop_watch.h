// SPDX-License-Identifier: Apache-2.0
// Loops in bridges without a spanning tree. Each second every member sends, in each VLAN that it
// carries, a frame of the bridge's own: a reply of the Ethernet configuration testing protocol
// (Ethernet 2.0, 1982, clause 8), which nobody answers and every bridge floods. There are at most
// 500 a second in all, so of many VLANs a round takes longer. One that comes back, or any other
// frame of ours, has come by a loop; workers drop such frames as `own_source`, and write down by
// which member and in which VLAN. Control thread.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "control/ports.h"

namespace vethway {

class LoopWatch {
public:
    using Clock = std::chrono::steady_clock;

    LoopWatch(Dataplane& dataplane, Ports& ports) : dataplane_(dataplane), ports_(ports) {}

    // After each change of the configuration, when it is published.
    void follow();
    void tick(Clock::time_point now);  // every 100 ms

    // Whether it hears the bridge's own frames, or did in the last seconds.
    bool is_looped(const std::string& member) const;
    // In which VLANs; 0: in that of who knows none.
    std::set<uint16_t> looped_vlans(const std::string& member) const;
    bool is_shut(const std::string& member) const;
    // Opens it. False: it is not shut.
    bool recover(const std::string& member);

private:
    struct Watched {
        std::string bridge;
        uint16_t index = 0;
        MemberStateConfig state{};  // when it is open
        std::optional<Clock::time_point> heard_at, shut_at;
        std::set<uint16_t> vlans;  // in which it was heard
    };
    // A frame to send, in whose tag; VID 0: without one.
    struct Probe {
        uint16_t port, tpid, vid;
        Mac from;
    };
    void hear(const BridgeConfig& bridge, const std::string& name, Watched& member,
              Clock::time_point now);
    void look_at(const BridgeConfig& bridge, Clock::time_point now);
    void shut(const std::string& name, Watched& member, Clock::time_point now);
    void open(const std::string& name, Watched& member);
    void begin_round();
    void add_probes(const BridgeConfig& bridge);
    void probe(Clock::time_point now);
    bool may_probe(uint16_t port) const;
    const Watched* find(const std::string& member) const;

    Dataplane& dataplane_;
    Ports& ports_;
    std::map<std::string, Watched> members_;  // by port
    Clock::time_point due_{}, round_began_{};
    std::vector<Probe> round_;
    size_t sent_ = 0;  // of the round
};

}  // namespace vethway
