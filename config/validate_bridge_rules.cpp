// SPDX-License-Identifier: Apache-2.0
#include "config/validate_bridge_rules.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace vethway {

namespace {

std::string counted(size_t most, const char* what) {
    return "more than " + std::to_string(most) + ' ' + what;
}

class RuleChecker : private ProblemFinder {
public:
    RuleChecker(const BridgeConfig& bridge, std::string path, std::vector<Problem>& problems)
        : ProblemFinder(problems), bridge_(bridge), path_(std::move(path)) {}

    void run() {
        for (size_t i = 0; i < bridge_.members.size(); ++i)
            check_macs(bridge_.members[i], indexed(path_ + ".members", i) + ".macs");
        if (bridge_.bindings.size() > kMaxBindings)
            add(path_ + ".bindings", counted(kMaxBindings, "bindings"));
        for (const StaticStation& s : bridge_.stations) places_[{s.mac, s.vlan}] = s.port;
        for (size_t i = 0; i < bridge_.bindings.size(); ++i)
            check_binding(bridge_.bindings[i], indexed(path_ + ".bindings", i));
        if (bridge_.groups.size() > kMaxGroups)
            add(path_ + ".groups", counted(kMaxGroups, "groups"));
        for (size_t i = 0; i < bridge_.groups.size(); ++i)
            check_group(bridge_.groups[i], indexed(path_ + ".groups", i));
        check_snooping();
    }

private:
    void check_snooping() {
        if (bridge_.multicast_query_interval == 0)
            add(path_ + ".multicast_query_interval",
                "expected a number from 1 to " + std::to_string(kMaxQueryInterval));
        if (bridge_.multicast_snooping) return;
        const char* const kNeeds = "needs multicast_snooping: true";
        if (bridge_.multicast_querier) add(path_ + ".multicast_querier", kNeeds);
        for (size_t i = 0; i < bridge_.members.size(); ++i)
            if (bridge_.members[i].multicast_fast_leave)
                add(indexed(path_ + ".members", i) + ".multicast_fast_leave", kNeeds);
    }
    void check_station_mac(const Mac& mac, const std::string& at) {
        if (mac.is_group() || mac.is_zero())
            add(at, mac.to_string() + " can't be a station's address");
    }
    void check_member(const std::string& port, const std::string& at) {
        if (std::ranges::find(bridge_.members, port, &MemberConfig::port) == bridge_.members.end())
            add_following(at, "the bridge has no member \"" + port + '"');
    }
    void check_vlan(uint16_t vlan, const char* what, const std::string& at) {
        if (bridge_.knows_vlans() && vlan == 0)
            add_following(at, std::string("the bridge knows VLANs: say in which the ") + what +
                                  " is, by vlan:");
        if (!bridge_.knows_vlans() && vlan != 0)
            add_following(at + ".vlan", "the bridge knows no VLANs");
        if (vlan > kMaxVlan) add(at + ".vlan", "expected a VLAN from 1 to 4094");
    }

    void check_macs(const MemberConfig& m, const std::string& at) {
        if (m.macs.size() > kMaxMemberMacs) add(at, counted(kMaxMemberMacs, "MACs"));
        std::set<Mac> seen;
        for (size_t i = 0; i < m.macs.size(); ++i) {
            check_station_mac(m.macs[i], indexed(at, i));
            if (!seen.insert(m.macs[i]).second)
                add(indexed(at, i), m.macs[i].to_string() + " is there already");
        }
    }

    void check_binding(const BindingConfig& b, const std::string& at) {
        if (!b.address.is_host())
            add(at + ".address", b.address.to_string() + " can't be a host's address");
        check_station_mac(b.mac, at + ".mac");
        if (!b.port.empty()) check_member(b.port, at + ".port");
        check_vlan(b.vlan, "station", at);
        const auto [owner, first] = owners_.emplace(std::pair(b.address, b.vlan), b.mac);
        if (!first)
            add(at + ".address",
                b.address.to_string() + " is bound to " + owner->second.to_string() + " already");
        if (b.port.empty()) return;
        // A station is in one place.
        const auto [place, only] = places_.emplace(std::pair(b.mac, b.vlan), b.port);
        if (!only && place->second != b.port)
            add(at + ".port", b.mac.to_string() + " is said to be behind " + place->second);
    }

    void check_group(const GroupConfig& g, const std::string& at) {
        const Mac mac = g.group.mac();
        const std::string who = g.group.to_string();
        if (is_for_all(mac))
            add(at + ".group", "what is sent to " + who + " goes to all members (RFC 4541)");
        else if (mac == Mac::broadcast() || mac.to_u48() >> 4 == 0x0180'c200'0000 >> 4)
            add(at + ".group", who + " is no group that hosts are in");
        check_vlan(g.vlan, "group", at);
        const auto [other, first] = groups_.emplace(std::pair(mac, g.vlan), who);
        if (!first)
            add(at + ".group", "an entry is about " + other->second + " already" +
                                   (other->second == who ? "" : ", which has the same MAC"));
        std::set<std::string> seen;
        for (size_t i = 0; i < g.ports.size(); ++i) {
            const std::string here = indexed(at + ".ports", i);
            check_member(g.ports[i], here);
            if (!seen.insert(g.ports[i]).second)
                add(here, "port " + g.ports[i] + " is there already");
        }
    }

    const BridgeConfig& bridge_;
    const std::string path_;
    std::map<std::pair<Ip4, uint16_t>, Mac> owners_;
    std::map<std::pair<Mac, uint16_t>, std::string> places_, groups_;
};

}  // namespace

void find_bridge_rule_problems(const BridgeConfig& bridge, const std::string& path,
                               std::vector<Problem>& problems) {
    RuleChecker(bridge, path, problems).run();
}

}  // namespace vethway
