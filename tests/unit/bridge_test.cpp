// SPDX-License-Identifier: Apache-2.0
// Bridge domains, VLANs and the ports without a wire, through the whole pipeline.
#include "dataplane/l2/bridge_forward.h"
#include "dataplane/l2/bridge_input.h"
#include "tests/unit/bridge_fixture.h"

namespace vethway {
namespace {

using namespace test;

TEST_F(BridgeTest, FloodsWhoIsUnknownAndLearnsWhoSpeaks) {
    const Bytes frame = between(1, kHostMac[2]);
    receive(frame, 1);
    EXPECT_EQ(only_sent(2), frame);
    EXPECT_EQ(only_sent(3), frame);
    expect_sent({0, 1, 1});
    EXPECT_EQ(originated(Originated::flood_copy), 1U);
    receive(between(2, kHostMac[1]), 2);
    expect_sent({1, 0, 0});
    receive(frame, 1);
    expect_sent({0, 1, 0});
    EXPECT_EQ(bridged(Bridged::learned), 1U);
    EXPECT_EQ(bridged(Bridged::flooded), 1U);
    EXPECT_EQ(bridged(Bridged::unicast), 1U);
}

TEST_F(BridgeTest, ABurstIsInOrderAndMixed) {
    std::vector<Bytes> burst;
    for (size_t i = 0; i < kBurst; ++i)
        burst.push_back(between(1,
                                i % 3 == 0   ? kHostMac[2]
                                : i % 3 == 1 ? kGroup
                                             : kHostMac[3],
                                60 + i));
    receive(between(2, kGroup), 2);
    receive(between(3, kGroup), 3);
    expect_sent({2, 1, 1});
    receive(burst, 1);
    for (const uint16_t port : std::to_array<uint16_t>({2, 3}))
        for (size_t i = 1; i < sent(port).size(); ++i)
            EXPECT_LT(sent(port)[i - 1].size(), sent(port)[i].size()) << "on port " << port;
    expect_sent({0, 22, 21});
}

TEST_F(BridgeTest, NotOutOfWhereItCame) {
    learn_all();
    receive(between(1, kHostMac[1]), 1);
    EXPECT_EQ(dropped(Drop::same_member), 2U);  // one by learn_all()
    member(1).hairpin = true;
    receive(between(1, kHostMac[1]), 1);
    expect_sent({1, 0, 0});
    receive(between(1, kGroup), 1);
    expect_sent({1, 1, 1});
}

TEST_F(BridgeTest, SplitHorizon) {
    learn_all();
    member(1).split_horizon = member(2).split_horizon = 7;
    receive(between(1, kHostMac[2]), 1);
    EXPECT_EQ(dropped(Drop::split_horizon), 1U);
    receive(between(1, kGroup), 1);
    expect_sent({0, 0, 1});
    receive(between(3, kGroup), 3);
    expect_sent({1, 1, 0});
}

TEST_F(BridgeTest, EachMemberFloodsWhatItIsTold) {
    member(2).floods = {false, true, true};
    member(3).floods = {true, false, true};
    receive(between(1, kHostMac[2]), 1);
    expect_sent({0, 0, 1});
    receive(between(1, kGroup), 1);
    expect_sent({0, 1, 0});
    receive(between(1, Mac::broadcast()), 1);
    expect_sent({0, 1, 1});
    member(2).floods = member(3).floods = {false, false, false};
    receive(between(1, kGroup), 1);
    expect_sent({0, 0, 0});
    EXPECT_EQ(dropped(Drop::flood_nowhere), 1U);
}

TEST_F(BridgeTest, StatesOfAMember) {
    l2_.set_state(1, MemberState::blocking);
    receive(between(1, kGroup), 1);
    EXPECT_EQ(dropped(Drop::l2_blocked), 1U);
    EXPECT_EQ(bridged(Bridged::learned), 0U);
    l2_.set_state(1, MemberState::learning);
    receive(between(1, kGroup), 1);
    EXPECT_EQ(dropped(Drop::l2_blocked), 2U);
    EXPECT_EQ(bridged(Bridged::learned), 1U);
    receive(between(2, kGroup), 2);
    expect_sent({0, 0, 1});
    receive(between(2, kHostMac[1]), 2);
    EXPECT_EQ(dropped(Drop::l2_blocked, 2), 1U) << "nor to it";
    l2_.set_state(1, MemberState::forwarding);
    receive(between(1, kGroup), 1);
    expect_sent({0, 1, 1});
}

TEST_F(BridgeTest, WithoutLearningAllIsFlooded) {
    member(1).learning = false;
    receive(between(1, kGroup), 1);
    receive(between(2, kHostMac[1]), 2);
    expect_sent({1, 1, 2});
}

TEST_F(BridgeTest, LimitsForwardOrDrop) {
    member(1).learn.member_limit = 1;
    receive(between(1, kGroup), 1);
    receive(between(3, kGroup), 1);  // another station
    expect_sent({0, 2, 2});
    EXPECT_EQ(bridged(Bridged::learn_limited), 1U);
    domain().drops_unlearned = true;
    receive(between(3, kGroup), 1);
    receive(between(1, kGroup), 1);
    expect_sent({0, 1, 1});
    EXPECT_EQ(dropped(Drop::learn_limit), 1U);
}

TEST_F(BridgeTest, MovesAreFollowedUnlessTooMany) {
    for (Member& m : domain().members) m.learn.moves_a_second = 2;
    for (const uint16_t at : std::to_array<uint16_t>({1, 2, 1, 2})) receive(between(3, kGroup), at);
    EXPECT_EQ(bridged(Bridged::moved, 2) + bridged(Bridged::moved, 1), 2U);
    EXPECT_EQ(bridged(Bridged::damped, 2), 1U);
    for (auto& p : ports_) p.sent.clear();
    receive(between(2, kHostMac[3]), 2);
    expect_sent({1, 0, 0});
}

TEST_F(BridgeTest, StormLimitIsPerKindAndSecond) {
    member(1).storm_pps = {0, 0, 10};
    receive(std::vector<Bytes>(30, between(1, Mac::broadcast())), 1);
    EXPECT_EQ(dropped(Drop::storm_limit), 28U) << "a tenth of a second at once, and one";
    receive(std::vector<Bytes>(20, between(1, kGroup)), 1);
    EXPECT_EQ(dropped(Drop::storm_limit), 28U);
    context_->now += kHz;
    receive(std::vector<Bytes>(30, between(1, Mac::broadcast())), 1);
    EXPECT_EQ(dropped(Drop::storm_limit), 56U);
}

// By a loop; each VLAN is told of once until it is asked for.
TEST_F(BridgeTest, OwnFramesAreKnownByVlan) {
    using Vlans = std::vector<uint16_t>;
    const Bytes ours = ethernet(kGroup, kPortMac[1], 0x9000, counting(50));
    receive(std::vector<Bytes>{ours, ours}, 1);
    EXPECT_EQ(l2_.came_back(1).take(), Vlans{0});
    EXPECT_EQ(l2_.came_back(1).take(), Vlans{});
    member(1).vlans = trunk({1, 63, 64, 4094});
    for (const uint16_t vlan : Vlans{4094, 63, 64, 63, 10}) receive(tagged(ours, vlan), 1);
    EXPECT_EQ(l2_.came_back(1).take(), (Vlans{63, 64, 4094}));
    EXPECT_EQ(l2_.came_back(2).take(), Vlans{});
    context_->dry = true;
    receive(tagged(ours, 1), 1);
    context_->dry = false;
    EXPECT_EQ(l2_.came_back(1).take(), Vlans{});
}

TEST_F(BridgeTest, WhatIsNoStation) {
    receive(ethernet(kHostMac[2], kGroup, 0x88b5, counting(50)), 1);
    receive(ethernet(kHostMac[2], Mac{}, 0x88b5, counting(50)), 1);
    EXPECT_EQ(dropped(Drop::bad_source), 2U);
    receive(ethernet(kHostMac[2], kPortMac[1], 0x88b5, counting(50)), 1);
    EXPECT_EQ(dropped(Drop::own_source), 1U);
    receive(first(between(1, kGroup), 13), 1);
    EXPECT_EQ(dropped(Drop::runt), 1U);
    expect_sent({0, 0, 0});
}

TEST_F(BridgeTest, ReservedGroups) {
    const auto to = [](uint8_t x) { return Mac{{0x01, 0x80, 0xc2, 0, 0, x}}; };
    for (uint8_t x = 0; x < 16; ++x) receive(between(1, to(x)), 1);
    EXPECT_EQ(dropped(Drop::group_reserved), 16U);
    expect_sent({0, 0, 0});
    domain().group_fwd_mask = 1U << 14;
    domain().group_punt_mask = 1U << 2 | 1U;
    for (uint8_t x = 0; x < 16; ++x) receive(between(1, to(x)), 1);
    expect_sent({0, 1, 1});
    EXPECT_EQ(consumed(Consumed::host), 2U);
    receive(between(1, to(16)), 1);
    expect_sent({0, 1, 1});
    l2_.set_state(1, MemberState::blocking);
    receive(between(1, to(0)), 1);
    EXPECT_EQ(consumed(Consumed::host), 3U) << "a bridge hears of others where it blocks";
}

TEST_F(BridgeTest, TheControlThreadSendsByAPortWhateverItsState) {
    l2_.set_state(2, MemberState::blocking);
    rte_mbuf* m = mbuf(between(1, kGroup));
    meta(*m) = {.port = 2, .egress = 2, .own = true, .inject = Inject::l2_frame};
    Burst burst;
    burst.push(m);
    pipeline_->inject(burst);
    EXPECT_EQ(originated(Originated::l2_control, 2), 1U);
    expect_sent({0, 1, 0});
}

TEST_F(BridgeTest, TooLongForAMember) {
    learn_all();
    snap_.ports[2].mtu = 500;
    receive(between(1, kHostMac[2], 519), 1);
    EXPECT_EQ(dropped(Drop::bridge_mtu), 1U);
    receive(between(1, kHostMac[2], 518), 1);  // a tag's room
    expect_sent({0, 1, 0});
    receive(between(1, kGroup, 519), 1);
    expect_sent({0, 0, 1});
}

// What was found for the first of a burst holds for the next, as long as it is true.
TEST_F(BridgeTest, ABurstToOneStation) {
    learn_all();
    snap_.ports[2].mtu = 500;
    receive({between(1, kHostMac[2], 100), between(1, kHostMac[2], 519),
             between(1, kHostMac[2], 518), between(1, kHostMac[3]), between(1, kHostMac[2], 60)},
            1);
    EXPECT_EQ(dropped(Drop::bridge_mtu), 1U);
    EXPECT_EQ(bridged(Bridged::unicast), 4U);
    expect_sent({0, 3, 1});
}

TEST_F(BridgeTest, AStationThatMovesWithinABurst) {
    learn_all();
    const Bytes to = between(1, kHostMac[2]);
    receive({to, to, between(2, kGroup), to}, 1);
    EXPECT_EQ(bridged(Bridged::moved), 1U);
    EXPECT_EQ(dropped(Drop::same_member), 2U) << "one by learn_all()";
    expect_sent({0, 3, 1});
}

TEST_F(BridgeTest, NobodysAddressIsUnknown) {
    receive({between(1, Mac{}), between(1, Mac{})}, 1);
    EXPECT_EQ(bridged(Bridged::flooded), 2U);
    expect_sent({0, 2, 2});
}

TEST_F(BridgeTest, APortThatLeftIsNotBelieved) {
    learn_all();
    snap_.ports[2].domain = kNoDomain;
    domain().members = {{.port = 1}, {.port = 3}};
    snap_.ports[3].member = 1;
    receive(between(1, kHostMac[2]), 1);
    expect_sent({0, 0, 1});
}

TEST_F(BridgeTest, WithoutBuffersAFloodIsShort) {
    receive_without_buffers(between(1, kGroup));
    EXPECT_EQ(dropped(Drop::no_buffer), 1U);
    expect_sent({0, 0, 1});
}

// Drivers that want frames for themselves get them so.
TEST_F(BridgeTest, SomePortsGetCopies) {
    snap_.ports[2].shares_mbufs = snap_.ports[3].shares_mbufs = false;
    const Bytes frame = between(1, kGroup, 1400);
    receive(frame, 1);
    EXPECT_EQ(only_sent(2), frame);
    EXPECT_EQ(only_sent(3), frame);
}

TEST_F(BridgeTest, APartialChecksumIsCompletedOnceForAll) {
    snap_.ports[1].offloads = snap_.ports[2].offloads = true;
    Ip4Packet packet{.protocol = kProtocolTcp, .payload = tcp(counting(600)), .l4 = Sum::partial};
    rte_mbuf* m = mbuf(ethernet(Mac::broadcast(), kHostMac[1], kEtherTypeIp4, packet.bytes()));
    meta(*m).offload = {.checksum = L4Checksum::partial,
                        .checksum_start = static_cast<uint16_t>(m->data_off + 34),
                        .checksum_offset = 16};
    Burst rx;
    rx.push(m);
    counters_->received(1, 1, 0);
    pipeline_->receive(rx);
    packet.l4 = Sum::valid;
    const Bytes whole = ethernet(Mac::broadcast(), kHostMac[1], kEtherTypeIp4, packet.bytes());
    EXPECT_EQ(only_sent(2), whole);
    EXPECT_EQ(only_sent(3), whole);
}

// --- The bridge's own port
TEST_F(BridgeTest, ArpOfTheBridgeIsAnsweredByWhoAsked) {
    give_own_port();
    const Bytes who = frame(ArpMessage{.target_ip = Ip4{10, 0, 9, 1}});
    receive(who, 2);
    EXPECT_EQ(only_sent(1), who) << "and the question is for all";
    EXPECT_EQ(only_sent(3), who);
    ASSERT_EQ(sent(2).size(), 1U);
    EXPECT_EQ(ether_of(sent(2)[0]).src, kOwnMac);
    EXPECT_EQ(ether_of(sent(2)[0]).dst, kHostMac[1]);
    expect_sent({1, 1, 1});
}

TEST_F(BridgeTest, RoutesBetweenTheBridgeAndAPort) {
    give_own_port();
    snap_.ports[3].domain = kNoDomain;  // a routed port
    domain().members.pop_back();
    EXPECT_TRUE(permanent(3, kHostIp[3], kHostMac[3]));
    EXPECT_TRUE(permanent(kOwn, Ip4{10, 0, 9, 2}, kHostMac[1]));
    receive(ethernet(kOwnMac, kHostMac[1], kEtherTypeIp4,
                     Ip4Packet{.src = Ip4{10, 0, 9, 2}, .dst = kHostIp[3]}.bytes()),
            1);
    EXPECT_EQ(ip4_of(only_sent(3)).ttl, 63);
    expect_sent({0, 0, 1});
    receive(ethernet(kPortMac[3], kHostMac[3], kEtherTypeIp4,
                     Ip4Packet{.src = kHostIp[3], .dst = Ip4{10, 0, 9, 2}}.bytes()),
            3);
    EXPECT_EQ(ether_of(only_sent(1)).dst, kHostMac[1]) << "known behind port 1";
    expect_sent({1, 0, 0});
    EXPECT_EQ(counters_->ports[kOwn].passed_in_packets.value(), 1U);
    EXPECT_EQ(counters_->ports[kOwn].passed_out_packets.value(), 1U);
}

TEST_F(BridgeTest, AsksAllMembersForANeighbour) {
    give_own_port();
    snap_.ports[3].domain = kNoDomain;
    domain().members.pop_back();
    receive(ethernet(kPortMac[3], kHostMac[3], kEtherTypeIp4,
                     Ip4Packet{.src = kHostIp[3], .dst = Ip4{10, 0, 9, 2}}.bytes()),
            3);
    EXPECT_EQ(held(), 1U);
    EXPECT_EQ(ether_of(only_sent(1)).type, kEtherTypeArp);
    expect_sent({1, 1, 0});
    receive(frame(ArpMessage{.operation = kArpReply,
                             .sender_mac = kHostMac[2],
                             .sender_ip = Ip4{10, 0, 9, 2},
                             .target_mac = kOwnMac,
                             .target_ip = Ip4{10, 0, 9, 1}},
                  kOwnMac),
            2);
    expect_sent({0, 1, 0});
}

// More than a batch of them at once, by the bridge's port.
TEST_F(BridgeTest, ManyPacketsByTheBridgesPort) {
    give_own_port();
    snap_.ports[3].domain = kNoDomain;
    domain().members.pop_back();
    EXPECT_TRUE(permanent(kOwn, Ip4{10, 0, 9, 2}, kHostMac[1]));
    for (int i = 0; i < 5; ++i)
        receive(
            std::vector<Bytes>(
                kBurst, ethernet(kPortMac[3], kHostMac[3], kEtherTypeIp4,
                                 Ip4Packet{.src = kHostIp[3], .dst = Ip4{10, 0, 9, 2}}.bytes())),
            3);
    expect_sent({5 * kBurst, 5 * kBurst, 0});
}

// --- VLANs
class VlanTest : public BridgeTest {
protected:
    // 1: access of 10; 2: access of 20; 3: trunk of 10 and 20.
    VlanTest() {
        member(1).vlans = access(10);
        member(2).vlans = access(20);
        member(3).vlans = trunk({10, 20});
    }
};

TEST_F(VlanTest, AccessToTrunkAndBack) {
    const Bytes frame = between(1, kGroup, 700);
    receive(frame, 1);
    EXPECT_EQ(only_sent(3), tagged(frame, 10));
    expect_sent({0, 0, 1});
    receive(tagged(between(3, kHostMac[1]), 0xa00a), 3);  // with a priority
    EXPECT_EQ(only_sent(1), between(3, kHostMac[1]));
    expect_sent({1, 0, 0});
    receive(tagged(between(3, kHostMac[1]), 20), 3);
    expect_sent({0, 1, 0});
    receive(tagged(between(3, kGroup), 30), 3);
    receive(between(3, kGroup), 3);
    EXPECT_EQ(dropped(Drop::vlan_refused, 3), 2U) << "a VLAN not carried, and none";
}

TEST_F(VlanTest, AccessTakesNoTags) {
    receive(tagged(between(1, kGroup), 10), 1);
    EXPECT_EQ(dropped(Drop::vlan_refused), 1U);
    receive(tagged(between(1, kGroup), 0xe000), 1);  // VLAN 0 is a priority
    EXPECT_EQ(only_sent(3), tagged(between(1, kGroup), 0xe00a));
}

TEST_F(VlanTest, NativeAndTranslated) {
    auto map = trunk({10});
    map->untagged = 20;
    map->to_wire[20] = VlanMap::kUntagged;
    map->from_wire[20] = 20;
    map->from_wire[100] = 30;
    map->to_wire[30] = 100;
    member(3).vlans = map;
    member(2).vlans = access(30);
    receive(between(3, kGroup), 3);
    expect_sent({0, 0, 0});  // nobody else is in 20
    EXPECT_EQ(dropped(Drop::flood_nowhere, 3), 1U);
    member(1).vlans = access(20);
    receive(between(1, kGroup), 1);
    EXPECT_EQ(only_sent(3), between(1, kGroup));
    ports_[3].sent.clear();
    receive(tagged(between(3, kGroup), 100), 3);
    expect_sent({0, 1, 0});
    receive(between(2, kHostMac[3]), 2);
    EXPECT_EQ(only_sent(3), tagged(between(2, kHostMac[3]), 100));
}

// A frame that goes both with and without a tag: each gets its own.
TEST_F(VlanTest, AFloodWithSeveralTags) {
    member(2).vlans = access(10);
    auto other = trunk({});
    other->tpid = kEtherTypeQinq;
    other->from_wire[7] = 10;
    other->to_wire[10] = 7;
    member(1).vlans = trunk({10});
    member(3).vlans = other;
    for (const size_t size : {60U, 300U, 1500U}) {
        for (auto& p : ports_) p.sent.clear();
        member(1).hairpin = true;
        const Bytes frame = between(1, kGroup, size);
        receive(tagged(frame, 10), 1);
        EXPECT_EQ(only_sent(1), tagged(frame, 10));
        EXPECT_EQ(only_sent(2), frame);
        EXPECT_EQ(only_sent(3), tagged(frame, 7, kEtherTypeQinq));
    }
}

// With a tag, too: none of its segments is anybody else's.
TEST_F(VlanTest, ATaggedCopyForWhoWantsItsOwn) {
    for (uint16_t p = 1; p <= kPorts; ++p) snap_.ports[p].shares_mbufs = false;
    member(2).vlans = access(10);
    const Bytes frame = between(1, kGroup, 1500);
    ports_[3].wants_own = ports_[2].wants_own = true;
    receive(frame, 1);
    EXPECT_EQ(only_sent(2), frame);
    EXPECT_EQ(only_sent(3), tagged(frame, 10));
}

// 802.1ad: the customer's tag is payload.
TEST_F(VlanTest, QinQ) {
    auto customer = access(10), provider = trunk({10});
    customer->tpid = provider->tpid = kEtherTypeQinq;
    member(1).vlans = customer;
    member(3).vlans = provider;
    const Bytes inner = tagged(between(1, kGroup), 77);
    receive(inner, 1);
    EXPECT_EQ(only_sent(3), tagged(inner, 10, kEtherTypeQinq));
    receive(tagged(tagged(between(3, kHostMac[1]), 78), 10, kEtherTypeQinq), 3);
    EXPECT_EQ(only_sent(1), tagged(between(3, kHostMac[1]), 78));
    receive(tagged(between(3, kGroup), 10), 3);
    EXPECT_EQ(dropped(Drop::vlan_refused, 3), 1U) << "802.1Q's tag is none here";
}

TEST_F(VlanTest, ABurstToOneStationIsTaggedAndUntagged) {
    receive(tagged(between(3, kGroup), 10), 3);
    receive(tagged(between(3, kGroup), 20), 3);
    for (auto& p : ports_) p.sent.clear();
    const Bytes out = between(1, kHostMac[3], 300);
    receive({out, out, out}, 1);
    for (const Bytes& frame : sent(3)) EXPECT_EQ(frame, tagged(out, 10));
    receive(between(2, kHostMac[3]), 2);
    expect_sent({0, 0, 4});
    // And of two VLANs by turns.
    const Bytes first_in = between(3, kHostMac[1], 300), second_in = between(3, kHostMac[2], 400);
    receive({tagged(first_in, 10), tagged(second_in, 20), tagged(first_in, 10),
             tagged(between(3, kHostMac[1]), 20)},
            3);
    EXPECT_EQ(sent(1).at(1), first_in);
    EXPECT_EQ(sent(2).at(0), second_in);
    EXPECT_EQ(sent(2).at(1), between(3, kHostMac[1])) << "unknown in VLAN 20";
    expect_sent({2, 2, 0});
}

// By one member, of two VLANs, one of which has no tag there.
TEST_F(VlanTest, ABurstOfTwoVlansByOneMember) {
    auto with_native = std::make_shared<VlanMap>(*trunk({10, 20}));
    with_native->untagged = 20;
    with_native->to_wire[20] = VlanMap::kUntagged;
    member(2).vlans = with_native;
    receive({between(2, kGroup), tagged(between(2, kGroup), 10)}, 2);
    for (auto& p : ports_) p.sent.clear();
    const Bytes to = between(3, kHostMac[2]);
    receive({tagged(to, 20), tagged(to, 10), tagged(to, 20), tagged(to, 10)}, 3);
    for (const size_t i : {0U, 2U}) EXPECT_EQ(sent(2).at(i), to);
    for (const size_t i : {1U, 3U}) EXPECT_EQ(sent(2).at(i), tagged(to, 10));
    expect_sent({0, 4, 0});
}

TEST_F(VlanTest, StationsOfTwoVlansDontMeet) {
    receive(tagged(between(3, kGroup), 10), 3);
    receive(tagged(between(1, kGroup), 20), 3);  // the MAC of a host of VLAN 10
    receive(between(1, kGroup), 1);
    EXPECT_EQ(bridged(Bridged::moved) + bridged(Bridged::moved, 3), 0U);
    EXPECT_EQ(l2_.fdb.find(FdbKey{0, 10, kHostMac[1]}.packed()), 1);
    EXPECT_EQ(l2_.fdb.find(FdbKey{0, 20, kHostMac[1]}.packed()), 3);
}

TEST_F(VlanTest, OwnPortOfAVlan) {
    give_own_port(20);
    const Bytes who = frame(ArpMessage{.target_ip = Ip4{10, 0, 9, 1}});
    receive(who, 1);  // VLAN 10 has none
    EXPECT_EQ(originated(Originated::arp_reply, kOwn), 0U);
    expect_sent({0, 0, 1});
    receive(tagged(who, 20), 3);
    EXPECT_EQ(only_sent(2), who);
    ASSERT_EQ(sent(3).size(), 1U);
    EXPECT_EQ(from(first(sent(3)[0], 18), 12), octets({0x81, 0, 0, 20, 0x08, 0x06}));
}

// --- VLANs' ports
class SubPortTest : public StageTest {
protected:
    // Port 4 is VLAN 100 of port 1, port 5 VLAN 7 (802.1Q) of port 4.
    SubPortTest() {
        snap_.any_l2 = true;
        add(4, 1, 100, kEtherTypeVlan, Ip4{10, 0, 4, 1});
        add(5, 4, 7, kEtherTypeVlan, Ip4{10, 0, 5, 1});
        know_hosts();
        EXPECT_TRUE(permanent(4, Ip4{10, 0, 4, 2}, kHostMac[1]));
        EXPECT_TRUE(permanent(5, Ip4{10, 0, 5, 2}, kHostMac[1]));
    }
    void add(uint16_t index, uint16_t parent, uint16_t vlan, uint16_t tpid, Ip4 ip) {
        snap_.ports.push_back({.up = true,
                               .mtu = 1500,
                               .mac = kPortMac[1],
                               .addresses = {{ip, 24}},
                               .kind = PortKind::vlan,
                               .parent = parent,
                               .vlan = vlan,
                               .tpid = tpid});
        auto above = std::make_shared<SubPorts>();
        above->dot1q[vlan] = index;
        snap_.ports[parent].sub_ports = above;
        snap_.own.add(ip);
        const std::string net = "10.0." + std::to_string(index);
        route((net + ".0/24").c_str(), RouteType::forward, {{index, {}, UINT32_MAX}});
        route((net + ".1").c_str(), RouteType::local, {{index, {}, UINT32_MAX}});
    }
    static Bytes tagged(const Bytes& plain, std::initializer_list<uint16_t> vlans) {
        Bytes tags;
        for (const uint16_t v : vlans)
            tags = join(tags, as_bytes(VlanTag{.tpid = kEtherTypeVlan, .tci = v}));
        return join(join(first(plain, 12), tags), vethway::test::from(plain, 12));
    }
};

TEST_F(SubPortTest, RoutesOutWithTags) {
    receive(frame(Ip4Packet{.src = kHostIp[2], .dst = Ip4{10, 0, 4, 2}}, 2), 2);
    receive(frame(Ip4Packet{.src = kHostIp[2], .dst = Ip4{10, 0, 5, 2}}, 2), 2);
    ASSERT_EQ(sent(1).size(), 2U);
    EXPECT_EQ(from(first(sent(1)[0], 18), 12), octets({0x81, 0, 0, 100, 8, 0}));
    EXPECT_EQ(from(first(sent(1)[1], 22), 12), octets({0x81, 0, 0, 100, 0x81, 0, 0, 7, 8, 0}));
    EXPECT_EQ(counters_->ports[4].passed_out_packets.value(), 2U);
}

TEST_F(SubPortTest, TakesWhatHasItsTags) {
    const Ip4Packet packet{.src = Ip4{10, 0, 4, 2}, .dst = kHostIp[2]};
    receive(tagged(frame(packet), {100}), 1);
    EXPECT_TRUE(is_valid_ip4_frame(only_sent(2)));
    ports_[2].sent.clear();
    receive(tagged(frame(Ip4Packet{.src = Ip4{10, 0, 5, 2}, .dst = kHostIp[2]}), {100, 7}), 1);
    EXPECT_TRUE(is_valid_ip4_frame(only_sent(2)));
    receive(tagged(frame(packet), {101}), 1);
    EXPECT_EQ(dropped(Drop::vlan_unknown), 1U);
    receive(tagged(frame(packet), {100, 8}), 1);
    EXPECT_EQ(dropped(Drop::vlan_unknown, 4), 1U);
    EXPECT_EQ(counters_->ports[4].passed_in_packets.value(), 3U);
    snap_.ports[5].up = false;
    receive(tagged(frame(packet), {100, 7}), 1);
    EXPECT_EQ(dropped(Drop::ingress_down, 5), 1U);
    snap_.ports[4].up = false;
    receive(frame(Ip4Packet{.src = kHostIp[2], .dst = Ip4{10, 0, 4, 2}}, 2), 2);
    EXPECT_EQ(dropped(Drop::egress_down, 2), 1U);
}

TEST_F(SubPortTest, AnswersArpWithItsTags) {
    receive(tagged(frame(ArpMessage{.sender_ip = Ip4{10, 0, 5, 2}, .target_ip = Ip4{10, 0, 5, 1}}),
                   {100, 7}),
            1);
    EXPECT_EQ(from(first(only_sent(1), 22), 12), octets({0x81, 0, 0, 100, 0x81, 0, 0, 7, 8, 6}));
}

// Frames without a tag are the port's own, as before.
TEST_F(SubPortTest, ThePortBelowGoesOn) {
    receive(frame(Ip4Packet{}), 1);
    EXPECT_TRUE(is_valid_ip4_frame(only_sent(2)));
}

// A VLAN of a port as a member of a bridge.
TEST_F(SubPortTest, AsAMemberOfABridge) {
    snap_.domains.resize(1);
    for (const uint16_t p : std::to_array<uint16_t>({4, 3})) {
        snap_.ports[p].domain = 0;
        snap_.ports[p].member = static_cast<uint16_t>(snap_.domains[0].members.size());
        snap_.ports[p].shares_mbufs = true;
        snap_.ports[p].mtu = 1500;
        snap_.domains[0].members.push_back({.port = p});
        l2_.set_state(p, MemberState::forwarding);
    }
    const Bytes plain = ethernet(Mac::broadcast(), kHostMac[1], 0x88b5, counting(400));
    receive(tagged(plain, {100}), 1);
    EXPECT_EQ(only_sent(3), plain);
    const Bytes back = ethernet(kHostMac[1], kHostMac[3], 0x88b5, counting(400));
    receive(back, 3);
    EXPECT_EQ(only_sent(1), tagged(back, {100}));
    // A burst of the port below has frames of it and frames that are not.
    ports_[3].sent.clear();
    const Bytes routed = frame(Ip4Packet{});
    receive({tagged(plain, {100}), routed, tagged(plain, {100}), routed, routed}, 1);
    EXPECT_EQ(sent(3).size(), 2U);
    EXPECT_EQ(sent(2).size(), 3U);
}

}  // namespace
}  // namespace vethway
