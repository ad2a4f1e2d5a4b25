// SPDX-License-Identifier: Apache-2.0
#include "config/link_map.h"

#include "config/nexthops.h"

namespace vethway {

void LinkMap::add_routes(const std::vector<RouteConfig>& routes) {
    for (const RouteConfig& route : routes)
        if (is_on_link(route)) add(route.to, *route.next_hops[0].port);
}

const std::string* LinkMap::port_of(Ip4 ip) const {
    for (uint8_t length = 33; length-- > 0;) {
        const auto found = by_length_[length].find(ip.value & Prefix4::mask(length));
        if (found != by_length_[length].end()) return &found->second;
    }
    return nullptr;
}

}  // namespace vethway
