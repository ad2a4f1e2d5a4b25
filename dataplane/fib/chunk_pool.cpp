// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fib/chunk_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <new>

namespace vethway {

namespace {
constexpr uint32_t kNone = UINT32_MAX;
constexpr size_t kLargePage = size_t{2} << 20;

uint32_t units_of(size_t bytes) noexcept {
    return static_cast<uint32_t>((bytes + ChunkPool::kUnit - 1) / ChunkPool::kUnit);
}
std::byte* aligned(std::byte* at) noexcept {
    return at + (-reinterpret_cast<uintptr_t>(at) & (kLargePage - 1));
}
}  // namespace

void Unmap::operator()(void* p) const noexcept { munmap(p, bytes); }

void* map_zeroed(size_t bytes) {
    void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) throw std::bad_alloc();
    return p;
}

ChunkPool::ChunkPool(Rcu& rcu, size_t most_bytes)
    : rcu_(rcu),
      most_units_(most_bytes / kUnit),
      map_(map_array<std::byte>(most_bytes + kLargePage)),
      units_(aligned(map_.get())) {
    free_.fill(kNone);
}

void ChunkPool::require(size_t bytes, size_t chunks) {
    if (most_units_ - fresh_ < bytes / kUnit + chunks) throw std::bad_alloc();
    const size_t most_waiting = waiting_.size() + chunks;
    if (waiting_.capacity() < most_waiting)
        waiting_.reserve(std::max(most_waiting, 2 * waiting_.capacity()));
}

ChunkPlace ChunkPool::take(size_t bytes) noexcept {
    ChunkPlace chunk{.number = free_[units_of(bytes)], .units = units_of(bytes)};
    ++linked_;
    taken_ += chunk.units;
    if (chunk.number != kNone) {
        std::memcpy(&free_[chunk.units], memory_of(chunk), sizeof(uint32_t));
        return chunk;
    }
    chunk.number = fresh_;
    fresh_ += chunk.units;
    if (fresh_ > advised_) use_large_pages();
    return chunk;
}

// With many chunks it is the addresses that a CPU's tables of them can't keep; a few are better
// off with small pages, which only those that are used cost.
void ChunkPool::use_large_pages() noexcept {
    constexpr auto kStep = static_cast<uint32_t>(kLargePage / kUnit);
    if (advised_ > 0) madvise(units_ + size_t{advised_} * kUnit, kLargePage, MADV_HUGEPAGE);
    advised_ += kStep;
}

// The token is drawn after the unlinking store and releases it: a worker that acknowledges the
// token loads the parent entry anew.
void ChunkPool::retire(ChunkPlace chunk) noexcept {
    --linked_;
    waiting_.push_back({chunk, rte_rcu_qsbr_start(rcu_.get())});
}

void ChunkPool::reclaim() noexcept {
    while (waiting() > 0 &&
           rte_rcu_qsbr_check(rcu_.get(), waiting_[first_waiting_].token, false) == 1)
        free(waiting_[first_waiting_++].chunk);
    if (first_waiting_ * 2 < waiting_.size()) return;
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<ptrdiff_t>(first_waiting_));
    first_waiting_ = 0;
}

void ChunkPool::free(ChunkPlace chunk) noexcept {
    taken_ -= chunk.units;
    std::memcpy(memory_of(chunk), &free_[chunk.units], sizeof(uint32_t));
    free_[chunk.units] = chunk.number;
}

}  // namespace vethway
