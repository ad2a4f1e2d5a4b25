// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "dataplane/net/ip4.h"
#include "dataplane/net/ip6.h"
#include "dataplane/net/mac.h"

namespace vethway {

// What is sent to an IP group is sent to this on Ethernet: of IPv4 the address's low 23 bits, so
// that 32 groups share one (RFC 1112 6.4); of IPv6 the low 32 (RFC 2464 7).
constexpr Mac group_mac(Ip4 group) noexcept {
    return Mac::from_u48(0x0100'5e00'0000 | (group.value & 0x7f'ffff));
}
constexpr Mac group_mac(const Ip6& group) noexcept {
    return {{0x33, 0x33, group.bytes[12], group.bytes[13], group.bytes[14], group.bytes[15]}};
}
constexpr bool is_ip4_group(const Mac& mac) noexcept {
    return mac.to_u48() >> 23 == 0x0100'5e00'0000 >> 23;
}
constexpr bool is_ip6_group(const Mac& mac) noexcept { return mac.to_u48() >> 32 == 0x3333; }
// Of which no host says that it wants it: 224.0.0.x, ff02::1, and who shares their MACs. A switch
// sends it to all (RFC 4541 2.1.2 and 3).
constexpr bool is_for_all(const Mac& mac) noexcept {
    return mac.to_u48() >> 8 == 0x0100'5e00'00 || mac.to_u48() == 0x3333'0000'0001;
}

// A group of stations, as a user names it.
struct MulticastGroup {
    std::variant<Mac, Ip4, Ip6> address;

    // "239.1.2.3", "ff05::1:3" or "01:00:5e:01:02:03"; nothing unless it is a group's.
    static std::optional<MulticastGroup> parse(std::string_view text);
    std::string to_string() const;
    Mac mac() const noexcept;
    friend bool operator==(const MulticastGroup&, const MulticastGroup&) = default;
};

// What becomes of frames to IP groups that nobody is said to want.
enum class UnknownMulticast : uint8_t { flood, routers, drop };

}  // namespace vethway
