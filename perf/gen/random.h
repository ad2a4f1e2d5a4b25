// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace vethway::gen {

// Steele, Lea and Flood's SplitMix64: the same numbers of the same seed on every machine, which
// std::uniform_int_distribution does not promise.
class Random {
public:
    explicit Random(uint64_t seed) noexcept : state_(seed) {}

    uint64_t next() noexcept {
        uint64_t z = state_ += 0x9e3779b97f4a7c15;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        return z ^ z >> 31;
    }
    // 0 to n - 1, n up to 2^32; by a product in place of a division (Lemire), whose bias of 2^-32
    // nobody sees.
    uint64_t below(uint64_t n) noexcept { return (next() >> 32) * n >> 32; }

private:
    uint64_t state_;
};

}  // namespace vethway::gen
