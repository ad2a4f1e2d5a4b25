// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>

#include "config/link_map.h"
#include "config/problem.h"

namespace vethway {

// What routes are checked against.
struct RouteSurroundings {
    const Config& config;
    const std::set<std::string>& ports;     // their names
    const std::map<Ip4, std::string>& own;  // our addresses -> their ports
    const LinkMap& subnets;                 // of the ports
};

// Appends what is wrong with the configuration's next hops and routes to `problems`.
void find_route_problems(const RouteSurroundings& around, std::vector<Problem>& problems);

}  // namespace vethway
