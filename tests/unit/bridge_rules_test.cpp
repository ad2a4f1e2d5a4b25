// SPDX-License-Identifier: Apache-2.0
// What a bridge knows of IP, from the configuration through the whole pipeline: guards, ARP
// suppression, groups. Ports 1 to 3 are called p1 to p3.
#include "control/bridge_rules.h"

#include "dataplane/l2/groups.h"
#include "tests/unit/bridge_fixture.h"

namespace vethway {
namespace {

using namespace test;

constexpr Mac kStranger{{0x06, 0, 0, 0, 0, 0x99}};
constexpr Ip4 kIp[] = {{}, {10, 0, 9, 11}, {10, 0, 9, 12}, {10, 0, 9, 13}};  // of hosts 1 to 3

class RulesTest : public BridgeTest {
protected:
    RulesTest() {
        for (const char* name : {"p1", "p2", "p3"}) config_.members.push_back({.port = name});
    }
    MemberConfig& config(uint16_t port) { return config_.members[port - 1U]; }
    void bind(size_t host, const std::string& port, uint16_t vlan = 0) {
        config_.bindings.push_back({kIp[host], kHostMac[host], port, vlan});
    }
    void group(const char* group, const std::vector<std::string>& ports, uint16_t vlan = 0) {
        config_.groups.push_back({*MulticastGroup::parse(group), ports, vlan});
    }
    void apply() {
        const auto index_of = [](const std::string& name) {
            const auto port = static_cast<uint16_t>(name.back() - '0');
            return port <= kPorts ? port : kNoPort;
        };
        add_bridge_rules(config_, index_of, config_.multicast_snooping ? &learned_ : nullptr, rcu_,
                         domain());
    }
    static Bytes ask(size_t from, Ip4 target) {
        return frame(
            ArpMessage{.sender_mac = kHostMac[from], .sender_ip = kIp[from], .target_ip = target});
    }
    BridgeConfig config_;
    SnooperStatus learned_;
};

// --- Guards
TEST_F(RulesTest, WhatIsRefusedTeachesNothing) {
    config(1).source_guard = true;
    bind(1, "p1");
    apply();
    receive(between(2, kGroup), 1);
    EXPECT_EQ(dropped(Drop::source_guard), 1U);
    EXPECT_EQ(l2_.fdb.find(FdbKey{0, 0, kHostMac[2]}.packed()), kNoPort);
    expect_sent({0, 0, 0});
    receive(between(1, kGroup), 1);
    expect_sent({0, 1, 1});
    receive(between(2, kGroup), 2);  // whose member has none
    expect_sent({1, 0, 1});
}

TEST_F(RulesTest, AWhatIfIsRefusedTheSame) {
    config(1).macs = {kHostMac[1]};
    apply();
    context_->dry = true;
    receive(between(2, kGroup), 1);
    EXPECT_EQ(dropped(Drop::mac_guard), 1U);
    EXPECT_EQ(l2_.fdb.learned_in(0), 0U);
}

TEST_F(RulesTest, ProtocolsOfTheLinkGoOnAndTeachNothing) {
    config(1).macs = {kHostMac[1]};
    apply();
    domain().group_punt_mask = 1;
    receive(ethernet(Mac{{0x01, 0x80, 0xc2, 0, 0, 0}}, kStranger, 0x27, counting(46)), 1);
    EXPECT_EQ(consumed(Consumed::host), 1U);
    EXPECT_EQ(l2_.fdb.learned_in(0), 0U);
}

TEST_F(RulesTest, BindingsAreOfAVlan) {
    member(1).vlans = trunk({10, 20});
    member(2).vlans = member(3).vlans = trunk({10, 20});
    config(1).arp_guard = true;
    config(1).trunk = {{10, 20}};
    bind(1, "p1", 10);
    apply();
    receive(tagged(ask(1, kIp[2]), 10), 1);
    expect_sent({0, 1, 1});
    receive(tagged(ask(1, kIp[2]), 0xa014), 1);
    EXPECT_EQ(dropped(Drop::arp_guard), 1U);
    // A tag behind the domain's own hides nothing.
    receive(tagged(tagged(ask(1, kIp[2]), 10), 10), 1);
    expect_sent({0, 1, 1});
    const Bytes forged = frame(ArpMessage{.sender_ip = kIp[2], .target_ip = kIp[3]});
    receive(tagged(tagged(forged, 10), 10), 1);
    EXPECT_EQ(dropped(Drop::arp_guard), 2U);
    expect_sent({0, 0, 0});
}

// A binding to a member that is still to come lets nobody else in meanwhile.
TEST_F(RulesTest, AMemberToCome) {
    config(1).source_guard = true;
    bind(1, "p9");
    apply();
    receive(between(1, kGroup), 1);
    EXPECT_EQ(dropped(Drop::source_guard), 1U);
}

// Only the frame's first segment is looked at, where the headers of a super-frame are.
TEST_F(RulesTest, OfASuperFrameTheHeaders) {
    config(1).source_guard = true;
    bind(1, "p1");
    apply();
    for (auto& port : snap_.ports) port.offloads = port.super_frames = true;
    for (const Ip4 src : {kIp[1], kIp[2]}) {
        const Ip4Packet packet{
            .protocol = kProtocolTcp, .src = src, .dst = kIp[2], .payload = tcp(counting(40'000))};
        rte_mbuf* m = mbuf(ethernet(kGroup, kHostMac[1], kEtherTypeIp4, packet.bytes()));
        meta(*m).offload = {.checksum = L4Checksum::good, .gso = Gso::tcp4, .gso_size = 1000};
        Burst rx;
        rx.push(m);
        counters_->received(1, 1, 0);
        pipeline_->receive(rx);
    }
    EXPECT_EQ(dropped(Drop::source_guard), 1U);
    expect_sent({0, 1, 1});
}

// --- ARP suppression: who is behind 2 is answered for.
class SuppressTest : public RulesTest {
protected:
    SuppressTest() {
        config(2).neigh_suppress = true;
        bind(2, "");
        apply();
        learn_all();
    }
    static Bytes answer(size_t from, Ip4 asked, const Mac& mac) {
        return ethernet(kHostMac[from], mac, kEtherTypeArp,
                        ArpMessage{.operation = kArpReply,
                                   .sender_mac = mac,
                                   .sender_ip = asked,
                                   .target_mac = kHostMac[from],
                                   .target_ip = kIp[from]}
                            .bytes());
    }
    uint64_t suppressed(uint16_t port = 1) const { return bridged(Bridged::suppressed, port); }
};

TEST_F(SuppressTest, AnswersForWhoIsKnown) {
    receive(ask(1, kIp[2]), 1);
    EXPECT_EQ(only_sent(1), answer(1, kIp[2], kHostMac[2]));
    expect_sent({1, 0, 1});
    EXPECT_EQ(suppressed(), 1U);
    EXPECT_EQ(originated(Originated::arp_reply), 1U);
}

TEST_F(SuppressTest, IsAllThatBecomesOfItWhereNobodyElseIs) {
    snap_.ports[3].up = false;
    receive(ask(1, kIp[2]), 1);
    EXPECT_EQ(only_sent(1), answer(1, kIp[2], kHostMac[2]));
    EXPECT_EQ(consumed(Consumed::arp_request), 1U);
    expect_sent({1, 0, 0});
}

TEST_F(SuppressTest, AsksForWhoIsNot) {
    receive(ask(1, kIp[3]), 1);  // of no binding
    expect_sent({0, 1, 1});
    l2_.fdb.remove({0, 0, kHostMac[2]});
    receive(ask(1, kIp[2]), 1);  // bound, but not seen
    expect_sent({0, 1, 1});
    EXPECT_EQ(suppressed(), 0U);
}

TEST_F(SuppressTest, BehindAnotherMemberIsNotAskedThereOnly) {
    config_.bindings = {};
    bind(3, "p3");
    apply();
    receive(ask(1, kIp[3]), 1);
    expect_sent({0, 0, 1});
    EXPECT_EQ(suppressed(), 0U);
}

TEST_F(SuppressTest, WhoAsksThereIsNotAnswered) {
    bind(1, "");
    apply();
    receive(ask(2, kIp[1]), 2);
    expect_sent({1, 0, 1});
}

TEST_F(SuppressTest, ProbesAndAnnouncementsStayAway) {
    receive(ask(1, kIp[1]), 1);
    expect_sent({0, 0, 1});
    receive(frame(ArpMessage{.sender_ip = {}, .target_ip = kIp[2]}), 1);
    expect_sent({0, 0, 1});
    receive(frame(ArpMessage{.operation = kArpReply, .sender_ip = kIp[1], .target_ip = kIp[1]}), 1);
    expect_sent({0, 0, 1});
    receive(frame(ArpMessage{.operation = kArpReply, .sender_ip = kIp[1], .target_ip = kIp[2]}), 1);
    expect_sent({0, 1, 1});
    EXPECT_EQ(suppressed(), 0U);
}

TEST_F(SuppressTest, WhoIsAskedByItsMacAnswersItself) {
    receive(frame(ArpMessage{.sender_ip = kIp[1], .target_ip = kIp[2]}, kHostMac[2]), 1);
    expect_sent({0, 1, 0});
}

TEST_F(SuppressTest, WhatMakesNoSenseIsFlooded) {
    for (const ArpMessage& message :
         {ArpMessage{.target_ip = Ip4{127, 0, 0, 1}}, ArpMessage{.target_ip = Ip4{224, 0, 0, 1}},
          ArpMessage{.target_ip = kIp[2], .protocol_type = kEtherTypeIp6},
          ArpMessage{.target_ip = kIp[2], .hardware_bytes = 8},
          ArpMessage{.target_ip = kIp[2], .cut_to = 27}}) {
        receive(frame(message), 1);
        expect_sent({0, 1, 1});
    }
}

TEST_F(SuppressTest, GoesByTheNeighboursOfTheBridgesPort) {
    config_.bindings = {};
    domain().bindings = nullptr;
    apply();
    give_own_port();
    EXPECT_TRUE(permanent(kOwn, kIp[2], kHostMac[2]));
    receive(ask(1, kIp[2]), 1);
    EXPECT_EQ(only_sent(1), answer(1, kIp[2], kHostMac[2]));
    expect_sent({1, 0, 1});
    // The bridge answers for itself.
    receive(ask(1, Ip4{10, 0, 9, 1}), 1);
    EXPECT_EQ(only_sent(1), answer(1, Ip4{10, 0, 9, 1}, kOwnMac));
    expect_sent({1, 0, 1});
    Neighbour* n = neighbours_.find({kOwn, kIp[2]});
    ASSERT_NE(n, nullptr);
    EXPECT_TRUE(n->change(n->read(), {NeighbourState::failed, kHostMac[2]}, context_->now));
    receive(ask(1, kIp[2]), 1);
    expect_sent({0, 1, 1});
}

TEST_F(SuppressTest, AnswersInTheVlanOfTheQuestion) {
    for (uint16_t p = 1; p <= kPorts; ++p) member(p).vlans = trunk({10, 20});
    config_.bindings = {};
    bind(2, "", 10);
    apply();
    receive(tagged(between(2, kGroup), 10), 2);
    expect_sent({1, 0, 1});
    receive(tagged(ask(1, kIp[2]), 0xa00a), 1);
    EXPECT_EQ(only_sent(1), tagged(answer(1, kIp[2], kHostMac[2]), 0xa00a));
    expect_sent({1, 0, 1});
    receive(tagged(ask(1, kIp[2]), 20), 1);
    expect_sent({0, 1, 1});
}

TEST_F(SuppressTest, WithoutABufferItAsks) {
    snap_.ports[3].up = false;
    receive_without_buffers(ask(1, kIp[2]));
    expect_sent({0, 1, 0});
}

// --- Groups
class GroupsTest : public RulesTest {
protected:
    // From host 1 to the group's MAC.
    static Bytes to_ip4(Ip4 group, uint8_t protocol = kProtocolUdp) {
        return ethernet(group_mac(group), kHostMac[1], kEtherTypeIp4,
                        Ip4Packet{.protocol = protocol, .src = kIp[1], .dst = group}.bytes());
    }
    static Bytes to_ip6(const char* group, uint8_t next = kProtocolUdp,
                        const Bytes& payload = udp()) {
        const Ip6 to = Ip6::parse(group).value_or(Ip6{});
        const Ip6Header head{.version_class_label = 0x60000000,
                             .payload_length = static_cast<uint16_t>(payload.size()),
                             .next_header = next,
                             .hop_limit = 1,
                             .src = {0xfe, 0x80},
                             .dst = to.bytes};
        return ethernet(group_mac(to), kHostMac[1], kEtherTypeIp6, join(as_bytes(head), payload));
    }
};

TEST_F(GroupsTest, GoToThoseThatWantThem) {
    group("239.1.2.3", {"p2"});
    group("ff05::1:3", {"p3"});
    group("01:00:0c:cc:cc:cc", {"p1", "p3"});
    apply();
    receive(to_ip4({239, 1, 2, 3}), 1);
    expect_sent({0, 1, 0});
    receive(to_ip6("ff05::1:3"), 1);
    expect_sent({0, 0, 1});
    receive(between(1, Mac{{0x01, 0, 0x0c, 0xcc, 0xcc, 0xcc}}), 1);
    expect_sent({0, 0, 1});
    EXPECT_EQ(bridged(Bridged::multicast), 3U);
    EXPECT_EQ(bridged(Bridged::flooded), 0U);
    receive(to_ip4({239, 1, 2, 4}), 1);
    expect_sent({0, 1, 1});
    receive(to_ip4({225, 129, 2, 3}), 1);  // one MAC
    expect_sent({0, 1, 0});
}

TEST_F(GroupsTest, WhoeverDoesNotTakeFloodsTakesItsGroups) {
    group("239.1.2.3", {"p2"});
    apply();
    member(2).floods = {false, false, false};
    receive(to_ip4({239, 1, 2, 3}), 1);
    expect_sent({0, 1, 0});
    snap_.ports[2].up = false;
    receive(to_ip4({239, 1, 2, 3}), 1);
    EXPECT_EQ(dropped(Drop::flood_nowhere), 1U);
}

TEST_F(GroupsTest, RoutersGetAllOfIp) {
    group("239.1.2.3", {"p2"});
    config(3).multicast_router = true;
    apply();
    receive(to_ip4({239, 1, 2, 3}), 1);
    expect_sent({0, 1, 1});
    member(3).floods = {false, false, false};
    receive(to_ip4({239, 1, 2, 4}), 1);
    expect_sent({0, 1, 1});
    receive(between(1, Mac{{0x01, 0, 0x0c, 0xcc, 0xcc, 0xcc}}), 1);
    expect_sent({0, 1, 0});
}

TEST_F(GroupsTest, WhatNobodyWants) {
    config_.unknown_multicast = UnknownMulticast::drop;
    config(3).multicast_router = true;
    apply();
    receive(to_ip4({239, 1, 2, 3}), 1);
    receive(to_ip6("ff05::1:3"), 1);
    EXPECT_EQ(dropped(Drop::group_unknown), 2U);
    expect_sent({0, 0, 0});
    config_.unknown_multicast = UnknownMulticast::routers;
    apply();
    receive(to_ip4({239, 1, 2, 3}), 1);
    expect_sent({0, 0, 1});
    config(3).multicast_router = false;
    apply();
    receive(to_ip4({239, 1, 2, 3}), 1);
    EXPECT_EQ(dropped(Drop::group_unknown), 3U);
}

TEST_F(GroupsTest, WhatAllHearAnyway) {
    config_.unknown_multicast = UnknownMulticast::drop;
    group("239.1.2.3", {"p2"});
    apply();
    const Bytes mld = join(octets({58, 0, 5, 2, 0, 0, 1, 0}), icmp(131));
    for (const Bytes& one :
         {to_ip4({224, 0, 0, 251}), to_ip4({239, 1, 2, 3}, kProtocolIgmp), to_ip6("ff02::1"),
          to_ip6("ff05::1:3", 0, mld), to_ip6("ff02::1:ff00:5"), to_ip6("ff01::2"),
          between(1, Mac{{0x01, 0, 0x0c, 0xcc, 0xcc, 0xcc}}), between(1, Mac::broadcast())}) {
        receive(one, 1);
        expect_sent({0, 1, 1});
    }
}

TEST_F(GroupsTest, AreOfAVlan) {
    for (uint16_t p = 1; p <= kPorts; ++p) member(p).vlans = trunk({10, 20});
    config(1).trunk = {{10, 20}};
    group("239.1.2.3", {"p2"}, 10);
    group("239.1.2.3", {"p3"}, 20);
    apply();
    receive(tagged(to_ip4({239, 1, 2, 3}), 10), 1);
    expect_sent({0, 1, 0});
    receive(tagged(to_ip4({239, 1, 2, 3}), 20), 1);
    expect_sent({0, 0, 1});
}

TEST_F(GroupsTest, TheBridgeItselfHearsWhatIsFlooded) {
    give_own_port();
    group("239.1.2.3", {"p2"});
    apply();
    receive(to_ip4({239, 1, 2, 3}), 1);
    EXPECT_EQ(dropped(Drop::multicast, kOwn), 0U);
    receive(to_ip4({224, 0, 0, 251}), 1);
    EXPECT_EQ(dropped(Drop::multicast, kOwn), 1U);
    expect_sent({0, 2, 1});
}

// --- Snooping
class SnoopedTest : public GroupsTest {
protected:
    SnoopedTest() { config_.multicast_snooping = true; }
    // What was learned: who wants 239.1.2.3, where routers are, and whether hosts are asked.
    void learn(const std::vector<uint16_t>& ports, const std::vector<uint16_t>& routers,
               bool is_asked, uint16_t vlan = 0) {
        SnoopedVlan& v = learned_.vlans.emplace_back();
        v.vlan = vlan;
        v.routers = routers;
        for (QuerierStatus& q : v.queriers) q.is_asked = is_asked;
        SnoopedGroup& g = learned_.groups.emplace_back();
        g.vlan = vlan;
        g.group = Ip4{239, 1, 2, 3};
        for (const uint16_t port : ports) g.ports[port] = std::chrono::seconds(10);
        apply();
    }
    static Bytes igmp(int type) {
        return ethernet(
            group_mac(Ip4{224, 0, 0, 22}), kHostMac[1], kEtherTypeIp4,
            Ip4Packet{.protocol = kProtocolIgmp,
                      .src = kIp[1],
                      .dst = Ip4{224, 0, 0, 22},
                      .payload = octets({static_cast<uint8_t>(type), 0, 0, 0, 0, 0, 0, 0})}
                .bytes());
    }
    static Bytes mld(int type) {
        const Bytes message = icmp(static_cast<uint8_t>(type));
        return to_ip6("ff02::16", 0, join(octets({58, 0, 5, 2, 0, 0, 1, 0}), message));
    }
    size_t told() {
        size_t n = 0;
        for (; rte_mbuf* m = punt_queue_->pop(); ++n) rte_pktmbuf_free(m);
        return n;
    }
};

TEST_F(SnoopedTest, GroupsGoToWhoWantsThem) {
    learn({2}, {}, true);
    receive(to_ip4({239, 1, 2, 3}), 1);
    expect_sent({0, 1, 0});
    receive(to_ip4({239, 1, 2, 4}), 1);
    receive(to_ip6("ff05::1:3"), 1);
    expect_sent({0, 0, 0});
    EXPECT_EQ(dropped(Drop::group_unknown), 2U);
    receive(to_ip4({224, 0, 0, 251}), 1);
    receive(to_ip6("ff02::1:ff00:5"), 1);
    expect_sent({0, 2, 2});
}

TEST_F(SnoopedTest, WithoutAQuerierAllAreFlooded) {
    learn({2}, {}, false);
    receive(to_ip4({239, 1, 2, 3}), 1);
    receive(to_ip4({239, 1, 2, 4}), 1);
    expect_sent({0, 2, 2});
}

TEST_F(SnoopedTest, WhatTheConfigurationSaysHoldsAnyway) {
    group("239.1.2.3", {"p3"});
    learn({}, {}, false);
    receive(to_ip4({239, 1, 2, 3}), 1);
    expect_sent({0, 0, 1});
    learned_ = {};
    learn({2}, {}, true);
    receive(to_ip4({239, 1, 2, 3}), 1);
    expect_sent({0, 1, 1});
}

TEST_F(SnoopedTest, ReportsGoToRoutersAndToTheDaemon) {
    learn({2}, {3}, true);
    for (const int type : {0x12, 0x16, 0x17, 0x22}) receive(igmp(type), 1);
    for (const int type : {131, 132, 143}) receive(mld(type), 1);
    expect_sent({0, 0, 7});
    EXPECT_EQ(told(), 7U);
    EXPECT_EQ(bridged(Bridged::snooped), 7U);
    receive(to_ip4({239, 1, 2, 3}), 1);
    receive(to_ip4({239, 9, 9, 9}), 1);
    expect_sent({0, 1, 2});
}

TEST_F(SnoopedTest, ReportsWithoutARouterAreTheDaemons) {
    learn({2}, {}, true);
    receive(igmp(0x16), 1);
    expect_sent({0, 0, 0});
    EXPECT_EQ(told(), 1U);
    EXPECT_EQ(consumed(Consumed::host), 2U) << "the message, and its copy";
}

TEST_F(SnoopedTest, QueriesAreHeardByAll) {
    learn({}, {}, true);
    receive(igmp(0x11), 1);
    receive(mld(130), 1);
    receive(to_ip4({224, 0, 0, 13}, 103), 1);
    expect_sent({0, 3, 3});
    EXPECT_EQ(told(), 3U);
}

TEST_F(SnoopedTest, AWhatIfTellsNobody) {
    learn({2}, {3}, true);
    context_->dry = true;
    receive(igmp(0x16), 1);
    EXPECT_EQ(told(), 0U);
}

TEST_F(SnoopedTest, TooManyMessagesAreNotHeard) {
    learn({2}, {3}, true);
    for (int i = 0; i < 1000; ++i) receive(igmp(0x16), 1);
    EXPECT_GE(bridged(Bridged::snooped), 100U);
    EXPECT_EQ(bridged(Bridged::snooped) + bridged(Bridged::snoop_limited), 1000U);
    EXPECT_LT(told(), 200U);
    expect_sent({0, 0, 1000});
}

TEST_F(SnoopedTest, ByVlan) {
    for (uint16_t p = 1; p <= kPorts; ++p) member(p).vlans = trunk({10, 20});
    config(1).trunk = {{10, 20}};
    learn({2}, {}, true, 10);
    learn({3}, {}, true, 20);
    receive(tagged(to_ip4({239, 1, 2, 3}), 10), 1);
    expect_sent({0, 1, 0});
    receive(tagged(to_ip4({239, 1, 2, 3}), 20), 1);
    expect_sent({0, 0, 1});
}

}  // namespace
}  // namespace vethway
