// SPDX-License-Identifier: Apache-2.0
#include "dataplane/rx_repair.h"

#include "dataplane/context.h"
#include "dataplane/net/checksum.h"
#include "dataplane/offload/crc32c.h"

namespace vethway {

namespace {

// RFC 9260 appendix A: CRC32c over the packet with the field zero, least significant byte first.
bool complete_sctp(std::span<std::byte> l4) noexcept {
    uint32_t crc;
    if (l4.size() < 12) return false;
    std::memcpy(&crc, &l4[8], sizeof crc);
    if (crc != 0) return false;
    crc = ~crc32c(kCrc32cStart, l4);
    std::memcpy(&l4[8], &crc, sizeof crc);
    return true;
}

bool complete_l4(const Ip4Header& ip, std::span<std::byte> l4) noexcept {
    size_t offset;
    switch (ip.protocol) {
        case kProtocolTcp:
            if (l4.size() < sizeof(TcpHeader)) return false;
            offset = offsetof(TcpHeader, checksum);
            break;
        case kProtocolUdp:
            if (l4.size() < sizeof(UdpHeader)) return false;
            offset = offsetof(UdpHeader, checksum);
            break;
        case kProtocolSctp:
            return complete_sctp(l4);
        default:
            return false;
    }
    auto& field = *reinterpret_cast<Be16*>(&l4[offset]);
    ChecksumSum pseudo;
    pseudo.add_pseudo_header(ip, static_cast<uint16_t>(l4.size()));
    if (field != pseudo.folded()) return false;
    const uint16_t checksum =
        internet_checksum(l4);  // the field's content is the pseudo header's sum
    field = ip.protocol == kProtocolUdp && checksum == 0 ? uint16_t{0xffff} : checksum;  // RFC 768
    return true;
}

}  // namespace

Repair repair_frame(std::span<std::byte> frame, bool partial_checksums,
                    bool may_truncate) noexcept {
    constexpr size_t kL3 = sizeof(EtherHeader);
    if (frame.size() < kL3 + sizeof(Ip4Header)) return Repair::untouched;
    if (reinterpret_cast<const EtherHeader*>(frame.data())->type != kEtherTypeIp4)
        return Repair::untouched;
    const auto& ip = *reinterpret_cast<const Ip4Header*>(&frame[kL3]);
    const size_t header = ip.header_bytes(), total = ip.total_length;
    if (kL3 + total > frame.size()) return may_truncate ? Repair::truncated : Repair::untouched;
    if (!partial_checksums || ip.version() != 4 || header < sizeof ip || header > total ||
        ip.is_fragment())
        return Repair::untouched;
    return complete_l4(ip, frame.subspan(kL3 + header, total - header)) ? Repair::completed
                                                                        : Repair::untouched;
}

// Whether nothing in a burst, which is of one port, needs a look.
static bool is_sound(const PortState& port, Burst& rx) noexcept {
    if (port.partial_checksums || port.may_truncate) return false;
    if (port.offloads) return true;
    unsigned segments = 0;  // each has one at least
    for (const rte_mbuf* m : rx) segments += m->nb_segs;
    return segments == rx.size();
}

void rx_repair(Context& c, Burst& rx) noexcept {
    if (rx.empty()) return;
    if (is_sound(c.port(meta(*rx[0]).port), rx)) [[likely]]
        return;
    uint16_t kept = 0;
    for (rte_mbuf* m : rx) {
        const uint16_t index = meta(*m).port;
        const PortState& port = c.port(index);
        // memif and pcap chain what is larger than an mbuf; stages want the headers in the first.
        if (m->nb_segs != 1 && !port.offloads) [[unlikely]] {
            rte_mbuf* whole = c.buffers.gather(m);
            if (whole == nullptr) {
                c.drops.add(m, m->pkt_len > kLargestFrame ? Drop::oversize : Drop::no_buffer);
                continue;
            }
            m = whole;
        }
        const Repair done =
            port.partial_checksums || port.may_truncate
                ? repair_frame(frame_bytes(*m), port.partial_checksums, port.may_truncate)
                : Repair::untouched;
        if (done == Repair::truncated) [[unlikely]] {
            c.drops.add(m, Drop::truncated);
            continue;
        }
        if (done == Repair::completed) {
            c.counters.ports[index].checksum_completed.add(1);
            meta(*m).offload.checksum = L4Checksum::good;
            c.note(m, Step::repaired);
        }
        rx.data()[kept++] = m;
    }
    rx.set_size(kept);
}

}  // namespace vethway
