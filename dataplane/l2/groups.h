// SPDX-License-Identifier: Apache-2.0
// Which members of a bridge domain want what is sent to a group, by the rules for switches that
// know of IP multicast (RFC 4541): what the configuration says, and what was learned of the
// messages by which hosts and routers agree about groups (control/snooping).
#pragma once

#include <rte_mbuf.h>

#include <cstdint>

#include "dataplane/l2/static_table.h"
#include "dataplane/net/multicast_group.h"

namespace vethway {

// Members of a domain, by their place in it: kMaxMembers are as many as a word has bits.
using MemberSet = uint64_t;

// What was learned of a VLAN.
struct VlanGroups {
    MemberSet routers = 0;
    // Somebody asks which groups are wanted, and hosts have had the time to answer: a group that is
    // not in the table is wanted by nobody. By IP version.
    bool is_asked4 = false, is_asked6 = false;
};

class Groups {
public:
    // For so many groups and VLANs at most.
    explicit Groups(size_t most = 0, size_t most_vlans = 0) : members_(most), vlans_(most_vlans) {}

    // Control thread, before workers have it. VLAN 0 where the domain knows none.
    void add(uint16_t vlan, const Mac& group, MemberSet members) {
        members_.add(key_of(vlan, group), members);
    }
    void add_vlan(uint16_t vlan, const VlanGroups& learned) { vlans_.add(key_of(vlan), learned); }
    // Worker. Null where nobody is said to want it.
    const MemberSet* find(uint16_t vlan, const Mac& group) const noexcept {
        return members_.find(key_of(vlan, group));
    }
    VlanGroups learned_of(uint16_t vlan) const noexcept {
        const VlanGroups* found = vlans_.find(key_of(vlan));
        return found != nullptr ? *found : VlanGroups{};
    }

    MemberSet routers = 0;  // that get all that is for IP groups, in any VLAN
    UnknownMulticast unknown = UnknownMulticast::flood;
    bool snoops = false;  // the control thread learns of what hosts and routers say

private:
    static uint64_t key_of(uint16_t vlan, const Mac& group) noexcept {
        return uint64_t{vlan} << 48 | group.to_u48();
    }
    static uint64_t key_of(uint16_t vlan) noexcept { return uint64_t{vlan} + 1; }
    StaticTable<MemberSet> members_;
    StaticTable<VlanGroups> vlans_;
};

// Whom a frame to a group goes to.
struct GroupReach {
    bool floods = true;      // all members that take what is flooded
    MemberSet members = 0;   // and these, or these alone
    bool is_wanted = false;  // by some of them; else they are routers'
    bool teaches = false;    // the control thread learns of it who wants which groups
};

// Worker. Of a frame to a group, not to all, that is in `vlan` of the domain. What is said of IPv4
// groups holds of their MACs, so that 32 of them are one here; of IPv6 ones likewise.
GroupReach group_reach(const Groups& groups, uint16_t vlan, rte_mbuf& m) noexcept;

}  // namespace vethway
