// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "dataplane/net/ip4.h"

namespace vethway {

// All our addresses, in a Snapshot. Each packet's source is looked up here and hardly ever found:
// a byte by a hash says so at once of most.
class OwnAddresses {
public:
    void add(Ip4 ip) {
        sorted_.insert(std::ranges::upper_bound(sorted_, ip), ip);
        maybe_[hash(ip)] = true;
    }
    bool has(Ip4 ip) const noexcept {
        return maybe_[hash(ip)] && std::ranges::binary_search(sorted_, ip);
    }
    bool empty() const noexcept { return sorted_.empty(); }
    Ip4 lowest() const noexcept { return sorted_.front(); }  // unless empty()

private:
    static constexpr uint32_t hash(Ip4 ip) noexcept { return ip.value * 0x9e3779b1U >> 24; }
    std::array<bool, 256> maybe_{};
    std::vector<Ip4> sorted_;
};

}  // namespace vethway
