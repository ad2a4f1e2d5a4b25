// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ip4/ip4_fragment.h"

#include "dataplane/context.h"
#include "dataplane/egress.h"
#include "dataplane/net/checksum.h"
#include "dataplane/offload/checksum.h"
#include "dataplane/offload/segment.h"
#include "dataplane/packet_list.h"

namespace vethway {

namespace {

constexpr uint8_t kOptionEnd = 0, kOptionNop = 1, kOptionCopied = 0x80;

// One piece: Ethernet header, `header`, and `bytes` of the packet from `from` on; null when the
// pool is empty.
rte_mbuf* make_piece(Context& c, rte_mbuf& whole, std::span<const std::byte> header, size_t from,
                     size_t bytes) noexcept {
    rte_mbuf* m = c.allocate(meta(whole).port, sizeof(EtherHeader) + header.size() + bytes);
    if (m == nullptr) return nullptr;
    auto* at = rte_pktmbuf_mtod(m, std::byte*);
    std::memcpy(at, &ether(whole), sizeof(EtherHeader));
    std::memcpy(at + sizeof(EtherHeader), header.data(), header.size());
    copy_out(whole, meta(whole).l3_offset + from,
             {at + sizeof(EtherHeader) + header.size(), bytes});
    meta(*m).egress = meta(whole).egress;
    meta(*m).l3_offset = sizeof(EtherHeader);
    return m;
}

void finish_piece(rte_mbuf& m, size_t header, size_t payload, uint16_t position) noexcept {
    Ip4Header& ip = ip4(m);
    ip.version_ihl = static_cast<uint8_t>(0x40 | header / 4);
    ip.total_length = static_cast<uint16_t>(header + payload);
    ip.fragment = position;
    ip.checksum = 0;
    ip.checksum = internet_checksum({reinterpret_cast<const std::byte*>(&ip), header});
}

}  // namespace

size_t later_fragment_header(std::span<const std::byte> header,
                             std::span<std::byte, 60> out) noexcept {
    std::memcpy(out.data(), header.data(), sizeof(Ip4Header));
    size_t size = sizeof(Ip4Header);
    for (size_t at = sizeof(Ip4Header); at < header.size();) {
        const auto type = static_cast<uint8_t>(header[at]);
        if (type == kOptionEnd) break;
        size_t length = 1;
        if (type != kOptionNop) {
            if (at + 1 >= header.size()) break;
            length = static_cast<uint8_t>(header[at + 1]);
            if (length < 2 || at + length > header.size()) break;  // the rest can't be told apart
        }
        if ((type & kOptionCopied) != 0) {
            std::memcpy(&out[size], &header[at], length);
            size += length;
        }
        at += length;
    }
    while (size % 4 != 0) out[size++] = std::byte{kOptionEnd};
    return size;
}

static void fragment_packet(Context& c, rte_mbuf* m, size_t mtu) noexcept {
    mtu = std::min(mtu, kLargeFrame - sizeof(EtherHeader));  // a piece has one segment
    const size_t size = l3_size(*m);
    const Ip4Header ip = ip4(*m);
    complete_checksum(*m);
    const std::span<const std::byte> first = l3_bytes(*m).first(ip.header_bytes());
    std::array<std::byte, 60> later_bytes;
    const size_t later_size = later_fragment_header(first, later_bytes);
    auto header = first;
    for (size_t done = first.size(); done < size;) {
        const size_t offset = (ip.fragment & Ip4Header::kOffsetMask) + (done - first.size()) / 8;
        // Of a hostile fragment: past the largest datagram there is; the bits above mean otherwise.
        if (offset > Ip4Header::kOffsetMask) break;
        const size_t room = mtu - header.size(), left = size - done;
        // All but the last are multiples of eight, the unit of offsets.
        const size_t bytes = left <= room ? left : room & ~size_t{7};
        rte_mbuf* piece = make_piece(c, *m, header, done, bytes);
        if (piece == nullptr) return c.drops.add(m, Drop::no_buffer);
        done += bytes;
        const bool more = done < size || (ip.fragment & Ip4Header::kMoreFragments) != 0;
        finish_piece(*piece, header.size(), bytes,
                     static_cast<uint16_t>(offset | (more ? Ip4Header::kMoreFragments : 0)));
        c.originated(piece, Originated::fragment, m);
        c.tx.push(c.snap(), piece);
        header = std::span<const std::byte>(later_bytes).first(later_size);
    }
    c.consumed(m, Consumed::fragmented);
    c.drops.free(m);
}

// Of a super-frame, its segments are what is too large (Linux ip_finish_output_gso).
void ip4_fragment(Context& c, rte_mbuf* m, uint16_t mtu) noexcept {
    if (meta(*m).offload.gso == Gso::none) return fragment_packet(c, m, mtu);
    PacketList segments;
    segment(c, m, segments);
    while (rte_mbuf* s = segments.pop()) {
        if (l3_size(*s) > mtu)
            fragment_packet(c, s, mtu);
        else
            egress(c, s);
    }
}

}  // namespace vethway
