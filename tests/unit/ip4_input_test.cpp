// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ip4/ip4_input.h"

#include "tests/unit/stage_fixture.h"

namespace vethway {
namespace {

using namespace test;

struct Case {
    const char* name;
    Ip4Packet packet;
    Drop want;
};
class CheckIp4 : public testing::TestWithParam<Case> {};
TEST_P(CheckIp4, Verdict) {
    const Bytes bytes = GetParam().packet.bytes();
    EXPECT_EQ(check_ip4(bytes, bytes.size()), GetParam().want);
}
// clang-format off
INSTANTIATE_TEST_SUITE_P(Header, CheckIp4, testing::Values(
    Case{"valid",            {},                                        Drop::none},
    Case{"padded",           {.padding = 30},                           Drop::none},
    Case{"options_40",       {.options = Bytes(40)},                    Drop::none},
    Case{"no_payload",       {.payload = {}},                           Drop::none},
    Case{"ttl_0",            {.ttl = 0},                                Drop::none},
    Case{"empty",            {.cut_to = 0},                             Drop::ip4_short},
    Case{"one_byte",         {.cut_to = 1},                             Drop::ip4_short},
    Case{"header_cut",       {.cut_to = 19},                            Drop::ip4_short},
    Case{"header_only",      {.cut_to = 20},                            Drop::ip4_short},
    Case{"one_short",        {.cut_to = 45},                            Drop::ip4_short},
    Case{"options_cut",      {.options = Bytes(40), .cut_to = 59},      Drop::ip4_short},
    Case{"ihl_past_frame",   {.version_ihl = 0x4f},                     Drop::ip4_short},
    Case{"ihl_past_total",   {.version_ihl = 0x46, .payload = {}, .padding = 40}, Drop::ip4_short},
    Case{"total_past_frame", {.total_length = 47},                      Drop::ip4_short},
    Case{"total_in_header",  {.total_length = 19},                      Drop::ip4_short},
    Case{"total_0",          {.total_length = 0},                       Drop::ip4_short},
    Case{"total_65535",      {.total_length = 65535},                   Drop::ip4_short},
    Case{"version_6",        {.version_ihl = 0x65},                     Drop::ip4_version},
    Case{"version_0",        {.version_ihl = 0x05},                     Drop::ip4_version},
    Case{"ihl_4",            {.version_ihl = 0x44},                     Drop::ip4_version},
    Case{"ihl_0",            {.version_ihl = 0x40},                     Drop::ip4_version},
    Case{"checksum_0",       {.checksum = 0},                           Drop::ip4_checksum},
    Case{"checksum_off",     {.checksum = 0x1234},                      Drop::ip4_checksum}),
    [](const auto& c) { return c.param.name; });
INSTANTIATE_TEST_SUITE_P(Rfc1812Martians, CheckIp4, testing::Values(
    Case{"src_0",            {.src = {}},                         Drop::martian_source},
    Case{"src_0_8",          {.src = {0, 1, 2, 3}},               Drop::martian_source},
    Case{"src_loopback",     {.src = {127, 0, 0, 1}},             Drop::martian_source},
    Case{"src_multicast",    {.src = {224, 0, 0, 9}},             Drop::martian_source},
    Case{"src_multicast_end", {.src = {239, 255, 255, 255}},      Drop::martian_source},
    Case{"src_class_e",      {.src = {240, 0, 0, 1}},             Drop::martian_source},
    Case{"src_broadcast",    {.src = {255, 255, 255, 255}},       Drop::martian_source},
    Case{"src_223",          {.src = {223, 255, 255, 255}},       Drop::none},
    Case{"src_1",            {.src = {1, 0, 0, 0}},               Drop::none},
    Case{"src_link_local",   {.src = {169, 254, 1, 1}},           Drop::none},
    Case{"dst_0",            {.dst = {}},                         Drop::martian_destination},
    Case{"dst_0_8",          {.dst = {0, 255, 255, 255}},         Drop::martian_destination},
    Case{"dst_loopback",     {.dst = {127, 255, 0, 1}},           Drop::martian_destination},
    Case{"dst_class_e",      {.dst = {250, 0, 0, 1}},             Drop::martian_destination},
    Case{"dst_multicast",    {.dst = {224, 0, 0, 5}},             Drop::multicast},
    Case{"dst_multicast_end", {.dst = {239, 255, 255, 255}},      Drop::multicast},
    Case{"dst_broadcast",    {.dst = {255, 255, 255, 255}},       Drop::broadcast},
    Case{"dst_126",          {.dst = {126, 255, 255, 255}},       Drop::none},
    Case{"dst_128",          {.dst = {128, 0, 0, 0}},             Drop::none},
    Case{"both",             {.src = {127, 0, 0, 1}, .dst = {224, 0, 0, 1}}, Drop::martian_source}),
    [](const auto& c) { return c.param.name; });
// clang-format on

TEST(CheckIp4Bytes, AnyShorterFrameIsShort) {
    const Bytes whole = Ip4Packet{.options = Bytes(8), .payload = udp(counting(3))}.bytes();
    for (size_t size = 0; size < whole.size(); ++size)
        EXPECT_EQ(check_ip4(first(whole, size), size), Drop::ip4_short) << size;
}

TEST(CheckIp4Bytes, AnyBitOfTheHeaderFlippedIsFound) {
    const Bytes whole = Ip4Packet{.options = octets({1, 1, 1, 0})}.bytes();
    for (size_t bit = 0; bit < 24 * 8; ++bit) {
        Bytes bytes = whole;
        bytes[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
        EXPECT_NE(check_ip4(bytes, bytes.size()), Drop::none) << "bit " << bit;
    }
}

class Ip4InputTest : public StageTest {};

TEST_F(Ip4InputTest, TrimsWhatEthernetPadded) {
    Burst in, out;
    in.push(mbuf(frame(Ip4Packet{.payload = {}, .padding = 26})));
    meta(*in[0]).l3_offset = sizeof(EtherHeader);
    counters_->received(1, 1, 0);
    ip4_input(*context_, in, out);
    EXPECT_TRUE(in.empty());
    ASSERT_EQ(out.size(), 1);
    EXPECT_EQ(out[0]->data_len, 34);
    EXPECT_EQ(out[0]->pkt_len, 34U);
    drops_.add(out[0], Drop::none);
}

TEST_F(Ip4InputTest, PaddingIsNotForwarded) {
    know_hosts();
    receive(frame(Ip4Packet{.payload = udp({}), .padding = 18}));
    EXPECT_EQ(only_sent(2).size(), 42U);
}

TEST_F(Ip4InputTest, OurOwnAddressAsSourceIsMartianUnlessAccepted) {
    know_hosts();
    knob(2, PortKnob::accept_local, 1);
    receive(frame(Ip4Packet{.src = kPortIp[1]}));
    receive(frame(Ip4Packet{.src = kPortIp[3]}));
    EXPECT_EQ(dropped(Drop::martian_source), 2U);
    receive(frame(Ip4Packet{.src = kPortIp[1], .dst = kHostIp[1]}, 2), 2);
    EXPECT_EQ(dropped(Drop::martian_source, 2), 0U);
    EXPECT_EQ(sent(1).size(), 1U);
}

TEST_F(Ip4InputTest, NothingIsSaidAboutMartians) {
    know_hosts();
    receive({frame(Ip4Packet{.ttl = 1, .src = {127, 0, 0, 1}}),
             frame(Ip4Packet{.src = {224, 0, 0, 1}, .dst = {99, 0, 0, 1}}),
             frame(Ip4Packet{.dst = {240, 0, 0, 1}})});
    EXPECT_EQ(dropped(Drop::martian_source), 2U);
    EXPECT_EQ(dropped(Drop::martian_destination), 1U);
    EXPECT_EQ(originated(Originated::icmp_error), 0U);
}

class Ip4InputBurstTest : public StageTest, public testing::WithParamInterface<size_t> {};
TEST_P(Ip4InputBurstTest, EveryPacketEndsInOnePlace) {
    Burst in, out;
    for (size_t i = 0; i < GetParam(); ++i) {
        Ip4Packet packet{.id = static_cast<uint16_t>(i)};
        if (i % 3 == 2) packet.checksum = uint16_t{0};
        in.push(mbuf(frame(packet)));
        meta(*in[i]).l3_offset = sizeof(EtherHeader);
    }
    counters_->received(1, in.size(), 0);
    ip4_input(*context_, in, out);
    EXPECT_TRUE(in.empty());
    EXPECT_EQ(dropped(Drop::ip4_checksum), GetParam() / 3);
    EXPECT_EQ(out.size() + GetParam() / 3, GetParam());
    uint16_t id = 0;
    for (rte_mbuf* m : out) {
        EXPECT_EQ(ip4(*m).id, id) << "order";
        id = static_cast<uint16_t>(id + (id % 3 == 1 ? 2 : 1));
        drops_.add(m, Drop::none);
    }
}
INSTANTIATE_TEST_SUITE_P(Bursts, Ip4InputBurstTest, testing::Values(0, 1, 3, 31, 32));

}  // namespace
}  // namespace vethway
