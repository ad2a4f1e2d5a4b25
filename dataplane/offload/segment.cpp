// SPDX-License-Identifier: Apache-2.0
#include "dataplane/offload/segment.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "dataplane/context.h"
#include "dataplane/net/checksum.h"
#include "dataplane/offload/checksum.h"
#include "dataplane/packet_list.h"

namespace vethway {

namespace {

// A sender of one-byte segments would have us make 65535 packets of one; Linux hosts send 48 bytes
// at least (TCP_MIN_SND_MSS).
constexpr size_t kMostSegments = 2048;

// Where the headers of a super-frame begin; `payload` is where they end.
struct Layout {
    size_t l3, l4, payload;
    bool ip4, tcp;
};

size_t l4_of(const rte_mbuf& m, const Offload& o) noexcept {
    return static_cast<size_t>(o.checksum_start - m.data_off);
}

std::optional<Layout> layout_of(rte_mbuf& m) noexcept {
    const Offload& o = meta(m).offload;
    const auto frame = frame_bytes(m);
    if (frame.size() < sizeof(EtherHeader) + sizeof(Ip4Header) + sizeof(UdpHeader))
        return std::nullopt;
    size_t type_at = offsetof(EtherHeader, type);
    const auto type = [&] { return uint16_t{*reinterpret_cast<const Be16*>(&frame[type_at])}; };
    for (int tags = 0; tags < 2 && (type() == kEtherTypeVlan || type() == kEtherTypeQinq); ++tags)
        type_at += kVlanTagBytes;
    const size_t l3 = type_at + sizeof(Be16), l4 = l4_of(m, o);
    const size_t header = l4_header_bytes(m, l4, o.gso), payload = l4 + header;
    const bool ip4 = type() == kEtherTypeIp4, tcp = o.gso != Gso::udp;
    if (o.checksum != L4Checksum::partial || header == 0 || payload >= m.pkt_len)
        return std::nullopt;
    if (tcp && (o.gso == Gso::tcp4) != ip4) return std::nullopt;
    if (ip4) {
        const auto& ip = *reinterpret_cast<const Ip4Header*>(&frame[l3]);
        if (l3 + ip.header_bytes() != l4 || l3 + ip.total_length != m.pkt_len) return std::nullopt;
    } else if (type() != kEtherTypeIp6 || l3 + sizeof(Ip6Header) > l4) {
        return std::nullopt;
    }
    return Layout{.l3 = l3, .l4 = l4, .payload = payload, .ip4 = ip4, .tcp = tcp};
}

void set_ip_length(std::byte* frame, const Layout& at, size_t end, uint16_t number) noexcept {
    if (at.ip4) {
        auto& ip = *reinterpret_cast<Ip4Header*>(frame + at.l3);
        ip.total_length = static_cast<uint16_t>(end - at.l3);
        ip.id = static_cast<uint16_t>(ip.id + number);
        ip.checksum = 0;
        ip.checksum = internet_checksum({frame + at.l3, at.l4 - at.l3});
    } else {
        reinterpret_cast<Ip6Header*>(frame + at.l3)->payload_length =
            static_cast<uint16_t>(end - at.l3 - sizeof(Ip6Header));
    }
}

// The field holds the pseudo header's sum with the super-frame's length in it; it is corrected by
// the difference, so that the addresses need not be looked at.
void set_l4_length(std::byte* frame, const Layout& at, size_t before, size_t after) noexcept {
    const size_t field_at =
        at.l4 + (at.tcp ? offsetof(TcpHeader, checksum) : offsetof(UdpHeader, checksum));
    auto& field = *reinterpret_cast<Be16*>(frame + field_at);
    ChecksumSum pseudo;
    pseudo.add16(field);
    pseudo.add16(static_cast<uint16_t>(~before));
    pseudo.add16(static_cast<uint16_t>(after));
    field = pseudo.folded();
    if (!at.tcp) reinterpret_cast<UdpHeader*>(frame + at.l4)->length = static_cast<uint16_t>(after);
}

void set_tcp(std::byte* frame, const Layout& at, size_t skipped, bool is_first,
             bool is_last) noexcept {
    auto& tcp = *reinterpret_cast<TcpHeader*>(frame + at.l4);
    tcp.sequence = tcp.sequence + static_cast<uint32_t>(skipped);
    if (!is_last) tcp.flags = static_cast<uint8_t>(tcp.flags & ~(kTcpFin | kTcpPush));
    if (!is_first) tcp.flags = static_cast<uint8_t>(tcp.flags & ~kTcpCwr);
}

// Makes the headers of `whole`'s copy in `frame` those of its `number`th segment.
void set_headers(std::byte* frame, const Layout& at, size_t whole, size_t skipped, size_t bytes,
                 uint16_t number) noexcept {
    const size_t end = at.payload + bytes;
    set_ip_length(frame, at, end, number);
    set_l4_length(frame, at, whole - at.l4, end - at.l4);
    if (at.tcp) set_tcp(frame, at, skipped, number == 0, at.payload + skipped + bytes == whole);
}

rte_mbuf* make_segment(Context& c, rte_mbuf& whole, const Layout& at, size_t skipped, size_t bytes,
                       uint16_t number) noexcept {
    const size_t size = at.payload + bytes;
    if (size > kLargeFrame) return nullptr;
    rte_mbuf* m = c.allocate(meta(whole).port, size);
    if (m == nullptr) return nullptr;
    auto* frame = rte_pktmbuf_mtod(m, std::byte*);
    std::memcpy(frame, rte_pktmbuf_mtod(&whole, std::byte*), at.payload);
    copy_out(whole, at.payload + skipped, {frame + at.payload, bytes});
    set_headers(frame, at, whole.pkt_len, skipped, bytes, number);
    PacketMeta& packet = meta(*m);
    packet = meta(whole);
    packet.offload = {.checksum = L4Checksum::partial,
                      .checksum_start = static_cast<uint16_t>(m->data_off + at.l4),
                      .checksum_offset = packet.offload.checksum_offset};
    complete_checksum(*m);
    return m;
}

}  // namespace

size_t l4_header_bytes(rte_mbuf& m, size_t l4, Gso gso) noexcept {
    const size_t least = gso == Gso::udp ? sizeof(UdpHeader) : sizeof(TcpHeader);
    if (l4 > m.data_len || m.data_len - l4 < least) return 0;
    if (gso == Gso::udp) return least;
    const auto& tcp = *rte_pktmbuf_mtod_offset(&m, const TcpHeader*, l4);
    const size_t bytes = (tcp.data_offset >> 4U) * size_t{4};
    return bytes >= least && l4 + bytes <= m.data_len ? bytes : 0;
}

size_t segment_wire_size(rte_mbuf& m) noexcept {
    const Offload& o = meta(m).offload;
    const size_t l4 = l4_of(m, o);
    return std::min<size_t>(ip4(m).total_length,
                            l4 - meta(m).l3_offset + l4_header_bytes(m, l4, o.gso) + o.gso_size);
}

void segment(Context& c, rte_mbuf* m, PacketList& out) noexcept {
    const auto at = layout_of(*m);
    const size_t size = meta(*m).offload.gso_size;
    if (!at || size == 0) return c.drops.add(m, Drop::gso_malformed);
    const size_t payload = m->pkt_len - at->payload;
    if (payload / size >= kMostSegments) return c.drops.add(m, Drop::gso_malformed);
    PacketList segments;
    uint16_t number = 0;
    for (size_t skipped = 0; skipped < payload; skipped += size) {
        rte_mbuf* s =
            make_segment(c, *m, *at, skipped, std::min(size, payload - skipped), number++);
        if (s == nullptr) {
            while (rte_mbuf* made = segments.pop()) rte_pktmbuf_free(made);
            return c.drops.add(m, Drop::no_buffer);
        }
        segments.push(s);
    }
    while (rte_mbuf* s = segments.pop()) {
        c.originated(s, Originated::segment, m);
        out.push(s);
    }
    c.consumed(m, Consumed::segmented);
    c.drops.free(m);
}

void show_as_on_wire(rte_mbuf& m) noexcept {
    Offload& o = meta(m).offload;
    if (o.gso != Gso::none) {
        const auto at = layout_of(m);
        if (at && at->payload + o.gso_size < m.pkt_len) {
            set_headers(rte_pktmbuf_mtod(&m, std::byte*), *at, m.pkt_len, 0, o.gso_size, 0);
            trim_frame(m, at->payload + o.gso_size);
        }
        o.gso = Gso::none;
    }
    complete_checksum(m);
}

}  // namespace vethway
