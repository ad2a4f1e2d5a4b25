// SPDX-License-Identifier: Apache-2.0
// The last drops, as the flight recorders have them.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "control/json_views.h"
#include "control/packet_words.h"
#include "control/watch/wall_clock.h"

namespace vethway {

namespace {

std::string time_of(uint64_t unix_ns) {
    const auto seconds = static_cast<time_t>(unix_ns / 1'000'000'000);
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(seconds),
                       unix_ns / 1000 % 1'000'000);
}

std::string hex(std::span<const std::byte> bytes) {
    std::string text;
    for (const std::byte b : bytes) text += fmt::format("{:02x}", std::to_integer<unsigned>(b));
    return text;
}

Json json_of(const DropRecord& r, const std::string& port, const WallClock& clock) {
    const DropInfo& why = kDropInfo[static_cast<size_t>(r.reason)];
    return {{"time", time_of(clock.ns(r.tsc))},
            {"port", port},
            {"stage", why.stage},
            {"reason", why.name},
            {"length", r.length},
            {"packet", describe_frame(r.frame(), r.length)},
            {"bytes", hex(r.frame())},
            {"more", r.more}};  // like it, of which there are no records
}

}  // namespace

Json last_drops_view(Controller& controller, const LastDrops& wanted) {
    const Ports& ports = controller.ports();
    std::vector<DropRecord> found;
    for (const auto& recorder : controller.dataplane().recorders())
        for (const DropRecord& r : recorder->records())
            if ((!wanted.reason || *wanted.reason == r.reason) &&
                (wanted.port.empty() || wanted.port == ports.name_at(r.port, r.tsc)))
                found.push_back(r);
    std::ranges::stable_sort(found, {}, &DropRecord::tsc);
    if (found.size() > wanted.n)
        found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(wanted.n));
    const WallClock clock;
    Json out = Json::array();
    for (const DropRecord& r : found)
        out.push_back(json_of(r, ports.name_at(r.port, r.tsc), clock));
    return {{"drops", out}, {"flight_recorder", controller.config().dataplane.flight_recorder}};
}

}  // namespace vethway
