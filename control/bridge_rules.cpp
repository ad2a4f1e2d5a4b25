// SPDX-License-Identifier: Apache-2.0
#include "control/bridge_rules.h"

#include <algorithm>
#include <map>
#include <utility>

#include "dataplane/l2/guard.h"

namespace vethway {

namespace {

constexpr uint16_t kNowhere = kNoPort - 1;  // a member that is still to come

std::shared_ptr<const Bindings> bindings_of(const BridgeConfig& b, const IndexOf& index_of) {
    auto bindings = std::make_shared<Bindings>(b.bindings.size());
    const auto add = [&](const BindingConfig& one, uint16_t port) {
        bindings->add(one.vlan, one.address, {one.mac, port});
    };
    // First who has a place: a station that has one by any of its bindings is there.
    for (const BindingConfig& one : b.bindings)
        if (!one.port.empty()) add(one, std::min(index_of(one.port), kNowhere));
    for (const BindingConfig& one : b.bindings)
        if (one.port.empty()) add(one, kNoPort);
    return bindings;
}

bool has_guard(const MemberConfig& m) {
    return m.arp_guard || m.dhcp_guard || m.ra_guard || m.source_guard || !m.macs.empty();
}

std::shared_ptr<const Guard> guard_of(const MemberConfig& m,
                                      const std::shared_ptr<const Bindings>& bindings) {
    if (!has_guard(m)) return nullptr;
    auto guard = std::make_shared<Guard>(Guard{.arp = m.arp_guard,
                                               .dhcp = m.dhcp_guard,
                                               .ra = m.ra_guard,
                                               .source = m.source_guard,
                                               .macs = m.macs,
                                               .bindings = bindings});
    std::ranges::sort(guard->macs);
    return guard;
}

MemberSet set_of(uint16_t port, const Domain& domain) {
    const auto at = std::ranges::find(domain.members, port, &Member::port);
    return at != domain.members.end() ? MemberSet{1} << (at - domain.members.begin()) : 0;
}
MemberSet set_of(const std::vector<std::string>& ports, const IndexOf& index_of,
                 const Domain& domain) {
    MemberSet set = 0;
    for (const std::string& port : ports) set |= set_of(index_of(port), domain);
    return set;
}

// By VLAN and MAC, since several groups may share one.
using GroupSets = std::map<std::pair<uint16_t, Mac>, MemberSet>;

VlanGroups learned_of(const SnoopedVlan& vlan, const Domain& domain) {
    VlanGroups out{.is_asked4 = vlan.querier(IpVersion::ip4).is_asked,
                   .is_asked6 = vlan.querier(IpVersion::ip6).is_asked};
    for (const uint16_t port : vlan.routers) out.routers |= set_of(port, domain);
    return out;
}

// Where nobody asks, who wants a group need not have said so: what was learned of it adds to what
// the configuration says of it, but is no reason to keep it from others.
void add_learned(const SnooperStatus& learned, const Domain& domain, GroupSets& sets) {
    std::map<uint16_t, const SnoopedVlan*> vlans;
    for (const SnoopedVlan& v : learned.vlans) vlans[v.vlan] = &v;
    for (const SnoopedGroup& g : learned.groups) {
        const bool is_ip4 = std::holds_alternative<Ip4>(g.group);
        const std::pair key{g.vlan, group_mac(g.group)};
        if (!vlans.at(g.vlan)->querier(is_ip4 ? IpVersion::ip4 : IpVersion::ip6).is_asked &&
            !sets.contains(key))
            continue;
        MemberSet& set = sets[key];
        for (const auto& [port, left] : g.ports) set |= set_of(port, domain);
    }
}

}  // namespace

std::unique_ptr<const Groups> groups_of(const BridgeConfig& b, const IndexOf& index_of,
                                        const SnooperStatus* learned, const Domain& domain) {
    std::vector<std::string> routers;
    for (const MemberConfig& m : b.members)
        if (m.multicast_router) routers.push_back(m.port);
    if (b.groups.empty() && routers.empty() && !b.multicast_snooping &&
        b.unknown_multicast_in_force() == UnknownMulticast::flood)
        return nullptr;
    GroupSets sets;
    for (const GroupConfig& g : b.groups)
        sets[{g.vlan, g.group.mac()}] = set_of(g.ports, index_of, domain);
    if (learned != nullptr) add_learned(*learned, domain, sets);
    auto groups =
        std::make_unique<Groups>(sets.size(), learned != nullptr ? learned->vlans.size() : 0);
    groups->routers = set_of(routers, index_of, domain);
    groups->unknown = b.unknown_multicast_in_force();
    groups->snoops = b.multicast_snooping;
    for (const auto& [key, members] : sets) groups->add(key.first, key.second, members);
    if (learned != nullptr)
        for (const SnoopedVlan& v : learned->vlans) groups->add_vlan(v.vlan, learned_of(v, domain));
    return groups;
}

void add_bridge_rules(const BridgeConfig& b, const IndexOf& index_of, const SnooperStatus* learned,
                      Rcu& rcu, Domain& domain) {
    const auto bindings = bindings_of(b, index_of);
    if (!b.bindings.empty()) domain.bindings = bindings;
    for (Member& member : domain.members) {
        const auto config = std::ranges::find_if(
            b.members, [&](const MemberConfig& m) { return index_of(m.port) == member.port; });
        if (config == b.members.end()) continue;
        member.guard = guard_of(*config, bindings);
        member.neigh_suppress = config->neigh_suppress;
        domain.suppresses_arp |= config->neigh_suppress;
    }
    if (auto groups = groups_of(b, index_of, learned, domain))
        domain.groups = std::make_shared<Published<Groups>>(rcu, std::move(groups));
}

}  // namespace vethway
