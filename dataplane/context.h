// SPDX-License-Identifier: Apache-2.0
// What every stage may use while it handles one burst.
#pragma once

#include "dataplane/arp/arp_asked.h"
#include "dataplane/burst.h"
#include "dataplane/counters.h"
#include "dataplane/drops.h"
#include "dataplane/fib/route_table.h"
#include "dataplane/frame_buffers.h"
#include "dataplane/icmp/rate_limit.h"
#include "dataplane/ip4/path_table.h"
#include "dataplane/ip4/reassembly_table.h"
#include "dataplane/neighbour/adjacency.h"
#include "dataplane/neighbour/neighbour_table.h"
#include "dataplane/snapshot.h"
#include "dataplane/tx.h"
#include "dataplane/watch/tracer.h"

namespace vethway {

class L2State;

// One a worker; the references live as long as the worker does.
struct Context {
    const RouteTable& routes;
    NeighbourTable& neighbours;
    ReassemblyTable& reassembly;
    const PathTable& paths;
    const FrameBuffers& buffers;
    Counters& counters;
    Drops& drops;
    Tx& tx;
    IcmpRateLimit& icmp_limit;
    Tracer& tracer;
    L2State* l2 = nullptr;                // there is one where the snapshot has bridges
    const ArpAsked* arp_asked = nullptr;  // null: the control thread hears of no ARP
    // A what-if: nothing outside of this context may change by it, not even what is learned.
    bool dry = false;
    // Of packets of our own (RFC 6864). Each worker takes every so many, so that none is used
    // twice.
    uint16_t next_ip_id = 1, ip_id_step = 1;
    const Snapshot* snapshot = nullptr;  // of this burst
    uint64_t now = 0;                    // TSC at the start of this burst
    uint64_t hz = 1;                     // of the TSC
    Adjacencies adjacencies;

    const Snapshot& snap() const noexcept { return *snapshot; }
    const PortState& port(uint16_t index) const noexcept { return snapshot->ports[index]; }
    // Looked at once a turn. Null where the next hop's MAC is not known.
    const Adjacency* adjacency(NeighbourKey key) noexcept {
        Adjacency& a = adjacencies.place_of(key);
        if (a.key == key && (a.turn == adjacencies.turn() || is_as_before(a))) [[likely]]
            return &a;
        return look_up_adjacency(*this, key);
    }
    // Writes down what happened to a packet that somebody watches.
    void note(rte_mbuf* m, Step step, uint32_t a = 0, uint32_t b = 0, Drop why = Drop::none,
              const Mac& mac = {}) noexcept {
        if (tracer.active()) [[unlikely]]
            tracer.note(*m, step, a, b, why, mac);
    }
    // `m` has come by what is below `port`, which has no wire, and comes in by that from now on.
    void comes_in_by(uint16_t port, rte_mbuf* m, Step step, uint32_t a, uint32_t b = 0) noexcept {
        meta(*m).port = port;
        counters.passed_in(port, m->pkt_len);
        if (!tracer.watching()) [[likely]]
            return;
        tracer.came_in(*m);
        tracer.note(*m, step, a, b);
    }
    // `m` ends here; it is the caller's to free or to make another packet of.
    void consumed(rte_mbuf* m, Consumed what) noexcept {
        counters.consumed(meta(*m).port, what);
        note(m, Step::consumed, static_cast<uint32_t>(what));
    }
    // `m` is ours, made because of `parent`; null: of our own accord. It may be `parent` itself,
    // made anew.
    void originated(rte_mbuf* m, Originated what, rte_mbuf* parent) noexcept {
        counters.originated(meta(*m).port, what);
        if (!tracer.watching()) [[likely]]
            return;
        tracer.born(*m, parent);
        tracer.note(*m, Step::originated, static_cast<uint32_t>(what));
    }
    // Whether what is remembered of a next hop is right in this turn, too; if so, it is used.
    bool is_as_before(Adjacency& a) noexcept {
        if (dry || a.generation != snap().generation || !a.place.holds() ||
            a.place.neighbour->link.load(std::memory_order_acquire) != a.link)
            return false;
        a.place.neighbour->note_use(now, hz);
        a.turn = adjacencies.turn();
        return true;
    }
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
