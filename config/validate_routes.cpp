// SPDX-License-Identifier: Apache-2.0
#include "config/validate_routes.h"

#include <algorithm>

#include "config/names.h"
#include "config/nexthops.h"

namespace vethway {

namespace {

class RouteChecker : private ProblemFinder {
public:
    RouteChecker(const RouteSurroundings& around, std::vector<Problem>& problems)
        : ProblemFinder(problems),
          around_(around),
          config_(around.config),
          nexthops_(around.config),
          links_(around.subnets) {
        links_.add_routes(config_.routes);
    }

    void run() {
        if (config_.nexthops.size() > kMaxNexthops)
            add("nexthops", "more than " + std::to_string(kMaxNexthops) + " next hops");
        if (config_.routes.size() > kMaxRoutes)
            add("routes", "more than " + std::to_string(kMaxRoutes) + " routes");
        for (size_t i = 0; i < config_.nexthops.size(); ++i) check_nexthop(i);
        for (size_t i = 0; i < config_.routes.size(); ++i) check_route(i);
    }

private:
    void check_nexthop(size_t i) {
        const NexthopConfig& n = config_.nexthops[i];
        const std::string path = indexed("nexthops", i);
        if (n.id == 0) add(path + ".id", "expected a number from 1 on");
        if (!ids_.insert(n.id).second)
            add(path + ".id", "another next hop has id " + std::to_string(n.id));
        if (n.hop && !n.group.empty()) add(path, "a next hop is one or a group");
        if (n.hop) check_next_hop(*n.hop, path);
        if (n.group.size() > kMaxNextHops)
            add(path + ".group", "more than " + std::to_string(kMaxNextHops) + " next hops");
        std::set<uint32_t> members;
        for (size_t m = 0; m < n.group.size(); ++m) {
            const std::string at = indexed(path + ".group", m);
            const std::string name = "next hop " + std::to_string(n.group[m].id);
            const NexthopConfig* one = nexthops_.find(n.group[m].id);
            if (one == nullptr)
                add(at, "there is no next hop with id " + std::to_string(n.group[m].id));
            else if (!one->hop)
                add(at, name + " is no single one with a port");
            if (!members.insert(n.group[m].id).second) add(at, name + " is in the group already");
        }
    }

    void check_route(size_t i) {
        const RouteConfig& route = config_.routes[i];
        const std::string path = indexed("routes", i);
        if (route.to != route.to.network())
            add(path + ".to", route.to.to_string() + " has host bits set");
        if (route.nhid && nexthops_.find(*route.nhid) == nullptr)
            return add(path + ".nhid",
                       "there is no next hop with id " + std::to_string(*route.nhid));
        const RouteConfig full = nexthops_.resolved(route);
        if ((full.action == RouteAction::forward) == full.next_hops.empty())
            return add(path, "a route has either next hops or an action");
        if (!routes_.emplace(route.to, route.metric).second)
            add(path + ".to", "another route to " + route.to.to_string() + " has metric " +
                                  std::to_string(route.metric));
        if (route.next_hops.size() > kMaxNextHops)
            add(path + ".nexthops", "more than " + std::to_string(kMaxNextHops) + " next hops");
        check_scope(full, path);
        if (route.src && !around_.own.contains(*route.src))
            add_following(path + ".src", route.src->to_string() + " is no address of ours");
        const bool alone = route.next_hops.size() == 1;
        for (size_t h = 0; h < route.next_hops.size(); ++h)
            check_next_hop(route.next_hops[h], alone ? path : indexed(path + ".nexthops", h));
    }

    // Linux fib_create_info, fib_check_nh: a gateway is nearer than what is behind it.
    void check_scope(const RouteConfig& route, const std::string& path) {
        if (!route.scope || *route.scope == RouteScope::global) return;
        const std::string scope = kRouteScopeNames[static_cast<size_t>(*route.scope)];
        if (std::ranges::any_of(route.next_hops,
                                [](const NextHopConfig& hop) { return hop.via.has_value(); }))
            add(path + ".scope", "a route of scope " + scope + " has no gateway");
        else if (*route.scope == RouteScope::host && route.next_hops.size() > 1)
            add(path + ".scope", "a route of scope host has one next hop");
    }

    void check_next_hop(const NextHopConfig& hop, const std::string& path) {
        if (hop.port && !around_.ports.contains(*hop.port))
            return add_following(path + ".port", "there is no port \"" + *hop.port + '"');
        if (!hop.via) {
            if (!hop.port) add_following(path, "a next hop needs via, port or both");
            if (hop.onlink) add(path + ".onlink", "needs via");
            return;
        }
        const std::string via = hop.via->to_string();
        if (const auto own = around_.own.find(*hop.via); own != around_.own.end())
            return add_following(path + ".via",
                                 via + " is our own address, on port " + own->second);
        if (hop.onlink) return check_onlink(hop, path);
        const std::string* on = links_.port_of(*hop.via);
        if (on == nullptr)
            add_following(path + ".via", via + " is in no port's subnet");
        else if (hop.port && *hop.port != *on)
            add_following(path + ".via",
                          via + " is in port " + *on + "'s subnet, not in " + *hop.port + "'s");
    }

    void check_onlink(const NextHopConfig& hop, const std::string& path) {
        const std::string via = hop.via->to_string();
        if (!hop.port) add(path + ".onlink", "needs port: on whose link is " + via);
        if (hop.via->is_this_network() || hop.via->is_loopback() || hop.via->is_multicast() ||
            hop.via->is_reserved())
            add(path + ".via", via + " can't be a gateway's address");
    }

    const RouteSurroundings& around_;
    const Config& config_;
    const Nexthops nexthops_;
    LinkMap links_;
    std::set<uint32_t> ids_;
    std::set<std::pair<Prefix4, uint32_t>> routes_;
};

}  // namespace

void find_route_problems(const RouteSurroundings& around, std::vector<Problem>& problems) {
    RouteChecker(around, problems).run();
}

}  // namespace vethway
