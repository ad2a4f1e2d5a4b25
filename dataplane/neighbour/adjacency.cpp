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
    Neighbour* const n = c.neighbours.find(key, to.neighbour);
    const NeighbourLink link = n != nullptr ? n->read() : NeighbourLink{};
    if (!link.usable()) [[unlikely]]
        return nullptr;
    if (!c.dry) note_use(c, *n, link);
    const PortState& port = c.port(key.port);
    to = {.key = key,
          .turn = c.adjacencies.turn(),
          .state = link.state,
          .header = {.dst = link.mac, .src = port.mac, .type = kEtherTypeIp4},
          .most_bytes = uint32_t{sizeof(EtherHeader)} + port.mtu,
          .port = &port,
          .neighbour = n};
    return &to;
}

}  // namespace vethway
