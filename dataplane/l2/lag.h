// SPDX-License-Identifier: Apache-2.0
// A LAG as workers read it, part of the snapshot: which member each flow leaves by.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "dataplane/counters.h"
#include "dataplane/net/lag_hash_policy.h"

namespace vethway {

// Flows are dealt out by buckets, so that those of a member stay with it whatever becomes of the
// others.
inline constexpr size_t kLagBuckets = 256;
using LagBuckets = std::array<uint16_t, kLagBuckets>;  // the member's port; kNoPort: nobody carries

// Of a LAG's own port.
struct LagTable {
    LagHash hash = LagHash::layer2;
    uint16_t carrying = 0;  // members
    LagBuckets buckets;
};

// Of a member's port.
struct LagMembership {
    uint16_t lag = kNoPort;  // the LAG's own port
    bool carries = false;    // the LAG's frames come and go by it
    bool lacp = false;       // frames of slow protocols are for the control thread
};

// Control thread: deals out what no member in `carrying` has, and evenly to those who have come; no
// other bucket changes its member.
void deal_out(LagBuckets& buckets, std::span<const uint16_t> carrying);

}  // namespace vethway
