// SPDX-License-Identifier: Apache-2.0
#include "dataplane/xconnect.h"

#include "dataplane/context.h"
#include "dataplane/egress.h"

namespace vethway {

namespace {

// As Linux is_skb_forwardable() (net/core/dev.c): one VLAN tag is not part of the MTU, and a
// super-frame is as large as its sender's MTU makes its segments.
bool fits(const rte_mbuf& m, const Offload& offload, uint16_t mtu) noexcept {
    return offload.gso != Gso::none || m.pkt_len <= sizeof(EtherHeader) + kVlanTagBytes + mtu;
}

void refuse(Context& c, rte_mbuf* m, uint16_t mtu) noexcept {
    c.note(m, Step::not_wired, mtu);
    c.drops.add(m, Drop::mtu_exceeded);
}

void send(Context& c, rte_mbuf* m) noexcept {
    c.note(m, Step::wired);
    egress(c, m);
}

}  // namespace

void xconnect(Context& c, Burst& rx) noexcept {
    if (!c.snap().any_xconnect || rx.empty()) return;
    // A burst is of one port.
    const uint16_t other = c.port(meta(*rx[0]).port).xconnect;
    if (other == kNoPort) return;
    const PortState& to = c.port(other);
    for (rte_mbuf* m : rx) {
        meta(*m).egress = other;
        if (!to.up) [[unlikely]]
            c.drops.add(m, Drop::egress_down);
        else if (!fits(*m, meta(*m).offload, to.mtu)) [[unlikely]]
            refuse(c, m, to.mtu);
        else
            send(c, m);
    }
    rx.clear();
}

}  // namespace vethway
