// SPDX-License-Identifier: Apache-2.0
// A table that is filled once and only read from then on, by open addressing: at most half full, so
// that a look ends soon whatever is asked for.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "dataplane/net/mix.h"

namespace vethway {

template <class Value>
class StaticTable {
public:
    // For `most` keys at most.
    explicit StaticTable(size_t most = 0) : slots_(std::bit_ceil(2 * most + 1)) {}

    // The control thread, before it is published. A key is not 0; one that is there keeps its
    // value.
    void add(uint64_t key, const Value& value) {
        Slot& slot = slots_[place_of(key)];
        if (slot.key == 0) slot = {key, value};
    }
    // Worker. Null where there is no such key.
    const Value* find(uint64_t key) const noexcept {
        const Slot& slot = slots_[place_of(key)];
        return slot.key == key && key != 0 ? &slot.value : nullptr;
    }

private:
    struct Slot {
        uint64_t key = 0;  // 0: free
        Value value{};
    };
    // Where the key is, or would be.
    size_t place_of(uint64_t key) const noexcept {
        const size_t last = slots_.size() - 1;
        size_t at = mix(key) & last;
        while (slots_[at].key != key && slots_[at].key != 0) at = (at + 1) & last;
        return at;
    }

    std::vector<Slot> slots_;
};

}  // namespace vethway
