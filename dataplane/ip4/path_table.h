// SPDX-License-Identifier: Apache-2.0
// What is known of the way to one host, beside routes, for packets of our own: that it takes less
// than its first link (RFC 1191), or that another gateway is the better one (RFC 1122 3.2.2.2);
// Linux net/ipv4/route.c, struct fib_nh_exception. Forwarded packets are told of by those that
// can't take them, and go by routes alone (RFC 1812 5.2.7.2).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>

#include "dataplane/net/ip4.h"

namespace vethway {

class PathTable {
public:
    static constexpr unsigned kBuckets = 256, kWays = 8;  // a cache line a bucket

    PathTable();

    // Worker and control thread: bytes of an IP packet; UINT16_MAX where nothing is known.
    uint16_t mtu(Ip4 to) const noexcept { return is_empty() ? UINT16_MAX : find_mtu(to); }
    // Worker and control thread: the gateway to use in place of the route's, where that leaves by
    // `port`; zero: the route's.
    Ip4 via(Ip4 to, uint16_t port) const noexcept {
        return is_empty() ? Ip4{} : find_via(to, port);
    }

    struct Entry {
        Ip4 to;
        uint16_t mtu = UINT16_MAX;
        bool locked = false;  // less than min_pmtu was asked for: we cut what is larger
        Ip4 via;
        uint16_t via_port = 0;
        uint64_t expires = 0;  // of the TSC
    };
    // All that follow: control thread.
    std::optional<Entry> find(Ip4 to) const noexcept;
    // Adds or replaces. Where its bucket is full, what would expire first makes way.
    void set(const Entry& entry) noexcept;
    // Forgets all that `is_such`; how many those were.
    unsigned remove_if(const std::function<bool(const Entry&)>& is_such);
    void for_each(const std::function<void(const Entry&)>& visit) const;

private:
    // The address above, the MTU below; 0: empty. One word, so that no reader sees half of it.
    using Word = uint64_t;
    struct Notes {
        uint64_t expires;
        bool locked;
    };
    static constexpr size_t kSlots = size_t{kBuckets} * kWays, kNone = SIZE_MAX;
    static constexpr Word word_of(Ip4 to, uint16_t mtu) noexcept {
        return Word{to.value} << 16U | mtu;
    }
    static constexpr Ip4 address_of(Word word) noexcept {
        return Ip4{static_cast<uint32_t>(word >> 16U)};
    }
    bool is_empty() const noexcept { return used_.load(std::memory_order_relaxed) == 0; }
    Word word(size_t slot) const noexcept { return words_[slot].load(std::memory_order_acquire); }
    size_t first_of(Ip4 to) const noexcept;  // slot of its bucket
    struct Found {
        size_t slot;  // kNone: nothing is known
        Word word;
    };
    Found search(Ip4 to) const noexcept;
    uint16_t find_mtu(Ip4 to) const noexcept;
    Ip4 find_via(Ip4 to, uint16_t port) const noexcept;
    Entry entry(size_t slot) const noexcept;

    const uint64_t seed_;
    std::atomic<uint32_t> used_{0};
    alignas(64) std::array<std::atomic<Word>, kSlots> words_{};
    std::array<std::atomic<uint64_t>, kSlots> vias_{};  // the port above, the gateway below
    std::array<Notes, kSlots> notes_{};                 // what only the control thread knows
};

}  // namespace vethway
