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

#include "dataplane/counters.h"
#include "dataplane/net/mac.h"
#include "dataplane/net/mix.h"
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

    // A station and where it is looked for: hashed once, however often it is asked for.
    struct Probe {
        uint64_t packed, hash;
    };
    static constexpr Probe kNobody{UINT64_MAX, 0};  // not what any packed() gives

    // --- Worker ---
    Probe probe(uint64_t packed) const noexcept { return {packed, mix(packed ^ seed_)}; }
    // Ahead of its use, so that the table's lines are there by then.
    void prefetch(const Probe& p) const noexcept {
        __builtin_prefetch(&table_->buckets[first_of(p.hash)]);
        __builtin_prefetch(&alike(p.hash));
    }
    // kNoPort where the station is not known.
    uint16_t find(const Probe& p) const noexcept;
    uint16_t find(uint64_t packed) const noexcept { return find(probe(packed)); }
    Learned learn(const Probe& p, uint16_t port, uint32_t tick, const LearnRules& rules) noexcept {
        // Who floods us with strangers is done with soon.
        if (is_stranger(p) && is_limited(p, port, rules)) return Learned::limited;
        return learn_anew(p, port, tick, rules);
    }
    // The same without a change.
    Learned would_learn(const Probe& p, uint16_t port, uint32_t tick,
                        const LearnRules& rules) const noexcept;
    // Whether learn() has nothing to do: the station is where it was, and heard of in this tick.
    // What it can't tell at a glance is none of those.
    bool is_fresh(const Probe& p, uint16_t port, uint32_t tick) const noexcept {
        const Slot& slot = first_slot(p);
        return slot.key.load(std::memory_order_acquire) == p.packed &&
               Value::is_seen(slot.value.load(std::memory_order_relaxed), port, tick);
    }

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
    static constexpr unsigned kAlikeBits = 18;
    struct Slot {
        std::atomic<uint64_t> key, value;
    };
    struct alignas(64) Bucket {
        std::array<Slot, kBucket> slots;
    };
    // The word beside the key. A slot that is used again has another generation, so that who still
    // means the station before it can't change the one behind it.
    struct Value {
        uint32_t seen = 0;
        uint16_t port = 0;
        uint8_t generation = 0;
        bool is_static = false;

        // Bit 0 tells it from 0.
        constexpr uint64_t packed() const noexcept {
            return uint64_t{seen} << 32 | uint64_t{port} << 16 | uint64_t{generation} << 8 |
                   (is_static ? 2U : 0U) | 1U;
        }
        static constexpr Value unpacked(uint64_t v) noexcept {
            return {static_cast<uint32_t>(v >> 32), static_cast<uint16_t>(v >> 16),
                    static_cast<uint8_t>(v >> 8), (v & 2) != 0};
        }
        static constexpr bool is_seen(uint64_t v, uint16_t port, uint32_t tick) noexcept {
            return v >> 16 == (uint64_t{tick} << 16 | port);
        }
    };
    // Of zeros: free slots.
    struct Table {
        std::array<Bucket, kBuckets> buckets;
        std::array<std::atomic<uint32_t>, kBuckets * kBucket> flaps;  // looked at when it moves
        // How many are in the table of those whose hash begins so. Of who was never seen it is
        // mostly 0, and small enough for a cache that does not hold the buckets.
        std::array<std::atomic<uint8_t>, 1U << kAlikeBits> alike;
        std::array<std::atomic<uint32_t>, 256> by_port;
        std::array<std::atomic<uint32_t>, kMaxDomains> by_domain;
    };
    struct TableFree {
        void operator()(Table* t) const noexcept { numa_delete(t); }
    };

    static uint32_t first_of(uint64_t h) noexcept { return static_cast<uint32_t>(h) % kBuckets; }
    static uint32_t second_of(uint64_t h) noexcept {
        return static_cast<uint32_t>(h >> 32) % kBuckets;
    }
    std::atomic<uint8_t>& alike(uint64_t h) const noexcept {
        return table_->alike[h >> (64 - kAlikeBits)];
    }
    // Not known for certain; most of those who are not known are strangers.
    bool is_stranger(const Probe& p) const noexcept {
        return alike(p.hash).load(std::memory_order_relaxed) == 0;
    }
    bool is_limited(const Probe& p, uint16_t port, const LearnRules& rules) const noexcept {
        return (rules.member_limit != 0 && learned_by(port) >= rules.member_limit) ||
               (rules.domain_limit != 0 &&
                learned_in(FdbKey::unpacked(p.packed).domain) >= rules.domain_limit);
    }
    Learned learn_anew(const Probe& p, uint16_t port, uint32_t tick,
                       const LearnRules& rules) noexcept;
    // Where it is unless there are very many: buckets are filled from here on, and hardly any has
    // two (of 32768 stations four in five are here).
    Slot& first_slot(const Probe& p) const noexcept {
        return table_->buckets[first_of(p.hash)].slots[0];
    }
    Slot* slot_of(const Probe& p) const noexcept {
        Slot& first = first_slot(p);
        if (first.key.load(std::memory_order_acquire) == p.packed) [[likely]]
            return &first;
        return slot_beyond(p);
    }
    static Slot* slot_in(Bucket& bucket, uint64_t packed) noexcept;
    Slot* slot_beyond(const Probe& p) const noexcept;
    std::atomic<uint32_t>& flaps_of(const Slot& slot) const noexcept;
    bool may_move(const Slot& slot, uint32_t tick, const LearnRules& rules,
                  bool dry) const noexcept;
    Learned move(Slot& slot, uint64_t value, uint64_t packed, uint16_t port, uint32_t tick,
                 const LearnRules& rules) noexcept;
    Learned add(const Probe& p, uint16_t port, uint32_t tick, const LearnRules& rules) noexcept;
    bool take_room(uint64_t packed, uint16_t port, const LearnRules& rules) noexcept;
    void give_room(uint64_t packed, uint64_t value) noexcept;
    Slot* claim(const Probe& p, uint64_t value) noexcept;
    void settle_twins(const Probe& p) noexcept;
    bool clear(Slot& slot, uint64_t packed, uint64_t only_if) noexcept;
    FdbEntry entry_of(const Slot& slot, uint64_t packed, uint64_t value,
                      uint32_t tick) const noexcept;

    uint64_t seed_;
    std::unique_ptr<Table, TableFree> table_;
};

// The key is asked again behind the value: in between the slot may have become another's. (Whom
// nobody is, an address of zeros, may find a free slot: its port is `lo`.)
inline uint16_t Fdb::find(const Probe& p) const noexcept {
    const Slot* slot = slot_of(p);
    if (slot == nullptr) return kNoPort;
    const uint64_t value = slot->value.load(std::memory_order_acquire);
    return slot->key.load(std::memory_order_relaxed) == p.packed ? Value::unpacked(value).port
                                                                 : kNoPort;
}

}  // namespace vethway
