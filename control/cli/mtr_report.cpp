// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "control/cli/hops.h"

namespace vethway::cli {

// Welford's recurrence: mean and sum of squares without keeping the samples.
void MtrReport::Hop::add(double ms) {
    best_ms = received == 0 ? ms : std::min(best_ms, ms);
    worst_ms = std::max(worst_ms, ms);
    last_ms = ms;
    ++received;
    const double before = ms - mean_ms;
    mean_ms += before / static_cast<double>(received);
    squares += before * (ms - mean_ms);
}

double MtrReport::Hop::lost_percent() const {
    const uint64_t decided = sent - waiting;
    if (decided == 0) return 0;
    return 100 *
           (1 - static_cast<double>(std::min(received, decided)) / static_cast<double>(decided));
}

double MtrReport::Hop::deviation_ms() const {
    return received < 2 ? 0 : std::sqrt(squares / static_cast<double>(received - 1));
}

void MtrReport::add(const Json& event) {
    const auto what = event["event"].get<std::string>();
    if (what == "begin") return;
    const auto ttl = event["probe_ttl"].get<unsigned>();
    const auto sequence = event["sequence"].get<unsigned>();
    Hop& hop = hops_[ttl];
    if (what == "sent" || what == "not_sent") {
        ++hop.sent;
        if (what == "not_sent") return;
        ++hop.waiting;
        waiting_[sequence] = ttl;
        return;
    }
    if (waiting_.erase(sequence) == 0) return;  // was given up, or has come twice
    --hop.waiting;
    if (what == "lost") return;
    hop.add(event["rtt_ms"].get<double>());
    const auto from = event["from"].get<std::string>();
    if (std::ranges::find(hop.from, from) == hop.from.end()) hop.from.push_back(from);
    reached_ |= from == to_;
    const bool passes = what == "error" && event["type"] == 11;
    if (!passes && (!last_ttl_ || ttl < *last_ttl_)) last_ttl_ = ttl;
}

// To where the way ends, or one beyond the last that has answered.
unsigned MtrReport::shown_hops() const {
    if (last_ttl_) return *last_ttl_;
    unsigned shown = 0;
    for (const auto& [ttl, hop] : hops_)
        if (hop.received > 0) shown = ttl;
    return shown + 1;
}

std::string MtrReport::row(unsigned ttl, const Hop& hop) const {
    std::string out =
        fmt::format("{:3}.|-- {:<25} {:5.1f}% {:5} {:6.1f} {:5.1f} {:5.1f} {:5.1f} {:5.1f}\n", ttl,
                    hop.from.empty() ? "???" : hop.from.front(), hop.lost_percent(), hop.sent,
                    hop.last_ms, hop.mean_ms, hop.best_ms, hop.worst_ms, hop.deviation_ms());
    for (size_t i = 1; i < hop.from.size(); ++i)
        out += fmt::format("    |  `|-- {}\n", hop.from[i]);
    return out;
}

std::string MtrReport::table(const std::string& host) const {
    std::string out = fmt::format("HOST: {:<27} {:>6} {:>5} {:>6} {:>5} {:>5} {:>5} {:>5}\n", host,
                                  "Loss%", "Snt", "Last", "Avg", "Best", "Wrst", "StDev");
    for (const auto& [ttl, hop] : hops_)
        if (ttl <= shown_hops()) out += row(ttl, hop);
    return out;
}

Json MtrReport::json() const {
    Json hops = Json::array();
    for (const auto& [ttl, hop] : hops_)
        if (ttl <= shown_hops())
            hops.push_back({{"ttl", ttl},
                            {"from", hop.from},
                            {"sent", hop.sent},
                            {"received", hop.received},
                            {"loss_percent", hop.lost_percent()},
                            {"last_ms", hop.last_ms},
                            {"avg_ms", hop.mean_ms},
                            {"best_ms", hop.best_ms},
                            {"worst_ms", hop.worst_ms},
                            {"stdev_ms", hop.deviation_ms()}});
    return {{"to", to_}, {"reached", reached_}, {"hops", hops}};
}

}  // namespace vethway::cli
