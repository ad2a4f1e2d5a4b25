// SPDX-License-Identifier: Apache-2.0
// As ping(8) of iputils does it (main_loop and __schedule_exit of ping/ping_common.c).
#include <algorithm>

#include "control/probe/schedule.h"

namespace vethway {

namespace {

class PingSchedule final : public ProbeSchedule {
public:
    PingSchedule(const PingOptions& options, Clock::time_point now)
        : options_(options), began_(now), next_(now) {}

    std::optional<Probe> take(Clock::time_point now) override {
        if (!sends_more() || now < next_ || is_done(now)) return std::nullopt;
        // Late by more than an interval: what was missed is not made up for.
        next_ = std::max(next_ + options_.interval, now);
        ++sent_;
        if (!sends_more()) ends_ = now + last_wait();
        return Probe{.sequence = static_cast<uint16_t>(sent_), .ttl = options_.ttl};
    }

    void note(const ProbeNews& news, Clock::time_point) override {
        using What = ProbeNews::What;
        if (news.what == What::reply && !news.duplicate) {
            ++replies_;
            longest_ms_ = std::max(longest_ms_, news.rtt_ms);
        } else if (news.what == What::error || news.what == What::not_sent) {
            ++errors_;
        }
    }

    Clock::time_point due() const override {
        Clock::time_point at = Clock::time_point::max();
        if (sends_more()) at = next_;
        if (ends_) at = std::min(at, *ends_);
        if (options_.deadline) at = std::min(at, began_ + *options_.deadline);
        return at;
    }

    bool is_done(Clock::time_point now) const override {
        if (options_.until_reply && replies_ > 0) return true;
        if (options_.count > 0 && replies_ + errors_ >= options_.count) return true;
        if (options_.deadline && (errors_ > 0 || now >= began_ + *options_.deadline)) return true;
        return ends_ && now >= *ends_;
    }

private:
    // With a deadline, it is answers that are counted.
    bool sends_more() const {
        return options_.count == 0 || options_.deadline || sent_ < options_.count;
    }
    // Where others were answered, the last one is when it takes twice as long as any.
    Clock::duration last_wait() const {
        if (replies_ == 0) return options_.wait;
        const auto twice = std::chrono::duration_cast<Clock::duration>(
            std::chrono::duration<double, std::milli>(2 * longest_ms_));
        return std::max<Clock::duration>(twice, options_.interval);
    }

    const PingOptions options_;
    const Clock::time_point began_;
    Clock::time_point next_;
    std::optional<Clock::time_point> ends_;
    uint64_t sent_ = 0, replies_ = 0, errors_ = 0;
    double longest_ms_ = 0;
};

}  // namespace

std::unique_ptr<ProbeSchedule> ping_schedule(const PingOptions& options,
                                             ProbeSchedule::Clock::time_point now) {
    return std::make_unique<PingSchedule>(options, now);
}

}  // namespace vethway
