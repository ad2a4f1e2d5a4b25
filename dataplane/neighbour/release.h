// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "dataplane/context.h"
#include "dataplane/packet_list.h"

namespace vethway {

// Takes up what waited for `n`, oldest first.
inline void release_held(Context& c, Neighbour& n, PacketList& out) noexcept {
    uint32_t count = 0;
    rte_mbuf* m = c.neighbours.take_held(n, count);
    c.counters.taken_up(count);
    for (rte_mbuf* next; m != nullptr; m = next) {
        next = meta(*m).next_held;
        c.tracer.taken_up(m);
        c.note(m, Step::released, static_cast<uint32_t>((c.now - meta(*m).tsc) * 1'000'000 / c.hz));
        out.push(m);
    }
}

}  // namespace vethway
