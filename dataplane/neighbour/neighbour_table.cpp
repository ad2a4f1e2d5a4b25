// SPDX-License-Identifier: Apache-2.0
#include "dataplane/neighbour/neighbour_table.h"

#include <algorithm>
#include <bit>

#include "dataplane/meta.h"

namespace vethway {

namespace {

// A key's word: never 0 (free) or 1 (leaving), since bit 63 is set.
constexpr uint64_t kFree = 0, kLeaving = 1;
constexpr uint64_t pack(NeighbourKey key) noexcept {
    return uint64_t{1} << 63 | uint64_t{key.port} << 32 | key.ip.value;
}

// The finalizer of MurmurHash3: every key bit moves half of the result's.
constexpr uint64_t mix(uint64_t x) noexcept {
    x = (x ^ (x >> 33)) * 0xff51afd7ed558ccd;
    x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53;
    return x ^ (x >> 33);
}

// Another worker's news may be younger than this worker's `now`.
bool is_locked(const Neighbour& n, uint64_t now, uint64_t locktime) noexcept {
    const uint64_t news = std::max(n.confirmed_tsc.load(std::memory_order_relaxed),
                                   n.changed_tsc.load(std::memory_order_relaxed));
    return now < news + locktime;
}

}  // namespace

bool Neighbour::change(NeighbourLink before, NeighbourLink after, uint64_t now) noexcept {
    uint64_t expected = before.packed();
    if (!link.compare_exchange_strong(expected, after.packed(), std::memory_order_acq_rel))
        return false;
    if (before.state != after.state) changed_tsc.store(now, std::memory_order_relaxed);
    return true;
}

// Four slots and more a neighbour: with two buckets of eight to choose from, none overflows in
// practice. (Of two slots a neighbour, most tables of 4096 would be full before they are.)
NeighbourTable::NeighbourTable(uint32_t max_neighbours, uint32_t max_held)
    : max_neighbours_(max_neighbours),
      max_held_(max_held),
      slots_(std::bit_ceil(std::max(max_neighbours * 4, 2 * kBucket))),
      keys_(std::make_unique<Bucket[]>(slots_ / kBucket)),
      neighbours_(std::make_unique<Neighbour[]>(slots_)) {}

NeighbourTable::Buckets NeighbourTable::buckets_of(uint64_t packed) const noexcept {
    const uint64_t h = mix(packed);
    const uint32_t mask = slots_ / kBucket - 1;
    return {static_cast<uint32_t>(h) & mask, static_cast<uint32_t>(h >> 32) & mask};
}

std::atomic<uint64_t>& NeighbourTable::key_of(const Neighbour& n) noexcept {
    const auto i = static_cast<uint32_t>(&n - neighbours_.get());
    return keys_[i / kBucket].keys[i % kBucket];
}

Neighbour* NeighbourTable::scan(uint32_t bucket, uint64_t packed) noexcept {
    for (uint32_t i = 0; i < kBucket; ++i)
        if (keys_[bucket].keys[i].load(std::memory_order_acquire) == packed)
            return &neighbours_[bucket * kBucket + i];
    return nullptr;
}

Neighbour* NeighbourTable::find(NeighbourKey key) noexcept {
    const uint64_t packed = pack(key);
    const Buckets b = buckets_of(packed);
    Neighbour* n = scan(b.first, packed);
    return n != nullptr ? n : scan(b.second, packed);
}

// A free slot's Neighbour was reset by recycle(), so claiming the key is all there is to publish;
// but `key` must be readable by whoever finds the slot, so it is written under a word that nobody
// looks for.
Neighbour* NeighbourTable::claim(uint32_t bucket, NeighbourKey key, uint64_t now) noexcept {
    for (uint32_t i = 0; i < kBucket; ++i) {
        std::atomic<uint64_t>& word = keys_[bucket].keys[i];
        uint64_t expected = kFree;
        if (!word.compare_exchange_strong(expected, kLeaving, std::memory_order_acq_rel)) continue;
        Neighbour& n = neighbours_[bucket * kBucket + i];
        n.key = key;
        n.confirmed_tsc.store(now, std::memory_order_relaxed);
        n.changed_tsc.store(now, std::memory_order_relaxed);
        word.store(pack(key), std::memory_order_release);
        return &n;
    }
    return nullptr;
}

// Two workers that meet the same new neighbour within nanoseconds may each add it. find() then
// always returns the first in bucket order; the other one is never confirmed, and ages out.
Neighbour* NeighbourTable::find_or_add(NeighbourKey key, uint64_t now) noexcept {
    if (Neighbour* n = find(key)) return n;
    if (size_.fetch_add(1, std::memory_order_relaxed) < max_neighbours_) {
        const Buckets b = buckets_of(pack(key));
        Neighbour* n = claim(b.first, key, now);
        if (n == nullptr) n = claim(b.second, key, now);
        if (n != nullptr) return find(key);
    }
    size_.fetch_sub(1, std::memory_order_relaxed);
    return nullptr;
}

bool NeighbourTable::could_add(NeighbourKey key) const noexcept {
    if (size() >= max_neighbours_) return false;
    const Buckets b = buckets_of(pack(key));
    for (const uint32_t bucket : {b.first, b.second})
        for (const std::atomic<uint64_t>& word : keys_[bucket].keys)
            if (word.load(std::memory_order_relaxed) == kFree) return true;
    return false;
}

// True and one more, unless there are `most` already.
static bool add_one(std::atomic<uint32_t>& count, uint32_t most) noexcept {
    if (count.fetch_add(1, std::memory_order_relaxed) < most) return true;
    count.fetch_sub(1, std::memory_order_relaxed);
    return false;
}

// In a buffer of 64 KiB (frame_buffers.h).
static bool is_large(const rte_mbuf& m) noexcept { return m.buf_len > UINT16_MAX / 2; }

NeighbourTable::Hold NeighbourTable::hold(Neighbour& n, rte_mbuf& m) noexcept {
    if (!add_one(held_, max_held_)) return Hold::queue_full;
    if (!add_one(n.held_count, kMaxHeldEach)) {
        held_.fetch_sub(1, std::memory_order_relaxed);
        return Hold::queue_full;
    }
    if (is_large(m) && !add_one(large_held_, kMaxLargeHeld)) {
        n.held_count.fetch_sub(1, std::memory_order_relaxed);
        held_.fetch_sub(1, std::memory_order_relaxed);
        return Hold::queue_full;
    }
    rte_mbuf* newest = n.held.load(std::memory_order_relaxed);
    do meta(m).next_held = newest;
    while (!n.held.compare_exchange_weak(newest, &m, std::memory_order_acq_rel));
    return Hold::held;
}

bool NeighbourTable::would_hold(const Neighbour* n, const rte_mbuf& m) const noexcept {
    if (is_large(m) && large_held_.load(std::memory_order_relaxed) >= kMaxLargeHeld) return false;
    return (n != nullptr && is_full(*n)) || held() < max_held_;
}

rte_mbuf* NeighbourTable::take_held(Neighbour& n, uint32_t& count) noexcept {
    rte_mbuf* newest = n.held.exchange(nullptr, std::memory_order_acq_rel);
    rte_mbuf* oldest = nullptr;
    uint32_t large = 0;
    for (count = 0; newest != nullptr; ++count) {
        if (is_large(*newest)) ++large;
        rte_mbuf* const next = meta(*newest).next_held;
        meta(*newest).next_held = oldest;
        oldest = newest;
        newest = next;
    }
    n.held_count.fetch_sub(count, std::memory_order_relaxed);
    held_.fetch_sub(count, std::memory_order_relaxed);
    large_held_.fetch_sub(large, std::memory_order_relaxed);
    return oldest;
}

NeighbourTable::Learn NeighbourTable::learn_hint(Neighbour& n, Mac mac, uint64_t now,
                                                 uint64_t locktime) noexcept {
    for (;;) {
        const NeighbourLink before = n.read();
        if (before.state == NeighbourState::permanent) return Learn::ignored;
        if (before.usable() && (before.mac == mac || is_locked(n, now, locktime)))
            return Learn::ignored;
        if (n.change(before, {NeighbourState::stale, mac}, now)) return Learn::updated;
    }
}

NeighbourTable::Learn NeighbourTable::learn_proof(Neighbour& n, Mac mac, uint64_t now,
                                                  uint64_t locktime) noexcept {
    for (;;) {
        const NeighbourLink before = n.read();
        if (before.state == NeighbourState::permanent) return Learn::ignored;
        if (before.usable() && before.mac != mac && is_locked(n, now, locktime))
            return Learn::ignored;
        if (!n.change(before, {NeighbourState::reachable, mac}, now)) continue;
        n.confirmed_tsc.store(now, std::memory_order_relaxed);
        return Learn::updated;
    }
}

void NeighbourTable::for_each(const std::function<void(Neighbour&)>& visit) {
    for (uint32_t i = 0; i < slots_; ++i)
        if (keys_[i / kBucket].keys[i % kBucket].load(std::memory_order_acquire) > kLeaving)
            visit(neighbours_[i]);
}

void NeighbourTable::remove(Neighbour& n) noexcept {
    key_of(n).store(kLeaving, std::memory_order_release);
}

void NeighbourTable::recycle(Neighbour& n) noexcept {
    n.link.store(0, std::memory_order_relaxed);
    n.probes = 0;
    n.probed_tsc = 0;
    key_of(n).store(kFree, std::memory_order_release);
    size_.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace vethway
