// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include "control/probe/schedule.h"

namespace vethway {

namespace {

class RoundsSchedule final : public ProbeSchedule {
public:
    RoundsSchedule(const RoundsOptions& options, Clock::time_point now)
        : options_(options), round_(now), next_(now), ttl_(options.first_ttl) {}

    std::optional<Probe> take(Clock::time_point now) override {
        if (!sends_more() || now < next_) return std::nullopt;
        const Probe probe{.sequence = sequence_, .ttl = static_cast<uint8_t>(ttl_)};
        // Of so many the answers are long since decided; and UDP's ports don't run out.
        sequence_ = static_cast<uint16_t>((sequence_ + 1) % kSequences);
        waiting_[probe.sequence] = {.ttl = probe.ttl, .sent = now};
        advance(now);
        return probe;
    }

    void note(const ProbeNews& news, Clock::time_point now) override {
        using What = ProbeNews::What;
        const bool heard = news.what == What::reply || news.what == What::error;
        if (heard || news.what == What::not_sent) waiting_.erase(news.sequence);
        if (!heard) return;
        farthest_ = std::max(farthest_, news.probe_ttl);
        if (ends_way(news)) last_ttl_ = std::min(last_ttl_, news.probe_ttl);
        if (ttl_ > round_end()) begin_round(now);
    }

    std::vector<ProbeNews> give_up(Clock::time_point now) override {
        std::vector<ProbeNews> lost;
        std::erase_if(waiting_, [&](const auto& item) {
            if (now < item.second.sent + options_.wait) return false;
            lost.push_back({.what = ProbeNews::What::lost,
                            .sequence = item.first,
                            .probe_ttl = item.second.ttl});
            return true;
        });
        return lost;
    }

    Clock::time_point due() const override {
        Clock::time_point at = sends_more() ? next_ : Clock::time_point::max();
        for (const auto& [sequence, probe] : waiting_)
            at = std::min(at, probe.sent + options_.wait);
        return at;
    }

    bool is_done(Clock::time_point) const override { return !sends_more() && waiting_.empty(); }

private:
    static constexpr uint16_t kSequences = 30'000;
    struct Waiting {
        uint8_t ttl;
        Clock::time_point sent;
    };

    bool sends_more() const { return options_.rounds == 0 || rounds_ < options_.rounds; }
    // Where this round ends, as far as is known.
    uint8_t round_end() const {
        const unsigned tried = std::max<unsigned>(farthest_, options_.first_ttl - 1U);
        return static_cast<uint8_t>(
            std::min<unsigned>({last_ttl_, options_.max_ttl, tried + options_.beyond}));
    }
    // A round's probes are spread over its interval, so that routers that limit their answers to
    // one asker are not met by all at once.
    void advance(Clock::time_point now) {
        if (++ttl_ > round_end()) return begin_round(now);
        const auto hops = std::max(1, round_end() - options_.first_ttl + 1);
        next_ = std::max(next_ + Clock::duration(options_.interval) / (2 * hops), now);
    }
    // The next one: this has got to where the way ends.
    void begin_round(Clock::time_point now) {
        ttl_ = options_.first_ttl;
        ++rounds_;
        round_ = std::max(round_ + options_.interval, now);
        next_ = round_;
    }

    const RoundsOptions options_;
    Clock::time_point round_, next_;  // begin of the round; of the next probe
    unsigned ttl_;
    uint16_t sequence_ = 0;
    uint32_t rounds_ = 0;
    uint8_t farthest_ = 0, last_ttl_ = UINT8_MAX;
    std::map<uint16_t, Waiting> waiting_;
};

}  // namespace

std::unique_ptr<ProbeSchedule> rounds_schedule(const RoundsOptions& options,
                                               ProbeSchedule::Clock::time_point now) {
    return std::make_unique<RoundsSchedule>(options, now);
}

}  // namespace vethway
