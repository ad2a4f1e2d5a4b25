// SPDX-License-Identifier: Apache-2.0
#include "config/names.h"

#include <algorithm>

#include "config/config.h"

namespace vethway {

static_assert(std::variant_size_v<PortDriver> == kDriverNames.size());

const char* driver_name(const PortDriver& driver) noexcept { return kDriverNames[driver.index()]; }

const NeighbourPortConfig& NeighbourTableConfig::of(const std::string& port) const {
    const auto found = std::ranges::find(ports, port, &NeighbourPortKnobs::port);
    return found == ports.end() ? all : found->knobs;
}

}  // namespace vethway
