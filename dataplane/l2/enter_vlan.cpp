// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l2/enter_vlan.h"

#include "dataplane/context.h"
#include "dataplane/l2/vlan_tag.h"

namespace vethway {

// The port that has the frame's tag; kNone: no one has.
static uint16_t port_of_tag(rte_mbuf& m, const SubPorts& above) noexcept {
    if (const VlanTag* tag = find_tag(m, kEtherTypeVlan)) return above.dot1q[tag->tci & kVlanMask];
    if (const VlanTag* tag = find_tag(m, kEtherTypeQinq)) return above.dot1ad[tag->tci & kVlanMask];
    return SubPorts::kNone;
}

// False: it is down.
static bool enter(Context& c, rte_mbuf* m) noexcept {
    for (;;) {
        const SubPorts* above = c.port(meta(*m).port).sub_ports.get();
        const uint16_t port = above != nullptr ? port_of_tag(*m, *above) : SubPorts::kNone;
        if (port == SubPorts::kNone) return true;
        pop_tag(*m);
        c.comes_in_by(port, m, Step::entered_vlan, c.port(port).vlan);
        if (!c.port(port).up) return false;
    }
}

void enter_vlan(Context& c, Burst& rx) noexcept {
    if (rx.empty() || c.port(meta(*rx[0]).port).sub_ports == nullptr) return;
    uint16_t kept = 0;
    for (rte_mbuf* m : rx) {
        if (enter(c, m))
            rx.data()[kept++] = m;
        else
            c.drops.add(m, Drop::ingress_down);
    }
    rx.set_size(kept);
}

}  // namespace vethway
