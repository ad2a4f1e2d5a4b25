// SPDX-License-Identifier: Apache-2.0
#include "control/bridge_rules.h"

#include <algorithm>

#include "dataplane/l2/groups.h"
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

MemberSet set_of(const std::vector<std::string>& ports, const IndexOf& index_of,
                 const Domain& domain) {
    MemberSet set = 0;
    for (const std::string& port : ports) {
        const auto at = std::ranges::find(domain.members, index_of(port), &Member::port);
        if (at != domain.members.end()) set |= MemberSet{1} << (at - domain.members.begin());
    }
    return set;
}

std::shared_ptr<const Groups> groups_of(const BridgeConfig& b, const IndexOf& index_of,
                                        const Domain& domain) {
    std::vector<std::string> routers;
    for (const MemberConfig& m : b.members)
        if (m.multicast_router) routers.push_back(m.port);
    if (b.groups.empty() && routers.empty() && b.unknown_multicast == UnknownMulticast::flood)
        return nullptr;
    auto groups = std::make_shared<Groups>(b.groups.size());
    groups->routers = set_of(routers, index_of, domain);
    groups->unknown = b.unknown_multicast;
    for (const GroupConfig& g : b.groups)
        groups->add(g.vlan, g.group.mac(), set_of(g.ports, index_of, domain));
    return groups;
}

}  // namespace

void add_bridge_rules(const BridgeConfig& b, const IndexOf& index_of, Domain& domain) {
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
    domain.groups = groups_of(b, index_of, domain);
}

}  // namespace vethway
