// SPDX-License-Identifier: Apache-2.0
#include "config/to_yaml_bridge.h"

#include "config/names.h"

namespace vethway::yaml {

namespace {

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
    on(out, "multicast_fast_leave", m.multicast_fast_leave);
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

}  // namespace

void bridge(YAML::Emitter& out, const BridgeConfig& b) {
    const BridgeConfig usual;
    out << BeginMap;
    pair(out, "name", b.port.name);
    list(out, "members", b.members, member);
    list(out, "stations", b.stations, station);
    list(out, "bindings", b.bindings, binding);
    list(out, "groups", b.groups, group);
    if (b.unknown_multicast)
        pair(out, "unknown_multicast",
             kUnknownMulticastNames[static_cast<size_t>(*b.unknown_multicast)]);
    on(out, "multicast_snooping", b.multicast_snooping);
    on(out, "multicast_querier", b.multicast_querier);
    if (b.multicast_query_interval != usual.multicast_query_interval)
        number(out, "multicast_query_interval", b.multicast_query_interval);
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

}  // namespace vethway::yaml
