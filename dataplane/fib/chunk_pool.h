// SPDX-License-Identifier: Apache-2.0
// The memory of a Fib4's chunks: units of a cache line at addresses that never change, so that a
// worker reaches a chunk from its number alone. Reserves address space for all of them; only those
// that were ever used cost memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/rcu.h"

namespace vethway {

struct Unmap {
    size_t bytes;
    void operator()(void* p) const noexcept;
};
// Zeroed, and resident only where touched. Throws std::bad_alloc.
void* map_zeroed(size_t bytes);
template <class T>
std::unique_ptr<T[], Unmap> map_array(size_t count) {
    return {static_cast<T*>(map_zeroed(count * sizeof(T))), Unmap{count * sizeof(T)}};
}

// A chunk's first unit, which is its number, and how many it has; none where it has none.
struct ChunkPlace {
    uint32_t number = 0, units = 0;
};

// All but at(): control thread.
class ChunkPool {
public:
    static constexpr size_t kUnit = 64;

    // Throws std::bad_alloc where there is no address space for that much.
    ChunkPool(Rcu& rcu, size_t most_bytes);

    // Throws std::bad_alloc unless the next calls of take() can be served, for `bytes` in all and
    // `chunks` of them, and as many of retire().
    void require(size_t bytes, size_t chunks);
    // The contents are stale.
    ChunkPlace take(size_t bytes) noexcept;
    // A chunk that no entry leads to any more; reused once every worker was quiescent.
    void retire(ChunkPlace chunk) noexcept;
    // Frees the chunks whose wait is over; never blocks.
    void reclaim() noexcept;

    // Worker: chunk `number` begins at at() + number * kUnit.
    const std::byte* at() const noexcept { return units_; }
    std::byte* memory_of(ChunkPlace chunk) const noexcept { return units_ + chunk.number * kUnit; }

    size_t linked() const noexcept { return linked_; }
    size_t waiting() const noexcept { return waiting_.size() - first_waiting_; }
    size_t bytes_taken() const noexcept { return taken_ * kUnit; }  // by both

private:
    static constexpr size_t kMostUnits = 32;  // of a chunk
    struct Waiting {
        ChunkPlace chunk;
        uint64_t token;  // of the grace period that it waits for
    };
    void free(ChunkPlace chunk) noexcept;
    void use_large_pages() noexcept;

    Rcu& rcu_;
    const size_t most_units_;
    std::unique_ptr<std::byte[], Unmap> map_;
    std::byte* const units_;
    uint32_t fresh_ = 0;                         // units from this one on were never taken
    uint32_t advised_ = 0;                       // units below have been spoken of to the kernel
    std::array<uint32_t, kMostUnits + 1> free_;  // the first of each size; each names the next
    std::vector<Waiting> waiting_;  // in the order of their tokens, from first_waiting_ on
    size_t first_waiting_ = 0;
    size_t linked_ = 0, taken_ = 0;
};

}  // namespace vethway
