// SPDX-License-Identifier: Apache-2.0
#include "config/validate_bridges.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "config/names.h"
#include "config/validate_bridge_rules.h"
#include "config/validate_stp.h"

namespace vethway {

namespace {

const BridgeConfig* bridge_named(const Config& config, const std::string& name) {
    const auto found = std::ranges::find_if(
        config.bridges, [&](const BridgeConfig& b) { return b.port.name == name; });
    return found == config.bridges.end() ? nullptr : &*found;
}

class BridgeChecker : private ProblemFinder {
public:
    BridgeChecker(const Config& config, PortUses& uses, std::vector<Problem>& problems)
        : ProblemFinder(problems), config_(config), uses_(uses) {}

    void run() {
        for (size_t i = 0; i < config_.ports.size(); ++i)
            if (const auto* vlan = std::get_if<VlanConfig>(&config_.ports[i].driver))
                check_vlan(*vlan, indexed("ports", i));
        if (config_.bridges.size() > kMaxBridges)
            add("bridges", "more than " + std::to_string(kMaxBridges) + " bridges");
        for (size_t i = 0; i < config_.bridges.size(); ++i)
            check_bridge(config_.bridges[i], indexed("bridges", i));
    }

private:
    void check_vlan_id(uint16_t vlan, const std::string& path) {
        if (vlan < 1 || vlan > kMaxVlan) add(path, "expected a VLAN from 1 to 4094");
    }

    void check_vlan(const VlanConfig& p, const std::string& path) {
        check_vlan_id(p.vlan, path + ".vlan");
        if (!tags_.emplace(p.parent, p.vlan, p.tag).second)
            add(path + ".vlan",
                "another port has VLAN " + std::to_string(p.vlan) + " of " + p.parent);
        if (const BridgeConfig* bridge = bridge_named(config_, p.parent)) {
            if (!bridge->knows_vlans())
                add_following(path + ".parent", "bridge " + p.parent +
                                                    " knows no VLANs: none of its members has any");
            if (p.tag != VlanTagKind::dot1q)
                add(path + ".tag", "within a bridge there are no tags: leave it out");
            return;
        }
        check_parent(p.parent, path + ".parent");
    }

    // A device or a LAG, or a VLAN of one.
    void check_parent(const std::string& name, const std::string& path) {
        const PortConfig* parent = wire_named(config_, name);
        if (parent == nullptr) return add_following(path, "there is no port \"" + name + '"');
        if (const LagConfig* lag = lag_of_member(config_, name))
            return add(path, "port " + name + " is a member of LAG " + lag->port.name +
                                 ": the VLAN is the LAG's");
        const auto* below = std::get_if<VlanConfig>(&parent->driver);
        if (below == nullptr) return;
        const PortConfig* lowest = wire_named(config_, below->parent);
        if (lowest != nullptr && std::holds_alternative<VlanConfig>(lowest->driver))
            add_following(path, "more than two tags");
        else if (lowest == nullptr && bridge_named(config_, below->parent) != nullptr)
            add_following(path, "port " + name + " is a bridge's, in which there are no tags");
    }

    void check_bridge(const BridgeConfig& b, const std::string& path) {
        find_stp_problems(b, path, problems_);
        if (b.ageing > kMaxAgeing) add(path + ".ageing", "expected 0 to 1000000 seconds");
        if (b.members.size() > kMaxBridgeMembers)
            add(path + ".members", "more than " + std::to_string(kMaxBridgeMembers) + " members");
        if (b.stations.size() > kMaxStations)
            add(path + ".stations", "more than " + std::to_string(kMaxStations) + " stations");
        for (size_t i = 0; i < b.members.size(); ++i)
            check_member(b, b.members[i], indexed(path + ".members", i));
        std::set<std::pair<Mac, uint16_t>> stations;
        for (size_t i = 0; i < b.stations.size(); ++i) {
            const StaticStation& s = b.stations[i];
            const std::string at = indexed(path + ".stations", i);
            check_station(b, s, at);
            if (!stations.emplace(s.mac, s.vlan).second)
                add(at + ".mac", "another entry is about " + s.mac.to_string());
        }
        find_bridge_rule_problems(b, path, problems_);
    }

    void check_member(const BridgeConfig& b, const MemberConfig& m, const std::string& path) {
        const std::string at = path + ".port";
        const PortConfig* port = wire_named(config_, m.port);
        if (port == nullptr)
            add_following(at, "there is no port \"" + m.port + '"');
        else if (!port->addresses.empty())
            add_following(at, "port " + m.port + " has addresses: give them to the bridge");
        else if (const auto* vlan = std::get_if<VlanConfig>(&port->driver);
                 vlan != nullptr && bridge_named(config_, vlan->parent) != nullptr)
            add_following(at, "port " + m.port + " is a bridge's own");
        const std::string other = uses_.take(m.port, "is a member of bridge " + b.port.name);
        if (!other.empty()) add(at, other);
        check_member_vlans(b, m, path);
    }

    void check_member_vlans(const BridgeConfig& b, const MemberConfig& m, const std::string& path) {
        const bool trunk = !m.trunk.empty() || !m.translate.empty() || m.native;
        if (b.knows_vlans() && !m.knows_vlans())
            add(path,
                "the bridge knows VLANs: say which port " + m.port + " has, by vlan: or trunk:");
        if (m.vlan && trunk)
            add(path, "a member has one vlan:, or trunk:, translate: and native:, not both");
        if (!m.knows_vlans() && m.tag != VlanTagKind::dot1q)
            add(path + ".tag", "needs vlan: or trunk:");
        if (m.vlan) check_vlan_id(*m.vlan, path + ".vlan");
        if (m.native) check_vlan_id(*m.native, path + ".native");
        for (size_t i = 0; i < m.trunk.size(); ++i)
            if (m.trunk[i].first < 1 || m.trunk[i].last > kMaxVlan ||
                m.trunk[i].first > m.trunk[i].last)
                add(indexed(path + ".trunk", i), "expected VLANs from 1 to 4094, in order");
        check_translations(m, path + ".translate");
    }

    void check_translations(const MemberConfig& m, const std::string& path) {
        std::set<uint16_t> wires, vlans;
        for (size_t i = 0; i < m.translate.size(); ++i) {
            const VlanTranslation& t = m.translate[i];
            const std::string at = indexed(path, i);
            check_vlan_id(t.wire, at + ".wire");
            check_vlan_id(t.vlan, at + ".vlan");
            const auto passes = [&](uint16_t vlan) {
                return std::ranges::any_of(m.trunk, [vlan](const VlanRange& r) {
                    return r.first <= vlan && vlan <= r.last;
                });
            };
            if (!wires.insert(t.wire).second || passes(t.wire) || m.native == t.wire)
                add(at + ".wire",
                    "VLAN " + std::to_string(t.wire) + " of the wire has another meaning already");
            if (!vlans.insert(t.vlan).second || passes(t.vlan) || m.native == t.vlan)
                add(at + ".vlan",
                    "VLAN " + std::to_string(t.vlan) + " has another tag on the wire already");
        }
    }

    void check_station(const BridgeConfig& b, const StaticStation& s, const std::string& path) {
        if (s.mac.is_group() || s.mac.is_zero())
            add(path + ".mac", s.mac.to_string() + " can't be a station's address");
        if (std::ranges::find(b.members, s.port, &MemberConfig::port) == b.members.end())
            add_following(path + ".port", "the bridge has no member \"" + s.port + '"');
        if (b.knows_vlans() && s.vlan == 0)
            add_following(path, "the bridge knows VLANs: say in which the station is, by vlan:");
        if (!b.knows_vlans() && s.vlan != 0)
            add_following(path + ".vlan", "the bridge knows no VLANs");
        if (s.vlan > kMaxVlan) add(path + ".vlan", "expected a VLAN from 1 to 4094");
    }

    const Config& config_;
    PortUses& uses_;
    std::set<std::tuple<std::string, uint16_t, VlanTagKind>> tags_;
};

}  // namespace

void find_bridge_problems(const Config& config, PortUses& uses, std::vector<Problem>& problems) {
    BridgeChecker(config, uses, problems).run();
}

}  // namespace vethway
