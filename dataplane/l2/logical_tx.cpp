// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l2/logical_tx.h"

#include "dataplane/context.h"
#include "dataplane/l2/bridge_forward.h"
#include "dataplane/l2/leave.h"

namespace vethway {

static void enter_domain(Context& c, const PortState& port, uint16_t index, rte_mbuf* m) noexcept {
    c.counters.passed_out(index, m->pkt_len);
    m->vlan_tci = port.vlan;
    const FdbKey to{.domain = port.domain, .vlan = port.vlan, .mac = ether(*m).dst};
    Burst nobody;  // what is from us is not for us
    bridge_forward(c, m, {.domain = port.domain, .from = nullptr, .destination = to.packed()},
                   nobody);
}

void LogicalTx::transmit(uint16_t index, rte_mbuf** frames, uint16_t n) noexcept {
    const PortState& port = c_.port(index);
    for (uint16_t i = 0; i < n; ++i) {
        rte_mbuf* const m = frames[i];
        if (!port.up) {
            c_.drops.add(m, Drop::egress_down);
        } else if (port.kind == PortKind::bridge) {
            enter_domain(c_, port, index, m);
        } else {
            m->vlan_tci = 0;  // no priority
            leave_by_port(c_, m, index);
        }
    }
}

}  // namespace vethway
