// SPDX-License-Identifier: Apache-2.0
#include "config/parse_bridge.h"

#include <charconv>

#include "config/names.h"
#include "config/parse_knobs.h"
#include "config/parse_port.h"
#include "config/parse_word.h"

namespace vethway {

namespace {

constexpr uint32_t kMostPps = 100'000'000;

std::string word_of(const std::optional<Field>& f) {
    return f ? f->text().value_or("") : std::string();
}

void number(const Field& f, const char* key, uint32_t& to, uint32_t most) {
    if (const auto found = f.find(key)) assign(to, found->number(0, most));
}
void boolean(const Field& f, const char* key, bool& to) {
    if (const auto found = f.find(key)) assign(to, found->boolean());
}
std::optional<uint16_t> vlan(const Field& f, const char* key) {
    const auto found = f.find(key);
    const auto n = found ? found->number(1, kMaxVlan) : std::nullopt;
    return n ? std::optional(static_cast<uint16_t>(*n)) : std::nullopt;
}

VlanTranslation parse_translation(const Field& f) {
    VlanTranslation t;
    if (!f.is_map_of({"wire", "vlan"})) return t;
    if (f.require("wire")) t.wire = vlan(f, "wire").value_or(0);
    if (f.require("vlan")) t.vlan = vlan(f, "vlan").value_or(0);
    return t;
}

void parse_vlans(const Field& f, MemberConfig& member) {
    member.vlan = vlan(f, "vlan");
    if (const auto trunk = f.find("trunk"))
        for (const Field& item : trunk->items())
            member.trunk.push_back(
                item.as(parse_vlan_range, "a VLAN like 10 or a range like 20-29, of 1 to 4094")
                    .value_or(VlanRange{}));
    if (const auto translate = f.find("translate"))
        for (const Field& item : translate->items())
            member.translate.push_back(parse_translation(item));
    member.native = vlan(f, "native");
    if (const auto tag = f.find("tag")) assign(member.tag, tag->as(parse_vlan_tag, kVlanTagForm));
}

void parse_member_stp(const Field& f, MemberStpConfig& stp) {
    if (!f.is_map_of({"priority", "cost", "edge", "point_to_point", "bpdu_guard", "root_guard",
                      "guard_recovery"}))
        return;
    number(f, "priority", stp.priority, 240);
    number(f, "cost", stp.cost, kMaxPathCost);
    parse_word<EdgeConfig, kEdgeNames>(f, "edge", stp.edge);
    boolean(f, "point_to_point", stp.point_to_point);
    boolean(f, "bpdu_guard", stp.bpdu_guard);
    boolean(f, "root_guard", stp.root_guard);
    number(f, "guard_recovery", stp.guard_recovery, kMaxRecovery);
}

// A word is its mode.
void parse_stp(const Field& f, StpConfig& stp) {
    if (!f.is_map()) return parse_word<StpMode, kStpModeNames>(f, stp.mode);
    if (!f.is_map_of(
            {"mode", "priority", "hello_time", "max_age", "forward_delay", "tx_hold_count"}))
        return;
    parse_word<StpMode, kStpModeNames>(f, "mode", stp.mode);
    number(f, "priority", stp.priority, 61440);
    number(f, "hello_time", stp.hello_time, 10);
    number(f, "max_age", stp.max_age, 40);
    number(f, "forward_delay", stp.forward_delay, 30);
    number(f, "tx_hold_count", stp.tx_hold_count, 10);
}

void parse_guards(const Field& f, MemberConfig& member) {
    boolean(f, "arp_guard", member.arp_guard);
    boolean(f, "dhcp_guard", member.dhcp_guard);
    boolean(f, "ra_guard", member.ra_guard);
    boolean(f, "source_guard", member.source_guard);
    if (const auto macs = f.find("macs"))
        for (const Field& item : macs->items())
            member.macs.push_back(item.as(Mac::parse, kMacForm).value_or(Mac{}));
}

MemberConfig parse_member(const Field& f) {
    MemberConfig m;
    // clang-format off
    if (!f.is_map_of({"port", "state", "learning", "hairpin", "flood_unicast", "flood_multicast",
                      "flood_broadcast", "split_horizon", "learn_limit", "storm_unicast",
                      "storm_multicast", "storm_broadcast", "vlan", "trunk", "translate", "native",
                      "tag", "stp", "arp_guard", "dhcp_guard", "ra_guard", "source_guard", "macs",
                      "neigh_suppress", "multicast_router", "multicast_fast_leave"}))
        // clang-format on
        return m;
    m.port = word_of(f.require("port"));
    parse_word<MemberStateConfig, kMemberStateConfigNames>(f, "state", m.state);
    boolean(f, "learning", m.learning);
    boolean(f, "hairpin", m.hairpin);
    boolean(f, "flood_unicast", m.flood_unicast);
    boolean(f, "flood_multicast", m.flood_multicast);
    boolean(f, "flood_broadcast", m.flood_broadcast);
    number(f, "split_horizon", m.split_horizon, 255);
    number(f, "learn_limit", m.learn_limit, kMaxLearnLimit);
    number(f, "storm_unicast", m.storm_unicast, kMostPps);
    number(f, "storm_multicast", m.storm_multicast, kMostPps);
    number(f, "storm_broadcast", m.storm_broadcast, kMostPps);
    parse_vlans(f, m);
    if (const auto stp = f.find("stp")) parse_member_stp(*stp, m.stp);
    parse_guards(f, m);
    boolean(f, "neigh_suppress", m.neigh_suppress);
    boolean(f, "multicast_router", m.multicast_router);
    boolean(f, "multicast_fast_leave", m.multicast_fast_leave);
    return m;
}

StaticStation parse_station(const Field& f) {
    StaticStation s;
    if (!f.is_map_of({"mac", "port", "vlan"})) return s;
    const auto mac = f.require("mac");
    if (mac) assign(s.mac, mac->as(Mac::parse, kMacForm));
    s.port = word_of(f.require("port"));
    s.vlan = vlan(f, "vlan").value_or(0);
    return s;
}

BindingConfig parse_binding(const Field& f) {
    BindingConfig b;
    if (!f.is_map_of({"address", "mac", "port", "vlan"})) return b;
    if (const auto address = f.require("address"))
        assign(b.address, address->as(Ip4::parse, "an IPv4 address"));
    if (const auto mac = f.require("mac")) assign(b.mac, mac->as(Mac::parse, kMacForm));
    b.port = word_of(f.find("port"));
    b.vlan = vlan(f, "vlan").value_or(0);
    return b;
}

GroupConfig parse_group(const Field& f) {
    GroupConfig g;
    if (!f.is_map_of({"group", "ports", "vlan"})) return g;
    if (const auto group = f.require("group"))
        assign(g.group, group->as(MulticastGroup::parse,
                                  "a group like 239.1.2.3, ff05::1:3 or 01:00:5e:01:02:03"));
    if (const auto ports = f.require("ports"))
        for (const Field& item : ports->items()) g.ports.push_back(item.text().value_or(""));
    g.vlan = vlan(f, "vlan").value_or(0);
    return g;
}

// What the bridge knows of IP.
void parse_rules(const Field& f, BridgeConfig& b) {
    if (const auto bindings = f.find("bindings"))
        for (const Field& item : bindings->items()) b.bindings.push_back(parse_binding(item));
    if (const auto groups = f.find("groups"))
        for (const Field& item : groups->items()) b.groups.push_back(parse_group(item));
    if (const auto unknown = f.find("unknown_multicast"))
        parse_word<UnknownMulticast, kUnknownMulticastNames>(*unknown,
                                                             b.unknown_multicast.emplace());
    boolean(f, "multicast_snooping", b.multicast_snooping);
    boolean(f, "multicast_querier", b.multicast_querier);
    number(f, "multicast_query_interval", b.multicast_query_interval, kMaxQueryInterval);
}

}  // namespace

std::optional<VlanRange> parse_vlan_range(std::string_view text) {
    const auto read = [](std::string_view digits) -> uint16_t {
        uint16_t n = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
        const bool whole = error == std::errc{} && end == digits.data() + digits.size();
        return whole && n <= kMaxVlan ? n : uint16_t{0};
    };
    const size_t dash = text.find('-');
    const VlanRange range{read(text.substr(0, dash)),
                          read(dash == std::string_view::npos ? text : text.substr(dash + 1))};
    if (range.first == 0 || range.last == 0 || range.first > range.last) return std::nullopt;
    return range;
}

BridgeConfig parse_bridge(const Field& f) {
    BridgeConfig b;
    if (!f.is_map_of(with_knobs<PortKnob>({"name",
                                           "members",
                                           "stations",
                                           "ageing",
                                           "learn_limit",
                                           "learn_action",
                                           "move_limit",
                                           "group_fwd_mask",
                                           "stp",
                                           "loop_detection",
                                           "loop_recovery",
                                           "mac",
                                           "mtu",
                                           "addresses",
                                           "admin",
                                           "bindings",
                                           "groups",
                                           "unknown_multicast",
                                           "multicast_snooping",
                                           "multicast_querier",
                                           "multicast_query_interval"})))
        return b;
    b.port.name = word_of(f.require("name"));
    if (const auto members = f.find("members"))
        for (const Field& item : members->items()) b.members.push_back(parse_member(item));
    if (const auto stations = f.find("stations"))
        for (const Field& item : stations->items()) b.stations.push_back(parse_station(item));
    number(f, "ageing", b.ageing, kMaxAgeing);
    number(f, "learn_limit", b.learn_limit, kMaxLearnLimit);
    parse_word<LearnAction, kLearnActionNames>(f, "learn_action", b.learn_action);
    number(f, "move_limit", b.move_limit, kMaxMoveLimit);
    number(f, "group_fwd_mask", b.group_fwd_mask, 0xffff);
    if (const auto stp = f.find("stp")) parse_stp(*stp, b.stp);
    parse_word<LoopDetection, kLoopDetectionNames>(f, "loop_detection", b.loop_detection);
    number(f, "loop_recovery", b.loop_recovery, kMaxRecovery);
    parse_rules(f, b);
    parse_ip_side(f, b.port);
    return b;
}

}  // namespace vethway
