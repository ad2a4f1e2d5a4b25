// SPDX-License-Identifier: Apache-2.0
// Big-endian fields that read and write as host-order numbers. One byte aligned, so that a header
// may lie anywhere in a frame.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace vethway {

template <class T>
class BigEndian {
public:
    BigEndian() = default;
    constexpr BigEndian(T host) noexcept { *this = host; }  // NOLINT(google-explicit-constructor)

    constexpr operator T() const noexcept {  // NOLINT(google-explicit-constructor)
        return swapped(std::bit_cast<T>(raw_));
    }
    constexpr BigEndian& operator=(T host) noexcept {
        raw_ = std::bit_cast<Raw>(swapped(host));
        return *this;
    }

private:
    struct Raw {
        uint8_t bytes[sizeof(T)];
    };
    static constexpr T swapped(T v) noexcept {
        if constexpr (std::endian::native == std::endian::big)
            return v;
        else if constexpr (sizeof(T) == 2)
            return __builtin_bswap16(v);
        else
            return __builtin_bswap32(v);
    }
    Raw raw_;
};

using Be16 = BigEndian<uint16_t>;
using Be32 = BigEndian<uint32_t>;
static_assert(sizeof(Be16) == 2 && alignof(Be16) == 1 && sizeof(Be32) == 4);

}  // namespace vethway
