// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.h"
#include "config/field.h"

namespace vethway {

// One entry of `bridges`; what could not be read keeps its default, with a problem in the document.
BridgeConfig parse_bridge(const Field& f);

// "10" or "20-29". Nothing unless both are from 1 to 4094, and in order.
std::optional<VlanRange> parse_vlan_range(std::string_view text);

}  // namespace vethway
