// SPDX-License-Identifier: Apache-2.0
// Which port a station is behind: the filtering database of IEEE 802.1Q 8.8, of all bridge domains
// together. Workers learn and look up without locks; the control thread ages, and sets what is
// static. Bounded: what finds no room is not learned, and flooded to.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "dataplane/net/mac.h"
#include "dataplane/net/vlan.h"
#include "dataplane/numa_memory.h"

namespace vethway {

inline constexpr uint16_t kMaxDomains = 16;

// A station: each VLAN of a domain learns for itself (802.1Q's independent learning).
struct FdbKey {
    uint16_t domain = 0;  // below kMaxDomains
    uint16_t vlan = 0;    // 0 where the domain knows no VLANs
    Mac mac;
    constexpr uint64_t packed() const noexcept {
        return uint64_t{domain} << 60 | uint64_t{vlan} << 48 | mac.to_u48();
    }
    static constexpr FdbKey unpacked(uint64_t word) noexcept {
        return {static_cast<uint16_t>(word >> 60), static_cast<uint16_t>(word >> 48 & 0xfff),
                Mac::from_u48(word & 0xffff'ffff'ffff)};
    }
    friend bool operator==(const FdbKey&, const FdbKey&) = default;
};

// What became of a frame's source address.
enum class Learned : uint8_t {
    known,    // behind this port, as before
    added,    //
    moved,    // from another port
    damped,   // moves too often: stays where it is for a while
    pinned,   // a static entry says another port
    limited,  // the domain or the member has as many as it may
    full      // no room in the table
};

// Those of a domain and of the member in hand. 0: no limit.
struct LearnRules {
    uint32_t domain_limit = 0, member_limit = 0;
    uint16_t moves_a_second = 0;  // more of them, and it stays put for kDampedSeconds
};

struct FdbEntry {
    FdbKey key;
    uint16_t port = 0;
    bool is_static = false, is_damped = false;
    uint32_t seen_tick = 0;  // when last heard of, unless it is static
};

class Fdb {
public:
    // For as many there is room, whoever they are: a quarter of the slots.
    static constexpr uint32_t kMaxStations = 65536;
    static constexpr uint32_t kTicksASecond = 10;  // what time is counted in here
    static constexpr uint32_t kDampedSeconds = 10;

    explicit Fdb(uint64_t seed = 0);  // 0: drawn

    // --- Worker ---
    void prefetch(uint64_t packed) const noexcept {
        const uint64_t h = mixed(packed);
        __builtin_prefetch(&table_->buckets[first_of(h)]);
        __builtin_prefetch(&table_->buckets[second_of(h)]);
    }
    // kNoPort where the station is not known.
    uint16_t find(uint64_t packed) const noexcept;
    Learned learn(uint64_t packed, uint16_t port, uint32_t tick, const LearnRules& rules) noexcept;
    // The same without a change.
    Learned would_learn(uint64_t packed, uint16_t port, uint32_t tick,
                        const LearnRules& rules) const noexcept;

    // --- Control thread ---
    // A static entry, in place of what was learned. False: no room.
    bool set_static(const FdbKey& key, uint16_t port) noexcept;
    bool remove(const FdbKey& key) noexcept;  // whether there was one
    // Removes what `wanted` says, and tells how many those were.
    size_t remove_if(const std::function<bool(const FdbEntry&)>& wanted);
    // Removes what was not heard of for as long as its domain says; of every call a part of the
    // table is looked at, so that `parts` calls see it all.
    void age(uint32_t tick, const std::array<uint32_t, kMaxDomains>& ageing_ticks, unsigned part,
             unsigned parts) noexcept;
    void for_each(uint32_t tick, const std::function<void(const FdbEntry&)>& visit) const;
    // How many are learned, static ones not counted.
    uint32_t learned_by(uint16_t port) const noexcept {
        return table_->by_port[port].load(std::memory_order_relaxed);
    }
    uint32_t learned_in(uint16_t domain) const noexcept {
        return table_->by_domain[domain].load(std::memory_order_relaxed);
    }

private:
    static constexpr uint32_t kBucket = 4;
    static constexpr uint32_t kBuckets = kMaxStations;
    struct Slot {
        std::atomic<uint64_t> key, value;
    };
    struct alignas(64) Bucket {
        std::array<Slot, kBucket> slots;
    };
    // Of zeros: free slots. Only the pages in use become resident.
    struct Table {
        std::array<Bucket, kBuckets> buckets;
        std::array<std::atomic<uint32_t>, kBuckets * kBucket> flaps;  // looked at when it moves
        std::array<std::atomic<uint32_t>, 256> by_port;
        std::array<std::atomic<uint32_t>, kMaxDomains> by_domain;
    };
    struct TableFree {
        void operator()(Table* t) const noexcept { numa_delete(t); }
    };

    uint64_t mixed(uint64_t packed) const noexcept;
    static uint32_t first_of(uint64_t h) noexcept { return static_cast<uint32_t>(h) % kBuckets; }
    static uint32_t second_of(uint64_t h) noexcept {
        return static_cast<uint32_t>(h >> 32) % kBuckets;
    }
    Slot* slot_of(uint64_t packed) const noexcept;
    std::atomic<uint32_t>& flaps_of(const Slot& slot) const noexcept;
    bool may_move(const Slot& slot, uint32_t tick, const LearnRules& rules,
                  bool dry) const noexcept;
    Learned move(Slot& slot, uint64_t value, uint64_t packed, uint16_t port, uint32_t tick,
                 const LearnRules& rules) noexcept;
    Learned add(uint64_t packed, uint16_t port, uint32_t tick, const LearnRules& rules) noexcept;
    bool is_limited(uint64_t packed, uint16_t port, const LearnRules& rules) const noexcept;
    bool take_room(uint64_t packed, uint16_t port, const LearnRules& rules) noexcept;
    void give_room(uint64_t packed, uint64_t value) noexcept;
    Slot* claim(uint64_t packed, uint64_t value) noexcept;
    void settle_twins(uint64_t packed) noexcept;
    bool clear(Slot& slot, uint64_t packed, uint64_t only_if) noexcept;
    FdbEntry entry_of(const Slot& slot, uint64_t packed, uint64_t value,
                      uint32_t tick) const noexcept;

    uint64_t seed_;
    std::unique_ptr<Table, TableFree> table_;
};

}  // namespace vethway
