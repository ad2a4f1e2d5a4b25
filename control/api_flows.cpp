// SPDX-License-Identifier: Apache-2.0
// The API's samples of who speaks to whom, for `vethway top`.
#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "control/api.h"
#include "control/json_body.h"
#include "control/watch/flows.h"
#include "control/watch/watching.h"
#include "dataplane/net/headers.h"

namespace vethway {

namespace {

// A look of a fifth of a second at each sixteenth packet: what a second has is eighty times that.
constexpr std::chrono::milliseconds kLook{200}, kTurn{10};
constexpr uint32_t kOneIn = 16;
constexpr uint64_t kPerSecond = kOneIn * (1000 / kLook.count());
constexpr uint16_t kHeaders = 100;  // Ethernet, two tags, IPv4 with options, ports

std::string protocol_name(uint8_t protocol) {
    switch (protocol) {
        case kProtocolIcmp:
            return "icmp";
        case kProtocolTcp:
            return "tcp";
        case kProtocolUdp:
            return "udp";
        case kProtocolSctp:
            return "sctp";
        default:
            return fmt::format("{}", protocol);
    }
}

Flows sample(EventLoop& loop, Controller& controller) {
    Watching watching(loop, controller, [](Controller&) {
        return WatchOptions{.steps = bit(Step::received), .snaplen = kHeaders, .one_in = kOneIn};
    });
    Flows flows;
    const auto until = std::chrono::steady_clock::now() + kLook;
    while (std::chrono::steady_clock::now() < until) {
        std::this_thread::sleep_for(kTurn);
        for (const NotedStep& s : watching.take(SIZE_MAX))
            if (const auto key = flow_of(s.frame)) {
                FlowSample& of = flows[*key];
                ++of.packets;
                of.bytes += s.record.length;
            }
    }
    return flows;
}

}  // namespace

void Api::add_flows() {
    routes_.Get("/v1/flows", guarded([this](const Request&, httplib::Response& response) {
                    Json flows = Json::array();
                    for (const auto& [key, of] : sample(loop_, controller_))
                        flows.push_back({{"src", key.src.to_string()},
                                         {"dst", key.dst.to_string()},
                                         {"protocol", protocol_name(key.protocol)},
                                         {"src_port", key.source_port},
                                         {"dst_port", key.target_port},
                                         {"packets", of.packets * kPerSecond},
                                         {"bytes", of.bytes * kPerSecond}});
                    response.set_content(line_of({{"one_in", kOneIn}, {"flows", flows}}),
                                         "application/json");
                }));
}

}  // namespace vethway
