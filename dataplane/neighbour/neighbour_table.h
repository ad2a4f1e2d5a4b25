// SPDX-License-Identifier: Apache-2.0
// Who has which MAC address: (port, IPv4 address) -> a neighbour and its state, after RFC
// 4861 7.3.2 as Linux uses it for ARP (net/core/neighbour.c).
//
// Workers add, learn and hold packets without a lock; only the control thread removes, and its
// timers do the rest (control/neighbour_machine.h). A bucket is one cache line of eight keys; a key
// has two buckets and goes into the emptier one, or where both are full into a few more that all
// share. MAC and state share one atomic word, so that no reader sees half of a change.
#pragma once

#include <rte_mbuf.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "dataplane/neighbour/neighbour_limits.h"
#include "dataplane/net/ip4.h"
#include "dataplane/net/mac.h"

namespace vethway {

enum class NeighbourState : uint8_t {
    none,  // just added: nothing is known or asked yet
    incomplete,
    reachable,
    stale,
    delay,
    probe,
    failed,
    permanent
};
inline constexpr const char* kNeighbourStateNames[] = {
    "none", "incomplete", "reachable", "stale", "delay", "probe", "failed", "permanent"};

struct NeighbourKey {
    uint16_t port = 0;
    Ip4 ip;
    friend constexpr auto operator<=>(const NeighbourKey&, const NeighbourKey&) = default;
};

// MAC and state at one instant.
struct NeighbourLink {
    NeighbourState state = NeighbourState::none;
    Mac mac;

    constexpr bool usable() const noexcept {
        return state != NeighbourState::none && state != NeighbourState::incomplete &&
               state != NeighbourState::failed;
    }
    constexpr uint64_t packed() const noexcept {
        return uint64_t{static_cast<uint8_t>(state)} << 56 | mac.to_u48();
    }
    static constexpr NeighbourLink unpacked(uint64_t word) noexcept {
        return {static_cast<NeighbourState>(word >> 56), Mac::from_u48(word)};
    }
};

struct alignas(64) Neighbour {
    // What a worker reads of each packet's neighbour.
    std::atomic<uint64_t> link{0};           // a NeighbourLink, packed
    std::atomic<uint64_t> used_tsc{0};       // a packet went there, to 1/16 s
    std::atomic<uint64_t> confirmed_tsc{0};  // the last proof that it is there
    std::atomic<uint64_t> changed_tsc{0};    // when it entered its state
    NeighbourKey key;                        // constant while the slot is taken

    alignas(64) std::atomic<rte_mbuf*> held{nullptr};  // newest first, by meta().next_held
    std::atomic<uint32_t> held_count{0}, held_bytes{0};
    uint32_t probes = 0;      // control thread: requests sent in this state
    uint64_t probed_tsc = 0;  // control thread: when the last one was sent
    bool permanent = false;   // control thread: not counted among those learned

    NeighbourLink read() const noexcept {
        return NeighbourLink::unpacked(link.load(std::memory_order_acquire));
    }
    // False when another thread changed the link since `before` was read.
    bool change(NeighbourLink before, NeighbourLink after, uint64_t now) noexcept;
    void note_use(uint64_t now, uint64_t hz) noexcept {
        if (now > used_tsc.load(std::memory_order_relaxed) + hz / 16)
            used_tsc.store(now, std::memory_order_relaxed);
    }
};

// Where a neighbour was found; it may have left since, and another may be there.
struct NeighbourPlace {
    Neighbour* neighbour = nullptr;
    const std::atomic<uint64_t>* word = nullptr;  // that says whose place it is
    uint64_t name = 0;
    // Worker: whether it is still there, as far as find() would tell in this burst.
    bool holds() const noexcept {
        return word != nullptr && word->load(std::memory_order_acquire) == name;
    }
};

// Linux's gc_thresh1 to 3: with fewer than the first none is forgotten; beyond the second those of
// no use make way; there are never more than the third.
struct NeighbourThresholds {
    uint32_t gc_thresh1 = 128, gc_thresh2 = 512, gc_thresh3 = 1024;
};

class NeighbourTable {
public:
    static constexpr uint32_t kMaxLargeHeld = 64;

    // At most `thresholds.gc_thresh3` are learned, beside `max_permanent` that are configured;
    // `max_held` bounds the packets that wait in all of them, of those in large buffers a few only,
    // as there are few. `seed` makes it unpredictable which keys share a bucket; 0: drawn.
    struct Limits {
        NeighbourThresholds thresholds;
        uint32_t max_permanent = 0, max_held = 0;
    };
    explicit NeighbourTable(const Limits& limits, uint64_t seed = 0);

    // Worker and control thread; null when unknown.
    Neighbour* find(NeighbourKey key) noexcept;
    NeighbourPlace place_of(Neighbour& n) noexcept;
    // The same, added if need be; null when the table is full.
    Neighbour* find_or_add(NeighbourKey key, uint64_t now) noexcept;
    // Control thread: the same, not counted among those learned.
    Neighbour* find_or_add_permanent(NeighbourKey key, uint64_t now) noexcept;

    enum class Hold : uint8_t { held, queue_full };
    // Worker: `m` waits for the neighbour, unless the limits are reached (it stays the caller's).
    // However large, one packet alone may wait.
    Hold hold(Neighbour& n, rte_mbuf& m, const NeighbourLimits& limits) noexcept;
    // What a packet that waits costs, whatever is in it (Linux skb->truesize).
    static uint32_t buffer_bytes(const rte_mbuf& m) noexcept;
    // Whether hold() would find the neighbour's own limits reached.
    static bool is_full(const Neighbour& n, const rte_mbuf& m,
                        const NeighbourLimits& limits) noexcept;
    // Whether `m` would wait for the neighbour (null: one that is still to be added), whose oldest
    // packets make way where its own limits are reached.
    bool would_hold(const Neighbour* n, const rte_mbuf& m,
                    const NeighbourLimits& limits) const noexcept;
    // Worker and control thread: all that waits, oldest first, linked by meta().next_held.
    rte_mbuf* take_held(Neighbour& n, uint32_t& count) noexcept;

    enum class Learn : uint8_t { ignored, updated };
    // Worker. Of a request heard: a hint (stale); of a reply: a proof (reachable). What contradicts
    // news of less than `locktime` (TSC) ago is ignored (Linux arp_process, LOCKTIME).
    Learn learn_hint(Neighbour& n, Mac mac, uint64_t now, uint64_t locktime) noexcept;
    Learn learn_proof(Neighbour& n, Mac mac, uint64_t now, uint64_t locktime) noexcept;

    // Control thread. remove() takes the entry out of sight at once; after a grace period its held
    // packets are taken and recycle() frees the slot.
    void for_each(const std::function<void(Neighbour&)>& visit);
    void remove(Neighbour& n) noexcept;
    void recycle(Neighbour& n) noexcept;
    // Control thread: gc_thresh3 can't be above the one that the table was made for.
    void set_thresholds(const NeighbourThresholds& thresholds) noexcept;
    NeighbourThresholds thresholds() const noexcept;
    // Control thread: whether one was added or refused beyond gc_thresh2 since it was asked last.
    bool take_pressed() noexcept { return pressed_.exchange(false, std::memory_order_relaxed); }

    uint32_t size() const noexcept { return learned_.load(std::memory_order_relaxed); }
    bool is_full() const noexcept { return size() >= gc_thresh3_.load(std::memory_order_relaxed); }
    uint32_t held() const noexcept { return held_.load(std::memory_order_relaxed); }
    size_t bytes() const noexcept { return slots_ * (sizeof(Neighbour) + sizeof(uint64_t)); }

private:
    static constexpr uint32_t kBucket = 8, kOverflowBuckets = 8, kMostTries = 16;
    struct Added {
        Neighbour* n = nullptr;
        bool is_new = false;  // else another had added it
    };
    struct alignas(64) Bucket {
        std::atomic<uint64_t> keys[kBucket];
        uint32_t taken() const noexcept;
    };
    struct Buckets {
        uint32_t first, second;
    };
    Buckets buckets_of(uint64_t packed) const noexcept;
    Neighbour* scan(uint32_t bucket, uint64_t packed) noexcept;
    Added add(NeighbourKey key, uint64_t now) noexcept;
    Neighbour* claim(uint32_t bucket, NeighbourKey key, uint64_t now) noexcept;
    Neighbour* claim_anywhere(NeighbourKey key, uint64_t now) noexcept;
    bool has_rival(const Neighbour& mine) const noexcept;
    void free_slot(Neighbour& n) noexcept;
    uint32_t slot_of(const Neighbour& n) const noexcept {
        return static_cast<uint32_t>(&n - neighbours_.get());
    }
    bool is_overflow(const Neighbour& n) const noexcept { return slot_of(n) >= buckets_ * kBucket; }
    std::atomic<uint64_t>& key_of(const Neighbour& n) noexcept;

    const uint64_t seed_;
    const uint32_t max_held_;
    const uint32_t buckets_, slots_;  // those behind the buckets are the overflow's
    std::unique_ptr<Bucket[]> keys_;
    std::unique_ptr<Neighbour[]> neighbours_;
    std::atomic<uint32_t> gc_thresh1_, gc_thresh2_, gc_thresh3_;
    std::atomic<uint32_t> overflowed_{0};  // in the overflow
    std::atomic<bool> pressed_{false};
    alignas(64) std::atomic<uint32_t> learned_{0};
    std::atomic<uint32_t> held_{0}, large_held_{0};
};

}  // namespace vethway
