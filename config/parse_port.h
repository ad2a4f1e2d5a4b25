// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.h"
#include "config/field.h"

namespace vethway {

inline constexpr const char* kMacForm = "a MAC like 02:00:00:00:00:01";

inline constexpr const char* kVlanTagForm = "802.1q or 802.1ad";
// "802.1q" or "802.1ad".
std::optional<VlanTagKind> parse_vlan_tag(std::string_view text);

// What IP has of a port, whatever moves its frames: mac, mtu, addresses, admin and the knobs.
void parse_ip_side(const Field& f, PortConfig& port);

// One entry of `ports`; what could not be read keeps its default, with a problem in the document.
PortConfig parse_port(const Field& f);

}  // namespace vethway
