// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tcp/tcp_reset.h"

#include <cstring>

#include "dataplane/context.h"
#include "dataplane/ip4/ip4_options.h"
#include "dataplane/net/checksum.h"

namespace vethway {

namespace {

constexpr uint8_t kEcn = 3;  // RFC 3168 5.2: a reset is not capable of ECN
constexpr uint8_t kNoOptions = sizeof(TcpHeader) / 4 << 4;

// Where the segment acknowledges something, that is where the reset belongs; else it acknowledges
// what came, SYN and FIN being a byte each.
TcpHeader reset_for(const TcpHeader& to, size_t data) noexcept {
    const bool ack = (to.flags & kTcpAck) != 0;
    const uint32_t controls = ((to.flags & kTcpSyn) != 0) + ((to.flags & kTcpFin) != 0);
    return {.src_port = to.dst_port,
            .dst_port = to.src_port,
            .sequence = ack ? uint32_t{to.acknowledgement} : 0,
            .acknowledgement = ack ? 0 : to.sequence + static_cast<uint32_t>(data) + controls,
            .data_offset = kNoOptions,
            .flags = static_cast<uint8_t>(ack ? kTcpReset : kTcpReset | kTcpAck),
            .window = 0,
            .checksum = 0,
            .urgent = 0};
}

// As Linux tcp_v4_send_reset(): not to be fragmented, which is why it needs no id (RFC 6864 4.1).
// Its checksum is for where it goes in the end, should a source route lead it back.
rte_mbuf* make_reset(Context& c, rte_mbuf& to, size_t at, const EchoedOptions& options) noexcept {
    const Ip4Header& packet = ip4(to);
    const auto& segment = *rte_pktmbuf_mtod_offset(&to, const TcpHeader*, at);
    const size_t data = to.pkt_len - at - (segment.data_offset >> 4U) * size_t{4};
    const size_t header = sizeof(Ip4Header) + options.size, size = header + sizeof(TcpHeader);
    rte_mbuf* m = c.allocate(meta(to).port, sizeof(EtherHeader) + size);
    if (m == nullptr) return nullptr;
    meta(*m).l3_offset = sizeof(EtherHeader);
    ether(*m) = {.dst = {}, .src = {}, .type = kEtherTypeIp4};  // until it is addressed
    Ip4Header& ip = ip4(*m);
    ip = {.version_ihl = static_cast<uint8_t>(0x40 | header / 4),
          .tos = static_cast<uint8_t>(packet.tos & ~kEcn),
          .total_length = static_cast<uint16_t>(size),
          .id = 0,
          .fragment = Ip4Header::kDontFragment,
          .ttl = c.snap().default_ttl(),
          .protocol = kProtocolTcp,
          .checksum = 0,
          .src = packet.dst,
          .dst = packet.src};
    std::memcpy(&ip + 1, options.bytes.data(), options.size);
    meta(*m).options = options.work;
    auto& tcp = *rte_pktmbuf_mtod_offset(m, TcpHeader*, sizeof(EtherHeader) + header);
    tcp = reset_for(segment, data);
    ChecksumSum sum;
    sum.add_pseudo_header(ip, sizeof tcp);
    sum.add({reinterpret_cast<const std::byte*>(&tcp), sizeof tcp});
    tcp.checksum = sum.checksum();
    if (!options.first_stop.is_zero()) ip.dst = options.first_stop.value;
    return m;
}

}  // namespace

void tcp_reset(Context& c, rte_mbuf* m, size_t at, Burst& own) noexcept {
    // RFC 1122 4.2.3.10: what came to a group on the link is nobody's connection.
    if (meta(*m).link_group) return c.drops.add(m, Drop::link_broadcast);
    const auto& segment = *rte_pktmbuf_mtod_offset(m, const TcpHeader*, at);
    if ((segment.flags & kTcpReset) == 0) {
        const auto options =
            echo_options(l3_bytes(*m).first(ip4(*m).header_bytes()), meta(*m).options, c.routes);
        if (rte_mbuf* reset = options ? make_reset(c, *m, at, *options) : nullptr) {
            c.originated(reset, Originated::tcp_reset, m);
            own.push(reset);
        }
    }
    c.drops.add(m, Drop::port_closed);
}

}  // namespace vethway
