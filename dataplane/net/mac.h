// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace vethway {

// An Ethernet address, as a value; bytes in wire order.
struct Mac {
    std::array<uint8_t, 6> bytes{};

    static constexpr Mac broadcast() noexcept { return {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}; }
    // "02:00:00:00:00:01"; two hexadecimal digits a byte, nothing else.
    static std::optional<Mac> parse(std::string_view text);
    std::string to_string() const;

    // The address as a number, first byte on the wire in bits 47..40: what the neighbour table
    // packs.
    constexpr uint64_t to_u48() const noexcept {
        uint64_t v = 0;
        for (const uint8_t b : bytes) v = v << 8 | b;
        return v;
    }
    static constexpr Mac from_u48(uint64_t v) noexcept {
        return {{static_cast<uint8_t>(v >> 40), static_cast<uint8_t>(v >> 32),
                 static_cast<uint8_t>(v >> 24), static_cast<uint8_t>(v >> 16),
                 static_cast<uint8_t>(v >> 8), static_cast<uint8_t>(v)}};
    }
    // IEEE 802: the I/G bit, set for multicast and broadcast.
    constexpr bool is_group() const noexcept { return (bytes[0] & 1) != 0; }
    constexpr bool is_zero() const noexcept { return to_u48() == 0; }
    friend constexpr auto operator<=>(const Mac&, const Mac&) = default;
    // By words, since for six bytes a compiler calls memcmp().
    friend constexpr bool operator==(const Mac& a, const Mac& b) noexcept {
        if (std::is_constant_evaluated()) return a.bytes == b.bytes;
        return ((a.first_word() ^ b.first_word()) | (a.last_word() ^ b.last_word())) == 0;
    }

private:
    uint32_t first_word() const noexcept {
        uint32_t word;
        std::memcpy(&word, bytes.data(), sizeof word);
        return word;
    }
    uint32_t last_word() const noexcept {
        uint16_t word;
        std::memcpy(&word, bytes.data() + sizeof(uint32_t), sizeof word);
        return word;
    }
};

}  // namespace vethway
