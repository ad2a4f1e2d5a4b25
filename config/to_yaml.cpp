// SPDX-License-Identifier: Apache-2.0
#include <yaml-cpp/yaml.h>

#include <cstdio>

#include "config/knob_text.h"
#include "config/names.h"
#include "config/neighbour_knobs.h"
#include "config/parse.h"

namespace vethway {

namespace {

using YAML::BeginMap, YAML::BeginSeq, YAML::EndMap, YAML::EndSeq, YAML::Flow, YAML::Key,
    YAML::Value;

// Every word is quoted where a reader of YAML might take it for something else ("null", "0660").
YAML::Emitter& text(YAML::Emitter& out, const std::string& value) {
    const bool plain = !value.empty() && std::isalpha(static_cast<unsigned char>(value[0])) != 0 &&
                       value.find_first_not_of(
                           "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                           "0123456789._-/") == std::string::npos;
    return plain && value != "null" ? out << value : out << YAML::DoubleQuoted << value;
}

void pair(YAML::Emitter& out, const char* key, const std::string& value) {
    out << Key << key << Value;
    text(out, value);
}
void number(YAML::Emitter& out, const char* key, uint64_t value) {
    out << Key << key << Value << value;
}

void dataplane(YAML::Emitter& out, const DataplaneConfig& c) {
    if (c == DataplaneConfig{}) return;
    out << Key << "dataplane" << Value << Flow << BeginMap;
    if (c.workers.count) number(out, "workers", *c.workers.count);
    if (!c.workers.cpus.empty()) out << Key << "workers" << Value << Flow << c.workers.cpus;
    if (c.idle != Idle::adaptive) pair(out, "idle", kIdleNames[static_cast<size_t>(c.idle)]);
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
void knobs(YAML::Emitter& out, const KnobSettings<Knob>& settings) {
    for (size_t i = 0; i < kKnobs<Knob>; ++i) {
        const KnobInfo& knob = knob_rows<Knob>()[i];
        if (const auto value = settings.at(i))
            out << Key << knob.name << Value << knob_text(knob, *value);
    }
}
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

template <class T>
void list(YAML::Emitter& out, const char* key, const std::vector<T>& items,
          void (*write)(YAML::Emitter&, const T&)) {
    if (items.empty()) return;
    out << Key << key << Value << BeginSeq;
    for (const T& item : items) write(out, item);
    out << EndSeq;
}

void ip_side(YAML::Emitter& out, const PortConfig& p) {
    if (p.mac) pair(out, "mac", p.mac->to_string());
    if (p.mtu) number(out, "mtu", *p.mtu);
    if (!p.addresses.empty()) {
        out << Key << "addresses" << Value << Flow << BeginSeq;
        for (const Prefix4& a : p.addresses) out << a.to_string();
        out << EndSeq;
    }
    if (!p.admin_up) pair(out, "admin", "down");
    knobs(out, p.knobs);
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

std::string range_text(const VlanRange& r) {
    return r.first == r.last ? std::to_string(r.first)
                             : std::to_string(r.first) + '-' + std::to_string(r.last);
}

void vlans(YAML::Emitter& out, const MemberConfig& m) {
    if (m.vlan) number(out, "vlan", *m.vlan);
    if (!m.trunk.empty()) {
        out << Key << "trunk" << Value << Flow << BeginSeq;
        for (const VlanRange& r : m.trunk) out << range_text(r);
        out << EndSeq;
    }
    if (!m.translate.empty()) out << Key << "translate" << Value << Flow << BeginSeq;
    for (const VlanTranslation& t : m.translate) {
        out << Flow << BeginMap;
        number(out, "wire", t.wire);
        number(out, "vlan", t.vlan);
        out << EndMap;
    }
    if (!m.translate.empty()) out << EndSeq;
    if (m.native) number(out, "native", *m.native);
    if (m.tag != VlanTagKind::dot1q) pair(out, "tag", kVlanTagNames[static_cast<size_t>(m.tag)]);
}

void member_stp(YAML::Emitter& out, const MemberStpConfig& stp) {
    const MemberStpConfig usual;
    if (stp == usual) return;
    out << Key << "stp" << Value << Flow << BeginMap;
    if (stp.priority != usual.priority) number(out, "priority", stp.priority);
    if (stp.cost != usual.cost) number(out, "cost", stp.cost);
    if (stp.edge != usual.edge) pair(out, "edge", kEdgeNames[static_cast<size_t>(stp.edge)]);
    if (!stp.point_to_point) out << Key << "point_to_point" << Value << false;
    if (stp.bpdu_guard) out << Key << "bpdu_guard" << Value << true;
    if (stp.root_guard) out << Key << "root_guard" << Value << true;
    if (stp.guard_recovery != 0) number(out, "guard_recovery", stp.guard_recovery);
    out << EndMap;
}

void stp(YAML::Emitter& out, const StpConfig& c) {
    const StpConfig usual;
    if (c == usual) return;
    const char* const mode = kStpModeNames[static_cast<size_t>(c.mode)];
    if (c == StpConfig{.mode = c.mode}) return pair(out, "stp", mode);
    out << Key << "stp" << Value << Flow << BeginMap;
    pair(out, "mode", mode);
    if (c.priority != usual.priority) number(out, "priority", c.priority);
    if (c.hello_time != usual.hello_time) number(out, "hello_time", c.hello_time);
    if (c.max_age != usual.max_age) number(out, "max_age", c.max_age);
    if (c.forward_delay != usual.forward_delay) number(out, "forward_delay", c.forward_delay);
    if (c.tx_hold_count != usual.tx_hold_count) number(out, "tx_hold_count", c.tx_hold_count);
    out << EndMap;
}

void on(YAML::Emitter& out, const char* key, bool value) {
    if (value) out << Key << key << Value << true;
}

void guards(YAML::Emitter& out, const MemberConfig& m) {
    on(out, "arp_guard", m.arp_guard);
    on(out, "dhcp_guard", m.dhcp_guard);
    on(out, "ra_guard", m.ra_guard);
    on(out, "source_guard", m.source_guard);
    if (m.macs.empty()) return;
    out << Key << "macs" << Value << Flow << BeginSeq;
    for (const Mac& mac : m.macs) out << mac.to_string();
    out << EndSeq;
}

void member(YAML::Emitter& out, const MemberConfig& m) {
    const auto off = [&](const char* key, bool value) {
        if (!value) out << Key << key << Value << false;
    };
    const auto limit = [&](const char* key, uint32_t value) {
        if (value != 0) number(out, key, value);
    };
    out << Flow << BeginMap;
    pair(out, "port", m.port);
    if (m.state != MemberStateConfig::forwarding)
        pair(out, "state", kMemberStateConfigNames[static_cast<size_t>(m.state)]);
    off("learning", m.learning);
    if (m.hairpin) out << Key << "hairpin" << Value << true;
    off("flood_unicast", m.flood_unicast);
    off("flood_multicast", m.flood_multicast);
    off("flood_broadcast", m.flood_broadcast);
    limit("split_horizon", m.split_horizon);
    limit("learn_limit", m.learn_limit);
    limit("storm_unicast", m.storm_unicast);
    limit("storm_multicast", m.storm_multicast);
    limit("storm_broadcast", m.storm_broadcast);
    vlans(out, m);
    member_stp(out, m.stp);
    guards(out, m);
    on(out, "neigh_suppress", m.neigh_suppress);
    on(out, "multicast_router", m.multicast_router);
    out << EndMap;
}

void station(YAML::Emitter& out, const StaticStation& s) {
    out << Flow << BeginMap;
    pair(out, "mac", s.mac.to_string());
    pair(out, "port", s.port);
    if (s.vlan != 0) number(out, "vlan", s.vlan);
    out << EndMap;
}

void binding(YAML::Emitter& out, const BindingConfig& b) {
    out << Flow << BeginMap;
    pair(out, "address", b.address.to_string());
    pair(out, "mac", b.mac.to_string());
    if (!b.port.empty()) pair(out, "port", b.port);
    if (b.vlan != 0) number(out, "vlan", b.vlan);
    out << EndMap;
}

void group(YAML::Emitter& out, const GroupConfig& g) {
    out << Flow << BeginMap;
    pair(out, "group", g.group.to_string());
    out << Key << "ports" << Value << Flow << BeginSeq;
    for (const std::string& port : g.ports) text(out, port);
    out << EndSeq;
    if (g.vlan != 0) number(out, "vlan", g.vlan);
    out << EndMap;
}

void bridge(YAML::Emitter& out, const BridgeConfig& b) {
    const BridgeConfig usual;
    out << BeginMap;
    pair(out, "name", b.port.name);
    list(out, "members", b.members, member);
    list(out, "stations", b.stations, station);
    list(out, "bindings", b.bindings, binding);
    list(out, "groups", b.groups, group);
    if (b.unknown_multicast != usual.unknown_multicast)
        pair(out, "unknown_multicast",
             kUnknownMulticastNames[static_cast<size_t>(b.unknown_multicast)]);
    if (b.ageing != usual.ageing) number(out, "ageing", b.ageing);
    if (b.learn_limit != usual.learn_limit) number(out, "learn_limit", b.learn_limit);
    if (b.learn_action != usual.learn_action)
        pair(out, "learn_action", kLearnActionNames[static_cast<size_t>(b.learn_action)]);
    if (b.move_limit != usual.move_limit) number(out, "move_limit", b.move_limit);
    if (b.group_fwd_mask != usual.group_fwd_mask) number(out, "group_fwd_mask", b.group_fwd_mask);
    stp(out, b.stp);
    if (b.loop_detection != usual.loop_detection)
        pair(out, "loop_detection", kLoopDetectionNames[static_cast<size_t>(b.loop_detection)]);
    if (b.loop_recovery != usual.loop_recovery) number(out, "loop_recovery", b.loop_recovery);
    ip_side(out, b.port);
    out << EndMap;
}

void lag(YAML::Emitter& out, const LagConfig& l) {
    const LagConfig usual;
    out << Flow << BeginMap;
    pair(out, "name", l.port.name);
    if (!l.members.empty()) {
        out << Key << "members" << Value << Flow << BeginSeq;
        for (const std::string& port : l.members) text(out, port);
        out << EndSeq;
    }
    if (l.mode != usual.mode) pair(out, "mode", kLagModeNames[static_cast<size_t>(l.mode)]);
    if (l.activity != usual.activity)
        pair(out, "activity", kLacpActivityNames[static_cast<size_t>(l.activity)]);
    if (l.rate != usual.rate) pair(out, "rate", kLacpRateNames[static_cast<size_t>(l.rate)]);
    if (l.key != usual.key) number(out, "key", l.key);
    if (l.system_priority != usual.system_priority)
        number(out, "system_priority", l.system_priority);
    if (l.hash != usual.hash) pair(out, "hash", kLagHashNames[static_cast<size_t>(l.hash)]);
    if (l.min_links != usual.min_links) number(out, "min_links", l.min_links);
    ip_side(out, l.port);
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

std::string to_yaml(const Config& config) {
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
