// SPDX-License-Identifier: Apache-2.0
#include "control/probe/way.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace vethway {

namespace {

constexpr char kLo[] = "lo";

// The port that probes are to leave by.
const ManagedPort& usable_port(const std::string& name, const Ports& ports) {
    const ManagedPort* port = ports.find(name);
    if (port == nullptr) throw std::runtime_error("there is no port \"" + name + '"');
    if (const ManagedPort* other = ports.other_end(*port))
        throw std::runtime_error(
            fmt::format("port {} is cross-connected to {}: the switch says nothing on it", name,
                        other->config.name));
    if (!port->up())
        throw std::runtime_error(fmt::format("port {} is down ({})", name, port->down_reason()));
    return *port;
}

void check_addresses(const ProbeSeries& series, const Snapshot& snapshot) {
    const Ip4 to = series.to;
    if (to.is_this_network() || to.is_loopback() || to.is_multicast() || to.is_reserved() ||
        to.is_limited_broadcast())
        throw std::runtime_error(to.to_string() + " is no host's address");
    if (!series.from.is_zero() && !snapshot.is_own(series.from))
        throw std::runtime_error(series.from.to_string() + " is not an address of ours");
}

void choose_source(ProbeWay& way, const ProbeSeries& series, const Snapshot& snapshot) {
    way.from = way.local ? series.to : snapshot.source_for(way.egress, way.next_hop);
    if (!series.from.is_zero()) way.from = series.from;
    if (way.from.is_zero())
        throw std::runtime_error(
            "the switch has no address to send from: vethway address add ADDRESS/LENGTH port PORT");
}

void refuse_broadcast(const RibRoute* route, Ip4 to) {
    if (route != nullptr && route->origin == RouteOrigin::broadcast)
        throw std::runtime_error(to.to_string() + " is a broadcast address");
}

ProbeWay way_by_port(const ProbeSeries& series, const Ports& ports, const Rib& rib) {
    const ManagedPort& port = usable_port(series.port, ports);
    const bool own = std::ranges::any_of(port.config.addresses,
                                         [&](const Prefix4& a) { return a.address == series.to; });
    if (own) return {.local = true, .port = kLo};
    refuse_broadcast(rib.lookup(series.to), series.to);
    const RibHop* hop = rib.lookup_by(series.to, series.port);
    return {.forced = true,
            .egress = port.index,
            .port = series.port,
            .mac = port.mac(),
            .next_hop = hop != nullptr && hop->via ? *hop->via : series.to,
            .mtu = port.mtu()};
}

ProbeWay way_by_routes(const ProbeSeries& series, const Ports& ports, const Rib& rib) {
    const RibRoute* route = rib.lookup(series.to);
    if (route == nullptr) throw std::runtime_error("no route to " + series.to.to_string());
    refuse_broadcast(route, series.to);
    if (route->origin == RouteOrigin::local) return {.local = true, .port = kLo};
    if (route->action != RouteAction::forward)
        throw std::runtime_error(fmt::format("no way to {}: {} is a {} route",
                                             series.to.to_string(), route->to.to_string(),
                                             route->type()));
    ProbeWay way;
    for (const RibHop& hop : route->hops) {
        const ManagedPort* port = hop.up ? ports.find(hop.port) : nullptr;
        if (port == nullptr) continue;
        if (way.egress == kLoopback) {
            way.egress = port->index;
            way.port = hop.port;
            way.mac = port->mac();
            way.next_hop = hop.via.value_or(series.to);
        }
        way.mtu = std::min(way.mtu, port->mtu());
    }
    return way;
}

}  // namespace

ProbeWay find_way(const ProbeSeries& series, const Ports& ports, const Rib& rib,
                  const Snapshot& snapshot) {
    check_addresses(series, snapshot);
    ProbeWay way = series.port.empty() || series.port == kLo ? way_by_routes(series, ports, rib)
                                                             : way_by_port(series, ports, rib);
    if (series.port == kLo && !way.local)
        throw std::runtime_error(series.to.to_string() +
                                 " is not an address of ours: nothing else is on lo");
    choose_source(way, series, snapshot);
    return way;
}

ProbeWay find_link(const ProbeSeries& series, const Ports& ports, const Rib& rib,
                   const Snapshot& snapshot) {
    check_addresses(series, snapshot);
    std::string name = series.port;
    if (name.empty()) {
        const RibRoute* route = rib.lookup(series.to);
        const bool on_link = route != nullptr && (route->origin == RouteOrigin::connected ||
                                                  route->origin == RouteOrigin::local);
        if (!on_link)
            throw std::runtime_error("no port has " + series.to.to_string() +
                                     " on its link: name one with -I PORT");
        name = route->hops.front().port;
    }
    const ManagedPort& port = usable_port(name, ports);
    ProbeWay way{.forced = true,
                 .egress = port.index,
                 .port = name,
                 .mac = port.mac(),
                 .next_hop = series.to};
    if (series.arp == ArpForm::detect) {
        way.from = series.from;
        return way;
    }
    if (series.arp != ArpForm::ask) {  // who announces is what it announces
        if (!snapshot.is_own(series.to))
            throw std::runtime_error(series.to.to_string() +
                                     " is not an address of ours: there is nothing to announce");
        way.from = series.to;
        return way;
    }
    choose_source(way, series, snapshot);
    return way;
}

}  // namespace vethway
