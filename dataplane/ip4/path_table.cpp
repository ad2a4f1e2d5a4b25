// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ip4/path_table.h"

#include <rte_random.h>

#include "dataplane/net/mix.h"

namespace vethway {

// So that nobody can tell which hosts share a bucket.
PathTable::PathTable() : seed_(rte_rand()) {}

size_t PathTable::first_of(Ip4 to) const noexcept {
    return mix(to.value ^ seed_) % kBuckets * kWays;
}

PathTable::Found PathTable::search(Ip4 to) const noexcept {
    const size_t first = first_of(to);
    for (size_t slot = first; slot < first + kWays; ++slot) {
        const Word found = word(slot);
        if (found != 0 && address_of(found) == to) return {slot, found};
    }
    return {kNone, 0};
}

uint16_t PathTable::find_mtu(Ip4 to) const noexcept {
    const Found found = search(to);
    return found.slot == kNone ? UINT16_MAX : static_cast<uint16_t>(found.word);
}

// The slot may have become another host's meanwhile: then nothing is known.
Ip4 PathTable::find_via(Ip4 to, uint16_t port) const noexcept {
    const Found found = search(to);
    if (found.slot == kNone) return {};
    const uint64_t via = vias_[found.slot].load(std::memory_order_acquire);
    const bool same = address_of(word(found.slot)) == to && via >> 32U == port;
    return same ? Ip4{static_cast<uint32_t>(via)} : Ip4{};
}

PathTable::Entry PathTable::entry(size_t slot) const noexcept {
    const Word found = word(slot);
    const uint64_t via = vias_[slot].load(std::memory_order_relaxed);
    return {.to = address_of(found),
            .mtu = static_cast<uint16_t>(found),
            .locked = notes_[slot].locked,
            .via = Ip4{static_cast<uint32_t>(via)},
            .via_port = static_cast<uint16_t>(via >> 32U),
            .expires = notes_[slot].expires};
}

std::optional<PathTable::Entry> PathTable::find(Ip4 to) const noexcept {
    const Found found = search(to);
    return found.slot == kNone ? std::nullopt : std::optional(entry(found.slot));
}

void PathTable::set(const Entry& entry) noexcept {
    size_t chosen = search(entry.to).slot;
    if (chosen == kNone) {
        const size_t first = first_of(entry.to);
        chosen = first;
        for (size_t slot = first; slot < first + kWays; ++slot)
            if (notes_[slot].expires < notes_[chosen].expires) chosen = slot;
        if (word(chosen) == 0) used_.fetch_add(1);
        // No reader takes the one's gateway for the other's.
        words_[chosen].store(0, std::memory_order_release);
    }
    vias_[chosen].store(uint64_t{entry.via_port} << 32U | entry.via.value,
                        std::memory_order_release);
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
