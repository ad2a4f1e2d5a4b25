// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l2/lag.h"

#include <algorithm>
#include <map>

namespace vethway {

void deal_out(LagBuckets& buckets, std::span<const uint16_t> carrying) {
    if (carrying.empty()) return buckets.fill(kNoPort);
    std::map<uint16_t, unsigned> has;
    for (const uint16_t port : carrying) has[port] = 0;
    for (const uint16_t port : buckets)
        if (const auto owner = has.find(port); owner != has.end()) ++owner->second;
    const auto fewer = [](const auto& a, const auto& b) { return a.second < b.second; };
    const auto give = [&](uint16_t& bucket) {
        const auto poorest = std::ranges::min_element(has, fewer);
        bucket = poorest->first;
        ++poorest->second;
    };
    for (uint16_t& bucket : buckets)
        if (!has.contains(bucket)) give(bucket);
    for (;;) {
        const auto richest = std::ranges::max_element(has, fewer);
        if (richest->second - std::ranges::min_element(has, fewer)->second <= 1) return;
        --richest->second;
        give(*std::ranges::find(buckets, richest->first));
    }
}

}  // namespace vethway
