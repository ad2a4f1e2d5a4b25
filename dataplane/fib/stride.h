// SPDX-License-Identifier: Apache-2.0
// What the control thread knows of a chunk: the prefixes that it is made of.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "dataplane/fib/chunk.h"
#include "dataplane/fib/chunk_pool.h"

namespace vethway {

// A prefix as the eight bits of the address see it that it ends in: 2^(8 - bits) slots.
struct FibPart {
    uint8_t slot, bits;
    FibContent value;
    uint16_t order() const noexcept { return static_cast<uint16_t>(slot << 8 | bits); }
};

class FibStride {
public:
    // The value that the part had; 0: it was not there. Throws std::bad_alloc and then has changed
    // nothing.
    FibContent set(const FibPart& part) {
        const auto at = place_of(part);
        if (is_at(at, part)) return std::exchange(at->value, part.value);
        parts_.insert(at, part);
        return 0;
    }
    FibContent remove(const FibPart& part) noexcept {
        const auto at = place_of(part);
        if (!is_at(at, part)) return 0;
        const FibContent value = at->value;
        parts_.erase(at);
        return value;
    }
    bool empty() const noexcept { return parts_.empty(); }

    FibSlots slots(FibContent elsewhere) const noexcept {
        FibSlots slots;
        slots.fill(elsewhere);
        for (const FibPart& p : parts_)
            std::fill_n(slots.begin() + p.slot, size_t{1} << (8 - p.bits), p.value);
        return slots;
    }

    ChunkPlace chunk;
    FibContent base = kStale;                       // what the chunk was made with
    static constexpr FibContent kStale = kRefined;  // no base: it is to be made anew

private:
    using Parts = std::vector<FibPart>;
    Parts::iterator place_of(const FibPart& part) noexcept {
        return std::ranges::lower_bound(parts_, part.order(), {}, &FibPart::order);
    }
    bool is_at(Parts::iterator at, const FibPart& part) const noexcept {
        return at != parts_.end() && at->order() == part.order();
    }

    Parts parts_;  // in this order whoever covers another comes before it
};

}  // namespace vethway
