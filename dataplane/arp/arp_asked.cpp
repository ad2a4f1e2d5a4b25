// SPDX-License-Identifier: Apache-2.0
#include "dataplane/arp/arp_asked.h"

#include <algorithm>

namespace vethway {

bool ArpAsked::add(uint16_t port, Ip4 address) noexcept {
    const auto free = std::ranges::find_if(
        pairs_, [](const auto& p) { return p.load(std::memory_order_relaxed) == 0; });
    if (free == pairs_.end()) return false;
    free->store(pair_of(port, address), std::memory_order_relaxed);
    count_.fetch_add(1, std::memory_order_relaxed);
    return true;
}

void ArpAsked::remove(uint16_t port, Ip4 address) noexcept {
    const uint64_t pair = pair_of(port, address);
    const auto found = std::ranges::find_if(
        pairs_, [pair](const auto& p) { return p.load(std::memory_order_relaxed) == pair; });
    if (found == pairs_.end()) return;
    count_.fetch_sub(1, std::memory_order_relaxed);
    found->store(0, std::memory_order_relaxed);
}

bool ArpAsked::has(uint16_t port, Ip4 address) const noexcept {
    const uint64_t pair = pair_of(port, address);
    return std::ranges::any_of(
        pairs_, [pair](const auto& p) { return p.load(std::memory_order_relaxed) == pair; });
}

}  // namespace vethway
