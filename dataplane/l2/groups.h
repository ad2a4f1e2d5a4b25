// SPDX-License-Identifier: Apache-2.0
// Which members of a bridge domain want what is sent to a group: a table from the configuration, by
// the rules for switches that know of IP multicast (RFC 4541).
#pragma once

#include <rte_mbuf.h>

#include <cstdint>

#include "dataplane/l2/static_table.h"
#include "dataplane/net/multicast_group.h"

namespace vethway {

// Members of a domain, by their place in it: kMaxMembers are as many as a word has bits.
using MemberSet = uint64_t;

class Groups {
public:
    explicit Groups(size_t most = 0) : members_(most) {}

    // Control thread. VLAN 0 where the domain knows none.
    void add(uint16_t vlan, const Mac& group, MemberSet members) {
        members_.add(key_of(vlan, group), members);
    }
    // Worker. Null where nobody is said to want it.
    const MemberSet* find(uint16_t vlan, const Mac& group) const noexcept {
        return members_.find(key_of(vlan, group));
    }

    MemberSet routers = 0;  // that get all that is for IP groups
    UnknownMulticast unknown = UnknownMulticast::flood;

private:
    static uint64_t key_of(uint16_t vlan, const Mac& group) noexcept {
        return uint64_t{vlan} << 48 | group.to_u48();
    }
    StaticTable<MemberSet> members_;
};

// Whom a frame to a group goes to.
struct GroupReach {
    bool floods = true;     // all members that take what is flooded
    MemberSet members = 0;  // and these, or these alone
};

// Worker. Of a frame to a group, not to all, that is in `vlan` of the domain. What is said of IPv4
// groups holds of their MACs, so that 32 of them are one here; of IPv6 ones likewise.
GroupReach group_reach(const Groups& groups, uint16_t vlan, rte_mbuf& m) noexcept;

}  // namespace vethway
