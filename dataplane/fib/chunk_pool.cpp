// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fib/chunk_pool.h"

#include <sys/mman.h>

#include <new>

namespace vethway {

void Unmap::operator()(void* p) const noexcept { munmap(p, bytes); }

void* map_zeroed(size_t bytes) {
    void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) throw std::bad_alloc();
    return p;
}

ChunkPool::ChunkPool(Rcu& rcu)
    : rcu_(rcu),
      entries_(map_array<FibEntry>(size_t{kMaxChunks} * kEntries)),
      notes_(map_array<ChunkNotes>(kMaxChunks)) {}

void ChunkPool::require(uint32_t count) const {
    if (free_.size + (kMaxChunks - fresh_) < count) throw std::bad_alloc();
}

uint32_t ChunkPool::take() noexcept { return free_.size > 0 ? pop(free_) : fresh_++; }

// The token is drawn after the unlinking store and releases it: a worker that acknowledges the
// token loads the parent entry anew.
void ChunkPool::retire(uint32_t chunk) noexcept {
    notes_[chunk].token = rte_rcu_qsbr_start(rcu_.get());
    push(waiting_, chunk);
}

void ChunkPool::reclaim() noexcept {
    while (waiting_.size > 0 &&
           rte_rcu_qsbr_check(rcu_.get(), notes_[waiting_.first].token, false) == 1)
        push(free_, pop(waiting_));
}

void ChunkPool::push(List& list, uint32_t chunk) noexcept {
    (list.size == 0 ? list.first : notes_[list.last].next) = chunk;
    list.last = chunk;
    ++list.size;
}

uint32_t ChunkPool::pop(List& list) noexcept {
    const uint32_t chunk = list.first;
    list.first = notes_[chunk].next;
    --list.size;
    return chunk;
}

}  // namespace vethway
