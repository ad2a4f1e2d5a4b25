// SPDX-License-Identifier: Apache-2.0
// The memory of a Fib4: chunks of 256 entries at addresses that never change, so that a worker
// reaches a chunk from its number alone. Reserves address space for all of them; only those that
// were ever used cost memory.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "dataplane/rcu.h"

namespace vethway {

// Written by the control thread, read by workers: what the Fib4 puts there.
using FibEntry = std::atomic<uint32_t>;
// A page of zeros from the kernel is an array of them.
static_assert(FibEntry::is_always_lock_free && sizeof(FibEntry) == sizeof(uint32_t));

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

// What only the control thread knows of a chunk.
struct ChunkNotes {
    std::array<uint8_t, 256> depths;  // the length of the prefix that each entry comes from
    uint32_t users;  // prefixes that end here and chunks linked from here; 0 outside the trie
    uint32_t next;   // in the list of free or of waiting chunks
    uint64_t token;  // of the grace period that a waiting chunk waits for
};

// All but entries(): control thread.
class ChunkPool {
public:
    static constexpr uint32_t kEntries = 256, kMaxChunks = 1U << 17;

    explicit ChunkPool(Rcu& rcu);

    // Throws std::bad_alloc unless the next `count` calls of take() can be served.
    void require(uint32_t count) const;
    // The contents are stale.
    uint32_t take() noexcept;
    // A chunk that no entry leads to any more; reused once every worker was quiescent.
    void retire(uint32_t chunk) noexcept;
    // Frees the chunks whose wait is over; never blocks.
    void reclaim() noexcept;

    // Worker: entry `e` of chunk `c` is entries()[c * kEntries + e].
    FibEntry* entries() const noexcept { return entries_.get(); }
    ChunkNotes& notes(uint32_t chunk) const noexcept { return notes_[chunk]; }
    size_t waiting() const noexcept { return waiting_.size; }
    size_t linked() const noexcept { return fresh_ - free_.size - waiting_.size; }

private:
    struct List {  // threaded through ChunkNotes::next, so that retire() never allocates
        uint32_t first = 0, last = 0, size = 0;
    };
    void push(List& list, uint32_t chunk) noexcept;
    uint32_t pop(List& list) noexcept;

    Rcu& rcu_;
    std::unique_ptr<FibEntry[], Unmap> entries_;
    std::unique_ptr<ChunkNotes[], Unmap> notes_;
    List free_, waiting_;  // waiting_ is in the order of its tokens
    uint32_t fresh_ = 0;   // chunks from this one on were never taken
};

}  // namespace vethway
