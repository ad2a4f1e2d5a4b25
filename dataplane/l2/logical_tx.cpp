// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l2/logical_tx.h"

#include <span>

#include "dataplane/context.h"
#include "dataplane/l2/bridge_forward.h"
#include "dataplane/l2/leave.h"

namespace vethway {

static void enter_domain(Context& c, const PortState& port, uint16_t index,
                         std::span<rte_mbuf* const> frames) noexcept {
    Burst nobody;  // what is from us is not for us
    BridgeForward forward(c, port.domain, nullptr, nobody, nobody);
    for (rte_mbuf* m : frames) {
        c.counters.passed_out(index, m->pkt_len);
        c.note(m, Step::into_bridge, index, port.vlan);
        m->vlan_tci = port.vlan;
        const FdbKey to{.domain = port.domain, .vlan = port.vlan, .mac = ether(*m).dst};
        forward.send({.m = m, .destination = c.l2->fdb.probe(to.packed()), .own = nullptr});
    }
}

void LogicalTx::transmit(uint16_t index, rte_mbuf** frames, uint16_t n) noexcept {
    const PortState& port = c_.port(index);
    if (port.up && port.kind == PortKind::bridge) return enter_domain(c_, port, index, {frames, n});
    for (rte_mbuf* m : std::span(frames, n)) {
        if (!port.up) {
            c_.drops.add(m, Drop::egress_down);
        } else {
            m->vlan_tci = 0;  // no priority
            leave_by_port(c_, m, index);
        }
    }
}

}  // namespace vethway
