// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ip4/path_mtu_table.h"

#include <rte_random.h>

namespace vethway {

// So that nobody can tell which hosts share a bucket.
PathMtuTable::PathMtuTable() : seed_(rte_rand() | 1) {}

size_t PathMtuTable::first_of(Ip4 to) const noexcept {
    static_assert(kBuckets == 256);
    return (to.value * seed_ >> 56U) * kWays;
}

size_t PathMtuTable::slot_of(Ip4 to) const noexcept {
    const size_t first = first_of(to);
    for (size_t slot = first; slot < first + kWays; ++slot) {
        const Word word = words_[slot].load(std::memory_order_relaxed);
        if (word != 0 && address_of(word) == to) return slot;
    }
    return kNone;
}

PathMtuTable::Entry PathMtuTable::entry(size_t slot) const noexcept {
    const Word word = words_[slot].load(std::memory_order_relaxed);
    return {address_of(word), static_cast<uint16_t>(word), notes_[slot].locked,
            notes_[slot].expires};
}

void PathMtuTable::set(const Entry& entry) noexcept {
    size_t chosen = slot_of(entry.to);
    if (chosen == kNone) {
        const size_t first = first_of(entry.to);
        chosen = first;
        for (size_t slot = first; slot < first + kWays; ++slot)
            if (notes_[slot].expires < notes_[chosen].expires) chosen = slot;
    }
    if (words_[chosen].load(std::memory_order_relaxed) == 0) used_.fetch_add(1);
    words_[chosen].store(word_of(entry.to, entry.mtu), std::memory_order_relaxed);
    notes_[chosen] = {entry.expires, entry.locked};
}

unsigned PathMtuTable::remove_if(const std::function<bool(const Entry&)>& is_such) {
    unsigned removed = 0;
    for (size_t slot = 0; used_.load(std::memory_order_relaxed) > 0 && slot < words_.size();
         ++slot) {
        if (words_[slot].load(std::memory_order_relaxed) == 0 || !is_such(entry(slot))) continue;
        words_[slot].store(0, std::memory_order_relaxed);
        notes_[slot] = {};
        used_.fetch_sub(1);
        ++removed;
    }
    return removed;
}

void PathMtuTable::for_each(const std::function<void(const Entry&)>& visit) const {
    for (size_t slot = 0; slot < words_.size(); ++slot)
        if (words_[slot].load(std::memory_order_relaxed) != 0) visit(entry(slot));
}

}  // namespace vethway
