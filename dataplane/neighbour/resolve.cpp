// SPDX-License-Identifier: Apache-2.0
#include "dataplane/neighbour/resolve.h"

#include "dataplane/arp/arp_request.h"
#include "dataplane/context.h"
#include "dataplane/egress.h"
#include "dataplane/ip4/ip4_fragment.h"
#include "dataplane/neighbour/release.h"
#include "dataplane/offload/segment.h"

namespace vethway {

namespace {

// Makes the frame begin right before its IP packet, whatever it came in, and addresses it.
void address_frame(rte_mbuf& m, const EtherHeader& header) noexcept {
    PacketMeta& packet = meta(m);
    if (packet.l3_offset != sizeof(EtherHeader)) [[unlikely]] {
        rte_pktmbuf_adj(&m, static_cast<uint16_t>(packet.l3_offset - sizeof(EtherHeader)));
        packet.l3_offset = sizeof(EtherHeader);
    }
    ether(m) = header;
}

// What a packet of ours is not to exceed: its way may be narrower than its link. One that is not to
// be cut looks for that.
uint16_t mtu_for(const Context& c, rte_mbuf& m, const PortState& port) noexcept {
    if (!meta(m).own || ip4(m).dont_fragment()) [[likely]]
        return port.mtu;
    return std::min(port.mtu, c.paths.mtu(Ip4{ip4(m).dst}));
}

void send(Context& c, rte_mbuf* m, const EtherHeader& header, const PortState& port) noexcept {
    address_frame(*m, header);
    const uint16_t mtu = mtu_for(c, *m, port);
    if (wire_size(*m) > mtu) [[unlikely]]
        ip4_fragment(c, m, mtu);
    else
        egress(c, m);
}

// Linux arp_solicit, arp_announce: a packet from an address of ours names it, as long as the
// neighbour may come to know it; for any other it is the one that we have on the neighbour's
// subnet.
Ip4 asks_from(const Context& c, rte_mbuf& about, NeighbourKey key) noexcept {
    const Ip4 src{ip4(about).src};
    const PortState& port = c.port(key.port);
    const uint32_t announce = port.knobs[PortKnob::arp_announce];
    const bool names_source = announce == 0 || (announce == 1 && port.on_link(key.ip, src));
    return names_source && c.snap().is_own(src) ? src : c.snap().source_for(key.port, key.ip);
}

void ask(Context& c, rte_mbuf& about, NeighbourKey key) noexcept {
    rte_mbuf* request = c.allocate(key.port);
    if (request == nullptr) return;  // the timer asks again in a second
    write_arp_request(*request, key, asks_from(c, about, key), c.port(key.port).mac,
                      Mac::broadcast());
    c.originated(request, Originated::arp_request, &about);
    c.tx.push(c.snap(), request);
}

const NeighbourLimits& limits_of(const Context& c, const Neighbour& n) noexcept {
    return c.port(n.key.port).neighbour_limits;
}

void hold_or_drop(Context& c, Neighbour& n, rte_mbuf* m) noexcept {
    // Before, since the packet is anybody's once it is held.
    c.note(m, Step::waits, static_cast<uint32_t>(n.read().state),
           n.held_count.load(std::memory_order_relaxed));
    if (c.neighbours.hold(n, *m, limits_of(c, n)) == NeighbourTable::Hold::held)
        c.counters.held(1);
    else
        c.drops.add(m, Drop::neighbour_queue_full);
}

// Where the neighbour's queue is full the oldest make way: they are the likeliest to be of no use
// any more (RFC 1122 2.3.2.2; Linux __neigh_event_send).
void make_way(Context& c, Neighbour& n, rte_mbuf& m) noexcept {
    const NeighbourLimits& limits = limits_of(c, n);
    PacketList waiting;
    release_held(c, n, waiting);
    uint64_t bytes = NeighbourTable::buffer_bytes(m);
    for (rte_mbuf* w = waiting.front(); w != nullptr; w = meta(*w).next_held)
        bytes += NeighbourTable::buffer_bytes(*w);
    while (!waiting.empty() &&
           (waiting.size() >= limits.unres_qlen || bytes > limits.unres_qlen_bytes)) {
        rte_mbuf* const oldest = waiting.pop();
        bytes -= NeighbourTable::buffer_bytes(*oldest);
        c.drops.add(oldest, Drop::neighbour_queue_full);
    }
    while (rte_mbuf* next = waiting.pop()) hold_or_drop(c, n, next);
}

void hold(Context& c, Neighbour& n, rte_mbuf* m) noexcept {
    if (NeighbourTable::is_full(n, *m, limits_of(c, n))) make_way(c, n, *m);
    hold_or_drop(c, n, m);
}

// What wait() would do, by what it would see.
void would_wait(Context& c, rte_mbuf* m, NeighbourKey key) noexcept {
    const Neighbour* n = c.neighbours.find(key);
    if (n == nullptr && c.neighbours.is_full()) return c.drops.add(m, Drop::neighbour_table_full);
    const NeighbourState state = n != nullptr ? n->read().state : NeighbourState::none;
    if (state == NeighbourState::none || state == NeighbourState::failed) {
        const auto first = c.port(key.port).neighbour_limits.first;
        if (first == NeighbourLimits::First::fails) return c.drops.add(m, Drop::neighbour_failed);
        if (first == NeighbourLimits::First::asks) ask(c, *m, key);
    }
    c.note(m, Step::waits, static_cast<uint32_t>(state),
           n != nullptr ? n->held_count.load(std::memory_order_relaxed) : 0);
    if (c.neighbours.would_hold(n, *m, c.port(key.port).neighbour_limits))
        c.drops.free(m);
    else
        c.drops.add(m, Drop::neighbour_queue_full);
}

// Begins to look for an idle neighbour. Of several workers that meet it idle, one wins and asks.
// False where nobody may ask.
bool begin(Context& c, Neighbour& n, NeighbourLink before, rte_mbuf* about) noexcept {
    const auto first = limits_of(c, n).first;
    if (first == NeighbourLimits::First::fails) {
        n.change(before, {NeighbourState::failed, {}}, c.now);
        return false;
    }
    if (n.change(before, {NeighbourState::incomplete, {}}, c.now) &&
        first == NeighbourLimits::First::asks)
        ask(c, *about, n.key);
    return true;
}

void wait(Context& c, rte_mbuf* m, PacketList& released) noexcept {
    const NeighbourKey key{meta(*m).egress, meta(*m).next_hop};
    if (c.dry) return would_wait(c, m, key);
    Neighbour* n = c.neighbours.find_or_add(key, c.now);
    if (n == nullptr) return c.drops.add(m, Drop::neighbour_table_full);
    const NeighbourLink before = n->read();
    const bool idle =
        before.state == NeighbourState::none || before.state == NeighbourState::failed;
    if (idle && !begin(c, *n, before, m)) return c.drops.add(m, Drop::neighbour_failed);
    n->note_use(c.now, c.hz);
    hold(c, *n, m);
    // The answer may have come to another worker before `m` was in the queue, and found it empty.
    if (n->read().usable()) release_held(c, *n, released);
}

// Sends a packet that nothing is special about, so that egress() would do no more; any other it
// leaves alone.
bool send_plain(Context& c, rte_mbuf* m, const Adjacency& to) noexcept {
    const PacketMeta& packet = meta(*m);
    if (packet.own || packet.l3_offset != sizeof(EtherHeader) || m->pkt_len > to.most_bytes ||
        packet.offload.checksum != L4Checksum::unknown || packet.offload.gso != Gso::none)
        return false;
    ether(*m) = to.header;
    c.tx.push(c.snap(), m);
    return true;
}

// What needs no next hop.
bool is_without(Context& c, rte_mbuf* m) noexcept {
    const PacketMeta& packet = meta(*m);
    const PortState& port = c.port(packet.egress);
    if (!port.up)
        c.drops.add(m, Drop::egress_down);
    else if (packet.to_broadcast)
        send(c, m, {.dst = Mac::broadcast(), .src = port.mac, .type = kEtherTypeIp4}, port);
    else
        return false;
    return true;
}

// kNoted: whether somebody may want to see one of them, which is settled once for all.
template <bool kNoted>
void resolve_all(Context& c, Burst& routed, PacketList& released) noexcept {
    c.adjacencies.begin_turn();
    const Adjacency* to = nullptr;  // the packet's before, which is often the next one's, too
    for (rte_mbuf* m : routed) {
        const PacketMeta& packet = meta(*m);
        const NeighbourKey key{packet.egress, packet.next_hop};
        if (to == nullptr || to->key != key || packet.to_broadcast) {
            to = nullptr;
            if (is_without(c, m)) continue;
            to = c.adjacency(key);
            if (to == nullptr) [[unlikely]] {
                wait(c, m, released);
                continue;
            }
        }
        if constexpr (kNoted)
            c.note(m, Step::resolved,
                   static_cast<uint32_t>(NeighbourLink::unpacked(to->link).state), 0, Drop::none,
                   to->header.dst);
        if (!send_plain(c, m, *to)) [[unlikely]]
            send(c, m, to->header, *to->port);
    }
    routed.clear();
}

}  // namespace

void resolve(Context& c, Burst& routed, PacketList& released) noexcept {
    if (c.tracer.active()) [[unlikely]]
        resolve_all<true>(c, routed, released);
    else
        resolve_all<false>(c, routed, released);
}

}  // namespace vethway
