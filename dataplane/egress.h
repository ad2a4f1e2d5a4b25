// SPDX-License-Identifier: Apache-2.0
// The way to tx for every frame: what was left to the device, and the egress port's device can't
// do, is done here.
#pragma once

#include "dataplane/context.h"

namespace vethway {

// Of a packet that left something to the device, or for a port that takes what is left to it.
void egress_offloaded(Context& c, rte_mbuf* m) noexcept;

// Worker. Consumes `m`, a whole frame for port meta(m).egress: super-frames are cut and partial
// checksums completed, unless the port's driver takes them (PortInfo::offloads); a host on such a
// port is spared to verify what is known to be good.
inline void egress(Context& c, rte_mbuf* m) noexcept {
    const PacketMeta& packet = meta(*m);
    if (packet.offload.is_pending() || c.port(packet.egress).offloads)
        egress_offloaded(c, m);
    else
        c.tx.push(c.snap(), m);
}

}  // namespace vethway
