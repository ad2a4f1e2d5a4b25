// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "dataplane/net/ip4.h"

namespace vethway {

// All our addresses, in a Snapshot. Each packet's source is looked up here and hardly ever found:
// bits by a hash say so at once of most.
class OwnAddresses {
public:
    void add(Ip4 ip) {
        sorted_.insert(std::ranges::upper_bound(sorted_, ip), ip);
        filter_[hash(ip) / 64] |= uint64_t{1} << hash(ip) % 64;
    }
    bool has(Ip4 ip) const noexcept {
        return (filter_[hash(ip) / 64] >> hash(ip) % 64 & 1) != 0 &&
               std::ranges::binary_search(sorted_, ip);
    }
    bool empty() const noexcept { return sorted_.empty(); }
    Ip4 lowest() const noexcept { return sorted_.front(); }  // unless empty()

private:
    static constexpr uint32_t hash(Ip4 ip) noexcept { return ip.value * 0x9e3779b1U >> 24; }
    std::array<uint64_t, 4> filter_{};
    std::vector<Ip4> sorted_;
};

}  // namespace vethway
