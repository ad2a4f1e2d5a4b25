// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ip4/ip4_fragment.h"

#include "tests/unit/stage_fixture.h"

namespace vethway {
namespace {

using namespace test;

constexpr uint16_t kMore = Ip4Header::kMoreFragments;

// --- Options of later fragments ---
struct Case {
    const char* name;
    Bytes options, want;
};
class LaterFragmentHeader : public testing::TestWithParam<Case> {};
TEST_P(LaterFragmentHeader, KeepsWhatIsToBeCopied) {
    const Bytes header =
        first(Ip4Packet{.options = GetParam().options}.bytes(), 20 + GetParam().options.size());
    const auto out = std::make_unique<std::array<std::byte, 60>>();
    const size_t size = later_fragment_header(header, *out);
    ASSERT_EQ(size, 20 + GetParam().want.size());
    EXPECT_EQ(Bytes(out->begin(), out->begin() + 20), first(header, 20));
    EXPECT_EQ(Bytes(out->begin() + 20, out->begin() + static_cast<std::ptrdiff_t>(size)),
              GetParam().want);
}
// clang-format off
INSTANTIATE_TEST_SUITE_P(Rfc791, LaterFragmentHeader, testing::Values(
    Case{"none",             {},                                       {}},
    Case{"record_route",     octets({7, 7, 4, 0, 0, 0, 0, 0}),         {}},
    Case{"timestamp",        octets({68, 8, 5, 0, 0, 0, 0, 0}),        {}},
    Case{"source_route",     octets({131, 7, 4, 10, 0, 0, 9, 0}),      octets({131, 7, 4, 10, 0, 0, 9, 0})},
    Case{"router_alert",     octets({148, 4, 0, 0}),                   octets({148, 4, 0, 0})},
    Case{"nop_is_dropped",   octets({1, 131, 7, 4, 10, 0, 0, 9}),      octets({131, 7, 4, 10, 0, 0, 9, 0})},
    Case{"second_of_two",    octets({7, 3, 4, 148, 4, 0, 0, 1}),       octets({148, 4, 0, 0})},
    Case{"two_copied",       octets({148, 4, 0, 1, 136, 4, 0, 2}),     octets({148, 4, 0, 1, 136, 4, 0, 2})},
    Case{"behind_the_end",   octets({0, 148, 4, 0}),                   {}},
    Case{"no_length",        octets({1, 1, 1, 148}),                   {}},
    Case{"length_0",         octets({148, 0, 0, 0}),                   {}},
    Case{"length_1",         octets({148, 1, 0, 0}),                   {}},
    Case{"length_past_end",  octets({148, 5, 0, 0}),                   {}},
    Case{"length_255",       octets({148, 4, 0, 0, 131, 255, 4, 0}),   octets({148, 4, 0, 0})},
    Case{"length_2",         octets({130, 2, 148, 4, 0, 9, 0, 0}),     octets({130, 2, 148, 4, 0, 9, 0, 0})},
    Case{"forty",            join(octets({131, 39}), Bytes(38)),       join(octets({131, 39}), Bytes(38))}),
    [](const auto& c) { return c.param.name; });
// clang-format on

// --- Whole packets ---
// Puts together what a receiver would, and checks each piece on the way.
Bytes reassemble(const std::vector<Bytes>& pieces, const Ip4Packet& whole, size_t mtu) {
    Bytes data;
    const uint16_t start = whole.fragment & Ip4Header::kOffsetMask;
    for (size_t i = 0; i < pieces.size(); ++i) {
        EXPECT_TRUE(is_valid_ip4_frame(pieces[i])) << "piece " << i;
        const Ip4Header& ip = ip4_of(pieces[i]);
        const Bytes payload = l4_of(pieces[i]);
        const bool last = i + 1 == pieces.size();
        EXPECT_LE(ip.total_length, mtu);
        EXPECT_EQ(ip.id, whole.id);
        EXPECT_EQ(ip.tos, whole.tos);
        EXPECT_EQ(ip.ttl, whole.ttl - 1);
        EXPECT_EQ(ip.protocol, whole.protocol);
        EXPECT_EQ(Ip4{ip.src}, whole.src);
        EXPECT_EQ(Ip4{ip.dst}, whole.dst);
        EXPECT_EQ(ip.fragment & Ip4Header::kOffsetMask, start + data.size() / 8);
        EXPECT_EQ((ip.fragment & kMore) != 0, !last || (whole.fragment & kMore) != 0)
            << "piece " << i;
        EXPECT_FALSE(ip.dont_fragment());
        // All but the last are as large as can be.
        EXPECT_TRUE(last || (ip.total_length + 8U > mtu && payload.size() % 8 == 0))
            << "piece " << i;
        data = join(data, payload);
    }
    return data;
}

struct SizeCase {
    const char* name;
    uint16_t mtu;
    Ip4Packet packet;
    size_t pieces;
};
class FragmentTest : public StageTest, public testing::WithParamInterface<SizeCase> {};
TEST_P(FragmentTest, ReassemblesToTheSame) {
    know_hosts();
    snap_.ports[3].mtu = GetParam().mtu;
    Ip4Packet packet = GetParam().packet;
    packet.dst = kHostIp[3];
    packet.tos = 0x28;
    packet.l4 = Sum::as_is;
    receive(frame(packet));
    EXPECT_EQ(reassemble(sent(3), packet, GetParam().mtu), packet.payload);
    EXPECT_EQ(sent(3).size(), GetParam().pieces);
    const uint64_t pieces = GetParam().pieces > 1 ? GetParam().pieces : 0;
    EXPECT_EQ(originated(Originated::fragment), pieces);
    EXPECT_EQ(consumed(Consumed::fragmented), pieces > 0 ? 1U : 0U);
    EXPECT_EQ(ip4_of(sent(3)[0]).header_bytes(), 20 + packet.options.size());
    for (const Bytes& f : sent(3)) {
        EXPECT_EQ(ether_of(f).dst, kHostMac[3]);
        EXPECT_EQ(ether_of(f).src, kPortMac[3]);
    }
}
const Bytes kRecordRoute = octets({7, 7, 4, 0, 0, 0, 0, 0});
const Bytes kStreamId = octets({136, 7, 4, 10, 0, 0, 9, 0});  // not refused, unlike a source route
// clang-format off
INSTANTIATE_TEST_SUITE_P(Sizes, FragmentTest, testing::Values(
    SizeCase{"exactly_the_mtu",  576, {.payload = counting(556)}, 1},
    SizeCase{"one_more",         576, {.payload = counting(557)}, 2},
    SizeCase{"two_full",         576, {.payload = counting(1104)}, 2},
    SizeCase{"last_not_of_eight", 576, {.payload = counting(1105)}, 2},
    SizeCase{"last_to_the_mtu",  576, {.payload = counting(1108)}, 2},
    SizeCase{"one_more_than_two", 576, {.payload = counting(1109)}, 3},
    SizeCase{"ethernet",         576, {.payload = counting(1480)}, 3},
    SizeCase{"mtu_not_of_eight", 575, {.payload = counting(1480)}, 3},
    SizeCase{"smallest_mtu",     68,  {.payload = counting(1480)}, 31},
    SizeCase{"smallest_options", 68,  {.options = Bytes(40, std::byte{1}), .payload = counting(100)}, 3},
    SizeCase{"forty_copied",     68,  {.options = join(octets({136, 39}), Bytes(38)), .payload = counting(100)}, 13},
    SizeCase{"middle",           576, {.fragment = kMore | 185, .payload = counting(1480)}, 3},
    SizeCase{"last",             576, {.fragment = 185, .payload = counting(1001)}, 2},
    SizeCase{"first",            576, {.fragment = kMore, .payload = counting(1480)}, 3},
    SizeCase{"highest_offset",   576, {.fragment = 8102, .payload = counting(719)}, 2},
    SizeCase{"record_route",     576, {.options = kRecordRoute, .payload = counting(1200)}, 3},
    SizeCase{"stream_id",        576, {.options = kStreamId, .payload = counting(1200)}, 3}),
    [](const auto& c) { return c.param.name; });
// clang-format on

class Ip4FragmentTest : public StageTest {
protected:
    Ip4FragmentTest() : StageTest(63) {}
    void SetUp() override {
        StageTest::SetUp();
        know_hosts();
    }
};

TEST_F(Ip4FragmentTest, OptionsNotCopiedStayWithTheFirst) {
    receive(
        frame(Ip4Packet{.dst = kHostIp[3], .options = kRecordRoute, .payload = counting(1200)}));
    ASSERT_EQ(sent(3).size(), 3U);
    EXPECT_EQ(ip4_of(sent(3)[0]).header_bytes(), 28U);
    EXPECT_EQ(ip4_of(sent(3)[1]).header_bytes(), 20U);
    EXPECT_EQ(ip4_of(sent(3)[2]).header_bytes(), 20U);
}

TEST_F(Ip4FragmentTest, OptionsCopiedAreInAll) {
    receive(frame(Ip4Packet{.dst = kHostIp[3], .options = kStreamId, .payload = counting(1200)}));
    ASSERT_EQ(sent(3).size(), 3U);
    for (const Bytes& f : sent(3)) EXPECT_EQ(Bytes(f.begin() + 34, f.begin() + 42), kStreamId);
}

TEST_F(Ip4FragmentTest, DontFragmentIsObeyed) {
    receive(frame(Ip4Packet{.fragment = 0x4000, .dst = kHostIp[3], .payload = counting(557)}));
    EXPECT_EQ(sent(3).size(), 0U);
    EXPECT_EQ(dropped(Drop::fragment_needed), 1U);
}

TEST_F(Ip4FragmentTest, EchoReplyIsFragmentedToo) {
    receive(frame(Ip4Packet{.protocol = kProtocolIcmp,
                            .fragment = 0x4000,
                            .src = kHostIp[3],
                            .dst = kPortIp[3],
                            .payload = icmp(kIcmpEchoRequest, 0, counting(1000))},
                  3),
            3);
    ASSERT_EQ(sent(3).size(), 2U);
    Bytes reply = join(l4_of(sent(3)[0]), l4_of(sent(3)[1]));
    EXPECT_EQ(reply, icmp(kIcmpEchoReply, 0, counting(1000)));
}

// A fragment that ends behind the largest datagram there is (RFC 791: 65535 bytes). The offsets of
// its later pieces do not fit their field: as flags and low offsets they would be pieces of another
// place.
TEST_F(Ip4FragmentTest, PastTheEndOfTheLargestDatagram) {
    receive(frame(Ip4Packet{.fragment = 8150, .dst = kHostIp[3], .payload = counting(1200)}));
    EXPECT_EQ(ip4_of(only_sent(3)).fragment, kMore | 8150);
    EXPECT_EQ(consumed(Consumed::fragmented), 1U);
}

TEST_F(Ip4FragmentTest, NoBuffersLeft) {
    std::vector<rte_mbuf*> taken;
    while (rte_mempool_avail_count(pool_) > 2) taken.push_back(rte_pktmbuf_alloc(pool_));
    receive(frame(Ip4Packet{.dst = kHostIp[3], .payload = counting(1200)}));
    EXPECT_EQ(sent(3).size(), 1U);
    EXPECT_EQ(dropped(Drop::no_buffer), 1U);
    EXPECT_EQ(originated(Originated::fragment), 1U);
    EXPECT_EQ(consumed(Consumed::fragmented), 0U);
    for (rte_mbuf* m : taken) rte_pktmbuf_free(m);
}

class FragmentBurstTest : public StageTest, public testing::WithParamInterface<size_t> {};
// 31 pieces each: more at once than the Tx batch and all bursts hold.
TEST_P(FragmentBurstTest, IsAccountedAndInOrder) {
    know_hosts();
    snap_.ports[3].mtu = 68;
    std::vector<Bytes> burst;
    for (uint16_t i = 0; i < GetParam(); ++i)
        burst.push_back(frame(Ip4Packet{.id = i, .dst = kHostIp[3], .payload = counting(1480)}));
    receive(burst);
    ASSERT_EQ(sent(3).size(), 31 * GetParam());
    for (size_t i = 0; i < sent(3).size(); ++i) {
        EXPECT_EQ(ip4_of(sent(3)[i]).id, i / 31);
        EXPECT_EQ(ip4_of(sent(3)[i]).fragment & Ip4Header::kOffsetMask, i % 31 * 6);
    }
}
INSTANTIATE_TEST_SUITE_P(Bursts, FragmentBurstTest, testing::Values(0, 1, 3, 31, 32));

}  // namespace
}  // namespace vethway
