// SPDX-License-Identifier: Apache-2.0
// The steps that workers wrote down, put together: a packet as it was received, and all that it
// caused.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <vector>

#include "dataplane/counters.h"
#include "dataplane/watch/record.h"

namespace vethway {

enum class Outcome : uint8_t { forwarded, consumed, waits, dropped, unknown };
inline constexpr const char* kOutcomeNames[] = {"forwarded", "consumed", "waits", "dropped",
                                                "unknown"};

struct StoryPacket {
    uint32_t id = 0, parent = 0;   // parent 0: it began with this one
    std::vector<NotedStep> steps;  // in the order of time

    // The last word about it; what a driver did not take after all is dropped.
    const NotedStep& last() const { return steps.back(); }
    bool ended() const;
    Outcome outcome() const;
};

struct Story {
    uint32_t id = 0;
    std::vector<StoryPacket> packets;  // in the order of their first steps

    bool ended() const;
    // Of the packet that it began with: where that was cut, of its pieces.
    Outcome outcome() const;
    bool has_drop(std::optional<Drop> why) const;  // any, or for that reason
};

// A story of steps that are all there are.
std::vector<Story> stories_of(const std::vector<NotedStep>& steps);

// Gathers them as they come, from several workers in any order.
class Stories {
public:
    using Clock = std::chrono::steady_clock;

    void add(NotedStep step, Clock::time_point now);
    // Those that have ended and been quiet for a while, or have been for so long that nothing more
    // is expected.
    std::vector<Story> take(Clock::time_point now);

private:
    struct Gathered {
        std::vector<NotedStep> steps;
        Clock::time_point last;
    };
    std::map<uint32_t, Gathered> open_;
};

}  // namespace vethway
