// SPDX-License-Identifier: Apache-2.0
// Where a frame of a bridge domain goes: to the member that its destination is behind, or to all.
#pragma once

#include <rte_mbuf.h>

#include "dataplane/burst.h"
#include "dataplane/l2/domain.h"

namespace vethway {

struct Context;

// A frame within a domain; its VLAN is in vlan_tci. Nothing by default: a burst's are on the stack.
struct InDomain {
    uint16_t domain;
    const Member* from;    // the member that it came by; null: it is the switch's own
    uint64_t destination;  // FdbKey::packed()
};

// What sort a destination is that is flooded to.
FloodKind flood_kind(const Mac& destination) noexcept;

// Worker. Consumes `m`; what IP is to have goes to `own`, with meta().port the domain's own.
void bridge_forward(Context& c, rte_mbuf* m, const InDomain& at, Burst& own) noexcept;

}  // namespace vethway
