// SPDX-License-Identifier: Apache-2.0
#include "dataplane/neighbour/neighbour_table.h"

#include <rte_pause.h>

#include <algorithm>
#include <bit>
#include <random>

#include "dataplane/meta.h"
#include "dataplane/net/mix.h"

namespace vethway {

namespace {

// A key's word: never 0 (free) or 1 (leaving), since bit 63 is set. While bit 62 is set as well,
// the slot is wanted for the key, and nobody finds it yet.
constexpr uint64_t kFree = 0, kLeaving = 1, kWanted = uint64_t{1} << 62;
constexpr uint64_t pack(NeighbourKey key) noexcept {
    return uint64_t{1} << 63 | uint64_t{key.port} << 32 | key.ip.value;
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

static uint64_t drawn_seed() {
    std::random_device random;
    return uint64_t{random()} << 32 | random();
}

// Two slots a neighbour. Of two buckets the emptier is taken, so that hardly ever both are full
// (the power of two choices); the overflow is for hardly ever.
NeighbourTable::NeighbourTable(const Limits& limits, uint64_t seed)
    : seed_(seed != 0 ? seed : drawn_seed()),
      max_held_(limits.max_held),
      buckets_(std::bit_ceil(
          std::max((limits.thresholds.gc_thresh3 + limits.max_permanent) * 2 / kBucket, 2U))),
      slots_((buckets_ + kOverflowBuckets) * kBucket),
      keys_(std::make_unique<Bucket[]>(buckets_ + kOverflowBuckets)),
      neighbours_(std::make_unique<Neighbour[]>(slots_)) {
    set_thresholds(limits.thresholds);
}

void NeighbourTable::set_thresholds(const NeighbourThresholds& t) noexcept {
    gc_thresh1_.store(t.gc_thresh1, std::memory_order_relaxed);
    gc_thresh2_.store(t.gc_thresh2, std::memory_order_relaxed);
    gc_thresh3_.store(t.gc_thresh3, std::memory_order_relaxed);
}

NeighbourThresholds NeighbourTable::thresholds() const noexcept {
    return {gc_thresh1_.load(std::memory_order_relaxed),
            gc_thresh2_.load(std::memory_order_relaxed),
            gc_thresh3_.load(std::memory_order_relaxed)};
}

NeighbourTable::Buckets NeighbourTable::buckets_of(uint64_t packed) const noexcept {
    const uint64_t h = mix(packed ^ seed_);
    const uint32_t mask = buckets_ - 1;
    return {static_cast<uint32_t>(h) & mask, static_cast<uint32_t>(h >> 32) & mask};
}

std::atomic<uint64_t>& NeighbourTable::key_of(const Neighbour& n) noexcept {
    const uint32_t i = slot_of(n);
    return keys_[i / kBucket].keys[i % kBucket];
}

// Without a branch a key, which could not be foretold.
Neighbour* NeighbourTable::scan(uint32_t bucket, uint64_t packed) noexcept {
    uint32_t found = 0;
    for (uint32_t i = 0; i < kBucket; ++i)
        found |= (keys_[bucket].keys[i].load(std::memory_order_acquire) == packed ? 1U : 0U) << i;
    if (found == 0) return nullptr;
    return &neighbours_[bucket * kBucket + static_cast<uint32_t>(std::countr_zero(found))];
}

Neighbour* NeighbourTable::find(NeighbourKey key) noexcept {
    const uint64_t packed = pack(key);
    const Buckets b = buckets_of(packed);
    Neighbour* n = scan(b.first, packed);
    if (n == nullptr) n = scan(b.second, packed);
    if (n != nullptr || overflowed_.load(std::memory_order_acquire) == 0) [[likely]]
        return n;
    for (uint32_t i = 0; i < kOverflowBuckets && n == nullptr; ++i) n = scan(buckets_ + i, packed);
    return n;
}

NeighbourPlace NeighbourTable::place_of(Neighbour& n) noexcept {
    return {&n, &key_of(n), pack(n.key)};
}

uint32_t NeighbourTable::Bucket::taken() const noexcept {
    uint32_t n = 0;
    for (const auto& key : keys) n += key.load(std::memory_order_relaxed) != kFree ? 1 : 0;
    return n;
}

// A free slot's Neighbour was reset by recycle(), so wanting it for the key is all there is to do;
// but `key` must be readable by whoever finds the slot, so it is written under a word that nobody
// looks for.
Neighbour* NeighbourTable::claim(uint32_t bucket, NeighbourKey key, uint64_t now) noexcept {
    for (uint32_t i = 0; i < kBucket; ++i) {
        std::atomic<uint64_t>& word = keys_[bucket].keys[i];
        uint64_t expected = kFree;
        if (!word.compare_exchange_strong(expected, kLeaving, std::memory_order_acq_rel)) continue;
        Neighbour& n = neighbours_[bucket * kBucket + i];
        n.key = key;
        n.used_tsc.store(now, std::memory_order_relaxed);
        n.confirmed_tsc.store(now, std::memory_order_relaxed);
        n.changed_tsc.store(now, std::memory_order_relaxed);
        word.store(pack(key) | kWanted, std::memory_order_seq_cst);
        return &n;
    }
    return nullptr;
}

Neighbour* NeighbourTable::claim_anywhere(NeighbourKey key, uint64_t now) noexcept {
    const Buckets b = buckets_of(pack(key));
    const bool swap = keys_[b.second].taken() < keys_[b.first].taken();
    Neighbour* n = claim(swap ? b.second : b.first, key, now);
    if (n == nullptr) n = claim(swap ? b.first : b.second, key, now);
    if (n != nullptr) return n;
    overflowed_.fetch_add(1, std::memory_order_seq_cst);  // before, so that whoever looks sees it
    for (uint32_t i = 0; i < kOverflowBuckets && n == nullptr; ++i)
        n = claim(buckets_ + i, key, now);
    if (n == nullptr) overflowed_.fetch_sub(1, std::memory_order_acq_rel);
    return n;
}

// Whether another slot has the key, or is wanted for it.
bool NeighbourTable::has_rival(const Neighbour& mine) const noexcept {
    const uint64_t packed = pack(mine.key);
    const auto in = [&](uint32_t bucket) {
        for (uint32_t i = 0; i < kBucket; ++i)
            if ((keys_[bucket].keys[i].load(std::memory_order_seq_cst) & ~kWanted) == packed &&
                bucket * kBucket + i != slot_of(mine))
                return true;
        return false;
    };
    const Buckets b = buckets_of(packed);
    if (in(b.first) || in(b.second)) return true;
    if (overflowed_.load(std::memory_order_seq_cst) == 0) return false;
    for (uint32_t i = 0; i < kOverflowBuckets; ++i)
        if (in(buckets_ + i)) return true;
    return false;
}

void NeighbourTable::free_slot(Neighbour& n) noexcept {
    key_of(n).store(kFree, std::memory_order_release);
    if (is_overflow(n)) overflowed_.fetch_sub(1, std::memory_order_acq_rel);
}

// Of several workers that meet the same new neighbour at once, each wants a slot first and then
// looks for others that do: who sees nobody has it, and whoever sees another gives way and tries
// again. All in one order (seq_cst), so that two can't both see nobody. Where all see each other,
// pauses of different lengths part them.
NeighbourTable::Added NeighbourTable::add(NeighbourKey key, uint64_t now) noexcept {
    for (uint32_t tries = 0; tries < kMostTries; ++tries) {
        if (Neighbour* n = find(key)) return {n, false};
        Neighbour* const mine = claim_anywhere(key, now);
        if (mine == nullptr) return {};
        if (!has_rival(*mine)) {
            key_of(*mine).store(pack(key), std::memory_order_release);
            return {mine, true};
        }
        const uint32_t pauses = tries * (1 + slot_of(*mine) % kBucket);
        free_slot(*mine);
        for (uint32_t i = 0; i < pauses; ++i) rte_pause();
    }
    return {};
}

Neighbour* NeighbourTable::find_or_add(NeighbourKey key, uint64_t now) noexcept {
    if (Neighbour* n = find(key)) return n;
    const uint32_t before = learned_.fetch_add(1, std::memory_order_relaxed);
    if (before >= gc_thresh2_.load(std::memory_order_relaxed) &&
        !pressed_.load(std::memory_order_relaxed))
        pressed_.store(true, std::memory_order_relaxed);
    const bool room = before < gc_thresh3_.load(std::memory_order_relaxed);
    const Added got = room ? add(key, now) : Added{};
    if (!got.is_new) learned_.fetch_sub(1, std::memory_order_relaxed);
    return got.n;
}

Neighbour* NeighbourTable::find_or_add_permanent(NeighbourKey key, uint64_t now) noexcept {
    const Added got = add(key, now);
    if (got.n == nullptr) return nullptr;
    if (!got.is_new && !got.n->permanent) learned_.fetch_sub(1, std::memory_order_relaxed);
    got.n->permanent = true;
    return got.n;
}

// True and one more, unless there are `most` already.
static bool add_one(std::atomic<uint32_t>& count, uint32_t most) noexcept {
    if (count.fetch_add(1, std::memory_order_relaxed) < most) return true;
    count.fetch_sub(1, std::memory_order_relaxed);
    return false;
}

// In a buffer of 64 KiB (frame_buffers.h).
static bool is_large(const rte_mbuf& m) noexcept { return m.buf_len > UINT16_MAX / 2; }

uint32_t NeighbourTable::buffer_bytes(const rte_mbuf& m) noexcept {
    uint32_t bytes = 0;
    for (const rte_mbuf* s = &m; s != nullptr; s = s->next)
        bytes += static_cast<uint32_t>(sizeof *s + s->priv_size + s->buf_len);
    return bytes;
}

bool NeighbourTable::is_full(const Neighbour& n, const rte_mbuf& m,
                             const NeighbourLimits& limits) noexcept {
    const uint32_t count = n.held_count.load(std::memory_order_relaxed);
    const uint32_t bytes = n.held_bytes.load(std::memory_order_relaxed);
    return count > 0 &&
           (count >= limits.unres_qlen || bytes + buffer_bytes(m) > limits.unres_qlen_bytes);
}

NeighbourTable::Hold NeighbourTable::hold(Neighbour& n, rte_mbuf& m,
                                          const NeighbourLimits& limits) noexcept {
    if (!add_one(held_, max_held_)) return Hold::queue_full;
    const uint32_t bytes = buffer_bytes(m);
    const uint32_t before = n.held_count.fetch_add(1, std::memory_order_relaxed);
    const uint32_t sum = n.held_bytes.fetch_add(bytes, std::memory_order_relaxed) + bytes;
    const bool fits = before == 0 || (before < limits.unres_qlen && sum <= limits.unres_qlen_bytes);
    if (!fits || (is_large(m) && !add_one(large_held_, kMaxLargeHeld))) {
        n.held_bytes.fetch_sub(bytes, std::memory_order_relaxed);
        n.held_count.fetch_sub(1, std::memory_order_relaxed);
        held_.fetch_sub(1, std::memory_order_relaxed);
        return Hold::queue_full;
    }
    rte_mbuf* newest = n.held.load(std::memory_order_relaxed);
    do meta(m).next_held = newest;
    while (!n.held.compare_exchange_weak(newest, &m, std::memory_order_acq_rel));
    return Hold::held;
}

bool NeighbourTable::would_hold(const Neighbour* n, const rte_mbuf& m,
                                const NeighbourLimits& limits) const noexcept {
    if (is_large(m) && large_held_.load(std::memory_order_relaxed) >= kMaxLargeHeld) return false;
    return (n != nullptr && is_full(*n, m, limits)) || held() < max_held_;
}

rte_mbuf* NeighbourTable::take_held(Neighbour& n, uint32_t& count) noexcept {
    rte_mbuf* newest = n.held.exchange(nullptr, std::memory_order_acq_rel);
    rte_mbuf* oldest = nullptr;
    uint32_t large = 0, bytes = 0;
    for (count = 0; newest != nullptr; ++count) {
        if (is_large(*newest)) ++large;
        bytes += buffer_bytes(*newest);
        rte_mbuf* const next = meta(*newest).next_held;
        meta(*newest).next_held = oldest;
        oldest = newest;
        newest = next;
    }
    n.held_bytes.fetch_sub(bytes, std::memory_order_relaxed);
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
        if (const uint64_t word =
                keys_[i / kBucket].keys[i % kBucket].load(std::memory_order_acquire);
            word > kLeaving && (word & kWanted) == 0)
            visit(neighbours_[i]);
}

void NeighbourTable::remove(Neighbour& n) noexcept {
    key_of(n).store(kLeaving, std::memory_order_release);
}

void NeighbourTable::recycle(Neighbour& n) noexcept {
    if (!n.permanent) learned_.fetch_sub(1, std::memory_order_relaxed);
    n.link.store(0, std::memory_order_relaxed);
    n.probes = 0;
    n.probed_tsc = 0;
    n.permanent = false;
    free_slot(n);
}

}  // namespace vethway
