// SPDX-License-Identifier: Apache-2.0
// What a worker remembers of the next hops that it sends to: the Ethernet header, ready to be
// written. Each turn, which is a burst, it is compared with what it was made of, and is then good
// for all packets of that.
#pragma once

#include <array>

#include "dataplane/neighbour/neighbour_table.h"
#include "dataplane/net/headers.h"

namespace vethway {

struct Context;
struct PortState;

struct Adjacency {
    NeighbourKey key;
    uint64_t turn = 0;        // in which the rest was right; the first is 1
    uint64_t link = 0;        // the neighbour's when it was looked up, packed: usable
    uint64_t generation = 0;  // of the snapshot
    EtherHeader header{};     // dst is the neighbour's
    uint32_t most_bytes = 0;  // of a frame that the port takes
    const PortState* port = nullptr;
    NeighbourPlace place;  // of the neighbour
};

class Adjacencies {
public:
    void begin_turn() noexcept { ++turn_; }
    uint64_t turn() const noexcept { return turn_; }
    // The place of the key's; what is there may be another's, or of another turn.
    Adjacency& place_of(NeighbourKey key) noexcept {
        return places_[(key.ip.value * 0x9e3779b1U >> 16 ^ key.port) % places_.size()];
    }

private:
    uint64_t turn_ = 0;
    std::array<Adjacency, 64> places_;
};

// Worker: looks the next hop up, and notes that it is used. Null where its MAC is not known.
const Adjacency* look_up_adjacency(Context& c, NeighbourKey key) noexcept;

}  // namespace vethway
