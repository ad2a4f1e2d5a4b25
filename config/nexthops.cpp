// SPDX-License-Identifier: Apache-2.0
#include "config/nexthops.h"

namespace vethway {

Nexthops::Nexthops(const Config& config) {
    for (const NexthopConfig& nexthop : config.nexthops) by_id_.emplace(nexthop.id, &nexthop);
}

const NexthopConfig* Nexthops::find(uint32_t id) const {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : found->second;
}

RouteConfig Nexthops::resolved(const RouteConfig& route) const {
    RouteConfig out = route;
    const NexthopConfig* nexthop = route.nhid ? find(*route.nhid) : nullptr;
    if (nexthop == nullptr) return out;
    if (nexthop->hop) out.next_hops.push_back(*nexthop->hop);
    for (const NexthopMember& member : nexthop->group) {
        const NexthopConfig* one = find(member.id);
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
