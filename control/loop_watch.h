// SPDX-License-Identifier: Apache-2.0
// Loops in bridges without a spanning tree. Each second every member sends a frame of the bridge's
// own: a reply of the Ethernet configuration testing protocol (Ethernet 2.0, 1982, clause 8), which
// nobody answers and every bridge floods. One that comes back, or any other frame of ours, has come
// by a loop; workers drop such frames as `own_source`, and their count tells where. Control thread.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

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
    bool is_shut(const std::string& member) const;
    // Opens it. False: it is not shut.
    bool recover(const std::string& member);

private:
    struct Watched {
        std::string bridge;
        uint16_t index = 0;
        MemberStateConfig state{};  // when it is open
        uint64_t heard = 0;         // frames of ours, in all
        std::optional<Clock::time_point> heard_at, shut_at;
    };
    uint64_t own_frames(uint16_t port) const;
    void look_at(const BridgeConfig& bridge, Clock::time_point now);
    void shut(const std::string& name, Watched& member, Clock::time_point now);
    void open(const std::string& name, Watched& member);
    void probe(const BridgeConfig& bridge) const;

    Dataplane& dataplane_;
    Ports& ports_;
    std::map<std::string, Watched> members_;  // by port
    Clock::time_point due_{};
};

}  // namespace vethway
