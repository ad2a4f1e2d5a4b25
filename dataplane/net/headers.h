// SPDX-License-Identifier: Apache-2.0
// Protocol headers as they lie in a frame. Fields read and write in host order; alignment is 1.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "dataplane/net/byte_order.h"
#include "dataplane/net/ip4.h"
#include "dataplane/net/mac.h"

namespace vethway {

inline constexpr uint16_t kEtherTypeIp4 = 0x0800, kEtherTypeArp = 0x0806, kEtherTypeIp6 = 0x86dd,
                          kEtherTypeVlan = 0x8100, kEtherTypeQinq = 0x88a8;

inline constexpr uint16_t kVlanTagBytes = 4;  // IEEE 802.1Q: TPID and tag

struct EtherHeader {
    Mac dst, src;
    Be16 type;
};
static_assert(sizeof(EtherHeader) == 14 && alignof(EtherHeader) == 1);

inline constexpr uint16_t kArpRequest = 1, kArpReply = 2;

struct ArpHeader {  // RFC 826, for IPv4 over Ethernet
    Be16 hardware_type, protocol_type;
    uint8_t hardware_bytes, protocol_bytes;
    Be16 operation;
    Mac sender_mac;
    Be32 sender_ip;
    Mac target_mac;
    Be32 target_ip;
};
static_assert(sizeof(ArpHeader) == 28 && alignof(ArpHeader) == 1);

inline constexpr uint8_t kProtocolIcmp = 1, kProtocolIgmp = 2, kProtocolTcp = 6, kProtocolUdp = 17,
                         kProtocolIcmp6 = 58, kProtocolPim = 103, kProtocolSctp = 132;

struct Ip4Header {  // RFC 791
    static constexpr uint16_t kDontFragment = 0x4000, kMoreFragments = 0x2000, kOffsetMask = 0x1fff;
    static constexpr uint8_t kWithoutOptions = 0x45;  // version_ihl
    uint8_t version_ihl, tos;
    Be16 total_length, id, fragment;
    uint8_t ttl, protocol;
    Be16 checksum;
    Be32 src, dst;

    constexpr unsigned version() const noexcept { return version_ihl >> 4; }
    constexpr size_t header_bytes() const noexcept { return (version_ihl & 15U) * 4; }
    constexpr bool has_options() const noexcept { return version_ihl != kWithoutOptions; }
    constexpr bool is_fragment() const noexcept {
        return (fragment & (kMoreFragments | kOffsetMask)) != 0;
    }
    constexpr bool is_later_fragment() const noexcept { return (fragment & kOffsetMask) != 0; }
    constexpr bool dont_fragment() const noexcept { return (fragment & kDontFragment) != 0; }
};
static_assert(sizeof(Ip4Header) == 20 && alignof(Ip4Header) == 1);

struct Ip6Header {  // RFC 8200
    Be32 version_class_label;
    Be16 payload_length;
    uint8_t next_header, hop_limit;
    std::array<uint8_t, 16> src, dst;
};
static_assert(sizeof(Ip6Header) == 40 && alignof(Ip6Header) == 1);

// RFC 792 and RFC 1812 5.2.7; the names are those of the RFCs.
inline constexpr uint8_t kIcmpEchoReply = 0, kIcmpUnreachable = 3, kIcmpSourceQuench = 4,
                         kIcmpRedirect = 5, kIcmpEchoRequest = 8, kIcmpTimeExceeded = 11,
                         kIcmpParameterProblem = 12, kIcmpTimestamp = 13, kIcmpTimestampReply = 14;
inline constexpr uint8_t kIcmpNetUnreachable = 0, kIcmpHostUnreachable = 1,
                         kIcmpProtocolUnreachable = 2, kIcmpPortUnreachable = 3,
                         kIcmpFragmentationNeeded = 4, kIcmpSourceRouteFailed = 5,
                         kIcmpAdminProhibited = 13;
inline constexpr uint8_t kIcmpReassemblyTimeExceeded = 1, kIcmpRedirectHost = 1;

struct IcmpHeader {
    uint8_t type, code;
    Be16 checksum;
    Be16 id, sequence;  // of an echo; in "fragmentation needed" `sequence` is the next-hop MTU
};
static_assert(sizeof(IcmpHeader) == 8 && alignof(IcmpHeader) == 1);

struct UdpHeader {
    Be16 src_port, dst_port, length, checksum;
};
static_assert(sizeof(UdpHeader) == 8);

// Of TcpHeader's flags (RFC 9293 3.1).
inline constexpr uint8_t kTcpFin = 1, kTcpSyn = 2, kTcpReset = 4, kTcpPush = 8, kTcpAck = 0x10,
                         kTcpCwr = 0x80;

struct TcpHeader {
    Be16 src_port, dst_port;
    Be32 sequence, acknowledgement;
    uint8_t data_offset, flags;
    Be16 window, checksum, urgent;
};
static_assert(sizeof(TcpHeader) == 20 && alignof(TcpHeader) == 1);

}  // namespace vethway
