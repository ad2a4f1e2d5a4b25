// SPDX-License-Identifier: Apache-2.0
// What a prefix leads to. Immutable once workers can see it.
#pragma once

#include <array>
#include <compare>
#include <cstdint>

#include "dataplane/net/ip4.h"

namespace vethway {

enum class RouteType : uint8_t {
    none,
    forward,
    local,
    broadcast,
    blackhole,
    unreachable,
    prohibit
};

struct NextHop {
    uint16_t port = 0;         // index of the egress port; of a local route, the address's port
    Ip4 via;                   // zero: the destination is on the port's own link
    uint32_t upper_bound = 0;  // of the flow hashes that use it; the last one's is 2^32 - 1
    friend constexpr auto operator<=>(const NextHop&, const NextHop&) = default;
};

struct RouteEntry {
    static constexpr size_t kMaxHops = 32;
    RouteType type = RouteType::none;
    uint8_t hop_count = 0;
    Ip4 source;  // of packets of our own; zero: as the egress port has it
    std::array<NextHop, kMaxHops> hops{};

    // Worker: of several next hops, the one whose share of the hash space `hash` falls in, so that
    // a flow keeps to one path (Linux fib_select_multipath).
    const NextHop& select(uint32_t hash) const noexcept {
        size_t i = 0;
        while (i + 1 < hop_count && hash > hops[i].upper_bound) ++i;
        return hops[i];
    }
    // Whether one of its next hops is on that port.
    bool leaves_by(uint16_t port) const noexcept {
        for (size_t i = 0; i < hop_count; ++i)
            if (hops[i].port == port) return true;
        return false;
    }
    friend constexpr auto operator<=>(const RouteEntry&, const RouteEntry&) = default;
};

}  // namespace vethway
