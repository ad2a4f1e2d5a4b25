// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ip4/path_table.h"

#include <rte_random.h>

namespace vethway {

// So that nobody can tell which hosts share a bucket.
PathTable::PathTable() : seed_(rte_rand() | 1) {}

size_t PathTable::first_of(Ip4 to) const noexcept {
    static_assert(kBuckets == 256);
    return (to.value * seed_ >> 56U) * kWays;
}

size_t PathTable::slot_of(Ip4 to) const noexcept {
    const size_t first = first_of(to);
    for (size_t slot = first; slot < first + kWays; ++slot) {
        const Word found = word(slot);
        if (found != 0 && address_of(found) == to) return slot;
    }
    return kNone;
}

uint16_t PathTable::mtu_in(size_t slot) const noexcept {
    return slot == kNone ? UINT16_MAX : static_cast<uint16_t>(word(slot));
}

// The slot may have become another host's meanwhile: then nothing is known.
Ip4 PathTable::via_in(size_t slot, Ip4 to) const noexcept {
    if (slot == kNone) return {};
    const Ip4 via{vias_[slot].load(std::memory_order_acquire)};
    return address_of(word(slot)) == to ? via : Ip4{};
}

PathTable::Entry PathTable::entry(size_t slot) const noexcept {
    const Word found = word(slot);
    return {address_of(found), static_cast<uint16_t>(found), notes_[slot].locked,
            Ip4{vias_[slot].load(std::memory_order_relaxed)}, notes_[slot].expires};
}

std::optional<PathTable::Entry> PathTable::find(Ip4 to) const noexcept {
    const size_t slot = slot_of(to);
    return slot == kNone ? std::nullopt : std::optional(entry(slot));
}

void PathTable::set(const Entry& entry) noexcept {
    size_t chosen = slot_of(entry.to);
    if (chosen == kNone) {
        const size_t first = first_of(entry.to);
        chosen = first;
        for (size_t slot = first; slot < first + kWays; ++slot)
            if (notes_[slot].expires < notes_[chosen].expires) chosen = slot;
    }
    if (word(chosen) == 0) used_.fetch_add(1);
    // No reader takes the one's gateway for the other's.
    words_[chosen].store(0, std::memory_order_release);
    vias_[chosen].store(entry.via.value, std::memory_order_release);
    words_[chosen].store(word_of(entry.to, entry.mtu), std::memory_order_release);
    notes_[chosen] = {entry.expires, entry.locked};
}

unsigned PathTable::remove_if(const std::function<bool(const Entry&)>& is_such) {
    unsigned removed = 0;
    for (size_t slot = 0; !is_empty() && slot < kSlots; ++slot) {
        if (word(slot) == 0 || !is_such(entry(slot))) continue;
        words_[slot].store(0, std::memory_order_release);
        notes_[slot] = {};
        used_.fetch_sub(1);
        ++removed;
    }
    return removed;
}

void PathTable::for_each(const std::function<void(const Entry&)>& visit) const {
    for (size_t slot = 0; slot < kSlots; ++slot)
        if (word(slot) != 0) visit(entry(slot));
}

}  // namespace vethway
