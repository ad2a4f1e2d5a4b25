// SPDX-License-Identifier: Apache-2.0
// What is shown of bridges, VLANs and stations.
#include <set>

#include "config/names.h"
#include "control/json_views.h"
#include "control/watch/story_words.h"

namespace vethway {

namespace {

std::string ranges_text(const MemberConfig& m) {
    std::string text;
    for (const VlanRange& r : m.trunk)
        text += (text.empty() ? "" : ",") + std::to_string(r.first) +
                (r.first == r.last ? "" : "-" + std::to_string(r.last));
    return text;
}

Json vlans_of(const MemberConfig& m) {
    Json translate = Json::array();
    for (const VlanTranslation& t : m.translate)
        translate.push_back({{"wire", t.wire}, {"vlan", t.vlan}});
    return {{"vlan", m.vlan ? Json(*m.vlan) : Json()},
            {"trunk", ranges_text(m)},
            {"translate", translate},
            {"native", m.native ? Json(*m.native) : Json()},
            {"tag", kVlanTagNames[static_cast<size_t>(m.tag)]}};
}

Json rules_of(const MemberConfig& m) {
    Json macs = Json::array();
    for (const Mac& mac : m.macs) macs.push_back(mac.to_string());
    return {{"arp_guard", m.arp_guard},
            {"dhcp_guard", m.dhcp_guard},
            {"ra_guard", m.ra_guard},
            {"source_guard", m.source_guard},
            {"macs", macs},
            {"neigh_suppress", m.neigh_suppress},
            {"multicast_router", m.multicast_router},
            {"multicast_fast_leave", m.multicast_fast_leave}};
}

Json vlan_or_null(uint16_t vlan) { return vlan == 0 ? Json() : Json(vlan); }

Json member_view(Controller& controller, const MemberConfig& m) {
    const Ports& ports = controller.ports();
    const ManagedPort* port = ports.find(m.port);
    Json out{{"port", m.port},
             {"state", port != nullptr ? ports.bridges().state_of(*port) : "missing"},
             {"link", port != nullptr && port->up() ? "up" : "down"},
             {"learning", m.learning},
             {"hairpin", m.hairpin},
             {"flood_unicast", m.flood_unicast},
             {"flood_multicast", m.flood_multicast},
             {"flood_broadcast", m.flood_broadcast},
             {"split_horizon", m.split_horizon},
             {"learn_limit", m.learn_limit},
             {"storm_unicast", m.storm_unicast},
             {"storm_multicast", m.storm_multicast},
             {"storm_broadcast", m.storm_broadcast}};
    out.update(vlans_of(m));
    out["looped"] = controller.loop_watch().is_looped(m.port);
    out["looped_vlans"] = Json::array();
    for (const uint16_t vlan : controller.loop_watch().looped_vlans(m.port))
        if (vlan != 0) out["looped_vlans"].push_back(vlan);
    out["shut"] = controller.loop_watch().is_shut(m.port);
    out.update(rules_of(m));
    out["stations"] = port != nullptr ? controller.dataplane().l2().fdb.learned_by(port->index) : 0;
    const PortTotals totals = port != nullptr ? ports.totals(port->index) : PortTotals{};
    Json counts = Json::object();
    for (size_t i = 0; i < totals.bridged.size(); ++i) counts[kBridgedNames[i]] = totals.bridged[i];
    out["counters"] = counts;
    return out;
}

bool carries(const MemberConfig& m, uint16_t vlan) {
    return m.vlan == vlan || m.native == vlan ||
           std::ranges::find(m.translate, vlan, &VlanTranslation::vlan) != m.translate.end() ||
           std::ranges::any_of(
               m.trunk, [vlan](const VlanRange& r) { return r.first <= vlan && vlan <= r.last; });
}

std::string wire_words(const MemberConfig& m, uint16_t vlan) {
    if (m.vlan == vlan || m.native == vlan) return "untagged";
    const auto other = std::ranges::find(m.translate, vlan, &VlanTranslation::vlan);
    const uint16_t wire = other != m.translate.end() ? other->wire : vlan;
    return std::string(kVlanTagNames[static_cast<size_t>(m.tag)]) + ' ' + std::to_string(wire);
}

Json querier_view(Controller& controller, const QuerierStatus& q) {
    return {{"address", q.other ? Json(to_string(*q.other)) : Json()},
            {"port", q.other ? Json(port_name(controller, q.port)) : Json()},
            {"self", q.is_self},
            {"in_force", q.is_asked}};
}

// What it has learned of who asks; null: it does not listen.
Json snooping_view(Controller& controller, const BridgeConfig& b) {
    const auto learned = controller.snooping().status(b.port.name);
    if (!learned) return nullptr;
    Json vlans = Json::array();
    for (const SnoopedVlan& v : learned->vlans) {
        std::vector<std::string> routers;
        for (const uint16_t port : v.routers) routers.push_back(port_name(controller, port));
        vlans.push_back({{"vlan", vlan_or_null(v.vlan)},
                         {"routers", routers},
                         {"ip4", querier_view(controller, v.querier(IpVersion::ip4))},
                         {"ip6", querier_view(controller, v.querier(IpVersion::ip6))}});
    }
    return {{"querier", b.multicast_querier},
            {"query_interval", b.multicast_query_interval},
            {"groups", learned->groups.size()},
            {"vlans", vlans},
            {"messages",
             {{"queries", learned->queries},
              {"reports", learned->reports},
              {"router", learned->router_messages},
              {"faulty", learned->faulty},
              {"queries_sent", learned->queries_sent}}}};
}

}  // namespace

Json bridges_view(Controller& controller) {
    Json out = Json::array();
    for (const BridgeConfig& b : controller.ports().bridges().all()) {
        Json members = Json::array();
        for (const MemberConfig& m : b.members) members.push_back(member_view(controller, m));
        const ManagedPort* own = controller.ports().find(b.port.name);
        Json addresses = Json::array();
        for (const Prefix4& a : b.port.addresses) addresses.push_back(a.to_string());
        out.push_back(
            {{"name", b.port.name},
             {"mac", own != nullptr ? own->mac().to_string() : ""},
             {"mtu", own != nullptr ? own->mtu() : 0},
             {"state", own != nullptr && own->up() ? "up" : "down"},
             {"addresses", addresses},
             {"knows_vlans", b.knows_vlans()},
             {"ageing", b.ageing},
             {"learn_limit", b.learn_limit},
             {"learn_action", kLearnActionNames[static_cast<size_t>(b.learn_action)]},
             {"move_limit", b.move_limit},
             {"group_fwd_mask", b.group_fwd_mask},
             {"stp", kStpModeNames[static_cast<size_t>(b.stp.mode)]},
             {"loop_detection", kLoopDetectionNames[static_cast<size_t>(b.loop_detection)]},
             {"stations", controller.ports().bridges().learned(b.port.name)},
             {"static_stations", b.stations.size()},
             {"bindings", b.bindings.size()},
             {"groups", b.groups.size()},
             {"unknown_multicast",
              kUnknownMulticastNames[static_cast<size_t>(b.unknown_multicast_in_force())]},
             {"snooping", snooping_view(controller, b)},
             {"members", members}});
    }
    return {{"bridges", out}};
}

// Of each VLAN that a member names by itself, or that a port has: a trunk of all has 4094.
Json vlans_view(Controller& controller) {
    Json out = Json::array();
    for (const BridgeConfig& b : controller.ports().bridges().all()) {
        std::set<uint16_t> vlans;
        for (const MemberConfig& m : b.members) {
            if (m.vlan) vlans.insert(*m.vlan);
            if (m.native) vlans.insert(*m.native);
            for (const VlanTranslation& t : m.translate) vlans.insert(t.vlan);
            for (const VlanRange& r : m.trunk)
                for (uint32_t v = r.first; v <= r.last; ++v) vlans.insert(static_cast<uint16_t>(v));
        }
        for (const uint16_t vlan : vlans) {
            Json members = Json::array();
            for (const MemberConfig& m : b.members)
                if (carries(m, vlan))
                    members.push_back({{"port", m.port}, {"wire", wire_words(m, vlan)}});
            out.push_back({{"bridge", b.port.name}, {"vlan", vlan}, {"members", members}});
        }
    }
    Json ports = Json::array();
    for (const auto& [name, port] : controller.ports().all())
        if (const auto* vlan = std::get_if<VlanConfig>(&port.config.driver))
            ports.push_back({{"port", name},
                             {"parent", vlan->parent},
                             {"vlan", vlan->vlan},
                             {"tag", kVlanTagNames[static_cast<size_t>(vlan->tag)]}});
    return {{"vlans", out}, {"ports", ports}};
}

// `seen_at`: where the station is now, as far as it was heard of.
Json bindings_view(Controller& controller) {
    const Ports& ports = controller.ports();
    Json out = Json::array();
    for (const BridgeConfig& b : ports.bridges().all())
        for (const BindingConfig& one : b.bindings) {
            const auto at = ports.bridges().place_of(ports, b.port.name, one.vlan, one.mac);
            out.push_back({{"bridge", b.port.name},
                           {"vlan", vlan_or_null(one.vlan)},
                           {"address", one.address.to_string()},
                           {"mac", one.mac.to_string()},
                           {"port", one.port.empty() ? Json() : Json(one.port)},
                           {"seen_at", at.empty() ? Json() : Json(at)}});
        }
    return {{"bindings", out}};
}

// Of one bridge; first those that the configuration has.
static void add_groups(Controller& controller, const BridgeConfig& b, Json& out) {
    const auto learned = controller.snooping().status(b.port.name);
    const auto routers_of = [&](uint16_t vlan) {
        std::set<std::string> routers;
        for (const MemberConfig& m : b.members)
            if (m.multicast_router) routers.insert(m.port);
        if (learned)
            for (const SnoopedVlan& v : learned->vlans)
                for (const uint16_t port : v.routers)
                    if (v.vlan == vlan) routers.insert(port_name(controller, port));
        return routers;
    };
    for (const GroupConfig& g : b.groups)
        out.push_back({{"bridge", b.port.name},
                       {"vlan", vlan_or_null(g.vlan)},
                       {"group", g.group.to_string()},
                       {"mac", g.group.mac().to_string()},
                       {"ports", g.ports},
                       {"routers", routers_of(g.vlan)},
                       {"kind", "static"},
                       {"expires_s", nullptr}});
    if (!learned) return;
    for (const SnoopedGroup& g : learned->groups) {
        Json ports = Json::array(), expires = Json::object();
        for (const auto& [port, left] : g.ports) {
            const std::string name = port_name(controller, port);
            ports.push_back(name);
            expires[name] = std::chrono::duration<double>(left).count();
        }
        out.push_back({{"bridge", b.port.name},
                       {"vlan", vlan_or_null(g.vlan)},
                       {"group", to_string(g.group)},
                       {"mac", group_mac(g.group).to_string()},
                       {"ports", ports},
                       {"routers", routers_of(g.vlan)},
                       {"kind", "learned"},
                       {"expires_s", expires}});
    }
}

Json groups_view(Controller& controller) {
    Json out = Json::array();
    for (const BridgeConfig& b : controller.ports().bridges().all()) add_groups(controller, b, out);
    return {{"groups", out}};
}

Json stations_view(Controller& controller, const StationFilter& filter) {
    Json out = Json::array();
    for (const StationView& s : controller.ports().bridges().stations(controller.ports(), filter))
        out.push_back({{"bridge", s.bridge},
                       {"vlan", s.vlan == 0 ? Json() : Json(s.vlan)},
                       {"mac", s.mac.to_string()},
                       {"port", s.port},
                       {"kind", s.is_static ? "static" : "learned"},
                       {"damped", s.is_damped},
                       {"age_s", s.age_s}});
    return {{"stations", out}};
}

}  // namespace vethway
