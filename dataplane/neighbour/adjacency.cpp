// SPDX-License-Identifier: Apache-2.0
#include "dataplane/neighbour/adjacency.h"

#include "dataplane/context.h"

namespace vethway {

// RFC 4861 7.3.3: the first packet to a stale neighbour starts the clock of its delay state.
static void note_use(Context& c, Neighbour& n, NeighbourLink link) noexcept {
    n.note_use(c.now, c.hz);
    if (link.state == NeighbourState::stale)
        n.change(link, {NeighbourState::delay, link.mac}, c.now);
}

const Adjacency* look_up_adjacency(Context& c, NeighbourKey key) noexcept {
    Adjacency& to = c.adjacencies.place_of(key);
    Neighbour* const n =
        to.key == key && to.place.holds() ? to.place.neighbour : c.neighbours.find(key);
    const uint64_t word = n != nullptr ? n->link.load(std::memory_order_acquire) : 0;
    const NeighbourLink link = NeighbourLink::unpacked(word);
    if (!link.usable()) [[unlikely]]
        return nullptr;
    if (!c.dry) note_use(c, *n, link);
    // Mostly it is what it was.
    if (to.link != word || to.generation != c.snap().generation || to.key != key) [[unlikely]] {
        const PortState& port = c.port(key.port);
        to = {.key = key,
              .link = word,
              .generation = c.snap().generation,
              .header = {.dst = link.mac, .src = port.mac, .type = kEtherTypeIp4},
              .most_bytes = uint32_t{sizeof(EtherHeader)} + port.mtu,
              .port = &port,
              .place = c.neighbours.place_of(*n)};
    }
    to.turn = c.adjacencies.turn();
    return &to;
}

}  // namespace vethway
