// SPDX-License-Identifier: Apache-2.0
#include "control/watch/probe_frame.h"

#include <algorithm>

#include "dataplane/net/checksum.h"
#include "dataplane/net/headers.h"

namespace vethway {

namespace {

size_t l4_header_bytes(uint8_t protocol) {
    switch (protocol) {
        case kProtocolTcp:
            return sizeof(TcpHeader);
        case kProtocolUdp:
            return sizeof(UdpHeader);
        case kProtocolIcmp:
            return sizeof(IcmpHeader);
        default:
            return 0;
    }
}

void fill_l4(const ProbeFrame& probe, const Ip4Header& ip, std::span<std::byte> l4) {
    ChecksumSum sum;
    sum.add_pseudo_header(ip, static_cast<uint16_t>(l4.size()));
    // Of what follows the sum of the pseudo header.
    const auto complete = [&](Be16& field) {
        field = 0;
        sum.add16(static_cast<uint16_t>(~internet_checksum(l4)));
        const uint16_t checksum = sum.checksum();
        field = checksum == 0 ? uint16_t{0xffff} : checksum;
    };
    if (probe.protocol == kProtocolUdp) {
        auto& udp = *reinterpret_cast<UdpHeader*>(l4.data());
        udp.src_port = probe.source_port;
        udp.dst_port = probe.target_port;
        udp.length = static_cast<uint16_t>(l4.size());
        complete(udp.checksum);
    } else if (probe.protocol == kProtocolTcp) {
        auto& tcp = *reinterpret_cast<TcpHeader*>(l4.data());
        tcp.src_port = probe.source_port;
        tcp.dst_port = probe.target_port;
        tcp.data_offset = sizeof tcp / 4 << 4;
        tcp.flags = probe.tcp_flags;
        tcp.window = 65535;
        complete(tcp.checksum);
    } else if (probe.protocol == kProtocolIcmp) {
        auto& icmp = *reinterpret_cast<IcmpHeader*>(l4.data());
        icmp.type = kIcmpEchoRequest;
        icmp.sequence = 1;
        icmp.checksum = internet_checksum(l4);
    }
}

}  // namespace

std::vector<std::byte> make_frame(const ProbeFrame& probe) {
    const size_t least = sizeof(Ip4Header) + l4_header_bytes(probe.protocol);
    const size_t size = std::max<size_t>(probe.size, least);
    std::vector<std::byte> frame(sizeof(EtherHeader) + size);
    *reinterpret_cast<EtherHeader*>(frame.data()) = {
        .dst = probe.dst_mac, .src = probe.src_mac, .type = kEtherTypeIp4};
    auto& ip = *reinterpret_cast<Ip4Header*>(&frame[sizeof(EtherHeader)]);
    ip = {.version_ihl = 0x45,
          .tos = probe.tos,
          .total_length = static_cast<uint16_t>(size),
          .id = 1,
          .fragment = probe.dont_fragment ? Ip4Header::kDontFragment : uint16_t{0},
          .ttl = probe.ttl,
          .protocol = probe.protocol,
          .checksum = 0,
          .src = probe.src.value,
          .dst = probe.dst.value};
    ip.checksum = internet_checksum({reinterpret_cast<const std::byte*>(&ip), sizeof ip});
    fill_l4(probe, ip, std::span(frame).subspan(sizeof(EtherHeader) + sizeof ip));
    return frame;
}

}  // namespace vethway
