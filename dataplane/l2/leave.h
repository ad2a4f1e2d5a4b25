// SPDX-License-Identifier: Apache-2.0
// The last of a frame within a bridge domain, a VLAN or a LAG: it gets the tags of where it goes,
// and leaves by a device. All of this is for workers, and consumes the frame, which is without the
// tag of its VLAN: that is in vlan_tci.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>

#include "dataplane/egress.h"
#include "dataplane/l2/domain.h"

namespace vethway {

// For a driver that wants frames to itself: a copy in place of a frame, or of a part of one, whose
// bytes others have as well. Null: dropped.
rte_mbuf* alone(Context& c, rte_mbuf* m) noexcept;
inline bool is_any_shared(const rte_mbuf& m) noexcept {
    for (const rte_mbuf* s = &m; s != nullptr; s = s->next)
        if (is_shared(*s)) return true;
    return false;
}

// By a device, as it is.
inline void leave_by_device(Context& c, rte_mbuf* m, uint16_t port) noexcept {
    meta(*m).egress = port;
    if (!c.port(port).shares_mbufs && is_any_shared(*m)) [[unlikely]] {
        m = alone(c, m);
        if (m == nullptr) return;
    }
    egress(c, m);
}

// By a port that is a device, a LAG or a VLAN of one.
void leave_by_port(Context& c, rte_mbuf* m, uint16_t port) noexcept;
// By a member that has VLANs, is one, or is a LAG.
void leave_with_tags(Context& c, rte_mbuf* m, const Member& member) noexcept;
// By any.
inline void leave_by_member(Context& c, rte_mbuf* m, const Member& member) noexcept {
    if (member.vlans == nullptr && c.port(member.port).kind == PortKind::device) [[likely]]
        leave_by_device(c, m, member.port);
    else
        leave_with_tags(c, m, member);
}

}  // namespace vethway
