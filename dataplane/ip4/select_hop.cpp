// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ip4/select_hop.h"

#include "dataplane/context.h"
#include "dataplane/ip4/flow_hash.h"

namespace vethway {

namespace {

// Linux fib_good_nh: one that nobody knows anything of is good.
bool may_answer(const Context& c, const NextHop& hop) noexcept {
    if (hop.via.is_zero()) return true;
    const Neighbour* n = c.neighbours.find({hop.port, hop.via});
    return n == nullptr || n->read().usable();
}

// The first good one whose share the hash is in, or a later one's; else the first good one.
const NextHop& select_good(const Context& c, const RouteEntry& route, uint32_t hash) noexcept {
    const NextHop* first = nullptr;
    for (size_t i = 0; i < route.hop_count; ++i) {
        const NextHop& hop = route.hops[i];
        if (!may_answer(c, hop)) continue;
        if (hash <= hop.upper_bound) return hop;
        if (first == nullptr) first = &hop;
    }
    return first != nullptr ? *first : route.hops[0];
}

}  // namespace

const NextHop& select_among(const Context& c, const RouteEntry& route,
                            std::span<const std::byte> l3) noexcept {
    const MultipathRules& rules = c.snap().multipath;
    const uint32_t hash = flow_hash(l3, rules);
    return rules.use_neigh ? select_good(c, route, hash) : route.select(hash);
}

}  // namespace vethway
