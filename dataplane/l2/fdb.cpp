// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l2/fdb.h"

#include <algorithm>
#include <random>

namespace vethway {

namespace {

// Keys that no station has: nobody, and somebody who is being written or removed. A group address
// is never learned.
constexpr uint64_t kFree = 0, kBusy = UINT64_MAX;
constexpr uint64_t kAnyValue = 0;  // no entry has it

// How often a station has moved of late: when the second began, in ticks, and how many times since.
struct Flaps {
    static constexpr uint32_t kDamped = 0xff;  // as the count: it stays put since `since`
    uint32_t since = 0, count = 0;

    static constexpr Flaps unpacked(uint32_t word) noexcept { return {word >> 8, word & 0xff}; }
    constexpr uint32_t packed() const noexcept { return since << 8 | count; }
    constexpr uint32_t age(uint32_t tick) const noexcept { return (tick - since) & 0xffffff; }
    constexpr bool is_damped(uint32_t tick) const noexcept {
        return count == kDamped && age(tick) < Fdb::kDampedSeconds * Fdb::kTicksASecond;
    }
};

}  // namespace

Fdb::Fdb(uint64_t seed) : seed_(seed), table_(numa_new<Table>(-1)) {
    std::random_device random;
    if (seed_ == 0) seed_ = uint64_t{random()} << 32 | random();
}

// Whether a bucket has the key at all is asked without a branch a slot, which could not be
// foretold; of a station that is not known it is all that is asked.
Fdb::Slot* Fdb::slot_in(Bucket& bucket, uint64_t packed) noexcept {
    const auto has_key = [&](uint32_t slot) -> uint32_t {
        return bucket.slots[slot].key.load(std::memory_order_acquire) == packed ? 1 : 0;
    };
    static_assert(kBucket == 4);
    if ((has_key(0) | has_key(1) | has_key(2) | has_key(3)) == 0) return nullptr;
    for (uint32_t i = 0; i < kBucket; ++i)
        if (has_key(i) != 0) return &bucket.slots[i];
    return nullptr;  // removed meanwhile
}

Fdb::Slot* Fdb::slot_beyond(const Probe& p) const noexcept {
    if (is_stranger(p)) return nullptr;
    Slot* const first = slot_in(table_->buckets[first_of(p.hash)], p.packed);
    return first != nullptr ? first : slot_in(table_->buckets[second_of(p.hash)], p.packed);
}

std::atomic<uint32_t>& Fdb::flaps_of(const Slot& slot) const noexcept {
    const auto bytes = reinterpret_cast<const std::byte*>(&slot) -
                       reinterpret_cast<const std::byte*>(table_->buckets.data());
    return table_->flaps[static_cast<size_t>(bytes) / sizeof(Slot)];
}

Learned Fdb::learn_anew(const Probe& p, uint16_t port, uint32_t tick,
                        const LearnRules& rules) noexcept {
    Slot* slot = slot_of(p);
    if (slot == nullptr)
        return is_limited(p, port, rules) ? Learned::limited : add(p, port, tick, rules);
    uint64_t word = slot->value.load(std::memory_order_acquire);
    if (slot->key.load(std::memory_order_relaxed) != p.packed)
        return Learned::known;  // just removed
    Value value = Value::unpacked(word);
    if (value.port != port) [[unlikely]]
        return value.is_static ? Learned::pinned : move(*slot, word, p.packed, port, tick, rules);
    if (value.seen != tick && !value.is_static) {
        value.seen = tick;
        slot->value.compare_exchange_strong(word, value.packed(), std::memory_order_acq_rel);
    }
    return Learned::known;
}

Learned Fdb::would_learn(const Probe& p, uint16_t port, uint32_t tick,
                         const LearnRules& rules) const noexcept {
    const Slot* slot = slot_of(p);
    if (slot == nullptr) return is_limited(p, port, rules) ? Learned::limited : Learned::added;
    const Value value = Value::unpacked(slot->value.load(std::memory_order_acquire));
    if (value.port == port) return Learned::known;
    if (value.is_static) return Learned::pinned;
    return may_move(*slot, tick, rules, true) ? Learned::moved : Learned::damped;
}

// Several workers may count one move twice, which only makes the damping begin earlier.
bool Fdb::may_move(const Slot& slot, uint32_t tick, const LearnRules& rules,
                   bool dry) const noexcept {
    std::atomic<uint32_t>& word = flaps_of(slot);
    const Flaps before = Flaps::unpacked(word.load(std::memory_order_relaxed));
    if (before.is_damped(tick)) return false;
    const bool goes_on = before.count != Flaps::kDamped && before.age(tick) < kTicksASecond;
    Flaps now{tick & 0xffffff, 1};
    if (goes_on) now = {before.since, std::min(before.count + 1, Flaps::kDamped - 1)};
    const bool too_often = rules.moves_a_second != 0 && now.count > rules.moves_a_second;
    if (too_often) now = {tick & 0xffffff, Flaps::kDamped};
    if (!dry) word.store(now.packed(), std::memory_order_relaxed);
    return !too_often;
}

Learned Fdb::move(Slot& slot, uint64_t word, uint64_t packed, uint16_t port, uint32_t tick,
                  const LearnRules& rules) noexcept {
    if (!may_move(slot, tick, rules, false)) return Learned::damped;
    const LearnRules only_member{.member_limit = rules.member_limit};
    if (!take_room(packed, port, only_member)) return Learned::limited;
    Value value = Value::unpacked(word);
    value.port = port;
    value.seen = tick;
    const uint64_t after = value.packed();
    // Whichever station is not there any more gives its place back.
    const bool moved = slot.value.compare_exchange_strong(word, after, std::memory_order_acq_rel);
    give_room(packed, moved ? word : after);
    return moved ? Learned::moved : Learned::known;
}

// Counted first, so that workers that learn at once don't go beyond a limit together.
bool Fdb::take_room(uint64_t packed, uint16_t port, const LearnRules& rules) noexcept {
    auto& by_port = table_->by_port[port];
    auto& by_domain = table_->by_domain[FdbKey::unpacked(packed).domain];
    const uint32_t member = by_port.fetch_add(1, std::memory_order_relaxed);
    const uint32_t domain = by_domain.fetch_add(1, std::memory_order_relaxed);
    if ((rules.member_limit == 0 || member < rules.member_limit) &&
        (rules.domain_limit == 0 || domain < rules.domain_limit))
        return true;
    by_port.fetch_sub(1, std::memory_order_relaxed);
    by_domain.fetch_sub(1, std::memory_order_relaxed);
    return false;
}

void Fdb::give_room(uint64_t packed, uint64_t value) noexcept {
    const Value was = Value::unpacked(value);
    if (was.is_static) return;
    table_->by_port[was.port].fetch_sub(1, std::memory_order_relaxed);
    table_->by_domain[FdbKey::unpacked(packed).domain].fetch_sub(1, std::memory_order_relaxed);
}

Learned Fdb::add(const Probe& p, uint16_t port, uint32_t tick, const LearnRules& rules) noexcept {
    if (!take_room(p.packed, port, rules)) return Learned::limited;
    const uint64_t value = Value{.seen = tick, .port = port}.packed();
    if (claim(p, value) == nullptr) {
        give_room(p.packed, value);
        return Learned::full;
    }
    settle_twins(p);
    return Learned::added;
}

// The first bucket until it has two, so that the second is hardly ever looked at; then the emptier,
// so that hardly ever both are full (the power of two choices).
Fdb::Slot* Fdb::claim(const Probe& p, uint64_t value) noexcept {
    std::array<uint32_t, 2> order{first_of(p.hash), second_of(p.hash)};
    const auto taken = [this](uint32_t bucket) {
        return std::ranges::count_if(table_->buckets[bucket].slots, [](const Slot& s) {
            return s.key.load(std::memory_order_relaxed) != kFree;
        });
    };
    if (taken(order[0]) > 1 && taken(order[0]) > taken(order[1])) std::swap(order[0], order[1]);
    for (const uint32_t bucket : order)
        for (Slot& slot : table_->buckets[bucket].slots) {
            uint64_t expected = kFree;
            if (!slot.key.compare_exchange_strong(expected, kBusy, std::memory_order_acq_rel))
                continue;
            Value next = Value::unpacked(value);
            next.generation = static_cast<uint8_t>(
                Value::unpacked(slot.value.load(std::memory_order_relaxed)).generation + 1);
            slot.value.store(next.packed(), std::memory_order_relaxed);
            flaps_of(slot).store(0, std::memory_order_relaxed);
            alike(p.hash).fetch_add(1, std::memory_order_relaxed);
            slot.key.store(p.packed, std::memory_order_seq_cst);
            return &slot;
        }
    return nullptr;
}

// Two workers may have added one station at once. Both look after they have written, so at least
// the later one sees both; all but the first, in an order that is everybody's, go.
void Fdb::settle_twins(const Probe& p) noexcept {
    const uint32_t first = first_of(p.hash), second = second_of(p.hash);
    bool there = false;
    for (const uint32_t b : {first, second}) {
        if (b == second && second == first && there) return;
        for (Slot& slot : table_->buckets[b].slots) {
            if (slot.key.load(std::memory_order_seq_cst) != p.packed) continue;
            if (there) clear(slot, p.packed, kAnyValue);
            there = true;
        }
    }
}

// `only_if`: where the value is still this. The generation stays behind, for the next to count on.
bool Fdb::clear(Slot& slot, uint64_t packed, uint64_t only_if) noexcept {
    uint64_t expected = packed;
    if (!slot.key.compare_exchange_strong(expected, kBusy, std::memory_order_acq_rel)) return false;
    uint64_t value = slot.value.load(std::memory_order_acquire);
    const auto without_life = [](uint64_t v) {
        return Value{.generation = Value::unpacked(v).generation}.packed();
    };
    // Who found it before may still write: into what is gone, if it comes later.
    while (only_if == kAnyValue || value == only_if)
        if (slot.value.compare_exchange_weak(value, without_life(value),
                                             std::memory_order_acq_rel)) {
            give_room(packed, value);
            slot.key.store(kFree, std::memory_order_release);
            alike(mix(packed ^ seed_)).fetch_sub(1, std::memory_order_relaxed);
            return true;
        }
    slot.key.store(packed, std::memory_order_release);
    return false;
}

bool Fdb::set_static(const FdbKey& key, uint16_t port) noexcept {
    const Probe p = probe(key.packed());
    for (;;) {
        Slot* slot = slot_of(p);
        if (slot == nullptr) {
            if (claim(p, Value{.port = port, .is_static = true}.packed()) == nullptr) return false;
            // A worker may have learned it meanwhile.
            settle_twins(p);
            continue;
        }
        uint64_t word = slot->value.load(std::memory_order_acquire);
        Value value = Value::unpacked(word);
        if (value.is_static && value.port == port) return true;
        value.port = port;
        value.is_static = true;
        if (slot->value.compare_exchange_strong(word, value.packed(), std::memory_order_acq_rel))
            give_room(p.packed, word);
    }
}

bool Fdb::remove(const FdbKey& key) noexcept {
    Slot* slot = slot_of(probe(key.packed()));
    return slot != nullptr && clear(*slot, key.packed(), kAnyValue);
}

FdbEntry Fdb::entry_of(const Slot& slot, uint64_t packed, uint64_t word,
                       uint32_t tick) const noexcept {
    const Value value = Value::unpacked(word);
    const Flaps flaps = Flaps::unpacked(flaps_of(slot).load(std::memory_order_relaxed));
    return {.key = FdbKey::unpacked(packed),
            .port = value.port,
            .is_static = value.is_static,
            .is_damped = flaps.is_damped(tick),
            .seen_tick = value.seen};
}

size_t Fdb::remove_if(const std::function<bool(const FdbEntry&)>& wanted) {
    size_t removed = 0;
    for (Bucket& bucket : table_->buckets)
        for (Slot& slot : bucket.slots) {
            const uint64_t key = slot.key.load(std::memory_order_acquire);
            if (key == kFree || key == kBusy) continue;
            const uint64_t value = slot.value.load(std::memory_order_acquire);
            if (wanted(entry_of(slot, key, value, 0)) && clear(slot, key, kAnyValue)) ++removed;
        }
    return removed;
}

void Fdb::age(uint32_t tick, const std::array<uint32_t, kMaxDomains>& ageing_ticks, unsigned part,
              unsigned parts) noexcept {
    const uint32_t from = kBuckets / parts * part;
    const uint32_t to = part + 1 == parts ? kBuckets : kBuckets / parts * (part + 1);
    for (uint32_t b = from; b < to; ++b)
        for (Slot& slot : table_->buckets[b].slots) {
            const uint64_t key = slot.key.load(std::memory_order_acquire);
            if (key == kFree || key == kBusy) continue;
            const uint64_t word = slot.value.load(std::memory_order_acquire);
            const Value value = Value::unpacked(word);
            const uint32_t most = ageing_ticks[FdbKey::unpacked(key).domain];
            // A worker's tick may be ahead of ours.
            const auto age = static_cast<int32_t>(tick - value.seen);
            if (!value.is_static && most != 0 && age > 0 && static_cast<uint32_t>(age) >= most)
                clear(slot, key, word);
        }
}

void Fdb::for_each(uint32_t tick, const std::function<void(const FdbEntry&)>& visit) const {
    for (const Bucket& bucket : table_->buckets)
        for (const Slot& slot : bucket.slots) {
            const uint64_t key = slot.key.load(std::memory_order_acquire);
            if (key == kFree || key == kBusy) continue;
            const uint64_t value = slot.value.load(std::memory_order_acquire);
            if (slot.key.load(std::memory_order_relaxed) == key)
                visit(entry_of(slot, key, value, tick));
        }
}

}  // namespace vethway
