// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l2/enter_lag.h"

#include "dataplane/context.h"

namespace vethway {

namespace {

// Of IEEE 802.3 annex 57A: LACP and markers are among them.
bool is_slow_protocol(rte_mbuf& m) noexcept {
    constexpr uint64_t kGroup = 0x0180c2000002;
    constexpr uint16_t kEtherType = 0x8809;
    return m.data_len >= sizeof(EtherHeader) && ether(m).dst.to_u48() == kGroup &&
           ether(m).type == kEtherType;
}

}  // namespace

void enter_lag(Context& c, Burst& rx, Burst& punt) noexcept {
    if (rx.empty()) return;
    const LagMembership& at = c.port(meta(*rx[0]).port).lag;  // a burst is of one port
    if (at.lag == kNoPort) return;
    uint16_t kept = 0;
    for (rte_mbuf* m : rx) {
        if (at.lacp && is_slow_protocol(*m)) [[unlikely]] {
            punt.push(m);
        } else if (!at.carries) [[unlikely]] {
            c.drops.add(m, Drop::lag_inactive);
        } else {
            c.comes_in_by(at.lag, m, Step::entered_lag, meta(*m).port);
            if (c.port(at.lag).up) [[likely]]
                rx.data()[kept++] = m;
            else
                c.drops.add(m, Drop::ingress_down);
        }
    }
    rx.set_size(kept);
}

}  // namespace vethway
