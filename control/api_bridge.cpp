// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "control/api_edit.h"
#include "control/json_body.h"

namespace vethway {

namespace {

StaticStation station_of(const Json& body) {
    check_keys(body, {"mac", "port", "vlan"});
    return {.mac = required_mac(body, "mac"),
            .port = required_text(body, "port"),
            .vlan = static_cast<uint16_t>(number_of(body, "vlan", 1, kMaxVlan).value_or(0))};
}

std::string words_of(const StaticStation& s) {
    return "station " + s.mac.to_string() + " port " + s.port +
           (s.vlan == 0 ? "" : " vlan " + std::to_string(s.vlan));
}

}  // namespace

Json add_station(Controller& controller, const Json& body) {
    const StaticStation station = station_of(body);
    return edit_entry(controller, words_of(station), [&](Config& next) {
        BridgeConfig& bridge = bridge_with(next, station.port);
        const size_t before = bridge.stations.size();
        std::erase_if(bridge.stations, [&](const StaticStation& s) {
            return s.mac == station.mac && s.vlan == station.vlan;
        });
        const bool replaced = bridge.stations.size() != before;
        bridge.stations.push_back(station);
        return replaced ? "replaced" : "added";
    });
}

Json delete_station(Controller& controller, const Json& body) {
    const StaticStation station = station_of(body);
    const auto same = [&](const StaticStation& s) { return s == station; };
    const BridgeConfig* bridge = controller.ports().bridges().of_member(station.port);
    if (bridge == nullptr)
        throw ApiRefusal(404, "port \"" + station.port + "\" is a member of no bridge");
    if (std::ranges::any_of(bridge->stations, same))
        return edit_entry(controller, words_of(station), [&](Config& next) {
            std::erase_if(bridge_with(next, station.port).stations, same);
            return "removed";
        });
    // A learned one: forgotten, and learned again if it speaks.
    const StationFilter filter{.port = station.port, .vlan = station.vlan, .mac = station.mac};
    if (controller.ports().bridges().flush(controller.ports(), filter) == 0)
        throw ApiRefusal(404, "there is no " + words_of(station));
    return {{"changes", {words_of(station) + " removed"}}};
}

Json flush_stations(Controller& controller, const Json& body) {
    check_keys(body, {"bridge", "port", "vlan"});
    StationFilter filter;
    filter.port = text_of(body, "port").value_or("");
    filter.bridge = text_of(body, "bridge").value_or("");
    filter.vlan = static_cast<uint16_t>(number_of(body, "vlan", 1, kMaxVlan).value_or(0));
    const Bridges& bridges = controller.ports().bridges();
    if (!filter.port.empty() && bridges.of_member(filter.port) == nullptr)
        throw ApiRefusal(404, "port \"" + filter.port + "\" is a member of no bridge");
    if (!filter.bridge.empty() && std::ranges::none_of(bridges.all(), [&](const BridgeConfig& b) {
            return b.port.name == filter.bridge;
        }))
        throw ApiRefusal(404, "there is no bridge \"" + filter.bridge + '"');
    return {{"flushed", controller.ports().bridges().flush(controller.ports(), filter)}};
}

// Opens a member that BPDU guard or the detection of loops has shut.
Json recover_member(Controller& controller, const Json& body) {
    check_keys(body, {"port"});
    const std::string port = required_text(body, "port");
    const Bridges& bridges = controller.ports().bridges();
    if (bridges.of_member(port) == nullptr)
        throw ApiRefusal(404, "port \"" + port + "\" is a member of no bridge");
    if (!controller.spanning_trees().recover(port) && !controller.loop_watch().recover(port))
        throw ApiRefusal(409, "port " + port + " is not shut");
    return {{"changes", {"port " + port + " opened"}}};
}

// Has it ask a neighbour that spoke the old protocol whether it knows the new one.
Json migrate_member(Controller& controller, const Json& body) {
    check_keys(body, {"port"});
    const std::string port = required_text(body, "port");
    if (!controller.spanning_trees().migrate(port))
        throw ApiRefusal(409, "port \"" + port + "\" is a member of no bridge with stp: rstp");
    return {{"changes", {"port " + port + " speaks RSTP, and hears what its neighbour says"}}};
}

}  // namespace vethway
