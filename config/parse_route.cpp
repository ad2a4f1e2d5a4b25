// SPDX-License-Identifier: Apache-2.0
#include "config/parse_route.h"

#include "config/field.h"
#include "config/names.h"
#include "config/parse.h"

namespace vethway {

namespace {

NextHopConfig parse_next_hop(const Field& f) {
    NextHopConfig hop;
    if (const auto via = f.find("via")) hop.via = via->as(Ip4::parse, "an IPv4 address");
    if (const auto port = f.find("port")) hop.port = port->text();
    if (const auto weight = f.find("weight")) assign(hop.weight, weight->number(1, 256));
    if (const auto onlink = f.find("onlink")) assign(hop.onlink, onlink->boolean());
    if (!f.find("via") && !f.find("port")) f.fail("a next hop needs via, port or both");
    return hop;
}

std::optional<Prefix4> parse_to(const Field& f) {
    const auto text = f.text();
    if (!text) return std::nullopt;
    try {
        return parse_route_prefix(*text);
    } catch (const std::invalid_argument& e) {
        f.fail(e.what());
        return std::nullopt;
    }
}

RouteAction parse_action(const Field& f) {
    const auto action = f.as<RouteAction>(
        [](auto t) -> std::optional<RouteAction> {
            const auto a = enum_named<RouteAction>(kRouteActionNames, t);
            return a == RouteAction::forward ? std::nullopt : a;
        },
        "blackhole, unreachable, prohibit or throw");
    return action.value_or(RouteAction::forward);
}

void parse_next_hops(const Field& f, RouteConfig& route) {
    const std::vector<Field> items = f.items();
    for (const Field& hop : items)
        if (hop.is_map_of({"via", "port", "weight", "onlink"}))
            route.next_hops.push_back(parse_next_hop(hop));
    if (items.empty() && (f.is_list() || f.is_null())) f.fail("expected at least one next hop");
}

// A number like `id`, of a group's member alone or with its weight.
NexthopMember parse_group_member(const Field& f) {
    NexthopMember member;
    if (!f.is_map()) {
        assign(member.id, f.number(1, UINT32_MAX));
        return member;
    }
    if (!f.is_map_of({"id", "weight"})) return member;
    if (const auto id = f.require("id")) assign(member.id, id->number(1, UINT32_MAX));
    if (const auto weight = f.find("weight")) assign(member.weight, weight->number(1, 256));
    return member;
}

}  // namespace

std::optional<RouteConfig> parse_route(const Field& f) {
    if (!f.is_map_of({"to", "via", "port", "onlink", "nexthops", "nhid", "metric", "action", "src",
                      "scope"}))
        return std::nullopt;
    RouteConfig route;
    const auto to = f.require("to");
    const auto prefix = to ? parse_to(*to) : std::nullopt;
    if (const auto metric = f.find("metric")) assign(route.metric, metric->number(0, UINT32_MAX));
    if (const auto src = f.find("src")) route.src = src->as(Ip4::parse, "an IPv4 address");
    if (const auto scope = f.find("scope"))
        route.scope = scope->as<RouteScope>(
            [](auto t) { return enum_named<RouteScope>(kRouteScopeNames, t); },
            "global, link or host");
    const bool short_form = f.find("via") || f.find("port");
    const auto action = f.find("action"), hops = f.find("nexthops"), nhid = f.find("nhid");
    if (int{short_form} + int{action.has_value()} + int{hops.has_value()} + int{nhid.has_value()} !=
        1) {
        f.fail("a route needs one of: via or port; nexthops; nhid; action");
        return std::nullopt;
    }
    if (!short_form && f.find("onlink"))
        f.fail("onlink belongs to a next hop, beside via and port");
    if (short_form) route.next_hops.push_back(parse_next_hop(f));
    if (action) route.action = parse_action(*action);
    if (hops) parse_next_hops(*hops, route);
    if (nhid) route.nhid = nhid->number(1, UINT32_MAX);
    if (!prefix) return std::nullopt;
    route.to = *prefix;
    return route;
}

NexthopConfig parse_nexthop(const Field& f) {
    NexthopConfig nexthop;
    if (!f.is_map_of({"id", "via", "port", "onlink", "group", "blackhole"})) return nexthop;
    // First, so that who goes by it is not told that there is none, whatever is wrong with the
    // rest.
    if (const auto id = f.require("id")) assign(nexthop.id, id->number(1, UINT32_MAX));
    const bool hop = f.find("via") || f.find("port");
    const auto group = f.find("group"), blackhole = f.find("blackhole");
    if (int{hop} + int{group.has_value()} + int{blackhole.has_value()} != 1) {
        f.fail("a next hop with an id needs one of: via or port; group; blackhole: true");
        return nexthop;
    }
    if (!hop && f.find("onlink")) f.fail("onlink belongs beside via and port");
    if (hop) nexthop.hop = parse_next_hop(f);
    if (blackhole && blackhole->boolean() == false)
        blackhole->fail("expected true, or no such key");
    if (group) {
        const std::vector<Field> members = group->items();
        for (const Field& member : members) nexthop.group.push_back(parse_group_member(member));
        if (members.empty() && (group->is_list() || group->is_null()))
            group->fail("expected at least one id");
    }
    return nexthop;
}

MultipathConfig parse_multipath(const Field& f) {
    MultipathConfig c;
    if (!f.is_map_of(
            {"fib_multipath_hash_policy", "fib_multipath_use_neigh", "fib_multipath_hash_seed"}))
        return c;
    if (const auto policy = f.find("fib_multipath_hash_policy"))
        assign(c.fib_multipath_hash_policy, policy->number(0, 1));
    if (const auto use = f.find("fib_multipath_use_neigh"))
        assign(c.fib_multipath_use_neigh, use->boolean());
    if (const auto seed = f.find("fib_multipath_hash_seed"))
        assign(c.fib_multipath_hash_seed, seed->number(0, UINT32_MAX));
    return c;
}

}  // namespace vethway
