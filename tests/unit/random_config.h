// SPDX-License-Identifier: Apache-2.0
// Configurations that validate() takes, drawn at random: port i has subnets in 10.i/16 only.
#pragma once

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/neighbour_knobs.h"

namespace vethway {

class RandomConfig {
public:
    explicit RandomConfig(unsigned seed) : random_(seed) {}

    Config config() {
        Config c;
        c.dataplane = dataplane();
        if (coin()) c.ip4 = knobs<Ip4Knob>();
        if (coin()) c.defaults = knobs<PortKnob>();
        for (unsigned i = 0, n = below(6); i < n; ++i) c.ports.push_back(port(i));
        if (below(4) == 0) c.ports.push_back(pattern());
        if (coin()) c.lags.push_back(lag(c));
        if (c.ports.size() > 1 && c.ports[1].match.empty() && c.ports[0].addresses.empty() &&
            c.ports[1].addresses.empty() && c.lags.empty())
            c.xconnects = {{c.ports[0].name, c.ports[1].name}};
        else if (coin())
            c.bridges.push_back(bridge(c));
        if (!c.lags.empty() && coin())
            c.ports.push_back(vlan_port(c.lags[0].port.name));
        else if (!c.ports.empty() && c.ports[0].match.empty() && !is_member(c, c.ports[0]) &&
                 coin())
            c.ports.push_back(vlan_port(c.ports[0].name));
        for (unsigned i = 0, n = below(5); i < n; ++i) c.nexthops.push_back(nexthop(c, i));
        c.multipath = {below(2), coin(), coin() ? below(1U << 31) : 0};
        for (unsigned i = 0, n = below(5); i < n; ++i) c.routes.push_back(route(c, i));
        for (unsigned i = 0; i < c.ports.size(); ++i)
            if (c.ports[i].match.empty() && coin())
                c.neighbours.push_back({.address = Ip4{172, 16, byte(), byte()},
                                        .mac = mac(),
                                        .port = c.ports[i].name});
        if (coin()) c.neighbour_table = neighbour_table(c);
        if (coin())
            c.metrics = {.host = "127.0.0.1", .port = static_cast<uint16_t>(1 + below(65535))};
        if (coin()) c.control = {.socket = "/run/" + word(), .mode = below(01000)};
        return c;
    }

private:
    unsigned below(unsigned n) {
        return std::uniform_int_distribution<unsigned>(0, n - 1)(random_);
    }
    bool coin() { return below(2) != 0; }
    uint8_t byte() { return static_cast<uint8_t>(below(256)); }
    template <class Enum>
    Enum any(unsigned n) {
        return static_cast<Enum>(below(n));
    }

    // Words that YAML or its readers take for something else come often.
    std::string word() {
        static const std::vector<std::string> kWords{
            "null", "Null", "~",    "true", "no",   "off", "0660", "1e3", "0x1f", "12:30:45",
            "-",    "- a",  "a: b", "#a",   "a #b", "*a",  "&a",   "!a",  "|",    ">",
            "%",    "@",    "`",    "\"",   "'",    "{",   "[]",   "ü€",  "a\tb", "\\",
            "<<",   ".nan", "...",  "---",  "=",    "? a", "a:",   " a",  "a "};
        return kWords[below(static_cast<unsigned>(kWords.size()))];
    }
    // What a name may be, each of them once: `i` ends it.
    std::string name(unsigned i) {
        static const std::vector<std::string> kNames{
            "p", "", "-", ".", "_:", "0x", "1e", "null", "02:0", "on-"};
        return kNames[below(static_cast<unsigned>(kNames.size()))] + std::to_string(i);
    }
    Mac mac() { return Mac{{2, byte(), byte(), byte(), byte(), byte()}}; }

    DataplaneConfig dataplane() {
        DataplaneConfig c;
        if (coin())
            c.workers.count = 1 + below(64);
        else
            for (unsigned i = 0, n = below(4); i < n; ++i)
                c.workers.cpus.push_back(i * 300 + below(100));
        c.idle = any<Idle>(2);
        if (c.idle == Idle::adaptive && coin()) c.spin_us = below(kMaxSpinUs + 1);
        c.hugepages = any<Hugepages>(3);
        if (coin()) c.mbufs = 1024 + below(4'194'304 - 1023);
        if (coin()) c.flight_recorder = below(65537);
        c.telemetry = coin();
        return c;
    }

    VethConfig veth(const std::string& netdev) {
        VethConfig c{netdev};
        if (coin()) return c;
        if (coin()) c.netns = word();
        c.shield = coin();
        c.qdisc_bypass = coin();
        if (coin()) c.create = VethPeerConfig{netdev + "p", coin() ? word() : ""};
        return c;
    }

    PortDriver driver(unsigned i) {
        const std::string unique = word() + std::to_string(i);
        const std::string netdev = "if" + std::to_string(i) + (coin() ? "#:" : "");
        switch (below(9)) {
            case 0:
                return veth(netdev);
            case 1:
                return AfPacketConfig{netdev};
            case 2:
                return AfXdpConfig{netdev};
            case 3:
                return MemifConfig{word(), any<MemifRole>(2), i};
            case 4:
                return TapConfig{netdev};
            case 5:
                return NullConfig{coin()};
            case 6:
                return RingConfig{};
            case 7:
                return PcapConfig{word(), coin() ? word() : ""};
            default:
                return DevargsConfig{unique + ",a=" + word()};
        }
    }

    // Some of them, with any value they can have.
    template <class Knob>
    KnobSettings<Knob> knobs() {
        KnobSettings<Knob> settings;
        for (size_t i = 0; i < kKnobs<Knob>; ++i) {
            if (coin()) continue;
            const KnobValues& can_be = knob_rows<Knob>()[i].values;
            uint32_t value = 0;
            do value = static_cast<uint32_t>(random_());
            while (can_be.most < UINT32_MAX && !can_be.has(value %= can_be.most + 1));
            settings.at(i) = value;
        }
        return settings;
    }

    PortConfig port(unsigned i) {
        PortConfig p{.name = name(i), .driver = driver(i)};
        if (coin()) p.mac = mac();
        if (coin()) p.mtu = static_cast<uint16_t>(kMinMtu + below(kMaxMtu - kMinMtu + 1));
        for (unsigned a = 0, n = below(4); a < n; ++a)
            p.addresses.push_back({Ip4{10, static_cast<uint8_t>(i), static_cast<uint8_t>(a), 1},
                                   static_cast<uint8_t>(16 + below(17))});
        p.admin_up = coin();
        p.knobs = knobs<PortKnob>();
        return p;
    }

    PortConfig vlan_port(const std::string& parent) {
        return {.name = name(70),
                .driver = VlanConfig{vlan(), parent, any<VlanTagKind>(2)},
                .knobs = knobs<PortKnob>()};
    }
    uint16_t vlan() { return static_cast<uint16_t>(1 + below(kMaxVlan)); }

    void give_vlans(MemberConfig& m) {
        m.tag = any<VlanTagKind>(2);
        if (coin()) {
            m.vlan = vlan();
            return;
        }
        m.trunk = {{5, 5}, {10, static_cast<uint16_t>(11 + below(4000))}};
        if (coin()) m.translate = {{2, 3}};
        if (coin()) m.native = 4;
    }
    MemberStpConfig member_stp() {
        MemberStpConfig stp{.priority = 16 * below(16),
                            .cost = below(kMaxPathCost + 1),
                            .edge = any<EdgeConfig>(3),
                            .point_to_point = coin(),
                            .bpdu_guard = coin(),
                            .root_guard = coin()};
        if (stp.bpdu_guard) stp.guard_recovery = below(kMaxRecovery + 1);
        return stp;
    }
    StpConfig stp() {
        StpConfig stp{.mode = any<StpMode>(3), .priority = 4096 * below(16)};
        if (coin()) return stp;
        stp.hello_time = 1 + below(2);
        stp.max_age = 6 + below(3);
        stp.forward_delay = 5 + below(26);
        stp.tx_hold_count = 1 + below(10);
        return stp;
    }
    MemberConfig member(const std::string& port, bool knows_vlans, bool has_stp) {
        MemberConfig m{.port = port,
                       .state = has_stp ? MemberStateConfig::forwarding : any<MemberStateConfig>(3),
                       .learning = coin(),
                       .hairpin = coin(),
                       .flood_unicast = coin(),
                       .flood_multicast = coin(),
                       .flood_broadcast = coin(),
                       .split_horizon = below(256),
                       .learn_limit = below(kMaxLearnLimit + 1),
                       .storm_unicast = below(3),
                       .storm_multicast = below(3),
                       .storm_broadcast = below(3)};
        if (knows_vlans) give_vlans(m);
        if (has_stp) m.stp = member_stp();
        m.arp_guard = coin();
        m.dhcp_guard = coin();
        m.ra_guard = coin();
        m.source_guard = coin();
        if (coin()) m.macs.push_back(mac());
        m.neigh_suppress = coin();
        m.multicast_router = coin();
        return m;
    }
    void give_rules(BridgeConfig& b, bool knows_vlans) {
        if (coin()) b.unknown_multicast = any<UnknownMulticast>(3);
        b.multicast_snooping = coin();
        b.multicast_querier = b.multicast_snooping && coin();
        for (MemberConfig& m : b.members) m.multicast_fast_leave = b.multicast_snooping && coin();
        b.multicast_query_interval = 1 + below(1000);
        if (b.members.empty()) return;
        const std::string port = b.members[0].port;
        const uint16_t vlan_or_none = knows_vlans ? vlan() : uint16_t{0};
        if (coin())
            b.bindings = {{Ip4{10, 200, 0, 2}, mac(), port, vlan_or_none},
                          {Ip4{10, 200, 0, 3}, mac(), "", vlan_or_none}};
        const char* groups[] = {"239.1.2.3", "ff05::1:3", "01:00:0c:cc:cc:cc"};
        for (const char* group : groups)
            if (coin()) b.groups.push_back({*MulticastGroup::parse(group), {port}, vlan_or_none});
    }
    static bool is_member(const Config& c, const PortConfig& p) {
        return !c.lags.empty() &&
               std::ranges::find(c.lags[0].members, p.name) != c.lags[0].members.end();
    }
    // Of a LAG or a bridge, as the port that it is.
    void give_ip_side(PortConfig& port, unsigned number, Ip4 address) {
        port.name = name(number);
        if (coin()) port.mac = mac();
        if (coin()) port.mtu = static_cast<uint16_t>(kMinMtu + below(100));
        if (coin()) port.addresses.push_back({address, 24});
        port.admin_up = coin();
        port.knobs = knobs<PortKnob>();
    }

    // Of some of the ports that have no addresses.
    LagConfig lag(const Config& c) {
        LagConfig l;
        for (const PortConfig& p : c.ports)
            if (p.addresses.empty() && p.match.empty() && coin()) l.members.push_back(p.name);
        l.mode = any<LagMode>(2);
        l.activity = any<LacpActivity>(2);
        l.rate = any<LacpRate>(2);
        l.key = 1 + below(65535);
        l.system_priority = below(65536);
        l.hash = any<LagHash>(3);
        l.min_links = below(static_cast<unsigned>(l.members.size()) + 1);
        give_ip_side(l.port, 90, {10, 201, 0, 1});
        return l;
    }

    // Of the ports that have no addresses, and are in no LAG.
    BridgeConfig bridge(const Config& c) {
        BridgeConfig b;
        const bool knows_vlans = coin();
        b.stp = stp();
        const bool has_stp = b.stp.mode != StpMode::off;
        for (const PortConfig& p : c.ports)
            if (p.addresses.empty() && p.match.empty() && !is_member(c, p))
                b.members.push_back(member(p.name, knows_vlans, has_stp));
        if (!b.members.empty() && coin())
            b.stations.push_back({mac(), b.members[0].port, knows_vlans ? vlan() : uint16_t{0}});
        give_rules(b, knows_vlans);
        b.ageing = below(kMaxAgeing + 1);
        b.learn_limit = below(kMaxLearnLimit + 1);
        b.learn_action = any<LearnAction>(2);
        b.move_limit = below(kMaxMoveLimit + 1);
        b.group_fwd_mask = has_stp ? 2 * below(0x8000) : below(0x10000);
        b.loop_detection = any<LoopDetection>(has_stp ? 2 : 3);
        b.loop_recovery = below(kMaxRecovery + 1);
        give_ip_side(b.port, 80, {10, 200, 0, 1});
        return b;
    }

    PortConfig pattern() {
        VethConfig veth;
        veth.shield = coin();
        veth.qdisc_bypass = coin();
        return {.driver = veth,
                .knobs = knobs<PortKnob>(),
                .match = word() + "[0-9]*",
                .adopt_addresses = coin()};
    }

    void turn_knobs(NeighbourPortConfig& c) {
        for (const auto& knob : kNeighbourPortKnobs)
            if (coin()) c.*knob.value = knob.least + below(knob.most - knob.least + 1);
    }
    NeighbourTableConfig neighbour_table(const Config& c) {
        NeighbourTableConfig t{.gc_thresh1 = below(100),
                               .gc_thresh2 = 100 + below(100),
                               .gc_thresh3 = 200 + below(kMaxGcThresh - 200)};
        if (coin()) t.gc_interval = kMinGcInterval + below(kMaxGcInterval);
        turn_knobs(t.all);
        for (const PortConfig& p : c.ports)
            if (p.match.empty() && coin()) {
                t.ports.push_back({p.name, t.all});
                turn_knobs(t.ports.back().knobs);
            }
        return t;
    }

    NextHopConfig next_hop(const Config& c) {
        const PortConfig& p = c.ports[below(static_cast<unsigned>(c.ports.size()))];
        if (!p.match.empty()) return {.port = "to-come"};
        NextHopConfig hop{.port = p.name, .weight = static_cast<uint16_t>(1 + below(256))};
        if (p.addresses.empty() || p.addresses[0].length > 30 || coin()) return hop;
        hop.via = Ip4{p.addresses[0].address.value + 1};
        if (coin())
            hop.port.reset();
        else
            hop.onlink = coin();
        return hop;
    }

    NexthopConfig nexthop(const Config& c, unsigned i) {
        NexthopConfig n{.id = 100 + i};
        if (c.ports.empty() || below(4) == 0) return n;
        if (coin()) {
            n.hop = next_hop(c);
            n.hop->weight = 1;
            return n;
        }
        for (const NexthopConfig& one : c.nexthops)
            if (one.hop)
                n.group.push_back({one.id, static_cast<uint16_t>(1 + below(coin() ? 1 : 256))});
        return n;
    }

    RouteConfig route(const Config& c, unsigned i) {
        RouteConfig r{.to = Prefix4{Ip4{192, static_cast<uint8_t>(i), 0, 0}, 16},
                      .action = any<RouteAction>(5)};
        if (coin()) r.to = {Ip4{}, 0};
        r.metric = coin() ? i : 4294967295U - i;
        if (c.ports.empty() && r.action == RouteAction::forward) r.action = RouteAction::prohibit;
        if (r.action == RouteAction::forward)
            for (unsigned h = 0, n = 1 + below(4); h < n; ++h) r.next_hops.push_back(next_hop(c));
        if (r.next_hops.size() == 1 && coin()) r.next_hops[0].weight = 1;
        const bool has_gateway =
            std::ranges::any_of(r.next_hops, [](const NextHopConfig& h) { return !!h.via; });
        if (!has_gateway && coin()) r.scope = any<RouteScope>(r.next_hops.size() > 1 ? 2 : 3);
        if (!c.ports.empty() && !c.ports[0].addresses.empty() && coin())
            r.src = c.ports[0].addresses[0].address;
        if (!c.nexthops.empty() && coin()) {
            r.nhid = c.nexthops[below(static_cast<unsigned>(c.nexthops.size()))].id;
            r.action = RouteAction::forward;
            r.next_hops.clear();
            r.scope = RouteScope::global;
        }
        return r;
    }

    std::mt19937 random_;
};

}  // namespace vethway
