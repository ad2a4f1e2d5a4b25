// SPDX-License-Identifier: Apache-2.0
// Checksums and segmentation that a host left to the device: what goes on whole, and what is done
// for a port that can't take it.
#include "dataplane/offload/checksum.h"
#include "dataplane/offload/segment.h"
#include "dataplane/offload/vnet_header.h"
#include "dataplane/packet_list.h"
#include "tests/unit/stage_fixture.h"

namespace vethway::test {
namespace {

constexpr size_t kL3 = sizeof(EtherHeader), kL4 = kL3 + sizeof(Ip4Header);

class OffloadTest : public StageTest {
protected:
    OffloadTest() { know_hosts(); }

    // What a host hands to its veth: one packet of `payload` bytes, its checksum partial, to be cut
    // into segments of `gso_size` (0: no super-frame).
    rte_mbuf* super_frame(Gso gso, size_t payload, uint16_t gso_size, uint8_t tcp_flags = 0,
                          uint16_t fragment = Ip4Header::kDontFragment) {
        const bool is_tcp = gso != Gso::udp;
        Ip4Packet packet{.protocol = is_tcp ? kProtocolTcp : kProtocolUdp, .fragment = fragment};
        packet.payload = is_tcp ? tcp(counting(payload)) : udp(counting(payload));
        if (is_tcp) reinterpret_cast<TcpHeader*>(packet.payload.data())->flags |= tcp_flags;
        packet.l4 = Sum::partial;
        rte_mbuf* m = mbuf(frame(packet));
        meta(*m).offload = {
            .checksum = L4Checksum::partial,
            .gso = gso_size == 0 ? Gso::none : gso,
            .gso_size = gso_size,
            .checksum_start = static_cast<uint16_t>(m->data_off + kL4),
            .checksum_offset = static_cast<uint16_t>(is_tcp ? 16 : 6),
        };
        return m;
    }
    void forward(rte_mbuf* m) {
        Burst rx;
        snap_.ports[1].offloads = true;
        rx.push(m);
        counters_->received(1, 1, m->pkt_len);
        pipeline_->receive(rx);
    }
    void takes_all(uint16_t port) {
        snap_.ports[port].offloads = snap_.ports[port].super_frames = true;
    }
    static const Ip4Header& ip_of(const Bytes& f) {
        return *reinterpret_cast<const Ip4Header*>(&f[kL3]);
    }
    static const TcpHeader& tcp_of(const Bytes& f) {
        return *reinterpret_cast<const TcpHeader*>(&f[kL4]);
    }
    // 0 if the checksum is right.
    static uint16_t l4_sum(const Bytes& f) {
        const Ip4Header& ip = ip_of(f);
        const std::span<const std::byte> l4(&f[kL4], f.size() - kL4);
        return reference_checksum(l4,
                                  pseudo_header(Ip4{ip.src}, Ip4{ip.dst}, ip.protocol, l4.size()));
    }
    static Bytes payload_of(const Bytes& f, size_t header) {
        return {f.begin() + static_cast<std::ptrdiff_t>(kL4 + header), f.end()};
    }
    void expect_whole_tcp(const std::vector<Bytes>& segments, size_t payload, size_t size) {
        Bytes all;
        for (const Bytes& s : segments) {
            EXPECT_EQ(reference_checksum({&s[kL3], sizeof(Ip4Header)}), 0);
            EXPECT_EQ(l4_sum(s), 0);
            EXPECT_EQ(ip_of(s).total_length, s.size() - kL3);
            EXPECT_EQ(tcp_of(s).sequence, 1U + all.size());
            EXPECT_LE(payload_of(s, 20).size(), size);
            all = join(all, payload_of(s, 20));
        }
        EXPECT_EQ(all, counting(payload));
    }
};

TEST_F(OffloadTest, PassesUntouchedBetweenVethPorts) {
    takes_all(2);
    rte_mbuf* m = super_frame(Gso::tcp4, 60000, 1448);
    const uint16_t field = reinterpret_cast<TcpHeader*>(&frame_bytes(*m)[kL4])->checksum;
    forward(m);
    const Bytes& out = only_sent(2);
    const Offload& o = ports_[2].offloads.at(0);
    EXPECT_EQ(out.size(), kL4 + 20 + 60000);
    EXPECT_EQ(ip_of(out).ttl, 63);
    EXPECT_EQ(tcp_of(out).checksum, field) << "a router changes no address";
    EXPECT_EQ(o.gso, Gso::tcp4);
    EXPECT_EQ(o.gso_size, 1448);
    EXPECT_EQ(o.checksum, L4Checksum::partial);
}

TEST_F(OffloadTest, TcpIsCutForAPortThatTakesNoSuperFrames) {
    forward(super_frame(Gso::tcp4, 4000, 1448, kTcpPush | kTcpFin | kTcpCwr));
    ASSERT_EQ(sent(2).size(), 3U);
    expect_whole_tcp(sent(2), 4000, 1448);
    EXPECT_EQ(ip_of(sent(2)[0]).id + 2, ip_of(sent(2)[2]).id);
    const auto flags = [&](size_t i) {
        return tcp_of(sent(2)[i]).flags & (kTcpPush | kTcpFin | kTcpCwr);
    };
    EXPECT_EQ(flags(0), kTcpCwr);
    EXPECT_EQ(flags(1), 0);
    EXPECT_EQ(flags(2), kTcpPush | kTcpFin);
    EXPECT_EQ(consumed(Consumed::segmented), 1U);
    EXPECT_EQ(originated(Originated::segment), 3U);
}

TEST_F(OffloadTest, LargestTcpFrameThereIs) {
    const size_t payload = 65535 - 40;  // in two mbufs
    rte_mbuf* m = super_frame(Gso::tcp4, payload, 1400);
    EXPECT_EQ(m->nb_segs, 2);
    forward(m);
    EXPECT_EQ(sent(2).size(), (payload + 1399) / 1400);
    expect_whole_tcp(sent(2), payload, 1400);
}

// As after `ethtool -K p2 tso off`, and beyond what an interface takes.
TEST_F(OffloadTest, CutForAnInterfaceThatTakesChecksumsOnly) {
    snap_.ports[2].offloads = true;
    forward(super_frame(Gso::tcp4, 4000, 1448));
    EXPECT_EQ(sent(2).size(), 3U);
    for (const Offload& o : ports_[2].offloads) EXPECT_EQ(o.checksum, L4Checksum::partial);
    takes_all(2);
    forward(super_frame(Gso::tcp4, 65535 - 40, 1400));
    EXPECT_EQ(sent(2).size(), 3U + 47);
}

TEST_F(OffloadTest, UdpIsCutIntoDatagrams) {
    forward(super_frame(Gso::udp, 2500, 1000));
    ASSERT_EQ(sent(2).size(), 3U);
    Bytes all;
    for (const Bytes& s : sent(2)) {
        const auto& header = *reinterpret_cast<const UdpHeader*>(&s[kL4]);
        EXPECT_EQ(header.length, s.size() - kL4);
        EXPECT_EQ(l4_sum(s), 0);
        all = join(all, payload_of(s, 8));
    }
    EXPECT_EQ(all, counting(2500));
}

TEST_F(OffloadTest, PartialChecksumIsCompletedForAPortThatTakesNone) {
    forward(super_frame(Gso::tcp4, 777, 0));
    EXPECT_EQ(l4_sum(only_sent(2)), 0);
    EXPECT_EQ(counters_->ports[2].tx_checksum_completed.value(), 1U);
}

TEST_F(OffloadTest, UdpChecksumOfZeroIsSentAsAllOnes) {
    // Two bytes that make up for all the rest.
    for (uint32_t guess = 0;; ++guess) {
        ASSERT_LT(guess, 0x10000U);
        Bytes data(2);
        *reinterpret_cast<Be16*>(data.data()) = static_cast<uint16_t>(guess);
        const Bytes l4 = udp(data);
        if (reference_checksum(l4,
                               pseudo_header(kHostIp[1], kHostIp[2], kProtocolUdp, l4.size())) != 0)
            continue;
        Ip4Packet packet{.payload = l4};
        packet.l4 = Sum::partial;
        rte_mbuf* m = mbuf(frame(packet));
        meta(*m).offload = {.checksum = L4Checksum::partial,
                            .checksum_start = static_cast<uint16_t>(m->data_off + kL4),
                            .checksum_offset = 6};
        forward(m);
        break;
    }
    EXPECT_EQ(reinterpret_cast<const UdpHeader*>(&only_sent(2)[kL4])->checksum, 0xffff);
}

// The MTU is about what goes over the wire.
TEST_F(OffloadTest, SegmentsThatFitPassThoughTheSuperFrameDoesNot) {
    takes_all(3);
    route("10.0.2.0/24", RouteType::forward, {{3, kHostIp[3], UINT32_MAX}});  // MTU 576
    forward(super_frame(Gso::tcp4, 5000, 536));
    EXPECT_EQ(sent(3).size(), 1U);
    EXPECT_EQ(dropped(Drop::fragment_needed), 0U);
}

TEST_F(OffloadTest, SegmentsThatDontFitAreRefusedAsTheyWouldLookOnTheWire) {
    takes_all(3);
    route("10.0.2.0/24", RouteType::forward, {{3, kHostIp[3], UINT32_MAX}});
    forward(super_frame(Gso::tcp4, 5000, 1448, kTcpPush));
    EXPECT_EQ(dropped(Drop::fragment_needed), 1U);
    const Bytes& error = only_sent(1);
    const auto& icmp = *reinterpret_cast<const IcmpHeader*>(&error[kL4]);
    EXPECT_EQ(icmp.code, kIcmpFragmentationNeeded);
    EXPECT_EQ(icmp.sequence, 576);
    const auto& quoted = *reinterpret_cast<const Ip4Header*>(&icmp + 1);
    EXPECT_EQ(quoted.total_length, 1488);
    EXPECT_EQ(reference_checksum({reinterpret_cast<const std::byte*>(&quoted), 20}), 0);
    // The checksum is that of the first segment, of which only a part is quoted.
    Ip4Packet first{
        .ttl = quoted.ttl, .protocol = kProtocolTcp, .fragment = Ip4Header::kDontFragment};
    first.payload = tcp(vethway::test::first(counting(5000), 1448));
    first.l4 = Sum::valid;
    const Bytes expected = frame(first);
    EXPECT_EQ(reinterpret_cast<const TcpHeader*>(&quoted + 1)->checksum, tcp_of(expected).checksum);
}

TEST_F(OffloadTest, SegmentsThatMayBeFragmentedAre) {
    takes_all(3);
    route("10.0.2.0/24", RouteType::forward, {{3, kHostIp[3], UINT32_MAX}});
    forward(super_frame(Gso::udp, 2000, 1000, 0, 0));
    EXPECT_EQ(consumed(Consumed::segmented), 1U);
    EXPECT_EQ(consumed(Consumed::fragmented), 2U);
    EXPECT_EQ(sent(3).size(), 4U);
    for (const Bytes& f : sent(3)) EXPECT_LE(f.size(), kL3 + 576);
}

TEST_F(OffloadTest, HeadersThatSayNothingOfUseAreCounted) {
    rte_mbuf* m = super_frame(Gso::tcp4, 4000, 1448);
    meta(*m).offload.checksum_start += 4;  // not where the TCP header is
    forward(m);
    EXPECT_EQ(dropped(Drop::gso_malformed), 1U);
    m = super_frame(Gso::tcp4, 65000, 1);
    forward(m);
    EXPECT_EQ(dropped(Drop::gso_malformed), 2U);
}

TEST_F(OffloadTest, NoBufferForASegmentDropsAll) {
    std::vector<rte_mbuf*> taken;
    rte_mbuf* m = super_frame(Gso::tcp4, 4000, 1448);
    while (rte_mempool_avail_count(pool_) > 2) taken.push_back(rte_pktmbuf_alloc(pool_));
    forward(m);
    EXPECT_TRUE(sent(2).empty());
    EXPECT_EQ(dropped(Drop::no_buffer), 1U);
    for (rte_mbuf* t : taken) rte_pktmbuf_free(t);
}

TEST_F(OffloadTest, KnownGoodIsNotVerifiedAgain) {
    Ip4Packet packet{.protocol = kProtocolTcp, .payload = tcp(counting(100))};
    packet.l4 = Sum::valid;
    snap_.ports[2].offloads = true;
    rte_mbuf* m = mbuf(frame(packet));
    meta(*m).offload.checksum = L4Checksum::good;
    forward(m);
    const Offload& o = ports_[2].offloads.at(0);
    EXPECT_EQ(o.checksum, L4Checksum::partial);
    EXPECT_EQ(o.checksum_offset, 16);
    const uint32_t pseudo = pseudo_header(kHostIp[1], kHostIp[2], kProtocolTcp, 120);
    EXPECT_EQ(tcp_of(only_sent(2)).checksum, reference_sum({}, pseudo));
}

TEST_F(OffloadTest, VnetHeaderThereAndBack) {
    rte_mbuf* m = super_frame(Gso::tcp4, 3000, 1448);
    const VnetHeader h = vnet_header(*m);
    EXPECT_EQ(h.flags, VnetHeader::kNeedsChecksum);
    EXPECT_EQ(h.gso_type, VnetHeader::kTcp4);
    EXPECT_EQ(h.checksum_start, kL4);
    EXPECT_EQ(h.checksum_offset, 16);
    EXPECT_EQ(h.header_bytes, kL4 + 20);
    const Offload before = meta(*m).offload;
    ASSERT_TRUE(read_vnet_header(h, 0, *m));
    EXPECT_EQ(meta(*m).offload.checksum_start, before.checksum_start);
    EXPECT_EQ(meta(*m).offload.gso_size, before.gso_size);
    ASSERT_TRUE(read_vnet_header({.flags = VnetHeader::kDataValid}, 0, *m));
    EXPECT_EQ(meta(*m).offload.checksum, L4Checksum::good);
    rte_pktmbuf_free(m);
}

TEST_F(OffloadTest, VnetHeaderThatCannotBe) {
    rte_mbuf* m = super_frame(Gso::tcp4, 100, 0);
    constexpr uint16_t kAt = kL4;
    const VnetHeader good{.flags = VnetHeader::kNeedsChecksum,
                          .gso_type = VnetHeader::kTcp4,
                          .gso_size = 50,
                          .checksum_start = kAt,
                          .checksum_offset = 16};
    EXPECT_TRUE(read_vnet_header(good, 0, *m));
    for (const auto& change : std::vector<void (*)(VnetHeader&)>{
             [](VnetHeader& h) { h.checksum_start = 65535; },
             [](VnetHeader& h) { h.checksum_offset = 65535; },
             [](VnetHeader& h) { h.checksum_start = 14 + 20 + 110; },
             [](VnetHeader& h) { h.flags = 0; }, [](VnetHeader& h) { h.gso_size = 0; },
             [](VnetHeader& h) { h.gso_type = 3; },  // UFO
             [](VnetHeader& h) { h.gso_type = 0x7f; }}) {
        VnetHeader bad = good;
        change(bad);
        EXPECT_FALSE(read_vnet_header(bad, 0, *m));
    }
    rte_pktmbuf_free(m);
}

// A wire takes frames as they are; what the other port can't carry is done for it.
class XconnectTest : public OffloadTest {
protected:
    XconnectTest() {
        snap_.any_xconnect = true;
        snap_.ports[1].xconnect = 2;
        snap_.ports[2].xconnect = 1;
    }
};

TEST_F(XconnectTest, AnythingPasses) {
    const Bytes frame = counting(60);
    receive(frame, 1);
    EXPECT_EQ(only_sent(2), frame);
    receive(frame, 2);
    EXPECT_EQ(only_sent(1), frame);
    EXPECT_TRUE(sent(3).empty());
}

TEST_F(XconnectTest, MtuIsThatOfTheFrameWithATag) {
    receive({counting(1518), counting(1519)}, 1);
    EXPECT_EQ(sent(2).size(), 1U);
    EXPECT_EQ(dropped(Drop::mtu_exceeded), 1U);
}

TEST_F(XconnectTest, TaggedIp6IsCut) {
    constexpr size_t kIp6 = kL3 + 4, kTcp = kIp6 + sizeof(Ip6Header);
    Bytes l4 = tcp(counting(3000));
    Ip6Header ip{.version_class_label = 6U << 28,
                 .payload_length = static_cast<uint16_t>(l4.size()),
                 .next_header = kProtocolTcp,
                 .hop_limit = 64,
                 .src = {0xfe, 0x80, 1},
                 .dst = {0xfe, 0x80, 2}};
    const auto sum_of = [&](size_t length) {
        return reference_sum({reinterpret_cast<const std::byte*>(&ip.src), 32},
                             kProtocolTcp + static_cast<uint32_t>(length));
    };
    reinterpret_cast<TcpHeader*>(l4.data())->checksum = sum_of(l4.size());
    const Bytes tag = octets({0x88, 0xa8, 0, 5, 0x86, 0xdd});
    Bytes frame = first(as_bytes(EtherHeader{kHostMac[2], kHostMac[1], 0}), 12);
    frame = join(join(frame, tag), join(as_bytes(ip), l4));
    rte_mbuf* m = mbuf(frame);
    meta(*m).offload = {.checksum = L4Checksum::partial,
                        .gso = Gso::tcp6,
                        .gso_size = 1400,
                        .checksum_start = static_cast<uint16_t>(m->data_off + kTcp),
                        .checksum_offset = 16};
    forward(m);
    ASSERT_EQ(sent(2).size(), 3U);
    Bytes all;
    for (const Bytes& s : sent(2)) {
        EXPECT_EQ(first(s, kIp6), first(frame, kIp6));
        EXPECT_EQ(reinterpret_cast<const Ip6Header*>(&s[kIp6])->payload_length, s.size() - kTcp);
        EXPECT_EQ(reference_checksum({&s[kTcp], s.size() - kTcp}, sum_of(s.size() - kTcp)), 0);
        all = join(all, Bytes(s.begin() + kTcp + 20, s.end()));
    }
    EXPECT_EQ(all, counting(3000));
}

}  // namespace
}  // namespace vethway::test
