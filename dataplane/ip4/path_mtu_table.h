// SPDX-License-Identifier: Apache-2.0
// What the way to a host takes, where that is less than its first link: for packets of our own
// (RFC 1191; Linux net/ipv4/route.c, struct fib_nh_exception). Forwarded packets are told of by the
// routers that can't take them.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>

#include "dataplane/net/ip4.h"

namespace vethway {

class PathMtuTable {
public:
    static constexpr unsigned kBuckets = 256, kWays = 8;  // a cache line a bucket

    PathMtuTable();

    // Worker and control thread: bytes of an IP packet; UINT16_MAX where nothing is known.
    uint16_t lookup(Ip4 to) const noexcept {
        if (used_.load(std::memory_order_relaxed) == 0) [[likely]]
            return UINT16_MAX;
        const size_t slot = slot_of(to);
        return slot == kNone ? UINT16_MAX
                             : static_cast<uint16_t>(words_[slot].load(std::memory_order_relaxed));
    }

    struct Entry {
        Ip4 to;
        uint16_t mtu;
        bool locked;       // as is_locked() says
        uint64_t expires;  // of the TSC
    };
    // Control thread: whether what it takes is less than min_pmtu, so that we cut what is larger.
    bool is_locked(Ip4 to) const noexcept {
        const size_t slot = slot_of(to);
        return slot != kNone && notes_[slot].locked;
    }
    // Control thread: adds or replaces. Where its bucket is full, what would expire first makes
    // way.
    void set(const Entry& entry) noexcept;
    // Control thread: forgets all that `is_such`; how many those were.
    unsigned remove_if(const std::function<bool(const Entry&)>& is_such);
    void for_each(const std::function<void(const Entry&)>& visit) const;

private:
    // The address above, the MTU below; 0: empty. One word, so that no reader sees half of it.
    using Word = uint64_t;
    struct Notes {
        uint64_t expires;
        bool locked;
    };
    static constexpr Word word_of(Ip4 to, uint16_t mtu) noexcept {
        return Word{to.value} << 16U | mtu;
    }
    static constexpr Ip4 address_of(Word word) noexcept {
        return Ip4{static_cast<uint32_t>(word >> 16U)};
    }
    static constexpr size_t kNone = SIZE_MAX;
    size_t first_of(Ip4 to) const noexcept;  // slot of its bucket
    size_t slot_of(Ip4 to) const noexcept;   // kNone: nothing is known
    Entry entry(size_t slot) const noexcept;

    const uint64_t seed_;
    std::atomic<uint32_t> used_{0};
    alignas(64) std::array<std::atomic<Word>, size_t{kBuckets} * kWays> words_{};
    std::array<Notes, size_t{kBuckets} * kWays> notes_{};  // what only the control thread knows
};

}  // namespace vethway
