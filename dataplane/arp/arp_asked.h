// SPDX-License-Identifier: Apache-2.0
// Whom the control thread asks by ARP on its own account: workers hand it a copy of what such a
// neighbour says.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "dataplane/net/ip4.h"

namespace vethway {

class ArpAsked {
public:
    static constexpr size_t kMost = 64;

    // Control thread: each add() is taken back by one remove() of the same. False: there are kMost.
    bool add(uint16_t port, Ip4 address) noexcept;
    void remove(uint16_t port, Ip4 address) noexcept;

    // Worker: without locks; one that is just added or removed may be seen or not.
    bool any() const noexcept { return count_.load(std::memory_order_relaxed) > 0; }
    bool has(uint16_t port, Ip4 address) const noexcept;

private:
    // Never 0, which is a free place.
    static uint64_t pair_of(uint16_t port, Ip4 address) noexcept {
        return uint64_t{1} << 48 | uint64_t{port} << 32 | address.value;
    }
    std::atomic<uint32_t> count_{0};
    std::array<std::atomic<uint64_t>, kMost> pairs_{};
};

}  // namespace vethway
