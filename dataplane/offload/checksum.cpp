// SPDX-License-Identifier: Apache-2.0
#include "dataplane/offload/checksum.h"

#include <rte_ip.h>

#include <algorithm>

#include "dataplane/meta.h"
#include "dataplane/net/checksum.h"
#include "dataplane/offload/crc32c.h"

namespace vethway {

namespace {

constexpr uint16_t kSctpField = 8;  // where no other protocol has its checksum

uint32_t frame_crc32c(const rte_mbuf& m, size_t offset) noexcept {
    uint32_t crc = kCrc32cStart;
    for (const rte_mbuf* s = &m; s != nullptr; offset = 0, s = s->next)
        crc = crc32c(crc,
                     std::span(rte_pktmbuf_mtod(s, const std::byte*), s->data_len).subspan(offset));
    return ~crc;
}

}  // namespace

uint16_t frame_checksum(const rte_mbuf& m, size_t offset, size_t bytes) noexcept {
    if (offset + bytes > m.pkt_len) return 1;  // as wrong as a checksum can be
    // Not rte_raw_cksum_mbuf(): it loses carries behind a segment of odd length (DPDK 22.11).
    ChecksumSum sum;
    bool is_odd = false;
    for (const rte_mbuf* s = &m; s != nullptr && bytes > 0; s = s->next) {
        const size_t skipped = std::min<size_t>(offset, s->data_len);
        const size_t n = std::min(bytes, s->data_len - skipped);
        const uint16_t part = rte_be_to_cpu_16(
            rte_raw_cksum(rte_pktmbuf_mtod_offset(s, const std::byte*, skipped), n));
        sum.add16(is_odd ? rte_bswap16(part) : part);
        is_odd ^= (n & 1) != 0;
        offset -= skipped;
        bytes -= n;
    }
    return sum.checksum();
}

void complete_checksum(rte_mbuf& m) noexcept {
    Offload& o = meta(m).offload;
    if (o.checksum != L4Checksum::partial) return;
    o.checksum = L4Checksum::unknown;
    const auto start = static_cast<size_t>(o.checksum_start - m.data_off);
    const size_t at = start + o.checksum_offset;
    const bool sctp = o.checksum_offset == kSctpField;
    const size_t field_bytes = sctp ? sizeof(uint32_t) : sizeof(uint16_t);
    if (o.checksum_start < m.data_off || at + field_bytes > m.data_len) return;
    auto* field = rte_pktmbuf_mtod_offset(&m, std::byte*, at);
    if (sctp) {
        std::memset(field, 0, sizeof(uint32_t));
        const uint32_t crc = frame_crc32c(m, start);
        std::memcpy(field, &crc, sizeof crc);
    } else {
        const uint16_t checksum = frame_checksum(m, start, m.pkt_len - start);
        // RFC 768: 0 would say that there is none; to TCP both mean the same.
        *reinterpret_cast<Be16*>(field) = checksum == 0 ? uint16_t{0xffff} : checksum;
    }
    o.checksum = L4Checksum::good;
}

void leave_checksum(rte_mbuf& m) noexcept {
    Offload& o = meta(m).offload;
    const auto frame = frame_bytes(m);
    constexpr size_t kL3 = sizeof(EtherHeader);
    if (o.checksum != L4Checksum::good || frame.size() < kL3 + sizeof(Ip4Header)) return;
    if (ether(m).type != kEtherTypeIp4) return;
    const auto& ip = *reinterpret_cast<const Ip4Header*>(&frame[kL3]);
    const size_t l4 = kL3 + ip.header_bytes();
    // The host sums to the frame's end, so nothing may follow the packet.
    if (ip.is_fragment() || kL3 + ip.total_length != m.pkt_len) return;
    const uint16_t offset =
        ip.protocol == kProtocolTcp ? offsetof(TcpHeader, checksum) : offsetof(UdpHeader, checksum);
    const size_t header = ip.protocol == kProtocolTcp ? sizeof(TcpHeader) : sizeof(UdpHeader);
    if ((ip.protocol != kProtocolTcp && ip.protocol != kProtocolUdp) || l4 + header > frame.size())
        return;
    auto& field = *reinterpret_cast<Be16*>(&frame[l4 + offset]);
    if (ip.protocol == kProtocolUdp && field == 0) return;
    ChecksumSum pseudo;
    pseudo.add_pseudo_header(ip, static_cast<uint16_t>(kL3 + ip.total_length - l4));
    field = pseudo.folded();
    o = {.checksum = L4Checksum::partial,
         .checksum_start = static_cast<uint16_t>(m.data_off + l4),
         .checksum_offset = offset};
}

}  // namespace vethway
