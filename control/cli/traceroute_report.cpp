// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "control/cli/hops.h"
#include "control/cli/show.h"

namespace vethway::cli {

std::string error_note(const Json& event) {
    if (event["event"] != "error" || event["type"] != 3) return {};
    switch (event["code"].get<unsigned>()) {
        case 0:
        case 6:
        case 8:
        case 11:
            return "!N";
        case 1:
        case 7:
        case 12:
            return "!H";
        case 2:
            return "!P";
        case 3:
            return {};  // what a UDP probe is for
        case 4:
            return fmt::format("!F-{}", text_of(event["mtu"]));
        case 5:
            return "!S";
        case 9:
        case 10:
        case 13:
            return "!X";
        case 14:
            return "!V";
        case 15:
            return "!C";
        default:
            return fmt::format("!<{}>", text_of(event["code"]));
    }
}

std::string TracerouteReport::begin() const {
    return fmt::format("traceroute to {} ({}), {} hops max, {} byte packets\n", settings_.to,
                       settings_.to, settings_.max_ttl, settings_.packet_bytes);
}

std::string TracerouteReport::add(const Json& event) {
    const auto what = event["event"].get<std::string>();
    if (what == "begin" || what == "sent") return {};
    const auto ttl = event["probe_ttl"].get<unsigned>();
    Hop& hop = hops_[ttl];
    const auto [at, is_new] = hop.try_emplace(event["sequence"].get<unsigned>());
    if (!is_new) return {};  // it was given up, or has come twice
    if (what == "not_sent") at->second.note = text_of(event["text"]);
    if (what == "reply" || what == "error") {
        at->second = {.lost = false,
                      .from = event["from"].get<std::string>(),
                      .note = error_note(event),
                      .rtt_ms = event["rtt_ms"].get<double>()};
        const bool there = at->second.from == settings_.to;
        if (there) reached_ = true;
        const bool passes = what == "error" && event["type"] == 11;
        if (!passes && (!last_ttl_ || ttl < *last_ttl_)) last_ttl_ = ttl;
    }
    return told_hops(false);
}

std::string TracerouteReport::told_hops(bool all) {
    std::string out;
    while (next_ttl_ <= last_ttl_.value_or(settings_.max_ttl)) {
        const auto hop = hops_.find(next_ttl_);
        const size_t known = hop == hops_.end() ? 0 : hop->second.size();
        const bool beyond = hops_.empty() || next_ttl_ > hops_.rbegin()->first;
        if (known < settings_.queries && (!all || beyond)) break;
        out += line_of(next_ttl_++, hop == hops_.end() ? Hop{} : hop->second);
    }
    return out;
}

std::string TracerouteReport::end() { return told_hops(true); }

std::string TracerouteReport::line_of(unsigned ttl, const Hop& hop) const {
    std::string out = fmt::format("{:2} ", ttl);
    std::string before;
    for (const auto& [sequence, answer] : hop) {
        if (answer.lost) {
            out += answer.note.empty() ? " *" : " (not sent: " + answer.note + ')';
            continue;
        }
        if (answer.from != before)
            out += settings_.numeric ? ' ' + answer.from
                                     : fmt::format(" {} ({})", answer.from, answer.from);
        before = answer.from;
        out += fmt::format("  {:.3f} ms", answer.rtt_ms);
        if (!answer.note.empty()) out += ' ' + answer.note;
    }
    return out + '\n';
}

Json TracerouteReport::json() const {
    Json hops = Json::array();
    for (const auto& [ttl, hop] : hops_) {
        if (ttl > last_ttl_.value_or(settings_.max_ttl)) break;
        Json answers = Json::array();
        for (const auto& [sequence, answer] : hop)
            answers.push_back(answer.lost ? Json{{"from", nullptr}}
                                          : Json{{"from", answer.from},
                                                 {"rtt_ms", answer.rtt_ms},
                                                 {"note", answer.note}});
        hops.push_back({{"ttl", ttl}, {"answers", answers}});
    }
    return {{"to", settings_.to}, {"reached", reached_}, {"hops", hops}};
}

}  // namespace vethway::cli
