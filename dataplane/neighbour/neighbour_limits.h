// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace vethway {

// What a worker goes by at one port, of the knobs that Linux calls by the same names
// (net.ipv4.neigh.*); the control thread's timers go by the rest.
struct NeighbourLimits {
    uint32_t unres_qlen = 101;            // packets that wait for one neighbour
    uint32_t unres_qlen_bytes = 212'992;  // of the buffers that they are in
    // What the first packet to an unknown neighbour does: ask by broadcast, leave that to the
    // timers (app_solicit), or give up (mcast_solicit and app_solicit are 0).
    enum class First : uint8_t { asks, waits, fails };
    First first = First::asks;
};

}  // namespace vethway
