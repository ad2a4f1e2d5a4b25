// SPDX-License-Identifier: Apache-2.0
// What a frame of a bridge domain carries, for who has to judge it and not only to pass it on.
// Pure: bytes in, and never a look beyond them.
//
// A host may take what is behind VLAN tags (priorities are such) or behind an 802.2 header, so both
// are looked through: a guard that did not would be passed by (CVE-2021-27853 and following).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace vethway {

enum class PayloadKind : uint8_t {
    arp,
    ip4,
    ip6,
    other,
    unreadable  // more tags than a host would look through, or the frame ends among them
};
struct Payload {
    PayloadKind kind = PayloadKind::other;
    std::span<const std::byte> bytes;  // behind the EtherType
};
// Of a frame without the tag of its VLAN, which has an Ethernet header at least.
Payload payload_of(std::span<const std::byte> frame) noexcept;

// What an IP packet carries. Only its first fragment has the header of that at its beginning.
struct IpPayload {
    uint8_t protocol = 0;
    bool is_later_fragment = false;
    std::span<const std::byte> bytes;
};
// Nothing where the headers make no sense, or end before what they announce: no host takes such a
// packet (RFC 1122 3.2.1, RFC 7112 5).
std::optional<IpPayload> payload_of_ip4(std::span<const std::byte> packet) noexcept;
std::optional<IpPayload> payload_of_ip6(std::span<const std::byte> packet) noexcept;

}  // namespace vethway
