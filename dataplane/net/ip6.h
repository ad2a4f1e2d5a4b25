// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vethway {

// An IPv6 address, as a value; bytes in wire order.
struct Ip6 {
    std::array<uint8_t, 16> bytes{};

    // As inet_pton(3) takes it (RFC 4291 2.2).
    static std::optional<Ip6> parse(std::string_view text);
    std::string to_string() const;  // RFC 5952

    constexpr bool is_multicast() const noexcept { return bytes[0] == 0xff; }
    // Of a group, that no router passes it on (RFC 4291 2.7: interface-local, link-local).
    constexpr bool stays_on_link() const noexcept {
        return is_multicast() && (bytes[1] & 0xf) <= 2;
    }
    friend constexpr auto operator<=>(const Ip6&, const Ip6&) = default;
};

}  // namespace vethway
