// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <rte_mbuf.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>
#include <span>

namespace vethway {

inline constexpr uint16_t kBurst = 32;  // packets asked of a port at once

// The mbufs in hand between two stages. A packet is in exactly one burst, and the burst owns it.
class Burst {
public:
    // Room for a whole input burst and, beside it, what each of its packets may cause.
    static constexpr uint16_t kCapacity = 4 * kBurst;

    void push(rte_mbuf* m) noexcept {
        assert(size_ < kCapacity);
        packets_[size_++] = m;
    }
    void append(std::span<rte_mbuf* const> many) noexcept {
        assert(size_ + many.size() <= kCapacity);
        std::ranges::copy(many, end());
        size_ = static_cast<uint16_t>(size_ + many.size());
    }
    rte_mbuf** data() noexcept { return packets_.data(); }
    rte_mbuf** begin() noexcept { return packets_.data(); }
    rte_mbuf** end() noexcept { return packets_.data() + size_; }
    rte_mbuf* operator[](size_t i) const noexcept { return packets_[i]; }
    uint16_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    bool full() const noexcept { return size_ == kCapacity; }
    void clear() noexcept { size_ = 0; }
    void drop_first(uint16_t n) noexcept {  // they are in another burst now
        std::move(begin() + n, end(), begin());
        size_ = static_cast<uint16_t>(size_ - n);
    }
    void set_size(uint16_t n) noexcept { size_ = n; }  // after a driver has written data()

private:
    std::array<rte_mbuf*, kCapacity> packets_;
    uint16_t size_ = 0;
};

}  // namespace vethway
