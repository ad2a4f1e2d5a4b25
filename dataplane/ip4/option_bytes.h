// SPDX-License-Identifier: Apache-2.0
// What is in an IPv4 option, at a byte that is known to be there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "dataplane/net/byte_order.h"
#include "dataplane/net/ip4.h"

namespace vethway {

inline uint8_t byte_at(std::span<const std::byte> bytes, size_t at) noexcept {
    return static_cast<uint8_t>(bytes[at]);
}
inline void put_byte(std::span<std::byte> bytes, size_t at, size_t value) noexcept {
    bytes[at] = static_cast<std::byte>(value);
}
inline void put_word(std::span<std::byte> bytes, size_t at, uint32_t value) noexcept {
    const Be32 word{value};
    std::memcpy(&bytes[at], &word, sizeof word);
}
inline Ip4 address_at(std::span<const std::byte> bytes, size_t at) noexcept {
    return Ip4{*reinterpret_cast<const Be32*>(&bytes[at])};
}

// In an option: its length, and where its pointer says that the next entry goes (counted from 1).
inline size_t length_of(std::span<const std::byte> option) noexcept { return byte_at(option, 1); }
inline size_t pointer_of(std::span<const std::byte> option) noexcept { return byte_at(option, 2); }

}  // namespace vethway
