// SPDX-License-Identifier: Apache-2.0
// Where packets go in the benches of forwarding: the same for vethway and its rivals.
#pragma once

#include <random>
#include <vector>

#include "perf/bench/memory_ports.h"

namespace vethway::bench {

struct Destination {
    Prefix4 route;
    Ip4 address;  // in it
    uint32_t hop;
};

// `count` different /24, in no order, and an address in each.
inline std::vector<Destination> destinations(size_t count, uint32_t hops) {
    std::mt19937 random(1);
    std::vector<Destination> all;
    std::vector<bool> used(size_t{1} << 24);
    while (all.size() < count) {
        const Ip4 address{(20U << 24) + static_cast<uint32_t>(random()) % (180U << 24)};
        if (address.is_loopback() || used[address.value >> 8]) continue;
        used[address.value >> 8] = true;
        all.push_back(
            {Prefix4{address, 24}.network(), address, static_cast<uint32_t>(all.size()) % hops});
    }
    return all;
}

inline std::vector<Frame> frames_to(const std::vector<Destination>& to) {
    std::vector<Frame> frames;
    frames.reserve(to.size());
    for (const Destination& d : to) frames.push_back(make_frame({.destination = d.address}));
    return frames;
}

}  // namespace vethway::bench
