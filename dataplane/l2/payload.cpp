// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l2/payload.h"

#include <algorithm>
#include <array>

#include "dataplane/l2/skip_tags.h"
#include "dataplane/net/headers.h"

namespace vethway {

namespace {

using Bytes = std::span<const std::byte>;

constexpr uint16_t kLeastEtherType = 0x0600;  // below it is a length, IEEE 802.3 3.2.6
constexpr int kMostHeaders = 8;               // tags and others

// RFC 8200 4, RFC 4302 2.
constexpr uint8_t kHopByHop = 0, kRouting = 43, kFragment = 44, kAuthentication = 51,
                  kDestinationOptions = 60;
constexpr int kMostExtensions = 8;

uint16_t be16(Bytes bytes, size_t at) noexcept {
    return static_cast<uint16_t>(static_cast<unsigned>(bytes[at]) << 8 |
                                 static_cast<unsigned>(bytes[at + 1]));
}
uint8_t octet(Bytes bytes, size_t at) noexcept { return static_cast<uint8_t>(bytes[at]); }

// IEEE 802.2 with a subnetwork access protocol that has an EtherType (RFC 1042; 802.1H's).
bool is_snap(Bytes bytes) noexcept {
    constexpr std::array<uint8_t, 6> kPlain{0xaa, 0xaa, 3, 0, 0, 0},
        kTunnel{0xaa, 0xaa, 3, 0, 0, 0xf8};
    const auto starts_with = [bytes](const std::array<uint8_t, 6>& head) {
        return std::equal(head.begin(), head.end(), bytes.begin(),
                          [](uint8_t a, std::byte b) { return std::byte{a} == b; });
    };
    return bytes.size() >= kPlain.size() && (starts_with(kPlain) || starts_with(kTunnel));
}

PayloadKind kind_of(uint16_t type) noexcept {
    switch (type) {
        case kEtherTypeArp:
            return PayloadKind::arp;
        case kEtherTypeIp4:
            return PayloadKind::ip4;
        case kEtherTypeIp6:
            return PayloadKind::ip6;
        default:
            return PayloadKind::other;
    }
}

}  // namespace

Payload payload_of(Bytes frame) noexcept {
    constexpr size_t kSnap = 6;
    TypedBytes rest{be16(frame, offsetof(EtherHeader, type)), frame.subspan(sizeof(EtherHeader))};
    for (int left = kMostHeaders;;) {
        rest = skip_tags(rest, left);
        if (rest.is_tag()) return {PayloadKind::unreadable, {}};
        if (rest.type >= kLeastEtherType || !is_snap(rest.bytes))
            return {kind_of(rest.type), rest.bytes};
        if (left-- == 0 || rest.bytes.size() < kSnap + sizeof(Be16))
            return {PayloadKind::unreadable, {}};
        rest = {be16(rest.bytes, kSnap), rest.bytes.subspan(kSnap + sizeof(Be16))};
    }
}

std::optional<IpPayload> payload_of_ip4(Bytes packet) noexcept {
    if (packet.size() < sizeof(Ip4Header)) return std::nullopt;
    const auto& ip = *reinterpret_cast<const Ip4Header*>(packet.data());
    const size_t header = ip.header_bytes();
    if (ip.version() != 4 || header < sizeof ip || header > packet.size()) return std::nullopt;
    return IpPayload{ip.protocol, ip.is_later_fragment(), packet.subspan(header)};
}

std::optional<IpPayload> payload_of_ip6(Bytes packet) noexcept {
    if (packet.size() < sizeof(Ip6Header) || octet(packet, 0) >> 4 != 6) return std::nullopt;
    uint8_t next = reinterpret_cast<const Ip6Header*>(packet.data())->next_header;
    Bytes rest = packet.subspan(sizeof(Ip6Header));
    for (int headers = 0; headers < kMostExtensions; ++headers) {
        size_t size = 8;
        if (next == kFragment) {
            if (rest.size() < size) return std::nullopt;
            if ((be16(rest, 2) & 0xfff8) != 0)
                return IpPayload{octet(rest, 0), true, rest.subspan(size)};
        } else if (next == kHopByHop || next == kRouting || next == kDestinationOptions) {
            if (rest.size() < 2) return std::nullopt;
            size += octet(rest, 1) * size_t{8};
        } else if (next == kAuthentication) {
            if (rest.size() < 2) return std::nullopt;
            size += octet(rest, 1) * size_t{4};
        } else {
            return IpPayload{next, false, rest};
        }
        if (rest.size() < size) return std::nullopt;
        next = octet(rest, 0);
        rest = rest.subspan(size);
    }
    return std::nullopt;
}

}  // namespace vethway
