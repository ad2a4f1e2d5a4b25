// SPDX-License-Identifier: Apache-2.0
// A routing table of the size and the prefix lengths that the public Internet has.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/net/ip4.h"

namespace vethway::bench {

struct MixedRoute {
    Prefix4 prefix;
    uint32_t hop;
};

// `count` different prefixes in random order; of each length as many as the default-free zone has
// of it, a table of about a million (G. Huston's daily report of AS131072, bgp.potaroo.net: "prefix
// length distribution", 2024, rounded). Their addresses are drawn evenly from 1/8 to 223/8, which
// is harder than the real ones: those cluster. Next hops are of `hops`, seeded.
std::vector<MixedRoute> mixed_table(size_t count, uint32_t hops);

// Addresses to look up: each in one of the routes, drawn evenly; or anywhere.
std::vector<Ip4> addresses_in(const std::vector<MixedRoute>& table, size_t count);
std::vector<Ip4> addresses_anywhere(size_t count);

}  // namespace vethway::bench
