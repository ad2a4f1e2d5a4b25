// SPDX-License-Identifier: Apache-2.0
#include "perf/bench/table_mix.h"

#include <algorithm>
#include <array>
#include <random>
#include <unordered_set>

namespace vethway::bench {

namespace {

struct Share {
    uint8_t length;
    uint32_t of_10000;
};
// The rest of a table is /24.
constexpr std::array kShares = {Share{23, 1000}, Share{22, 1100}, Share{21, 510}, Share{20, 450},
                                Share{19, 250},  Share{18, 140},  Share{17, 80},  Share{16, 135},
                                Share{15, 20},   Share{14, 12},   Share{13, 6},   Share{12, 3},
                                Share{11, 1}};

// The same on every machine, unlike the standard library's distributions.
uint32_t below(std::mt19937& random, uint32_t n) {
    return static_cast<uint32_t>(uint64_t{static_cast<uint32_t>(random())} * n >> 32);
}

// Not of 10/8, where the bench's own hosts are, nor of 127/8.
uint32_t unicast(std::mt19937& random) {
    constexpr uint32_t kFirst = 1U << 24, kLast = 224U << 24;
    for (;;) {
        const uint32_t address = kFirst + below(random, kLast - kFirst);
        if (address >> 24 != 10 && address >> 24 != 127) return address;
    }
}

}  // namespace

std::vector<MixedRoute> mixed_table(size_t count, uint32_t hops) {
    std::mt19937 random(1);
    std::vector<MixedRoute> table;
    std::unordered_set<uint64_t> seen;
    const auto add = [&](uint8_t length, size_t wanted) {
        for (size_t n = 0; n < wanted;) {
            const Prefix4 p = Prefix4{Ip4{unicast(random)}, length}.network();
            if (!seen.insert(uint64_t{p.address.value} << 8 | length).second) continue;
            table.push_back({p, below(random, hops)});
            ++n;
        }
    };
    for (const auto& [length, of_10000] : kShares) add(length, count * of_10000 / 10000);
    add(24, count - table.size());
    for (size_t i = table.size(); i-- > 1;)
        std::swap(table[i], table[below(random, static_cast<uint32_t>(i + 1))]);
    return table;
}

std::vector<Ip4> addresses_in(const std::vector<MixedRoute>& table, size_t count) {
    std::mt19937 random(2);
    std::vector<Ip4> addresses;
    for (size_t i = 0; i < count; ++i) {
        const Prefix4& p = table[below(random, static_cast<uint32_t>(table.size()))].prefix;
        addresses.emplace_back(p.address.value |
                               (static_cast<uint32_t>(random()) & ~Prefix4::mask(p.length)));
    }
    return addresses;
}

std::vector<Ip4> addresses_anywhere(size_t count) {
    std::mt19937 random(3);
    std::vector<Ip4> addresses;
    for (size_t i = 0; i < count; ++i) addresses.emplace_back(unicast(random));
    return addresses;
}

}  // namespace vethway::bench
