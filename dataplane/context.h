// SPDX-License-Identifier: Apache-2.0
// What every stage may use while it handles one burst.
#pragma once

#include "dataplane/burst.h"
#include "dataplane/counters.h"
#include "dataplane/drops.h"
#include "dataplane/fib/route_table.h"
#include "dataplane/frame_buffers.h"
#include "dataplane/icmp/rate_limit.h"
#include "dataplane/neighbour/neighbour_table.h"
#include "dataplane/snapshot.h"
#include "dataplane/tx.h"

namespace vethway {

// One a worker; the references live as long as the worker does.
struct Context {
    const RouteTable& routes;
    NeighbourTable& neighbours;
    const FrameBuffers& buffers;
    Counters& counters;
    Drops& drops;
    Tx& tx;
    IcmpRateLimit& icmp_limit;
    // Of packets of our own (RFC 6864). Each worker takes every so many, so that none is used
    // twice.
    uint16_t next_ip_id = 1, ip_id_step = 1;
    const Snapshot* snapshot = nullptr;  // of this burst
    uint64_t now = 0;                    // TSC at the start of this burst
    uint64_t hz = 1;                     // of the TSC

    const Snapshot& snap() const noexcept { return *snapshot; }
    const PortState& port(uint16_t index) const noexcept { return snapshot->ports[index]; }
    void consumed(uint16_t port, Consumed what) noexcept { counters.consumed(port, what); }
    void originated(uint16_t port, Originated what) noexcept { counters.originated(port, what); }
    // A packet of our own, of `bytes` undefined bytes; null when the pool is empty.
    rte_mbuf* allocate(uint16_t port, size_t bytes = 0) noexcept {
        rte_mbuf* m = buffers.allocate(bytes);
        if (m == nullptr) [[unlikely]]
            return nullptr;
        meta(*m) = PacketMeta{};
        meta(*m).port = port;
        meta(*m).own = true;
        meta(*m).tsc = now;
        return m;
    }
};

}  // namespace vethway
