// SPDX-License-Identifier: Apache-2.0
// Link aggregation as workers do it: which member a flow leaves by, and what comes in by one.
#include "dataplane/l2/lag.h"

#include <algorithm>
#include <map>
#include <set>

#include "dataplane/l2/lag_hash.h"
#include "dataplane/l2/vlan_tag.h"
#include "tests/unit/stage_fixture.h"

namespace vethway {
namespace {

using namespace test;

// --- Dealing out
std::map<uint16_t, unsigned> shares(const LagBuckets& buckets) {
    std::map<uint16_t, unsigned> found;
    for (const uint16_t port : buckets) ++found[port];
    return found;
}
LagBuckets nobodys() {
    LagBuckets none;
    none.fill(kNoPort);
    return none;
}
unsigned moved(const LagBuckets& a, const LagBuckets& b) {
    unsigned n = 0;
    for (size_t i = 0; i < kLagBuckets; ++i) n += a[i] != b[i] ? 1 : 0;
    return n;
}
using Members = std::vector<uint16_t>;

TEST(DealOut, IsEven) {
    LagBuckets buckets = nobodys();
    deal_out(buckets, Members{5, 2, 9});
    EXPECT_EQ(shares(buckets), (std::map<uint16_t, unsigned>{{2, 86}, {5, 85}, {9, 85}}));
    deal_out(buckets, Members{});
    EXPECT_EQ(shares(buckets), (std::map<uint16_t, unsigned>{{kNoPort, 256}}));
}

TEST(DealOut, OnlyWhoGoesLosesFlows) {
    LagBuckets buckets = nobodys();
    deal_out(buckets, Members{1, 2, 3, 4});
    const LagBuckets before = buckets;
    deal_out(buckets, Members{1, 2, 4});
    for (size_t i = 0; i < kLagBuckets; ++i)
        EXPECT_TRUE(before[i] == 3 || buckets[i] == before[i]) << i;
    for (const auto& [port, n] : shares(buckets)) EXPECT_NEAR(n, 85, 1) << port;
}

TEST(DealOut, WhoComesGetsItsShareAndNoMore) {
    LagBuckets buckets = nobodys();
    deal_out(buckets, Members{1, 2, 3});
    const LagBuckets before = buckets;
    deal_out(buckets, Members{1, 2, 3, 7});
    EXPECT_EQ(shares(buckets)[7], 64U);
    EXPECT_EQ(moved(before, buckets), 64U);
    const LagBuckets again = buckets;
    deal_out(buckets, Members{7, 3, 2, 1});
    EXPECT_EQ(moved(again, buckets), 0U);
}

// --- The hash
Bytes of_flow(uint16_t to, Ip4 dst = kHostIp[2], const Mac& mac = kHostMac[1],
              uint16_t fragment = 0) {
    return ethernet(
        mac, kHostMac[2], kEtherTypeIp4,
        Ip4Packet{.fragment = fragment, .dst = dst, .payload = udp(counting(18), to)}.bytes());
}
Bytes tagged(const Bytes& plain, std::initializer_list<uint16_t> tpids) {
    Bytes tags;
    for (const uint16_t tpid : tpids) tags = join(tags, as_bytes(VlanTag{.tpid = tpid, .tci = 10}));
    return join(join(first(plain, 12), tags), from(plain, 12));
}
uint32_t by2(const Bytes& f) { return lag_hash(f, LagHash::layer2); }
uint32_t by23(const Bytes& f) { return lag_hash(f, LagHash::layer2_3); }
uint32_t by34(const Bytes& f) { return lag_hash(f, LagHash::layer3_4); }

const Bytes kPlain = of_flow(80), kOtherPort = of_flow(81), kOtherIp = of_flow(80, kHostIp[3]),
            kOtherMac = of_flow(80, kHostIp[2], kHostMac[3]);

TEST(LagHashing, TakesTheFieldsOfItsPolicy) {
    EXPECT_EQ(by2(kPlain), by2(kOtherIp));
    EXPECT_NE(by2(kPlain), by2(kOtherMac));
    EXPECT_EQ(by23(kPlain), by23(kOtherPort));
    EXPECT_NE(by23(kPlain), by23(kOtherIp));
    EXPECT_NE(by23(kPlain), by23(kOtherMac));
    EXPECT_NE(by34(kPlain), by34(kOtherPort));
    EXPECT_NE(by34(kPlain), by34(kOtherIp));
    EXPECT_EQ(by34(kPlain), by34(kOtherMac));
}

TEST(LagHashing, WhatIsNoIpGoesByItsMacs) {
    const Bytes a = ethernet(kHostMac[1], kHostMac[2], 0x88b5, counting(50)),
                b = ethernet(kHostMac[3], kHostMac[2], 0x88b5, counting(50)),
                c = ethernet(kHostMac[1], kHostMac[2], 0x88b6, counting(50));
    for (const auto by : {LagHash::layer2, LagHash::layer2_3, LagHash::layer3_4}) {
        EXPECT_NE(lag_hash(a, by), lag_hash(b, by));
        EXPECT_NE(lag_hash(a, by), lag_hash(c, by));
        EXPECT_EQ(lag_hash(a, by), lag_hash(join(a, counting(9)), by));
    }
}

TEST(LagHashing, TagsAreNoPartOfAFlow) {
    for (const auto by : {LagHash::layer2, LagHash::layer2_3, LagHash::layer3_4}) {
        EXPECT_EQ(lag_hash(kPlain, by), lag_hash(tagged(kPlain, {kEtherTypeVlan}), by));
        EXPECT_EQ(lag_hash(kPlain, by),
                  lag_hash(tagged(kPlain, {kEtherTypeQinq, kEtherTypeVlan}), by));
    }
    EXPECT_NE(by34(tagged(kPlain, {kEtherTypeVlan})), by34(tagged(kOtherPort, {kEtherTypeVlan})));
}

TEST(LagHashing, AllFragmentsOfADatagramAreOneFlow) {
    const auto piece = [](uint16_t fragment, uint16_t port) {
        return of_flow(port, kHostIp[2], kHostMac[1], fragment);
    };
    EXPECT_EQ(by34(piece(Ip4Header::kMoreFragments, 80)), by34(piece(185, 4711)));
}

Bytes ip6(uint8_t next_header, uint16_t port, uint8_t host = 1) {
    Ip6Header ip{.version_class_label = 6U << 28, .next_header = next_header, .hop_limit = 64};
    ip.src[15] = 9;
    ip.dst[15] = host;
    return ethernet(kHostMac[1], kHostMac[2], kEtherTypeIp6,
                    join(as_bytes(ip), udp(counting(18), port)));
}
TEST(LagHashing, OfIpv6) {
    constexpr uint8_t kFragment = 44;
    EXPECT_NE(by34(ip6(kProtocolUdp, 1)), by34(ip6(kProtocolUdp, 2)));
    EXPECT_NE(by34(ip6(kProtocolUdp, 1)), by34(ip6(kProtocolUdp, 1, 2)));
    EXPECT_EQ(by34(ip6(kFragment, 1)), by34(ip6(kFragment, 2)));
    EXPECT_EQ(by23(ip6(kProtocolUdp, 1)), by23(ip6(kProtocolUdp, 2)));
    EXPECT_NE(by23(ip6(kProtocolUdp, 1)), by23(ip6(kProtocolUdp, 1, 2)));
}

// Each is a heap block of its size: ASan sees a byte too many.
TEST(LagHashing, OfFramesThatEndAnywhere) {
    for (const Bytes& whole : {tagged(kPlain, {kEtherTypeQinq, kEtherTypeVlan}), ip6(6, 1)})
        for (size_t size = 0; size <= whole.size(); ++size)
            for (const auto by : {LagHash::layer2, LagHash::layer2_3, LagHash::layer3_4})
                lag_hash(first(whole, size), by);
    EXPECT_EQ(by34(first(kPlain, 13)), 0U);
    Bytes odd = kPlain;
    odd[14] = std::byte{0x4f};  // an IHL beyond the frame
    lag_hash(odd, LagHash::layer3_4);
}

// --- In the pipeline
constexpr uint16_t kLag = 4;
constexpr Mac kLagMac{{0x02, 0, 0, 0, 0, 0xaa}};
constexpr Ip4 kLagIp{10, 0, 9, 1}, kBeyond{10, 0, 9, 2};

// Ports 1 and 2 are the LAG, port 3 is a router's as ever.
class LagTest : public StageTest {
protected:
    LagTest() {
        snap_.any_l2 = true;
        snap_.ports[3].mtu = 1500;
        snap_.ports.push_back({.up = true,
                               .mtu = 1500,
                               .mac = kLagMac,
                               .addresses = {{kLagIp, 24}},
                               .kind = PortKind::lag});
        snap_.own.add(kLagIp);
        route("10.0.9.0/24", RouteType::forward, {{kLag, {}, UINT32_MAX}});
        route("10.0.9.1", RouteType::local, {{kLag, {}, UINT32_MAX}});
        know_hosts();
        EXPECT_TRUE(permanent(kLag, kBeyond, kHostMac[1]));
        buckets_.fill(kNoPort);
        carry({1, 2});
    }
    void carry(const Members& members, LagHash hash = LagHash::layer3_4) {
        deal_out(buckets_, members);
        snap_.ports[kLag].lag_table = std::make_shared<LagTable>(LagTable{
            .hash = hash, .carrying = static_cast<uint16_t>(members.size()), .buckets = buckets_});
        for (const uint16_t p : std::to_array<uint16_t>({1, 2}))
            snap_.ports[p].lag = {.lag = kLag,
                                  .carries = std::ranges::find(members, p) != members.end(),
                                  .lacp = true};
    }
    // From the host behind port 3 to the one beyond the LAG.
    static Bytes out(uint16_t to) {
        return frame(Ip4Packet{.src = kHostIp[3], .dst = kBeyond, .payload = udp(counting(18), to)},
                     3);
    }
    static Bytes in(const Mac& dst = kLagMac) {
        return ethernet(dst, kHostMac[1], kEtherTypeIp4,
                        Ip4Packet{.src = kBeyond, .dst = kHostIp[3]}.bytes());
    }
    // UDP port -> the member that it left by, of each flow.
    std::map<uint16_t, uint16_t> take_flows() {
        std::map<uint16_t, uint16_t> flows;
        for (const uint16_t p : std::to_array<uint16_t>({1, 2})) {
            for (const Bytes& f : sent(p)) {
                const Bytes l4 = l4_of(f);
                const uint16_t to = reinterpret_cast<const UdpHeader*>(l4.data())->dst_port;
                EXPECT_TRUE(flows.emplace(to, p).second) << "flow " << to << " by both";
            }
            ports_[p].sent.clear();
        }
        return flows;
    }
    std::map<uint16_t, uint16_t> send_flows(uint16_t n = 64) {
        for (uint16_t to = 1; to <= n; ++to) receive(out(to), 3);
        return take_flows();
    }
    Bytes slow() const {
        return ethernet(Mac{{0x01, 0x80, 0xc2, 0, 0, 2}}, kHostMac[1], 0x8809, counting(110));
    }
    LagBuckets buckets_;
};

TEST_F(LagTest, FlowsSpreadAndStay) {
    const auto flows = send_flows();
    ASSERT_EQ(flows.size(), 64U);
    EXPECT_GT(std::ranges::count(flows, 1, [](auto& f) { return f.second; }), 16);
    EXPECT_GT(std::ranges::count(flows, 2, [](auto& f) { return f.second; }), 16);
    EXPECT_EQ(send_flows(), flows);
    EXPECT_EQ(counters_->ports[kLag].passed_out_packets.value(), 128U);
    carry({2});
    for (const auto& [to, port] : send_flows()) EXPECT_EQ(port, 2) << to;
    carry({1, 2});
    EXPECT_GT(std::ranges::count(send_flows(), 1, [](auto& f) { return f.second; }), 16);
}

TEST_F(LagTest, LeavesWithTheLagsMac) {
    receive(out(80), 3);
    const Bytes& left = sent(1).empty() ? only_sent(2) : only_sent(1);
    EXPECT_EQ(ether_of(left).src, kLagMac);
    EXPECT_EQ(ether_of(left).dst, kHostMac[1]);
    EXPECT_EQ(ip4_of(left).ttl, 63);
}

TEST_F(LagTest, ComesInByAnyMemberAsByTheLag) {
    receive(in(), 1);
    receive(in(), 2);
    EXPECT_EQ(sent(3).size(), 2U);
    EXPECT_EQ(counters_->ports[kLag].passed_in_packets.value(), 2U);
    receive(in(kPortMac[1]), 1);
    EXPECT_EQ(dropped(Drop::not_for_us, kLag), 1U) << "a member's own MAC is nobody's";
}

TEST_F(LagTest, ArpOfTheLagIsAnsweredByAMember) {
    receive(frame(ArpMessage{.sender_ip = kBeyond, .target_ip = kLagIp}), 2);
    const Bytes& answer = sent(1).empty() ? only_sent(2) : only_sent(1);
    EXPECT_EQ(ether_of(answer).src, kLagMac);
}

TEST_F(LagTest, WhoDoesNotCarryTakesNothing) {
    carry({2});
    receive({in(), in()}, 1);
    EXPECT_EQ(dropped(Drop::lag_inactive), 2U);
    receive(in(), 2);
    EXPECT_EQ(sent(3).size(), 1U);
}

TEST_F(LagTest, SlowProtocolsAreForTheControlThread) {
    carry({2});
    receive({slow(), in()}, 1);
    receive(slow(), 2);
    EXPECT_EQ(consumed(Consumed::host, 1), 1U) << "of who does not carry, too";
    EXPECT_EQ(consumed(Consumed::host, 2), 1U);
    EXPECT_EQ(dropped(Drop::lag_inactive), 1U);
    rte_mbuf* m = punt_queue_->pop();
    ASSERT_NE(m, nullptr);
    EXPECT_EQ(meta(*m).port, 1) << "the member, not the LAG";
    rte_pktmbuf_free(m);
    snap_.ports[2].lag.lacp = false;
    receive(slow(), 2);
    EXPECT_EQ(dropped(Drop::ethertype_unknown, kLag), 1U) << "without LACP, as any";
}

TEST_F(LagTest, WhenNobodyCarries) {
    carry({});
    receive(out(80), 3);
    EXPECT_EQ(dropped(Drop::egress_down, 3), 1U);
    snap_.ports[kLag].up = false;
    receive(out(80), 3);
    EXPECT_EQ(dropped(Drop::egress_down, 3), 2U);
    carry({1});
    receive(in(), 1);
    EXPECT_EQ(dropped(Drop::ingress_down, kLag), 1U) << "fewer than min_links";
}

TEST_F(LagTest, TheControlThreadSpeaksByAMember) {
    carry({});
    rte_mbuf* m = mbuf(slow());
    meta(*m) = {.port = 2, .egress = 2, .own = true, .inject = Inject::l2_frame};
    Burst burst;
    burst.push(m);
    pipeline_->inject(burst);
    EXPECT_EQ(only_sent(2), slow());
    EXPECT_EQ(originated(Originated::l2_control, 2), 1U);
}

TEST_F(LagTest, OfVlans) {
    constexpr uint16_t kVlanPort = 5;
    snap_.ports.push_back({.up = true,
                           .mtu = 1500,
                           .mac = kLagMac,
                           .addresses = {{Ip4{10, 0, 8, 1}, 24}},
                           .kind = PortKind::vlan,
                           .parent = kLag,
                           .vlan = 100,
                           .tpid = kEtherTypeVlan});
    auto above = std::make_shared<SubPorts>();
    above->dot1q[100] = kVlanPort;
    snap_.ports[kLag].sub_ports = above;
    route("10.0.8.0/24", RouteType::forward, {{kVlanPort, {}, UINT32_MAX}});
    EXPECT_TRUE(permanent(kVlanPort, Ip4{10, 0, 8, 2}, kHostMac[1]));
    receive(frame(Ip4Packet{.src = kHostIp[3], .dst = Ip4{10, 0, 8, 2}}, 3), 3);
    const Bytes left = sent(1).empty() ? only_sent(2) : only_sent(1);
    EXPECT_EQ(from(first(left, 18), 12), octets({0x81, 0, 0, 100, 8, 0}));
    const Bytes back = ethernet(kLagMac, kHostMac[1], kEtherTypeIp4,
                                Ip4Packet{.src = Ip4{10, 0, 8, 2}, .dst = kHostIp[3]}.bytes());
    const VlanTag tag{.tpid = kEtherTypeVlan, .tci = 100};
    receive(join(join(first(back, 12), as_bytes(tag)), from(back, 12)), 1);
    EXPECT_TRUE(is_valid_ip4_frame(only_sent(3)));
    EXPECT_EQ(counters_->ports[kVlanPort].passed_in_packets.value(), 1U);
}

TEST_F(LagTest, AsAMemberOfABridge) {
    snap_.domains.resize(1);
    for (const uint16_t p : std::to_array<uint16_t>({kLag, 3})) {
        snap_.ports[p].domain = 0;
        snap_.ports[p].member = static_cast<uint16_t>(snap_.domains[0].members.size());
        snap_.ports[p].shares_mbufs = true;
        snap_.domains[0].members.push_back({.port = p});
        l2_.set_state(p, MemberState::forwarding);
    }
    const Bytes all = ethernet(Mac::broadcast(), kHostMac[1], 0x88b5, counting(60));
    receive(all, 1);
    EXPECT_EQ(only_sent(3), all);
    EXPECT_TRUE(sent(1).empty() && sent(2).empty()) << "the other member is the same way back";
    const Bytes back = ethernet(kHostMac[1], kHostMac[3], 0x88b5, counting(60));
    receive(back, 3);
    EXPECT_EQ(sent(1).size() + sent(2).size(), 1U);
    receive(ethernet(Mac::broadcast(), kHostMac[3], 0x88b5, counting(60)), 3);
    EXPECT_EQ(sent(1).size() + sent(2).size(), 2U);
}

TEST_F(LagTest, AsAnEndOfAWire) {
    snap_.any_xconnect = true;
    snap_.ports[kLag].xconnect = 3;
    snap_.ports[3].xconnect = kLag;
    const Bytes there = ethernet(kHostMac[3], kHostMac[1], 0x88b5, counting(60));
    receive(there, 2);
    EXPECT_EQ(only_sent(3), there);
    const Bytes back = ethernet(kHostMac[1], kHostMac[3], 0x88b5, counting(60));
    receive(back, 3);
    EXPECT_EQ(sent(1).empty() ? only_sent(2) : only_sent(1), back);
}

}  // namespace
}  // namespace vethway
