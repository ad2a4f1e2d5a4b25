// SPDX-License-Identifier: Apache-2.0
// What refines one entry of a Fib4 by eight more bits of the address: 256 slots, of which those
// next to each other with the same content are kept once. A worker finds a slot's content by
// counting bits; the control thread writes a chunk whole, and then it never changes.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace vethway {

// A value of the Fib4's, or with kRefined the place of a chunk among the chunk's own.
using FibContent = uint16_t;
inline constexpr FibContent kRefined = 1U << 15;
using FibSlots = std::array<FibContent, 256>;

// As it lies in memory, from an address that is a multiple of 64:
//   starts     32 bytes   bit i: slot i's content is not the one of the slot before. Bit 0 is set
//   before      4 bytes   how many of those bits are before each word of `starts`
//   contents    2 bytes each, as many as bits are set: up to 14 are in the first cache line
//   refining    4 bytes each: numbers of chunks, in the order of their slots
class FibChunk {
public:
    explicit FibChunk(const std::byte* at) noexcept : at_(at) {}
    const std::byte* at() const noexcept { return at_; }

    // Where the content of the slot is: a cache line that may be another than the chunk's first.
    const FibContent* content_of(uint32_t slot) const noexcept {
        const uint32_t word = slot / 64;
        const auto up_to = ~uint64_t{0} >> (63 - slot % 64);
        const auto bits = static_cast<uint32_t>(std::popcount(starts()[word] & up_to));
        return contents() + (before()[word] + bits - 1);
    }
    // Of a content with kRefined.
    uint32_t refining(FibContent content) const noexcept {
        uint32_t chunk;
        std::memcpy(&chunk, at_ + refining_at(runs()) + (content & ~kRefined) * sizeof chunk,
                    sizeof chunk);
        return chunk;
    }

    static constexpr size_t bytes(size_t runs, size_t refining) noexcept {
        return refining_at(runs) + refining * sizeof(uint32_t);
    }
    // How many contents of the slots are not the one before.
    static size_t runs_of(const FibSlots& slots) noexcept;
    static void write(std::byte* at, const FibSlots& slots,
                      std::span<const uint32_t> refining) noexcept;

private:
    static constexpr size_t kBefore = 32, kContents = 36;
    static constexpr size_t refining_at(size_t runs) noexcept {
        return kContents + (runs + 1) / 2 * sizeof(uint32_t);
    }
    const uint64_t* starts() const noexcept { return reinterpret_cast<const uint64_t*>(at_); }
    const uint8_t* before() const noexcept {
        return reinterpret_cast<const uint8_t*>(at_ + kBefore);
    }
    const FibContent* contents() const noexcept {
        return reinterpret_cast<const FibContent*>(at_ + kContents);
    }
    size_t runs() const noexcept {
        return before()[3] + static_cast<size_t>(std::popcount(starts()[3]));
    }

    const std::byte* at_;
};

}  // namespace vethway
