// SPDX-License-Identifier: Apache-2.0
#include "control/plan.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace vethway {

namespace {

// Says of each key whether its value came, went or changed.
template <class T, class KeyOf>
void compare(const std::vector<T>& now, const std::vector<T>& next, KeyOf key_of,
             std::vector<std::string>& out) {
    using Key = decltype(key_of(now.front()));
    std::map<Key, const T*> before;
    for (const T& item : now) before[key_of(item)] = &item;
    for (const T& item : next) {
        const auto found = before.find(key_of(item));
        if (found == before.end()) {
            out.push_back(std::get<0>(key_of(item)) + " added");
            continue;
        }
        if (!(*found->second == item)) out.push_back(std::get<0>(key_of(item)) + " changed");
        before.erase(found);
    }
    for (const auto& [key, item] : before) out.push_back(std::get<0>(key) + " removed");
}

template <class Knob>
void compare_knobs(const char* section, const KnobSettings<Knob>& now,
                   const KnobSettings<Knob>& next, std::vector<std::string>& out) {
    for (size_t i = 0; i < kKnobs<Knob>; ++i)
        if (now.at(i) != next.at(i))
            out.push_back(std::string(section) + '.' + knob_rows<Knob>()[i].name + " changed");
}

std::string port_name(const PortConfig& p) {
    return p.match.empty() ? "port " + p.name : "ports that match \"" + p.match + '"';
}

std::string route_name(const RouteConfig& r) {
    return "route " + r.to.to_string() +
           (r.metric == 0 ? "" : " metric " + std::to_string(r.metric));
}

std::string neighbour_name(const NeighbourConfig& n) {
    return "neighbour " + n.address.to_string() + " port " + n.port;
}

}  // namespace

std::vector<std::string> changes_between(const Config& now, const Config& next) {
    std::vector<std::string> out;
    compare_knobs("ip4", now.ip4, next.ip4, out);
    compare_knobs("defaults", now.defaults, next.defaults, out);
    compare(
        now.ports, next.ports, [](const PortConfig& p) { return std::tuple(port_name(p)); }, out);
    compare(
        now.lags, next.lags, [](const LagConfig& l) { return std::tuple("lag " + l.port.name); },
        out);
    compare(
        now.xconnects, next.xconnects,
        [](const XconnectConfig& x) { return std::tuple("xconnect " + x.a + " " + x.b); }, out);
    compare(
        now.bridges, next.bridges,
        [](const BridgeConfig& b) { return std::tuple("bridge " + b.port.name); }, out);
    if (!(now.multipath == next.multipath)) out.emplace_back("multipath changed");
    compare(
        now.nexthops, next.nexthops,
        [](const NexthopConfig& n) { return std::tuple("nexthop " + std::to_string(n.id)); }, out);
    compare(
        now.routes, next.routes, [](const RouteConfig& r) { return std::tuple(route_name(r)); },
        out);
    compare(
        now.neighbours, next.neighbours,
        [](const NeighbourConfig& n) { return std::tuple(neighbour_name(n)); }, out);
    if (!(now.neighbour_table == next.neighbour_table)) out.emplace_back("neighbour_table changed");
    return out;
}

std::vector<std::string> restarts_between(const Config& now, const Config& next) {
    std::vector<std::string> out;
    const auto check = [&](const char* path, bool same) {
        if (!same)
            out.push_back(std::string(path) + ": can't change while vethwayd runs: restart it");
    };
    check("dataplane.workers", now.dataplane.workers == next.dataplane.workers);
    check("dataplane.idle", now.dataplane.idle == next.dataplane.idle);
    check("dataplane.spin_us", now.dataplane.spin_us == next.dataplane.spin_us);
    check("dataplane.hugepages", now.dataplane.hugepages == next.dataplane.hugepages);
    check("dataplane.mbufs", now.dataplane.mbufs == next.dataplane.mbufs);
    check("dataplane.flight_recorder",
          now.dataplane.flight_recorder == next.dataplane.flight_recorder);
    check("dataplane.telemetry", now.dataplane.telemetry == next.dataplane.telemetry);
    check("neighbour_table.gc_thresh3",
          now.neighbour_table.gc_thresh3 == next.neighbour_table.gc_thresh3);
    check("metrics", now.metrics == next.metrics);
    check("control", now.control == next.control);
    return out;
}

}  // namespace vethway
