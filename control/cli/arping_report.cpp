// SPDX-License-Identifier: Apache-2.0
#include "control/cli/arping_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "control/cli/show.h"

namespace vethway::cli {

static std::string capital(std::string mac) {
    std::ranges::transform(mac, mac.begin(), [](unsigned char c) {
        return static_cast<char>(c >= 'a' && c <= 'f' ? c - 'a' + 'A' : c);
    });
    return mac;
}

std::string ArpingReport::add(const Json& event) {
    const auto what = event["event"].get<std::string>();
    if (what == "begin") {
        from_ = event["from"].get<std::string>();
        mac_ = event["mac"].get<std::string>();
        port_ = event["port"].get<std::string>();
        return fmt::format("ARPING {} from {} {}\n", to_, from_, port_);
    }
    if (what == "sent") {
        ++sent_;
        sent_to_all_ += event["broadcast"].get<bool>() ? 1U : 0U;
        return {};
    }
    if (what == "reply") return reply(event);
    return fmt::format("not sent: {}\n", text_of(event["text"]));
}

std::string ArpingReport::reply(const Json& event) {
    const bool request = event["operation"] == "request",
               broadcast = event["broadcast"].get<bool>();
    ++received_;
    requests_ += request ? 1U : 0U;
    broadcasts_ += broadcast ? 1U : 0U;
    answers_.push_back(event);
    // To whom else it was sent.
    std::string to;
    if (event["target"] != from_) to = fmt::format("for {} ", text_of(event["target"]));
    if (event["target_mac"] != mac_)
        to += fmt::format("{}[{}]", to.empty() ? "for " : "",
                          capital(event["target_mac"].get<std::string>()));
    return fmt::format("{} {} from {} [{}] {} {:.3f}ms\n", broadcast ? "Broadcast" : "Unicast",
                       request ? "request" : "reply", text_of(event["from"]),
                       capital(event["mac"].get<std::string>()), to, event["rtt_ms"].get<double>());
}

std::string ArpingReport::summary() const {
    std::string out = fmt::format("Sent {} probes ({} broadcast(s))\nReceived {} response(s)",
                                  sent_, sent_to_all_, received_);
    std::string kinds;
    if (requests_ > 0) kinds = fmt::format("{} request(s)", requests_);
    if (broadcasts_ > 0)
        kinds += fmt::format("{}{} broadcast(s)", kinds.empty() ? "" : ", ", broadcasts_);
    return out + (kinds.empty() ? "" : " (" + kinds + ")") + '\n';
}

Json ArpingReport::json() const {
    return {{"to", to_},
            {"from", from_},
            {"port", port_},
            {"transmitted", sent_},
            {"broadcasts", sent_to_all_},
            {"received", received_},
            {"answers", answers_}};
}

int ArpingReport::exit_status() const {
    if (wish_ == ArpingWish::announcement) return 0;
    return (received_ > 0) == (wish_ == ArpingWish::answer) ? 0 : 1;
}

}  // namespace vethway::cli
