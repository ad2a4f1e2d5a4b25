// SPDX-License-Identifier: Apache-2.0
// As traceroute(8) does it (do_it and get_timeout of Dmitry Butskoy's traceroute.c).
#include <algorithm>

#include "control/probe/schedule.h"
#include "dataplane/net/headers.h"

namespace vethway {

namespace {

class TraceSchedule final : public ProbeSchedule {
public:
    explicit TraceSchedule(const TraceOptions& options)
        : options_(options),
          probes_(size_t{options.queries} * (options.max_ttl - options.first_ttl + 1U)) {}

    std::optional<Probe> take(Clock::time_point now) override {
        if (next_ >= end() || waiting() >= options_.at_once) return std::nullopt;
        probes_[next_] = {.state = State::waiting, .sent = now};
        const auto sequence = static_cast<uint16_t>(next_++);
        return Probe{.sequence = sequence, .ttl = ttl_of(sequence)};
    }

    void note(const ProbeNews& news, Clock::time_point now) override {
        using What = ProbeNews::What;
        if (news.sequence >= probes_.size()) return;
        Sent& probe = probes_[news.sequence];
        if (probe.state != State::waiting) return;
        if (news.what == What::not_sent) probe.state = State::decided;
        if (news.what != What::reply && news.what != What::error) return;
        probe.state = State::decided;
        probe.took = now - probe.sent;
        if (ends_way(news)) last_ttl_ = std::min(last_ttl_, news.probe_ttl);
    }

    std::vector<ProbeNews> give_up(Clock::time_point now) override {
        std::vector<ProbeNews> lost;
        for (size_t i = 0; i < next_; ++i) {
            if (probes_[i].state != State::waiting || now < given_up_at(i)) continue;
            probes_[i].state = State::decided;
            lost.push_back({.what = ProbeNews::What::lost,
                            .sequence = static_cast<uint16_t>(i),
                            .probe_ttl = ttl_of(i)});
        }
        return lost;
    }

    Clock::time_point due() const override {
        if (next_ < end() && waiting() < options_.at_once) return Clock::time_point::min();
        Clock::time_point at = Clock::time_point::max();
        for (size_t i = 0; i < next_; ++i)
            if (probes_[i].state == State::waiting) at = std::min(at, given_up_at(i));
        return at;
    }

    // Of those beyond the way's end nothing is awaited.
    bool is_done(Clock::time_point) const override {
        return next_ >= end() &&
               std::all_of(probes_.begin(), probes_.begin() + span(),
                           [](const Sent& p) { return p.state == State::decided; });
    }

private:
    enum class State : uint8_t { unsent, waiting, decided };
    struct Sent {
        State state = State::unsent;
        Clock::time_point sent;
        Clock::duration took{0};  // 0: not answered
    };

    uint8_t ttl_of(size_t i) const {
        return static_cast<uint8_t>(options_.first_ttl + i / options_.queries);
    }
    // How many probes there are to hops that matter.
    size_t end() const {
        const unsigned last = std::min<unsigned>(last_ttl_, options_.max_ttl);
        return size_t{options_.queries} * (last - options_.first_ttl + 1U);
    }
    std::ptrdiff_t span() const { return static_cast<std::ptrdiff_t>(end()); }
    size_t waiting() const {
        return static_cast<size_t>(
            std::ranges::count(probes_, State::waiting, [](const Sent& p) { return p.state; }));
    }

    Clock::time_point given_up_at(size_t i) const {
        return probes_[i].sent + std::min<Clock::duration>(options_.wait, expected(i));
    }
    // A router that answers so late that it is past hope, by what others took.
    Clock::duration expected(size_t i) const {
        static constexpr std::chrono::milliseconds kSlack{1};
        const auto times = [](Clock::duration took, double factor) {
            return std::chrono::duration_cast<Clock::duration>((took + kSlack) * factor);
        };
        const size_t hop = i - i % options_.queries;
        for (size_t j = hop; j < hop + options_.queries; ++j)
            if (probes_[j].took > Clock::duration{0}) return times(probes_[j].took, options_.here);
        for (size_t j = hop + options_.queries; j < next_; ++j)
            if (probes_[j].took > Clock::duration{0}) return times(probes_[j].took, options_.near);
        return Clock::duration::max();
    }

    const TraceOptions options_;
    std::vector<Sent> probes_;  // by sequence
    size_t next_ = 0;
    uint8_t last_ttl_ = UINT8_MAX;
};

}  // namespace

bool ends_way(const ProbeNews& news) {
    return news.what == ProbeNews::What::reply ||
           (news.what == ProbeNews::What::error && news.type != kIcmpTimeExceeded);
}

std::unique_ptr<ProbeSchedule> trace_schedule(const TraceOptions& options) {
    return std::make_unique<TraceSchedule>(options);
}

}  // namespace vethway
