// SPDX-License-Identifier: Apache-2.0
// What the kernel has on the interfaces of our network namespace. Control thread.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace vethway {

std::vector<std::string> ethernet_interfaces();  // by index; without lo
std::vector<Prefix4> kernel_addresses(const std::string& interface);
// Those of the main table that leave by the interface and by a gateway; as /proc/net/route has
// them.
std::vector<RouteConfig> kernel_routes(const std::string& interface);

}  // namespace vethway
