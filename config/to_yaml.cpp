// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "config/names.h"
#include "config/neighbour_knobs.h"
#include "config/parse.h"
#include "config/to_yaml_bridge.h"
#include "config/to_yaml_lag.h"
#include "config/yaml_words.h"

namespace vethway {

namespace yaml {

namespace {

void dataplane(YAML::Emitter& out, const DataplaneConfig& c) {
    if (c == DataplaneConfig{}) return;
    out << Key << "dataplane" << Value << Flow << BeginMap;
    if (c.workers.count) number(out, "workers", *c.workers.count);
    if (!c.workers.cpus.empty()) out << Key << "workers" << Value << Flow << c.workers.cpus;
    if (c.idle != Idle::adaptive) pair(out, "idle", kIdleNames[static_cast<size_t>(c.idle)]);
    if (c.spin_us != DataplaneConfig{}.spin_us) number(out, "spin_us", c.spin_us);
    if (c.hugepages != Hugepages::automatic)
        pair(out, "hugepages", kHugepagesNames[static_cast<size_t>(c.hugepages)]);
    if (c.mbufs) number(out, "mbufs", *c.mbufs);
    if (c.flight_recorder != DataplaneConfig{}.flight_recorder)
        number(out, "flight_recorder", c.flight_recorder);
    if (c.telemetry) out << Key << "telemetry" << Value << true;
    out << EndMap;
}

// What a port on an interface and a pattern have in common.
void kernel_options(YAML::Emitter& out, const VethConfig& veth) {
    if (!veth.shield) out << Key << "shield" << Value << false;
    if (!veth.qdisc_bypass) out << Key << "qdisc_bypass" << Value << false;
}

struct DriverWriter {
    YAML::Emitter& out;
    void operator()(const VethConfig& p) const {
        if (p == VethConfig{p.interface}) {
            text(out, p.interface);
            return;
        }
        out << Flow << BeginMap;
        pair(out, "interface", p.interface);
        if (!p.netns.empty()) pair(out, "netns", p.netns);
        kernel_options(out, p);
        if (p.create) {
            out << Key << "create" << Value << Flow << BeginMap;
            pair(out, "peer", p.create->name);
            if (!p.create->netns.empty()) pair(out, "peer_netns", p.create->netns);
            out << EndMap;
        }
        out << EndMap;
    }
    void operator()(const AfPacketConfig& p) const { text(out, p.interface); }
    void operator()(const AfXdpConfig& p) const { text(out, p.interface); }
    void operator()(const TapConfig& p) const { text(out, p.interface); }
    void operator()(const DevargsConfig& p) const { text(out, p.devargs); }
    void operator()(const RingConfig&) const { out << Flow << BeginMap << EndMap; }
    void operator()(const NullConfig& p) const {
        out << Flow << BeginMap;
        if (p.generate) out << Key << "generate" << Value << true;
        out << EndMap;
    }
    void operator()(const MemifConfig& p) const {
        out << Flow << BeginMap;
        pair(out, "socket", p.socket);
        pair(out, "role", kMemifRoleNames[static_cast<size_t>(p.role)]);
        number(out, "id", p.id);
        out << EndMap;
    }
    void operator()(const VlanConfig& p) const {
        out << p.vlan;
        pair(out, "parent", p.parent);
        if (p.tag != VlanTagKind::dot1q)
            pair(out, "tag", kVlanTagNames[static_cast<size_t>(p.tag)]);
    }
    void operator()(const BridgePortConfig&) const {}
    void operator()(const LagPortConfig&) const {}
    void operator()(const PcapConfig& p) const {
        out << Flow << BeginMap;
        if (!p.rx_file.empty()) pair(out, "rx", p.rx_file);
        if (!p.tx_file.empty()) pair(out, "tx", p.tx_file);
        out << EndMap;
    }
};

template <class Knob>
void knob_section(YAML::Emitter& out, const char* key, const KnobSettings<Knob>& settings) {
    if (settings == KnobSettings<Knob>{}) return;
    out << Key << key << Value << Flow << BeginMap;
    knobs(out, settings);
    out << EndMap;
}

// The options of the driver that a pattern has, which are the port's own there.
void pattern(YAML::Emitter& out, const PortConfig& p) {
    pair(out, "match", p.match);
    if (p.adopt_addresses) pair(out, "adopt", "addresses");
    kernel_options(out, std::get<VethConfig>(p.driver));
}

void port(YAML::Emitter& out, const PortConfig& p) {
    out << Flow << BeginMap;
    if (!p.match.empty()) {
        pattern(out, p);
    } else {
        pair(out, "name", p.name);
        out << Key << driver_name(p.driver) << Value;
        std::visit(DriverWriter{out}, p.driver);
    }
    ip_side(out, p);
    out << EndMap;
}

void xconnect(YAML::Emitter& out, const XconnectConfig& x) {
    out << Flow << BeginSeq;
    text(out, x.a);
    text(out, x.b);
    out << EndSeq;
}

void next_hop(YAML::Emitter& out, const NextHopConfig& hop) {
    if (hop.via) out << Key << "via" << Value << hop.via->to_string();
    if (hop.port) pair(out, "port", *hop.port);
    if (hop.onlink) out << Key << "onlink" << Value << true;
}

void multipath(YAML::Emitter& out, const MultipathConfig& c) {
    if (c == MultipathConfig{}) return;
    out << Key << "multipath" << Value << Flow << BeginMap;
    if (c.fib_multipath_hash_policy != 0)
        number(out, "fib_multipath_hash_policy", c.fib_multipath_hash_policy);
    if (c.fib_multipath_use_neigh) out << Key << "fib_multipath_use_neigh" << Value << true;
    if (c.fib_multipath_hash_seed != 0)
        number(out, "fib_multipath_hash_seed", c.fib_multipath_hash_seed);
    out << EndMap;
}

void nexthop(YAML::Emitter& out, const NexthopConfig& n) {
    out << Flow << BeginMap;
    number(out, "id", n.id);
    if (n.hop) next_hop(out, *n.hop);
    if (!n.group.empty()) out << Key << "group" << Value << Flow << BeginSeq;
    for (const NexthopMember& member : n.group) {
        out << Flow << BeginMap;
        number(out, "id", member.id);
        if (member.weight != 1) number(out, "weight", member.weight);
        out << EndMap;
    }
    if (!n.group.empty()) out << EndSeq;
    if (!n.hop && n.group.empty()) out << Key << "blackhole" << Value << true;
    out << EndMap;
}

void route(YAML::Emitter& out, const RouteConfig& r) {
    out << Flow << BeginMap << Key << "to" << Value << r.to.to_string();
    const bool plain = r.next_hops.size() == 1 && r.next_hops[0].weight == 1;
    if (r.action != RouteAction::forward)
        pair(out, "action", kRouteActionNames[static_cast<size_t>(r.action)]);
    else if (r.nhid)
        number(out, "nhid", *r.nhid);
    else if (plain)
        next_hop(out, r.next_hops[0]);
    else {
        out << Key << "nexthops" << Value << Flow << BeginSeq;
        for (const NextHopConfig& hop : r.next_hops) {
            out << Flow << BeginMap;
            next_hop(out, hop);
            if (hop.weight != 1) number(out, "weight", hop.weight);
            out << EndMap;
        }
        out << EndSeq;
    }
    if (r.metric != 0) number(out, "metric", r.metric);
    if (r.src) out << Key << "src" << Value << r.src->to_string();
    if (r.scope) pair(out, "scope", kRouteScopeNames[static_cast<size_t>(*r.scope)]);
    out << EndMap;
}

void neighbour(YAML::Emitter& out, const NeighbourConfig& n) {
    out << Flow << BeginMap << Key << "address" << Value << n.address.to_string();
    pair(out, "mac", n.mac.to_string());
    pair(out, "port", n.port);
    out << EndMap;
}

template <class Owner, size_t N>
void knobs(YAML::Emitter& out, const std::array<Knob<Owner>, N>& all, const Owner& c,
           const Owner& usual) {
    for (const Knob<Owner>& knob : all)
        if (c.*knob.value != usual.*knob.value) number(out, knob.name, c.*knob.value);
}

void neighbour_table(YAML::Emitter& out, const NeighbourTableConfig& c) {
    if (c == NeighbourTableConfig{}) return;
    out << Key << "neighbour_table" << Value << BeginMap;
    knobs(out, kNeighbourTableKnobs, c, {});
    if (c.gc_interval) number(out, "gc_interval", *c.gc_interval);
    knobs(out, kNeighbourPortKnobs, c.all, {});
    if (!c.ports.empty()) out << Key << "ports" << Value << BeginSeq;
    for (const NeighbourPortKnobs& port : c.ports) {
        out << Flow << BeginMap;
        pair(out, "port", port.port);
        knobs(out, kNeighbourPortKnobs, port.knobs, c.all);
        out << EndMap;
    }
    if (!c.ports.empty()) out << EndSeq;
    out << EndMap;
}

void control(YAML::Emitter& out, const ControlConfig& c) {
    if (c == ControlConfig{}) return;
    char mode[8];
    std::snprintf(mode, sizeof mode, "%04o", c.mode);
    out << Key << "control" << Value << Flow << BeginMap;
    pair(out, "socket", c.socket);
    pair(out, "mode", mode);
    out << EndMap;
}

}  // namespace

}  // namespace yaml

std::string to_yaml(const Config& config) {
    using namespace yaml;
    YAML::Emitter out;
    out.SetStringFormat(YAML::Auto);
    out << BeginMap;
    dataplane(out, config.dataplane);
    knob_section(out, "ip4", config.ip4);
    knob_section(out, "defaults", config.defaults);
    list(out, "ports", config.ports, port);
    list(out, "lags", config.lags, lag);
    list(out, "xconnects", config.xconnects, xconnect);
    list(out, "bridges", config.bridges, bridge);
    multipath(out, config.multipath);
    list(out, "nexthops", config.nexthops, nexthop);
    list(out, "routes", config.routes, route);
    list(out, "neighbours", config.neighbours, neighbour);
    neighbour_table(out, config.neighbour_table);
    if (config.metrics.port != 0) {
        out << Key << "metrics" << Value << Flow << BeginMap;
        pair(out, "listen", config.metrics.host + ':' + std::to_string(config.metrics.port));
        out << EndMap;
    }
    control(out, config.control);
    out << EndMap;
    return std::string(out.c_str(), out.size()) + '\n';
}

}  // namespace vethway
