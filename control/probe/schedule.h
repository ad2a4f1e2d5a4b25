// SPDX-License-Identifier: Apache-2.0
// When which probe of a series is sent, and when there is nothing more to wait for. Functions of
// the time that they are told; one thread at a time.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "control/probe/probe.h"

namespace vethway {

class ProbeSchedule {
public:
    using Clock = std::chrono::steady_clock;

    virtual ~ProbeSchedule() = default;
    // The next to be sent now; nothing: none is due.
    virtual std::optional<Probe> take(Clock::time_point now) = 0;
    virtual void note(const ProbeNews& news, Clock::time_point now) = 0;
    // News of those that are waited for no longer, each once.
    virtual std::vector<ProbeNews> give_up(Clock::time_point) { return {}; }
    // When one of these has something to say again, unless there are news before.
    virtual Clock::time_point due() const = 0;
    virtual bool is_done(Clock::time_point now) const = 0;
};

// One after the other to the same place.
struct PingOptions {
    uint32_t count = 0;  // 0: without end
    std::chrono::milliseconds interval{1000};
    std::chrono::milliseconds wait{10'000};  // for the last answer, where none has come
    std::optional<std::chrono::milliseconds> deadline;
    bool until_reply = false;  // one is enough
    uint8_t ttl = 0;           // 0: ip_default_ttl
};
std::unique_ptr<ProbeSchedule> ping_schedule(const PingOptions& options,
                                             ProbeSchedule::Clock::time_point now);

// Ever farther, each hop several times, until the way ends: as traceroute(8).
struct TraceOptions {
    uint8_t first_ttl = 1, max_ttl = 30;
    uint16_t queries = 3, at_once = 16;  // to each hop; waited for together
    std::chrono::milliseconds wait{5000};
    // No longer than so many times what another took to the same hop, or to one beyond.
    double here = 3, near = 10;
};
std::unique_ptr<ProbeSchedule> trace_schedule(const TraceOptions& options);

// Once to each hop, again and again: as mtr(8).
struct RoundsOptions {
    uint8_t first_ttl = 1, max_ttl = 30;
    uint8_t beyond = 5;   // hops that are tried behind the last that answers
    uint32_t rounds = 0;  // 0: without end
    std::chrono::milliseconds interval{1000}, wait{5000};
};
std::unique_ptr<ProbeSchedule> rounds_schedule(const RoundsOptions& options,
                                               ProbeSchedule::Clock::time_point now);

// Whether the way ends with this: it is no router's word about the TTL.
bool ends_way(const ProbeNews& news);

}  // namespace vethway
