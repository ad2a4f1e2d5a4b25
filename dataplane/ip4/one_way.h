// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>

#include "dataplane/context.h"
#include "dataplane/net/headers.h"

namespace vethway {

// RFC 791: one hop less. The checksum by RFC 1624 equation 3, which with m' = m - 0x100 comes down
// to an addition whose carry goes around, and that never gives 0xffff; in either byte order.
inline void decrement_ttl(Ip4Header& ip) noexcept {
    constexpr uint32_t kHop = std::endian::native == std::endian::little ? 1 : 0x100;
    const uint32_t sum = std::bit_cast<uint16_t>(ip.checksum) + kHop;
    ip.checksum = std::bit_cast<Be16>(static_cast<uint16_t>(sum + (sum >= 0xffff ? 1 : 0)));
    --ip.ttl;
}

// Worker, for one burst: the way that a route leads, where it is one for all its packets. The next
// packet's is likely the same.
class OneWay {
public:
    // Whether `ip`, which came by port `from`, goes this way with nothing more to be said of it:
    // not back, its TTL not at its end, and no larger than the link.
    bool fits(const Context& c, const RouteEntry& route, uint16_t from,
              const Ip4Header& ip) noexcept {
        if (&route != route_) find(c, route);
        return ip.ttl > 1 && ip.total_length <= mtu_ && from != egress_;
    }
    // Of the packet that fitted last.
    uint16_t egress() const noexcept { return egress_; }
    Ip4 next_hop(Ip4 destination) const noexcept { return via_.is_zero() ? destination : via_; }

private:
    void find(const Context& c, const RouteEntry& route) noexcept {
        const NextHop& hop = route.hops[0];
        const PortState& egress = c.port(hop.port);
        const bool one = route.hop_count == 1 && route.type == RouteType::forward && egress.up;
        route_ = &route;
        egress_ = hop.port;
        via_ = hop.via;
        mtu_ = one ? egress.mtu : 0;  // too little for any
    }
    const RouteEntry* route_ = nullptr;
    uint16_t egress_ = 0, mtu_ = 0;
    Ip4 via_;
};

}  // namespace vethway
