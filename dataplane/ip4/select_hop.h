// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "dataplane/fib/route_entry.h"

namespace vethway {

struct Context;

// Of a route with several.
const NextHop& select_among(const Context& c, const RouteEntry& route,
                            std::span<const std::byte> l3) noexcept;

// Worker: the next hop that the packet from its IPv4 header on takes, of a route that has some. A
// flow keeps to one (RFC 2992; Linux fib_select_multipath).
inline const NextHop& select_hop(const Context& c, const RouteEntry& route,
                                 std::span<const std::byte> l3) noexcept {
    return route.hop_count == 1 ? route.hops[0] : select_among(c, route, l3);
}

}  // namespace vethway
