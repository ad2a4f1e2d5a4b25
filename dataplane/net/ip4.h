// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vethway {

// An IPv4 address, as a number in host order.
struct Ip4 {
    uint32_t value = 0;

    constexpr Ip4() = default;
    constexpr explicit Ip4(uint32_t host_order) noexcept : value(host_order) {}
    constexpr Ip4(uint8_t a, uint8_t b, uint8_t c, uint8_t d) noexcept
        : value(uint32_t{a} << 24 | uint32_t{b} << 16 | uint32_t{c} << 8 | d) {}

    // Four decimal numbers, as inet_pton(3) takes them; nothing shorter, no leading zeros.
    static std::optional<Ip4> parse(std::string_view text);
    std::string to_string() const;

    constexpr bool is_zero() const noexcept { return value == 0; }
    constexpr bool is_this_network() const noexcept { return value >> 24 == 0; }  // 0/8, RFC 1122
    constexpr bool is_loopback() const noexcept { return value >> 24 == 127; }
    constexpr bool is_multicast() const noexcept { return value >> 28 == 14; }
    constexpr bool is_reserved() const noexcept {
        return value >> 28 == 15;
    }  // 240/4 and broadcast
    constexpr bool is_limited_broadcast() const noexcept { return value == 0xffffffff; }
    constexpr bool is_link_local() const noexcept { return value >> 16 == 0xa9fe; }  // RFC 3927
    // None of those: an address that a host may have, as far as that can be seen.
    constexpr bool is_host() const noexcept {
        const uint32_t first = value >> 24;
        return first - 1 < 223 && first != 127;
    }
    friend constexpr auto operator<=>(const Ip4&, const Ip4&) = default;
};

// An address and the length of its prefix: "10.1.0.1/24" keeps the .1; network() loses it.
struct Prefix4 {
    Ip4 address;
    uint8_t length = 32;

    // "10.1.0.0/16"; without "/len" it is a /32.
    static std::optional<Prefix4> parse(std::string_view text);
    std::string to_string() const;

    static constexpr uint32_t mask(unsigned length) noexcept {
        return length == 0 ? 0 : ~uint32_t{0} << (32 - length);
    }
    constexpr Ip4 netmask() const noexcept { return Ip4{mask(length)}; }
    constexpr Prefix4 network() const noexcept {
        return {Ip4{address.value & mask(length)}, length};
    }
    constexpr bool contains(Ip4 ip) const noexcept {
        return ((ip.value ^ address.value) & mask(length)) == 0;
    }
    constexpr bool overlaps(const Prefix4& o) const noexcept {
        return contains(o.address) || o.contains(address);
    }
    // The directed broadcast address; none on /31 (RFC 3021) and /32.
    constexpr std::optional<Ip4> broadcast() const noexcept {
        if (length >= 31) return std::nullopt;
        return Ip4{address.value | ~mask(length)};
    }
    friend constexpr auto operator<=>(const Prefix4&, const Prefix4&) = default;
};

}  // namespace vethway
