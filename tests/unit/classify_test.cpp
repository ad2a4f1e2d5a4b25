// SPDX-License-Identifier: Apache-2.0
#include "dataplane/classify.h"

#include "tests/unit/stage_fixture.h"

namespace vethway {
namespace {

using namespace test;

constexpr Mac kOther{{0x06, 0, 0, 0, 0, 0x77}}, kGroup{{0x01, 0, 0x5e, 0, 0, 1}};

struct Case {
    const char* name;
    Mac dst, src;
    uint16_t type;
    FrameKind kind;
    Drop why = Drop::none;
    bool link_group = false;
};
class ClassifyFrame : public testing::TestWithParam<Case> {};
TEST_P(ClassifyFrame, Verdict) {
    const Case& c = GetParam();
    const FrameClass is = classify_frame(ethernet(c.dst, c.src, c.type, {}), kPortMac[1]);
    EXPECT_EQ(is.kind, c.kind);
    EXPECT_EQ(is.why, c.why);
    EXPECT_EQ(is.link_group, c.link_group);
}
// clang-format off
constexpr auto kDropped = FrameKind::dropped;
INSTANTIATE_TEST_SUITE_P(Frames, ClassifyFrame, testing::Values(
    Case{"ip4",             kPortMac[1],      kHostMac[1], 0x0800, FrameKind::ip4},
    Case{"arp",             kPortMac[1],      kHostMac[1], 0x0806, FrameKind::arp},
    Case{"ip4_broadcast",   Mac::broadcast(), kHostMac[1], 0x0800, FrameKind::ip4, Drop::none, true},
    Case{"ip4_multicast",   kGroup,           kHostMac[1], 0x0800, FrameKind::ip4, Drop::none, true},
    Case{"arp_broadcast",   Mac::broadcast(), kHostMac[1], 0x0806, FrameKind::arp, Drop::none, true},
    Case{"other_station",   kOther,           kHostMac[1], 0x0800, kDropped, Drop::not_for_us},
    Case{"other_port",      kPortMac[2],      kHostMac[1], 0x0800, kDropped, Drop::not_for_us},
    Case{"own_source",      kPortMac[1],      kPortMac[1], 0x0800, kDropped, Drop::own_source},
    Case{"own_broadcast",   Mac::broadcast(), kPortMac[1], 0x0806, kDropped, Drop::own_source},
    Case{"own_to_other",    kOther,           kPortMac[1], 0x0800, kDropped, Drop::own_source},
    Case{"vlan",            kPortMac[1],      kHostMac[1], 0x8100, kDropped, Drop::vlan_unknown},
    Case{"qinq",            kPortMac[1],      kHostMac[1], 0x88a8, kDropped, Drop::vlan_unknown},
    Case{"ip6",             kPortMac[1],      kHostMac[1], 0x86dd, kDropped, Drop::ip6},
    Case{"ip6_multicast",   kGroup,           kHostMac[1], 0x86dd, kDropped, Drop::ip6},
    Case{"lldp",            kGroup,           kHostMac[1], 0x88cc, kDropped, Drop::ethertype_unknown},
    Case{"length_802_3",    kPortMac[1],      kHostMac[1], 0x0026, kDropped, Drop::ethertype_unknown},
    Case{"byte_swapped",    kPortMac[1],      kHostMac[1], 0x0008, kDropped, Drop::ethertype_unknown}),
    [](const auto& c) { return c.param.name; });
// clang-format on

TEST(ClassifyFrameBytes, AnythingShorterThanItsHeaderIsARunt) {
    const Bytes whole = ethernet(kPortMac[1], kHostMac[1], kEtherTypeIp4, {});
    for (size_t size = 0; size < whole.size(); ++size)
        EXPECT_EQ(classify_frame(first(whole, size), kPortMac[1]).why, Drop::runt) << size;
}

class ClassifyTest : public StageTest, public testing::WithParamInterface<size_t> {};

TEST_P(ClassifyTest, EveryPacketEndsInOnePlace) {
    const Bytes kinds[] = {frame(Ip4Packet{}), frame(ArpMessage{}),
                           ethernet(kOther, kHostMac[1], kEtherTypeIp4, {}), Bytes(3),
                           ethernet(Mac::broadcast(), kHostMac[1], kEtherTypeIp4, {})};
    Burst rx, arp, ip4;
    for (size_t i = 0; i < GetParam(); ++i) rx.push(mbuf(kinds[i % 5]));
    counters_->received(1, rx.size(), 0);
    classify(*context_, rx, {.arp = arp, .ip4 = ip4});
    EXPECT_TRUE(rx.empty());
    const size_t n = GetParam();
    EXPECT_EQ(ip4.size(), (n + 4) / 5 + n / 5);
    EXPECT_EQ(arp.size(), (n + 3) / 5);
    EXPECT_EQ(dropped(Drop::not_for_us), (n + 2) / 5);
    EXPECT_EQ(dropped(Drop::runt), (n + 1) / 5);
    for (uint16_t i = 0; i < ip4.size(); ++i) {
        EXPECT_EQ(meta(*ip4[i]).l3_offset, sizeof(EtherHeader));
        EXPECT_EQ(meta(*ip4[i]).link_group, i % 2 == 1);
    }
    for (Burst* out : {&arp, &ip4})
        for (rte_mbuf* m : *out) drops_.add(m, Drop::none);
}
// Tags of VLAN 0, of either kind and one within the other, are taken off; any other VLAN is not
// ours.
class PriorityTag : public StageTest {
protected:
    // A frame whose type is followed by `tags` ("type, tag" each but the last type) and `l3`.
    uint16_t taken(std::initializer_list<uint8_t> tags, const Bytes& l3) {
        Burst rx, arp, ip4;
        rx.push(mbuf(ethernet(kPortMac[1], kHostMac[1], kEtherTypeVlan, join(octets(tags), l3))));
        counters_->received(1, 1, 0);
        classify(*context_, rx, {.arp = arp, .ip4 = ip4});
        for (rte_mbuf* m : ip4) {
            EXPECT_EQ(ether(*m).dst, kPortMac[1]);
            EXPECT_EQ(ether(*m).src, kHostMac[1]);
            const auto bytes = l3_bytes(*m);
            EXPECT_EQ(Bytes(bytes.begin(), bytes.end()), l3);
        }
        for (Burst* out : {&arp, &ip4})
            for (rte_mbuf* m : *out) drops_.add(m, Drop::none);
        return ip4.size();
    }
};

TEST_F(PriorityTag, IsTakenOff) {
    const Bytes packet = Ip4Packet{}.bytes();
    EXPECT_EQ(taken({0x00, 0x00, 0x08, 0x00}, packet), 1);
    EXPECT_EQ(taken({0xe0, 0x00, 0x08, 0x00}, packet), 1) << "priority 7";
    EXPECT_EQ(taken({0x00, 0x00, 0x88, 0xa8, 0x20, 0x00, 0x08, 0x00}, packet), 1);
}

TEST_F(PriorityTag, OtherVlansStay) {
    const Bytes packet = Ip4Packet{}.bytes();
    EXPECT_EQ(taken({0x00, 0x0a, 0x08, 0x00}, packet), 0);
    EXPECT_EQ(taken({0x00, 0x00, 0x81, 0x00, 0x00, 0x01, 0x08, 0x00}, packet), 0);
    EXPECT_EQ(dropped(Drop::vlan_unknown), 2U);
}

TEST_F(PriorityTag, CutShort) {
    EXPECT_EQ(taken({}, {}), 0);
    EXPECT_EQ(taken({0x00}, {}), 0);
    EXPECT_EQ(taken({0x00, 0x00, 0x08}, {}), 0);
    EXPECT_EQ(dropped(Drop::vlan_unknown), 3U);
    EXPECT_EQ(taken({0x00, 0x00, 0x08, 0x00}, {}), 1) << "a header without a packet: ip4_input's";
}

INSTANTIATE_TEST_SUITE_P(Bursts, ClassifyTest, testing::Values(0, 1, 3, 31, 32));

}  // namespace
}  // namespace vethway
