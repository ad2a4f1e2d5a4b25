// SPDX-License-Identifier: Apache-2.0
// Frames for tests. The defaults are a valid packet from a host behind port 1 to one behind port 2
// of stage_fixture.h, so that a case names only its subject. Every result is a heap block of
// exactly its size, in which ASan sees a read of one byte too many. Sums are computed here anew,
// byte by byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "dataplane/net/headers.h"

namespace vethway::test {

using Bytes = std::vector<std::byte>;

inline constexpr Mac kPortMac[] = {
    {}, {{0x02, 0, 0, 0, 0, 0x01}}, {{0x02, 0, 0, 0, 0, 0x02}}, {{0x02, 0, 0, 0, 0, 0x03}}};
inline constexpr Mac kHostMac[] = {
    {}, {{0x06, 0, 0, 0, 0, 0x01}}, {{0x06, 0, 0, 0, 0, 0x02}}, {{0x06, 0, 0, 0, 0, 0x03}}};
inline constexpr Ip4 kPortIp[] = {{}, {10, 0, 1, 1}, {10, 0, 2, 1}, {10, 0, 3, 1}};
inline constexpr Ip4 kHostIp[] = {{}, {10, 0, 1, 2}, {10, 0, 2, 2}, {10, 0, 3, 2}};

// RFC 1071, the slow way.
inline uint16_t reference_sum(std::span<const std::byte> bytes, uint32_t sum = 0) {
    for (size_t i = 0; i < bytes.size(); ++i)
        sum += static_cast<uint32_t>(bytes[i]) << (i % 2 == 0 ? 8 : 0);
    while (sum > 0xffff) sum = (sum >> 16) + (sum & 0xffff);
    return static_cast<uint16_t>(sum);
}
inline uint16_t reference_checksum(std::span<const std::byte> bytes, uint32_t sum = 0) {
    return static_cast<uint16_t>(~reference_sum(bytes, sum));
}
inline uint32_t pseudo_header(Ip4 src, Ip4 dst, uint8_t protocol, size_t l4_bytes) {
    return (src.value >> 16) + (src.value & 0xffff) + (dst.value >> 16) + (dst.value & 0xffff) +
           protocol + static_cast<uint32_t>(l4_bytes);
}
// RFC 9260 appendix A.
inline uint32_t reference_crc32c(std::span<const std::byte> bytes) {
    uint32_t crc = 0xffffffff;
    for (const std::byte b : bytes) {
        crc ^= static_cast<uint8_t>(b);
        for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    return ~crc;
}

template <class Header>
Bytes as_bytes(const Header& header) {
    Bytes out(sizeof header);
    std::memcpy(out.data(), &header, sizeof header);
    return out;
}
inline Bytes join(const Bytes& a, const Bytes& b) {
    Bytes out(a.size() + b.size());
    std::copy(a.begin(), a.end(), out.begin());
    std::copy(b.begin(), b.end(), out.begin() + static_cast<std::ptrdiff_t>(a.size()));
    return out;
}
inline Bytes first(const Bytes& whole, size_t size) {
    return {whole.begin(),
            whole.begin() + static_cast<std::ptrdiff_t>(std::min(size, whole.size()))};
}
// 1, 2, 3, …: unlike its neighbourhood, and unlike itself 256 bytes on.
inline Bytes counting(size_t size) {
    Bytes out(size);
    for (size_t i = 0; i < size; ++i) out[i] = static_cast<std::byte>(i + 1 + i / 256);
    return out;
}
inline Bytes octets(std::initializer_list<uint8_t> values) {
    Bytes out;
    for (const uint8_t value : values) out.push_back(std::byte{value});
    return out;
}

// What follows the IPv4 header; the checksum field is 0.
inline Bytes udp(const Bytes& data = counting(18), uint16_t to = 9) {
    return join(
        as_bytes(UdpHeader{4000, to, static_cast<uint16_t>(sizeof(UdpHeader) + data.size()), 0}),
        data);
}
inline Bytes tcp(const Bytes& data = {}, uint16_t to = 80) {
    return join(as_bytes(TcpHeader{4000, to, 1, 0, 0x50, 2, 512, 0, 0}), data);
}
// A whole ICMP message.
inline Bytes icmp(uint8_t type, uint8_t code = 0, const Bytes& data = counting(16)) {
    Bytes out = join(as_bytes(IcmpHeader{type, code, 0, 7, 1}), data);
    reinterpret_cast<IcmpHeader*>(out.data())->checksum = reference_checksum(out);
    return out;
}

// How the TCP or UDP checksum is; `as_is`: as the payload has it.
enum class Sum : uint8_t { valid, partial, zero, wrong, as_is };

inline void set_l4_checksum(Bytes& l4, Sum how, uint8_t protocol, Ip4 src, Ip4 dst) {
    const size_t at = protocol == kProtocolTcp ? 16 : 6;
    if ((protocol != kProtocolTcp && protocol != kProtocolUdp) || l4.size() < at + 2) return;
    auto& field = *reinterpret_cast<Be16*>(&l4[at]);
    if (how == Sum::as_is) return;
    const uint32_t pseudo = pseudo_header(src, dst, protocol, l4.size());
    field = 0;
    if (how == Sum::partial) field = reference_sum({}, pseudo);
    if (how != Sum::valid && how != Sum::wrong) return;
    const uint16_t checksum = reference_checksum(l4, pseudo);
    field = protocol == kProtocolUdp && checksum == 0 ? uint16_t{0xffff} : checksum;
    if (how == Sum::wrong) field = static_cast<uint16_t>(field ^ 0x0101);
}

struct Ip4Packet {
    std::optional<uint8_t> version_ihl{};  // unset, here and below: the right value
    uint8_t tos = 0, ttl = 64, protocol = kProtocolUdp;
    uint16_t id = 0x1234, fragment = 0;
    Ip4 src = kHostIp[1], dst = kHostIp[2];
    Bytes options{};  // a multiple of four bytes
    Bytes payload = udp();
    Sum l4 = Sum::valid;
    std::optional<uint16_t> total_length{}, checksum{};
    size_t padding = 0;        // bytes behind the packet
    size_t cut_to = SIZE_MAX;  // the frame ends here

    // From the IPv4 header on.
    Bytes bytes() const {
        const size_t header = sizeof(Ip4Header) + options.size();
        Bytes data = payload;
        if ((fragment & 0x3fff) == 0) set_l4_checksum(data, l4, protocol, src, dst);
        const Ip4Header ip{
            .version_ihl = version_ihl.value_or(static_cast<uint8_t>(0x40 | header / 4)),
            .tos = tos,
            .total_length = total_length.value_or(static_cast<uint16_t>(header + data.size())),
            .id = id,
            .fragment = fragment,
            .ttl = ttl,
            .protocol = protocol,
            .checksum = 0,
            .src = src.value,
            .dst = dst.value};
        Bytes head = join(as_bytes(ip), options);
        reinterpret_cast<Ip4Header*>(head.data())->checksum =
            checksum.value_or(reference_checksum(head));
        return first(join(join(head, data), Bytes(padding, std::byte{0xee})), cut_to);
    }
};

inline Bytes ethernet(const Mac& dst, const Mac& src, uint16_t type, const Bytes& l3) {
    return join(as_bytes(EtherHeader{dst, src, type}), l3);
}
// As the host behind `port` sends it to the switch.
inline Bytes frame(const Ip4Packet& packet, size_t port = 1) {
    return ethernet(kPortMac[port], kHostMac[port], kEtherTypeIp4, packet.bytes());
}

struct ArpMessage {
    uint16_t operation = kArpRequest;
    Mac sender_mac = kHostMac[1];
    Ip4 sender_ip = kHostIp[1];
    Mac target_mac{};
    Ip4 target_ip = kPortIp[1];
    uint16_t hardware_type = 1, protocol_type = kEtherTypeIp4;
    uint8_t hardware_bytes = 6, protocol_bytes = 4;
    size_t cut_to = SIZE_MAX, padding = 0;

    Bytes bytes() const {
        const ArpHeader arp{hardware_type,   protocol_type, hardware_bytes,
                            protocol_bytes,  operation,     sender_mac,
                            sender_ip.value, target_mac,    target_ip.value};
        return first(join(as_bytes(arp), Bytes(padding)), cut_to);
    }
};
inline Bytes frame(const ArpMessage& arp, const Mac& dst = Mac::broadcast()) {
    return ethernet(dst, arp.sender_mac, kEtherTypeArp, arp.bytes());
}

// What the host at `ip` with `mac` answers to the port's question.
inline Bytes arp_reply(size_t port, const Mac& mac, Ip4 ip) {
    return frame(ArpMessage{.operation = kArpReply,
                            .sender_mac = mac,
                            .sender_ip = ip,
                            .target_mac = kPortMac[port],
                            .target_ip = kPortIp[port]},
                 kPortMac[port]);
}

// Reading what was sent.
inline const EtherHeader& ether_of(const Bytes& frame) {
    return *reinterpret_cast<const EtherHeader*>(frame.data());
}
inline const Ip4Header& ip4_of(const Bytes& frame) {
    return *reinterpret_cast<const Ip4Header*>(&frame[sizeof(EtherHeader)]);
}
inline const IcmpHeader& icmp_of(const Bytes& frame) {
    return *reinterpret_cast<const IcmpHeader*>(
        &frame[sizeof(EtherHeader) + ip4_of(frame).header_bytes()]);
}
inline Bytes from(const Bytes& bytes, size_t at) {
    return {bytes.begin() + static_cast<std::ptrdiff_t>(at), bytes.end()};
}
inline Bytes l4_of(const Bytes& frame) {
    return from(frame, sizeof(EtherHeader) + ip4_of(frame).header_bytes());
}
// A frame that any IPv4 host would take: lengths fit, header checksum is right.
inline bool is_valid_ip4_frame(const Bytes& frame) {
    if (frame.size() < 34 || ether_of(frame).type != kEtherTypeIp4) return false;
    const Ip4Header& ip = ip4_of(frame);
    return frame.size() == sizeof(EtherHeader) + ip.total_length &&
           reference_checksum(std::span(frame).subspan(sizeof(EtherHeader), ip.header_bytes())) ==
               0;
}

}  // namespace vethway::test
