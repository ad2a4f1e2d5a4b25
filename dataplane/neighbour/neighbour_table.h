// SPDX-License-Identifier: Apache-2.0
// Who has which MAC address: (port, IPv4 address) -> a neighbour and its state, after RFC
// 4861 7.3.2 as Linux uses it for ARP (net/core/neighbour.c).
//
// Workers add, learn and hold packets without a lock; only the control thread removes, and its
// timers do the rest (control/neighbours.cpp). A bucket is one cache line of eight keys; a key has
// two buckets. MAC and state share one atomic word, so that no reader sees half of a change.
#pragma once

#include <rte_mbuf.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

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
    std::atomic<uint64_t> link{0};           // a NeighbourLink, packed
    std::atomic<uint64_t> confirmed_tsc{0};  // the last proof that it is there
    std::atomic<uint64_t> changed_tsc{0};    // when it entered its state
    std::atomic<rte_mbuf*> held{nullptr};    // newest first, linked by meta().next_held
    std::atomic<uint32_t> held_count{0};
    uint32_t probes = 0;      // control thread: requests sent in this state
    uint64_t probed_tsc = 0;  // control thread: when the last one was sent
    NeighbourKey key;         // constant while the slot is taken

    NeighbourLink read() const noexcept {
        return NeighbourLink::unpacked(link.load(std::memory_order_acquire));
    }
    // False when another thread changed the link since `before` was read.
    bool change(NeighbourLink before, NeighbourLink after, uint64_t now) noexcept;
};

class NeighbourTable {
public:
    static constexpr uint32_t kMaxLargeHeld = 64;
    static constexpr uint32_t kMaxHeldEach = 64;  // packets; Linux's unres_qlen in full-size frames

    // `max_neighbours` bounds the entries, `max_held` the packets that wait in all of them; of
    // those that are in large buffers a few only, as there are few.
    NeighbourTable(uint32_t max_neighbours, uint32_t max_held);

    // Worker and control thread; null when unknown.
    Neighbour* find(NeighbourKey key) noexcept;
    // The same, added if need be; null when the table is full.
    Neighbour* find_or_add(NeighbourKey key, uint64_t now) noexcept;
    // Whether find_or_add() would find room for one that is not there.
    bool could_add(NeighbourKey key) const noexcept;

    enum class Hold : uint8_t { held, queue_full };
    // Worker: `m` waits for the neighbour, unless the limits are reached (it stays the caller's).
    Hold hold(Neighbour& n, rte_mbuf& m) noexcept;
    // Whether `m` would wait for the neighbour (null: one that is still to be added), whose oldest
    // packet makes way where its own queue is full.
    bool would_hold(const Neighbour* n, const rte_mbuf& m) const noexcept;
    bool is_full(const Neighbour& n) const noexcept {
        return n.held_count.load(std::memory_order_relaxed) >= kMaxHeldEach;
    }
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
    uint32_t size() const noexcept { return size_.load(std::memory_order_relaxed); }
    uint32_t capacity() const noexcept { return max_neighbours_; }
    uint32_t held() const noexcept { return held_.load(std::memory_order_relaxed); }
    size_t bytes() const noexcept { return slots_ * (sizeof(Neighbour) + sizeof(uint64_t)); }

private:
    static constexpr uint32_t kBucket = 8;
    struct alignas(64) Bucket {
        std::atomic<uint64_t> keys[kBucket];
    };
    struct Buckets {
        uint32_t first, second;
    };
    Buckets buckets_of(uint64_t packed) const noexcept;
    Neighbour* scan(uint32_t bucket, uint64_t packed) noexcept;
    Neighbour* claim(uint32_t bucket, NeighbourKey key, uint64_t now) noexcept;
    std::atomic<uint64_t>& key_of(const Neighbour& n) noexcept;

    uint32_t max_neighbours_, max_held_, slots_;
    std::unique_ptr<Bucket[]> keys_;
    std::unique_ptr<Neighbour[]> neighbours_;
    alignas(64) std::atomic<uint32_t> size_{0};
    std::atomic<uint32_t> held_{0}, large_held_{0};
};

}  // namespace vethway
