// SPDX-License-Identifier: Apache-2.0
#include "config/names.h"

#include <algorithm>

#include "config/config.h"

namespace vethway {

static_assert(std::variant_size_v<PortDriver> == kDriverNames.size() + 2);

const char* driver_name(const PortDriver& driver) noexcept {
    if (driver.index() < kDriverNames.size()) return kDriverNames[driver.index()];
    return std::holds_alternative<LagPortConfig>(driver) ? "lag" : "bridge";
}

std::vector<PortConfig> all_ports(const Config& config) {
    std::vector<PortConfig> ports = config.ports;
    for (const LagConfig& lag : config.lags) ports.push_back(lag.port);
    for (const BridgeConfig& bridge : config.bridges) ports.push_back(bridge.port);
    return ports;
}

const NeighbourPortConfig& NeighbourTableConfig::of(const std::string& port) const {
    const auto found = std::ranges::find(ports, port, &NeighbourPortKnobs::port);
    return found == ports.end() ? all : found->knobs;
}

}  // namespace vethway
