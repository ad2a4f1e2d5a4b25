// SPDX-License-Identifier: Apache-2.0
// How many ICMP errors may leave: a bucket a destination and one for all, as Linux has them
// (net.ipv4.icmp_ratelimit 1000 ms with a burst of 6, icmp_msgs_per_sec 1000, icmp_msgs_burst 50;
// net/ipv4/icmp.c, net/ipv4/inetpeer.c). One a worker, used by it alone.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/net/ip4.h"

namespace vethway {

class IcmpRateLimit {
public:
    // `workers` share the limit for all destinations.
    IcmpRateLimit(uint64_t tsc_hz, unsigned workers) noexcept
        : hz_(tsc_hz), all_per_s_(1000 / workers + 1) {}

    // True when an error may be sent to `destination` now; it then counts as sent.
    bool allow(Ip4 destination, uint64_t now) noexcept;

private:
    static constexpr unsigned kBurstEach = 6, kBurstAll = 50;
    // Tokens accrue as time: a bucket is the TSC up to which its tokens are spent.
    struct Peer {
        Ip4 address;
        uint64_t spent_until = 0;
    };
    static bool take(uint64_t& spent_until, uint64_t now, uint64_t cost, unsigned burst) noexcept;

    uint64_t hz_;
    unsigned all_per_s_;
    uint64_t all_spent_until_ = 0;
    std::array<Peer, 1024>
        peers_{};  // by hash; a newcomer takes the place over, with a full bucket
};

}  // namespace vethway
