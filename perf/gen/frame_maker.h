// SPDX-License-Identifier: Apache-2.0
// Frames of one size: made once, and then only patched where they differ.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "dataplane/net/headers.h"
#include "perf/gen/flows.h"
#include "perf/gen/stamp.h"

namespace vethway::gen {

struct FrameShape {
    Mac src, dst;
    std::optional<uint16_t> vlan;     // an 802.1Q tag's 12 bits of VLAN
    uint8_t protocol = kProtocolUdp;  // or kProtocolTcp, or kProtocolIcmp: echo requests
    uint8_t ttl = 64;

    uint16_t ip_offset() const noexcept {
        return static_cast<uint16_t>(sizeof(EtherHeader) + (vlan ? kVlanTagBytes : 0));
    }
    uint16_t l4_header_bytes() const noexcept {
        return protocol == kProtocolTcp ? sizeof(TcpHeader) : sizeof(UdpHeader);  // ICMP's, too
    }
    uint16_t stamp_offset() const noexcept {
        return static_cast<uint16_t>(ip_offset() + sizeof(Ip4Header) + l4_header_bytes());
    }
    // Of a frame without its FCS, in which a stamp has room and that Ethernet takes.
    uint16_t least_bytes() const noexcept;
};

class FrameMaker {
public:
    // `bytes`: of the frame without FCS, at least shape.least_bytes().
    FrameMaker(const FrameShape& shape, uint16_t bytes);

    // What every frame begins as.
    std::span<const std::byte> bytes() const noexcept { return bytes_; }
    // `frame` was one of ours before, or is a copy of bytes(). Addresses, ports, IPv4 checksum; the
    // frame is whole after stamp() only.
    void address(std::byte* frame, const Flow& flow) const noexcept;
    // Stamp and the checksum behind the IPv4 header.
    void stamp(std::byte* frame, const Flow& flow, const Stamp& stamp) const noexcept;

private:
    void make_ip(std::byte* ip, uint16_t total);
    void make_l4(std::byte* l4, uint16_t l4_bytes);

    FrameShape shape_;
    std::vector<std::byte> bytes_;
    uint16_t ip_at_, l4_at_, stamp_at_, checksum_at_;
    // Of all that does not change, as 16-bit words.
    uint32_t ip_sum_ = 0, l4_sum_ = 0;
};

}  // namespace vethway::gen
