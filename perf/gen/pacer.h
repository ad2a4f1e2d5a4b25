// SPDX-License-Identifier: Apache-2.0
// When which frames are due: bursts at equal distances, by the TSC. Burst n is due at start + n
// times the distance, however late those before it were, so the average rate is the one that was
// asked for. The distance is kept to 2^-32 of a tick: an hour of 15 M bursts a second ends a tenth
// of a frame from where it should.
#pragma once

#include <cstdint>

namespace vethway::gen {

struct Pace {
    double pps = 0;          // frames a second; 0: as fast as the port takes them
    uint32_t burst = 1;      // frames at once
    uint32_t catch_up = 64;  // frames that one who comes late may still send at once, at least a
                             // burst; what is due beyond them is given up (see missed())
};

// One lcore's. Pure: the clock is what its caller says.
class Pacer {
public:
    Pacer(const Pace& pace, uint64_t hz) noexcept;

    void start(uint64_t now) noexcept;
    // From now on at another rate.
    void change_rate(double pps, uint64_t now) noexcept;
    // How many frames are to be sent at `now`, in whole bursts; each is told of once.
    uint32_t due(uint64_t now) noexcept;
    // The ticks of `frames` frames at the present rate; 0 where there is none.
    uint64_t duration(uint64_t frames) const noexcept;

    // Frames given up, since nobody asked for them in time: the rate was not held.
    uint64_t missed() const noexcept { return missed_; }
    uint64_t worst_lateness() const noexcept { return worst_lateness_; }  // ticks, of any burst
    double mean_lateness() const noexcept {
        return bursts_ == 0 ? 0 : static_cast<double>(lateness_sum_) / static_cast<double>(bursts_);
    }

private:
    void advance(uint64_t bursts) noexcept;
    void set_rate(double pps) noexcept;

    uint64_t hz_;
    uint32_t burst_, catch_up_;
    // The distance of two bursts is whole_ + part_ / kParts ticks.
    static constexpr uint64_t kParts = uint64_t{1} << 32;
    double pps_ = 0;
    uint64_t whole_ = 0, part_ = 0;
    uint64_t due_ = 0, due_part_ = 0;  // of the next burst
    uint64_t missed_ = 0, worst_lateness_ = 0, lateness_sum_ = 0, bursts_ = 0;
};

}  // namespace vethway::gen
