// SPDX-License-Identifier: Apache-2.0
#include "perf/gen/frame_maker.h"

#include <algorithm>

#include "dataplane/net/checksum.h"

namespace vethway::gen {

namespace {

constexpr uint16_t kLeastFrame = 60;     // IEEE 802.3, without FCS
constexpr uint16_t kDontFragmentId = 0;  // RFC 6864: of a packet that nobody fragments any will do

uint16_t folded(uint32_t sum) noexcept {
    sum = (sum >> 16) + (sum & 0xffff);
    return static_cast<uint16_t>((sum >> 16) + sum);
}

uint16_t checksum_offset(uint8_t protocol) noexcept {
    if (protocol == kProtocolTcp) return offsetof(TcpHeader, checksum);
    if (protocol == kProtocolUdp) return offsetof(UdpHeader, checksum);
    return offsetof(IcmpHeader, checksum);
}

}  // namespace

uint16_t FrameShape::least_bytes() const noexcept {
    const auto shortest = static_cast<uint16_t>(kLeastFrame + (vlan ? kVlanTagBytes : 0));
    return std::max(shortest, static_cast<uint16_t>(stamp_offset() + kStampBytes));
}

FrameMaker::FrameMaker(const FrameShape& shape, uint16_t bytes)
    : shape_(shape),
      bytes_(bytes),
      ip_at_(shape.ip_offset()),
      l4_at_(static_cast<uint16_t>(ip_at_ + sizeof(Ip4Header))),
      stamp_at_(shape.stamp_offset()),
      checksum_at_(static_cast<uint16_t>(l4_at_ + checksum_offset(shape.protocol))) {
    auto& ether = *reinterpret_cast<EtherHeader*>(bytes_.data());
    ether = {shape.dst, shape.src, shape.vlan ? kEtherTypeVlan : kEtherTypeIp4};
    if (shape.vlan) {
        auto* tag = reinterpret_cast<Be16*>(bytes_.data() + sizeof(EtherHeader));
        tag[0] = *shape.vlan;
        tag[1] = kEtherTypeIp4;
    }
    // Unlike its neighbourhood, so that bytes which moved are seen.
    for (size_t i = stamp_at_; i < bytes_.size(); ++i)
        bytes_[i] = static_cast<std::byte>(i * 7 + i / 256);
    make_ip(&bytes_[ip_at_], static_cast<uint16_t>(bytes - ip_at_));
    make_l4(&bytes_[l4_at_], static_cast<uint16_t>(bytes - l4_at_));
}

void FrameMaker::make_ip(std::byte* at, uint16_t total) {
    auto& ip = *reinterpret_cast<Ip4Header*>(at);
    ip = {.version_ihl = 0x45,
          .tos = 0,
          .total_length = total,
          .id = kDontFragmentId,
          .fragment = Ip4Header::kDontFragment,
          .ttl = shape_.ttl,
          .protocol = shape_.protocol,
          .checksum = uint16_t{0},
          .src = uint32_t{0},
          .dst = uint32_t{0}};
    ChecksumSum sum;
    sum.add({at, sizeof ip});
    ip_sum_ = sum.folded();
}

void FrameMaker::make_l4(std::byte* at, uint16_t l4_bytes) {
    ChecksumSum sum;
    if (shape_.protocol == kProtocolUdp) {
        *reinterpret_cast<UdpHeader*>(at) = {uint16_t{0}, uint16_t{0}, l4_bytes, uint16_t{0}};
    } else if (shape_.protocol == kProtocolTcp) {
        *reinterpret_cast<TcpHeader*>(at) = {uint16_t{0},   uint16_t{0}, uint32_t{1},
                                             uint32_t{1},   0x50,        kTcpAck | kTcpPush,
                                             uint16_t{512}, uint16_t{0}, uint16_t{0}};
    } else {
        *reinterpret_cast<IcmpHeader*>(at) = {kIcmpEchoRequest, 0, uint16_t{0}, uint16_t{0},
                                              uint16_t{0}};
    }
    std::fill_n(&bytes_[stamp_at_], kStampBytes, std::byte{0});
    if (shape_.protocol != kProtocolIcmp)
        sum.add_pseudo_header(*reinterpret_cast<const Ip4Header*>(&bytes_[ip_at_]), l4_bytes);
    sum.add({at, l4_bytes});
    l4_sum_ = sum.folded();
}

void FrameMaker::address(std::byte* frame, const Flow& flow) const noexcept {
    auto& ip = *reinterpret_cast<Ip4Header*>(frame + ip_at_);
    ip.src = flow.src;
    ip.dst = flow.dst;
    ip.checksum = static_cast<uint16_t>(~folded(ip_sum_ + flow.address_sum()));
    // Where UDP and TCP have their ports; an echo's identifier and sequence come 4 bytes later.
    auto* ports =
        reinterpret_cast<Be16*>(frame + l4_at_ + (shape_.protocol == kProtocolIcmp ? 4 : 0));
    ports[0] = flow.src_port;
    ports[1] = flow.dst_port;
}

void FrameMaker::stamp(std::byte* frame, const Flow& flow, const Stamp& stamp) const noexcept {
    uint32_t sum = l4_sum_ + flow.src_port + flow.dst_port;
    if (shape_.protocol != kProtocolIcmp) sum += flow.address_sum();
    sum += write_stamp(frame + stamp_at_, stamp);
    auto checksum = static_cast<uint16_t>(~folded(sum));
    // RFC 768: in UDP a 0 would say that there is none.
    if (checksum == 0 && shape_.protocol == kProtocolUdp) checksum = 0xffff;
    *reinterpret_cast<Be16*>(frame + checksum_at_) = checksum;
}

}  // namespace vethway::gen
