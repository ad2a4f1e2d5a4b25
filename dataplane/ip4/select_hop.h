// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "dataplane/fib/route_entry.h"

namespace vethway {

struct Context;

// Worker: the next hop that the packet from its IPv4 header on takes, of a route that has some. A
// flow keeps to one (RFC 2992; Linux fib_select_multipath).
const NextHop& select_hop(const Context& c, const RouteEntry& route,
                          std::span<const std::byte> l3) noexcept;

}  // namespace vethway
