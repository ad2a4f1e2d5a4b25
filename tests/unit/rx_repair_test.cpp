// SPDX-License-Identifier: Apache-2.0
#include "dataplane/rx_repair.h"

#include <cstddef>

#include "tests/unit/stage_fixture.h"

namespace vethway {
namespace {

using namespace test;

constexpr size_t kL4 = sizeof(EtherHeader) + sizeof(Ip4Header);

// A data field for which the final UDP checksum comes out as 0: its last two bytes make up the
// rest.
Bytes udp_summing_to_zero() {
    Bytes l4 = udp(Bytes(4));
    set_l4_checksum(l4, Sum::valid, kProtocolUdp, kHostIp[1], kHostIp[2]);
    std::memcpy(&l4[10], &l4[6], 2);  // sum of all + checksum = 0xffff, whose complement is 0
    return l4;
}

Bytes sctp(bool with_crc, size_t data = 17) {
    Bytes l4 = join(octets({0x0f, 0xa0, 0x0b, 0x59, 1, 2, 3, 4, 0, 0, 0, 0}), counting(data));
    const uint32_t crc = reference_crc32c(l4);
    if (with_crc)
        for (size_t i = 0; i < 4; ++i) l4[8 + i] = static_cast<std::byte>(crc >> 8 * i);
    return l4;
}

struct Case {
    const char* name;
    Ip4Packet packet;
    Repair want;
    bool partial = true, truncates = true;
};
class RepairFrame : public testing::TestWithParam<Case> {};

// A repaired frame is the one that the sender would have made without an offload; any other is as
// it was, to the last byte.
TEST_P(RepairFrame, Verdict) {
    const Case& c = GetParam();
    Bytes bytes = frame(c.packet);
    Ip4Packet good = c.packet;
    if (c.want == Repair::completed) good.l4 = Sum::valid;
    if (c.want == Repair::completed && c.packet.protocol == kProtocolSctp)
        good.payload = sctp(true, c.packet.payload.size() - 12);
    EXPECT_EQ(repair_frame(bytes, c.partial, c.truncates), c.want);
    EXPECT_EQ(bytes, frame(good));
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(Checksums, RepairFrame, testing::Values(
    Case{"udp_partial",     {.l4 = Sum::partial}, Repair::completed},
    Case{"udp_valid",       {.l4 = Sum::valid},   Repair::untouched},
    Case{"udp_wrong",       {.l4 = Sum::wrong},   Repair::untouched},
    Case{"udp_none",        {.l4 = Sum::zero},    Repair::untouched},
    Case{"udp_odd",         {.payload = udp(counting(3)), .l4 = Sum::partial}, Repair::completed},
    Case{"udp_no_data",     {.payload = udp({}), .l4 = Sum::partial}, Repair::completed},
    Case{"udp_to_ffff",     {.payload = udp_summing_to_zero(), .l4 = Sum::partial}, Repair::completed},
    Case{"udp_large",       {.payload = udp(counting(1472)), .l4 = Sum::partial}, Repair::completed},
    Case{"udp_options",     {.options = Bytes(40, std::byte{1}), .l4 = Sum::partial}, Repair::completed},
    Case{"udp_padded",      {.payload = udp(counting(1)), .l4 = Sum::partial, .padding = 9}, Repair::completed},
    Case{"tcp_partial",     {.protocol = kProtocolTcp, .payload = tcp(), .l4 = Sum::partial}, Repair::completed},
    Case{"tcp_valid",       {.protocol = kProtocolTcp, .payload = tcp(), .l4 = Sum::valid}, Repair::untouched},
    Case{"tcp_wrong",       {.protocol = kProtocolTcp, .payload = tcp(), .l4 = Sum::wrong}, Repair::untouched},
    Case{"tcp_zero",        {.protocol = kProtocolTcp, .payload = tcp(), .l4 = Sum::zero}, Repair::untouched},
    Case{"tcp_odd",         {.protocol = kProtocolTcp, .payload = tcp(counting(1)), .l4 = Sum::partial}, Repair::completed},
    Case{"tcp_options",     {.protocol = kProtocolTcp, .options = octets({1, 1, 1, 0}), .payload = tcp(counting(7)), .l4 = Sum::partial}, Repair::completed},
    Case{"sctp",            {.protocol = kProtocolSctp, .payload = sctp(false)}, Repair::completed},
    Case{"sctp_bare",       {.protocol = kProtocolSctp, .payload = sctp(false, 0)}, Repair::completed},
    Case{"sctp_valid",      {.protocol = kProtocolSctp, .payload = sctp(true)}, Repair::untouched},
    Case{"sctp_padded",     {.protocol = kProtocolSctp, .payload = sctp(false), .padding = 5}, Repair::completed},
    Case{"icmp",            {.protocol = kProtocolIcmp, .payload = icmp(8)}, Repair::untouched},
    Case{"no_offload",      {.l4 = Sum::partial}, Repair::untouched, false, true}),
    [](const auto& c) { return c.param.name; });
INSTANTIATE_TEST_SUITE_P(Lengths, RepairFrame, testing::Values(
    Case{"udp_header_short", {.payload = counting(7)}, Repair::untouched},
    Case{"tcp_header_short", {.protocol = kProtocolTcp, .payload = counting(19)}, Repair::untouched},
    Case{"sctp_header_short", {.protocol = kProtocolSctp, .payload = Bytes(11)}, Repair::untouched},
    Case{"empty",            {.payload = {}}, Repair::untouched},
    Case{"first_fragment",   {.fragment = 0x2000, .l4 = Sum::partial}, Repair::untouched},
    Case{"later_fragment",   {.fragment = 5, .l4 = Sum::partial}, Repair::untouched},
    Case{"dont_fragment",    {.fragment = 0x4000, .l4 = Sum::partial}, Repair::completed},
    Case{"cut_one",          {.l4 = Sum::partial, .cut_to = 45}, Repair::truncated},
    Case{"cut_no_offload",   {.cut_to = 45}, Repair::truncated, false, true},
    Case{"cut_to_header",    {.cut_to = 20}, Repair::truncated},
    Case{"cut_elsewhere",    {.l4 = Sum::partial, .cut_to = 45}, Repair::untouched, true, false},
    Case{"cut_in_header",    {.cut_to = 19}, Repair::untouched},
    Case{"no_header",        {.cut_to = 0}, Repair::untouched},
    Case{"version_6",        {.version_ihl = 0x65, .l4 = Sum::partial}, Repair::untouched},
    Case{"ihl_4",            {.version_ihl = 0x44, .l4 = Sum::partial}, Repair::untouched},
    Case{"ihl_past_total",   {.version_ihl = 0x4f, .l4 = Sum::partial}, Repair::untouched},
    Case{"total_in_header",  {.total_length = 19}, Repair::untouched},
    Case{"total_zero",       {.total_length = 0}, Repair::untouched}),
    [](const auto& c) { return c.param.name; });
// clang-format on

TEST(RepairFrameBytes, AnyShorterFrameIsLeftAlone) {
    const Bytes whole = frame(Ip4Packet{.l4 = Sum::partial});
    for (size_t size = 0; size < kL4; ++size) {
        Bytes cut = first(whole, size);
        EXPECT_EQ(repair_frame(cut, true, true), Repair::untouched) << size;
    }
    for (size_t size = kL4; size < whole.size(); ++size) {
        Bytes cut = first(whole, size);
        EXPECT_EQ(repair_frame(cut, true, true), Repair::truncated) << size;
    }
}

TEST(RepairFrameBytes, UdpResultOfZeroIsSentAsOnes) {
    Bytes bytes = frame(Ip4Packet{.payload = udp_summing_to_zero(), .l4 = Sum::partial});
    ASSERT_EQ(repair_frame(bytes, true, true), Repair::completed);
    EXPECT_EQ(bytes[kL4 + 6], std::byte{0xff});
    EXPECT_EQ(bytes[kL4 + 7], std::byte{0xff});
}

TEST(RepairFrameBytes, OtherProtocolsAreLeftAlone) {
    Bytes bytes =
        ethernet(kPortMac[1], kHostMac[1], kEtherTypeIp6, Ip4Packet{.l4 = Sum::partial}.bytes());
    EXPECT_EQ(repair_frame(bytes, true, true), Repair::untouched);
    Bytes arp = frame(ArpMessage{});
    EXPECT_EQ(repair_frame(arp, true, true), Repair::untouched);
}

// A packet that is right already, whose checksum happens to equal the pseudo header's sum.
TEST(RepairFrameBytes, LookalikeKeepsItsChecksum) {
    Bytes l4 = udp(Bytes(2));
    const auto partial =
        reference_sum({}, pseudo_header(kHostIp[1], kHostIp[2], kProtocolUdp, l4.size()));
    // All words but the checksum and the last: choose the last so that the checksum is `partial`.
    const uint16_t rest =
        reference_sum(l4, pseudo_header(kHostIp[1], kHostIp[2], kProtocolUdp, l4.size()) + partial);
    *reinterpret_cast<Be16*>(&l4[8]) = static_cast<uint16_t>(~rest);
    const Bytes good = frame(Ip4Packet{.payload = l4});
    ASSERT_EQ(*reinterpret_cast<const Be16*>(&good[kL4 + 6]), partial);
    Bytes bytes = good;
    EXPECT_EQ(repair_frame(bytes, true, true), Repair::completed);
    EXPECT_EQ(bytes, good);
}

class RxRepairTest : public StageTest {};

TEST_F(RxRepairTest, CountsAndKeepsTheOrder) {
    snap_.ports[1].partial_checksums = snap_.ports[1].may_truncate = true;
    Burst rx;
    rx.push(mbuf(frame(Ip4Packet{.id = 1, .l4 = Sum::partial})));
    rx.push(mbuf(frame(Ip4Packet{.id = 2, .cut_to = 40})));
    rx.push(mbuf(frame(Ip4Packet{.id = 3})));
    rx.push(mbuf(frame(Ip4Packet{.id = 4, .l4 = Sum::partial}),
                 2));  // that port's driver has no such frames
    counters_->received(1, 1, 0);
    rx_repair(*context_, rx);
    ASSERT_EQ(rx.size(), 3);
    EXPECT_EQ(dropped(Drop::truncated), 1U);
    EXPECT_EQ(counters_->ports[1].checksum_completed.value(), 1U);
    EXPECT_EQ(counters_->ports[2].checksum_completed.value(), 0U);
    const Ip4Packet want[] = {{.id = 1}, {.id = 3}, {.id = 4, .l4 = Sum::partial}};
    for (size_t i = 0; i < 3; ++i) {
        const auto bytes = frame_bytes(*rx[i]);
        EXPECT_EQ(Bytes(bytes.begin(), bytes.end()), frame(want[i])) << i;
    }
    for (rte_mbuf* m : rx) drops_.free(m);
}

rte_mbuf* chained(rte_mbuf* head, rte_mbuf* tail) {
    EXPECT_EQ(rte_pktmbuf_chain(head, tail), 0);
    return head;
}

TEST_F(RxRepairTest, AChainBecomesOneBuffer) {
    const Bytes whole = frame(Ip4Packet{.payload = udp(counting(1000))});
    Burst rx;
    rx.push(chained(mbuf(first(whole, 500)), mbuf(from(whole, 500))));
    rx_repair(*context_, rx);
    ASSERT_EQ(rx.size(), 1);
    EXPECT_EQ(rx[0]->nb_segs, 1);
    const auto bytes = frame_bytes(*rx[0]);
    EXPECT_EQ(Bytes(bytes.begin(), bytes.end()), whole);
    counters_->received(1, 1, 0);
    drops_.add(rx[0], Drop::no_route);
}

TEST_F(RxRepairTest, ALongChainMovesIntoALargeBuffer) {
    Burst rx;
    rx.push(chained(mbuf(counting(2000)), mbuf(counting(1000))));
    counters_->received(1, 1, 0);
    rx_repair(*context_, rx);
    ASSERT_EQ(rx.size(), 1);
    EXPECT_EQ(rx[0]->nb_segs, 1);
    EXPECT_EQ(rx[0]->pool, large_pool_);
    const auto bytes = frame_bytes(*rx[0]);
    EXPECT_EQ(Bytes(bytes.begin(), bytes.end()), join(counting(2000), counting(1000)));
    drops_.add(rx[0], Drop::no_route);
}

TEST_F(RxRepairTest, AChainBeyondAnyFrameIsDropped) {
    Burst rx;
    rx.push(chained(mbuf(counting(kLargeFrame)), mbuf(counting(300))));
    counters_->received(1, 1, 0);
    rx_repair(*context_, rx);
    EXPECT_TRUE(rx.empty());
    EXPECT_EQ(dropped(Drop::oversize), 1U);
}

TEST_F(RxRepairTest, EmptyBurst) {
    Burst rx;
    rx_repair(*context_, rx);
    EXPECT_TRUE(rx.empty());
}

}  // namespace
}  // namespace vethway
