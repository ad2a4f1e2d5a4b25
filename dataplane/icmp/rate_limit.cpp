// SPDX-License-Identifier: Apache-2.0
#include "dataplane/icmp/rate_limit.h"

#include <algorithm>

namespace vethway {

bool IcmpRateLimit::take(uint64_t& spent_until, uint64_t now, uint64_t cost,
                         unsigned burst) noexcept {
    const uint64_t full = now - std::min(now, cost * burst);  // no more than `burst` are saved up
    const uint64_t from = std::max(spent_until, full);
    if (from + cost > now) return false;
    spent_until = from + cost;
    return true;
}

bool IcmpRateLimit::allow(Ip4 destination, uint64_t now) noexcept {
    Peer& peer = peers_[(destination.value * 2654435761U) >> 22];  // Knuth's multiplicative hash
    if (peer.address != destination) peer = {destination, 0};
    uint64_t each = peer.spent_until;
    if (!take(each, now, hz_, kBurstEach)) return false;
    if (!take(all_spent_until_, now, hz_ / all_per_s_, kBurstAll)) return false;
    peer.spent_until = each;
    return true;
}

}  // namespace vethway
