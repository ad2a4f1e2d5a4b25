// SPDX-License-Identifier: Apache-2.0
#include "control/rib.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "config/link_map.h"
#include "config/nexthops.h"

namespace vethway {

namespace {

class RouteBuilder {
public:
    RouteBuilder(const Config& config, const Ports& ports) : nexthops_(config), ports_(ports) {
        for (const auto& [name, port] : ports.all())
            for (const Prefix4& address : port.config.addresses) links_.add(address, name);
        links_.add_routes(config.routes);
    }

    void add_port(const ManagedPort& port) {
        if (!port.config.admin_up) return;
        for (const Prefix4& address : port.config.addresses) add_address(port, address);
    }

    void add_configured(const RouteConfig& written) {
        const RouteConfig config = nexthops_.resolved(written);
        RibRoute route{.to = config.to,
                       .action = config.action,
                       .metric = config.metric,
                       .source = config.src,
                       .scope = scope_of(config),
                       .nhid = config.nhid};
        for (const NextHopConfig& hop : config.next_hops) {
            const ManagedPort* port = hop.port ? ports_.find(*hop.port) : port_towards(*hop.via);
            route.hops.push_back({.via = hop.via,
                                  .port = port != nullptr ? port->config.name : "",
                                  .weight = hop.weight,
                                  .onlink = hop.onlink,
                                  .up = port != nullptr && port->up()});
        }
        routes_.push_back(std::move(route));
    }

    // Of each prefix the first that can be used becomes active.
    std::vector<RibRoute> finish() {
        std::ranges::stable_sort(
            routes_, {}, [](const RibRoute& r) { return std::tuple(r.to, r.metric, r.origin); });
        const RibRoute* used = nullptr;
        for (RibRoute& route : routes_) {
            const bool rival = used != nullptr && used->to == route.to;
            route.inactive_reason = rival ? "another route to it goes before" : obstacle(route);
            route.active = route.inactive_reason.empty();
            if (route.active) used = &route;
        }
        return std::move(routes_);
    }

private:
    void add_address(const ManagedPort& port, const Prefix4& address) {
        const std::vector<RibHop> on_link{
            {.via = {}, .port = port.config.name, .weight = 1, .up = port.up()}};
        const auto add = [&](const Prefix4& to, RouteOrigin origin) {
            routes_.push_back(
                {.to = to,
                 .origin = origin,
                 .hops = on_link,
                 .source = address.address,
                 .scope = origin == RouteOrigin::local ? RouteScope::host : RouteScope::link});
        };
        add({address.address, 32}, RouteOrigin::local);
        if (address.length < 32) add(address.network(), RouteOrigin::connected);
        // The lowest address is a host's like any other (Linux since 5.14, fib_add_ifaddr).
        if (const auto broadcast = address.broadcast())
            add({*broadcast, 32}, RouteOrigin::broadcast);
    }

    // On whose link `via` is, by the longest prefix.
    const ManagedPort* port_towards(Ip4 via) const {
        const std::string* port = links_.port_of(via);
        return port == nullptr ? nullptr : ports_.find(*port);
    }

    // Why the route can't be used; "" if it can.
    static std::string obstacle(const RibRoute& route) {
        if (route.origin == RouteOrigin::local || route.origin == RouteOrigin::broadcast ||
            route.action != RouteAction::forward)
            return "";
        if (std::ranges::any_of(route.hops, &RibHop::up)) return "";
        const RibHop& first = route.hops.front();
        if (!first.port.empty()) return "port " + first.port + " is down";
        return first.via ? "no port has " + first.via->to_string() + " on its link"
                         : "no such port";
    }

    const Nexthops nexthops_;
    LinkMap links_;
    const Ports& ports_;
    std::vector<RibRoute> routes_;
};

RouteType entry_type(const RibRoute& route) {
    if (route.origin == RouteOrigin::local) return RouteType::local;
    if (route.origin == RouteOrigin::broadcast) return RouteType::broadcast;
    switch (route.action) {
        case RouteAction::blackhole:
            return RouteType::blackhole;
        case RouteAction::unreachable:
            return RouteType::unreachable;
        case RouteAction::prohibit:
            return RouteType::prohibit;
        case RouteAction::thrown:
            return RouteType::none;
        default:
            return RouteType::forward;
    }
}

// What workers need of an active route: the next hops that are up, each with its share of the
// hashes.
RouteEntry entry_of(const RibRoute& route, const Ports& ports) {
    RouteEntry entry{.type = entry_type(route)};
    const bool forward = entry.type == RouteType::forward;
    if (route.origin == RouteOrigin::configured) entry.source = route.source.value_or(Ip4{});
    uint64_t weights = 0, so_far = 0;
    for (const RibHop& hop : route.hops) weights += hop.up || !forward ? hop.weight : 0U;
    for (const RibHop& hop : route.hops) {
        if (forward && !hop.up) continue;
        so_far += hop.weight;
        entry.hops[entry.hop_count++] = {
            .port = ports.find(hop.port)->index,
            .via = hop.via.value_or(Ip4{}),
            .upper_bound = static_cast<uint32_t>((so_far << 32) / weights - 1)};
    }
    return entry;
}

}  // namespace

std::string RibRoute::type() const {
    switch (origin) {
        case RouteOrigin::local:
            return "local";
        case RouteOrigin::broadcast:
            return "broadcast";
        case RouteOrigin::connected:
            return "connected";
        case RouteOrigin::configured:
            break;
    }
    static constexpr const char* kActions[] = {"static", "blackhole", "unreachable", "prohibit",
                                               "throw"};
    return kActions[static_cast<size_t>(action)];
}

void Rib::update(const Config& config, const Ports& ports) {
    RouteBuilder builder(config, ports);
    for (const auto& [name, port] : ports.all()) builder.add_port(port);
    for (const RouteConfig& route : config.routes) builder.add_configured(route);
    std::vector<RibRoute> routes = builder.finish();

    std::map<Prefix4, RouteEntry> wanted;
    for (const RibRoute& route : routes)
        if (route.active) wanted.emplace(route.to, entry_of(route, ports));
    for (const auto& [prefix, entry] : wanted) {
        const auto found = installed_.find(prefix);
        if (found != installed_.end() && found->second == entry) continue;
        fib_.set(prefix, entry);
        installed_[prefix] = entry;
    }
    std::erase_if(installed_, [&](const auto& item) {
        if (wanted.contains(item.first)) return false;
        fib_.remove(item.first);
        return true;
    });
    routes_ = std::move(routes);
}

const RibRoute* Rib::lookup(Ip4 destination) const {
    const RibRoute* best = nullptr;
    for (const RibRoute& route : routes_)
        if (route.active && route.to.contains(destination) &&
            (best == nullptr || route.to.length > best->to.length))
            best = &route;
    return best;
}

// Of one prefix the routes stand in order of their metrics.
const RibHop* Rib::lookup_by(Ip4 destination, const std::string& port) const {
    const RibHop* found = nullptr;
    int length = -1;
    for (const RibRoute& route : routes_) {
        const bool forwards =
            route.action == RouteAction::forward &&
            (route.origin == RouteOrigin::connected || route.origin == RouteOrigin::configured);
        if (!forwards || route.to.length <= length || !route.to.contains(destination)) continue;
        const auto hop = std::ranges::find_if(
            route.hops, [&](const RibHop& h) { return h.up && h.port == port; });
        if (hop == route.hops.end()) continue;
        found = &*hop;
        length = route.to.length;
    }
    return found;
}

}  // namespace vethway
