// SPDX-License-Identifier: Apache-2.0
#include "config/nexthops.h"

#include <algorithm>

namespace vethway {

static const NexthopConfig* nexthop_named(const Config& config, uint32_t id) {
    const auto found = std::ranges::find(config.nexthops, id, &NexthopConfig::id);
    return found == config.nexthops.end() ? nullptr : &*found;
}

RouteConfig resolved(const Config& config, const RouteConfig& route) {
    if (!route.nhid) return route;
    RouteConfig out = route;
    const NexthopConfig* nexthop = nexthop_named(config, *route.nhid);
    if (nexthop == nullptr) return out;
    if (nexthop->hop) out.next_hops.push_back(*nexthop->hop);
    for (const NexthopMember& member : nexthop->group) {
        const NexthopConfig* one = nexthop_named(config, member.id);
        if (one == nullptr || !one->hop) continue;
        out.next_hops.push_back(*one->hop);
        out.next_hops.back().weight = member.weight;
    }
    if (!nexthop->hop && nexthop->group.empty()) out.action = RouteAction::blackhole;
    return out;
}

RouteScope scope_of(const RouteConfig& route) {
    if (route.scope) return *route.scope;
    const bool single = route.next_hops.size() == 1 && !route.nhid;
    return single && !route.next_hops[0].via ? RouteScope::link : RouteScope::global;
}

bool is_on_link(const RouteConfig& route) {
    return route.action == RouteAction::forward && route.next_hops.size() == 1 &&
           !route.next_hops[0].via && route.next_hops[0].port &&
           scope_of(route) != RouteScope::global;
}

}  // namespace vethway
