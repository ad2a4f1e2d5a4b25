// SPDX-License-Identifier: Apache-2.0
// Packets on their way through: source check, lookup, TTL, next hop, MTU.
#include <map>
#include <set>

#include "tests/unit/stage_fixture.h"

namespace vethway {
namespace {

using namespace test;

// What leaves by `port` when `packet` is sent to the host there.
Bytes forwarded(Ip4Packet packet, size_t port = 2) {
    --packet.ttl;
    packet.padding = 0;
    return ethernet(kHostMac[port], kPortMac[port], kEtherTypeIp4, packet.bytes());
}

class Ip4ForwardTest : public StageTest {
protected:
    void SetUp() override {
        StageTest::SetUp();
        know_hosts();
    }
};

TEST_F(Ip4ForwardTest, OnlyAddressesTtlAndChecksumChange) {
    const Ip4Packet packet{.tos = 0x2e, .payload = udp(counting(100))};
    receive(frame(packet));
    EXPECT_EQ(only_sent(2), forwarded(packet));
    const PortCounters& in = counters_->ports[1];
    const PortCounters& out = counters_->ports[2];
    EXPECT_EQ(in.rx_packets.value(), 1U);
    EXPECT_EQ(out.tx_packets.value(), 1U);
    EXPECT_EQ(out.tx_bytes.value(), 142U);
}

TEST_F(Ip4ForwardTest, ChecksumIsRightForEveryTtl) {
    for (unsigned ttl = 2; ttl <= 255; ++ttl) {
        const Ip4Packet packet{.ttl = static_cast<uint8_t>(ttl),
                               .id = static_cast<uint16_t>(ttl * 257)};
        receive(frame(packet));
        ASSERT_EQ(sent(2).back(), forwarded(packet)) << ttl;
    }
}

TEST_F(Ip4ForwardTest, OptionsPassUntouched) {
    const Ip4Packet packet{.options = octets({0x1e, 0x07, 0x04, 0, 0, 0, 0, 0})};
    receive(frame(packet));
    EXPECT_EQ(only_sent(2), forwarded(packet));
}

TEST_F(Ip4ForwardTest, BackOutOfTheSamePort) {
    permanent(1, Ip4{10, 0, 1, 3}, kHostMac[3]);
    knob(1, PortKnob::send_redirects, 0);
    receive(frame(Ip4Packet{.dst = {10, 0, 1, 3}}));
    EXPECT_EQ(ether_of(only_sent(1)).dst, kHostMac[3]);
    EXPECT_EQ(ether_of(only_sent(1)).src, kPortMac[1]);
}

// --- Redirects: sent back out of port 1, by a gateway there ---
struct RedirectCase {
    const char* name;
    Ip4Packet packet;
    bool want;
    bool shared_media = true;
};
class RedirectTest : public Ip4ForwardTest, public testing::WithParamInterface<RedirectCase> {};
constexpr Ip4 kGateway{10, 0, 1, 99}, kBehind{50, 0, 0, 1}, kOtherSubnet{10, 0, 9, 7};
TEST_P(RedirectTest, IsSent) {
    const RedirectCase& is = GetParam();
    permanent(1, kGateway, kHostMac[3]);
    permanent(1, kOtherSubnet, kHostMac[1]);
    snap_.ports[1].addresses.push_back({{10, 0, 9, 1}, 24});
    route("10.0.9.0/24", RouteType::forward, {{1, {}, UINT32_MAX}});
    route("50.0.0.0/8", RouteType::forward, {{1, kGateway, UINT32_MAX}});
    knob(1, PortKnob::shared_media, is.shared_media ? 1 : 0);
    Ip4Packet packet = is.packet;
    packet.dst = kBehind;
    receive(frame(packet));
    EXPECT_EQ(counters_->worker.icmp_redirect.value(), is.want ? 1U : 0U);
    ASSERT_EQ(sent(1).size(), is.want ? 2U : 1U);
    EXPECT_EQ(Ip4{ip4_of(sent(1).back()).dst}, kBehind) << "the packet goes on";
    if (!is.want) return;
    EXPECT_EQ(Ip4{ip4_of(sent(1).front()).dst}, packet.src) << "told before";
    const Bytes told = l4_of(sent(1).front());
    EXPECT_EQ(first(told, 2), octets({kIcmpRedirect, kIcmpRedirectHost}));
    EXPECT_EQ(from(first(told, 8), 4), octets({10, 0, 1, 99}));
    --packet.ttl;
    EXPECT_EQ(from(told, 8), first(packet.bytes(), told.size() - 8));
}
// clang-format off
INSTANTIATE_TEST_SUITE_P(Linux, RedirectTest, testing::Values(
    RedirectCase{"of_a_host",           {}, true},
    RedirectCase{"of_a_host_apart",     {}, true, false},
    RedirectCase{"of_another_subnet",   {.src = kOtherSubnet}, true},
    RedirectCase{"of_another_subnet_apart", {.src = kOtherSubnet}, false, false},
    RedirectCase{"of_the_gateways",     {.src = {50, 0, 0, 9}}, false},
    RedirectCase{"of_another_port",     {.src = kHostIp[2]}, false},
    RedirectCase{"of_nobody",           {.src = {99, 0, 0, 1}}, false},
    RedirectCase{"of_an_error",         {.protocol = kProtocolIcmp, .payload = icmp(3)}, false}),
    [](const auto& c) { return c.param.name; });
// clang-format on

TEST_F(Ip4ForwardTest, RedirectsAreFew) {
    knob(1, PortKnob::shared_media, 0);
    permanent(1, kGateway, kHostMac[3]);
    route("50.0.0.0/8", RouteType::forward, {{1, kGateway, UINT32_MAX}});
    receive(std::vector<Bytes>(9, frame(Ip4Packet{.dst = kBehind})));
    EXPECT_EQ(sent(1).size(), 10U);
    EXPECT_EQ(originated(Originated::icmp_error), 1U);
}

TEST_F(Ip4ForwardTest, DetourOfABroadcastAddress) {
    receive(frame(Ip4Packet{.src = {10, 0, 1, 255}, .dst = kHostIp[1]}));
    EXPECT_EQ(dropped(Drop::martian_source), 1U);
    knob(1, PortKnob::send_redirects, 0);
    receive(frame(Ip4Packet{.src = {10, 0, 1, 255}, .dst = kHostIp[1]}));
    EXPECT_EQ(sent(1).size(), 1U) << "as Linux, which then does not look";
}

// --- Broadcasts of subnets ---
TEST_F(Ip4ForwardTest, DirectedBroadcast) {
    knob(1, PortKnob::bc_forwarding, 1);
    const Ip4Packet packet{.dst = {10, 0, 2, 255}};
    receive(frame(packet));
    Ip4Packet want = packet;
    --want.ttl;
    EXPECT_EQ(only_sent(2), ethernet(Mac::broadcast(), kPortMac[2], kEtherTypeIp4, want.bytes()));
    receive(ethernet(Mac::broadcast(), kHostMac[1], kEtherTypeIp4, packet.bytes()));
    EXPECT_EQ(dropped(Drop::link_broadcast), 1U);
    receive(frame(packet, 3), 3);
    EXPECT_EQ(dropped(Drop::broadcast, 3), 1U) << "of another port";
}

TEST_F(Ip4ForwardTest, ViaAGateway) {
    route("99.0.0.0/8", RouteType::forward, {{2, kHostIp[2], UINT32_MAX}});
    const Ip4Packet packet{.dst = {99, 1, 2, 3}};
    receive(frame(packet));
    EXPECT_EQ(only_sent(2), forwarded(packet));
}

TEST_F(Ip4ForwardTest, LongestPrefixWinsAndDefaultCatches) {
    route("0.0.0.0/0", RouteType::forward, {{3, kHostIp[3], UINT32_MAX}});
    route("99.0.0.0/8", RouteType::blackhole);
    route("99.1.0.0/16", RouteType::forward, {{2, kHostIp[2], UINT32_MAX}});
    receive({frame(Ip4Packet{.dst = {99, 1, 0, 1}}), frame(Ip4Packet{.dst = {99, 2, 0, 1}}),
             frame(Ip4Packet{.dst = {8, 8, 8, 8}})});
    EXPECT_EQ(sent(2).size(), 1U);
    EXPECT_EQ(sent(3).size(), 1U);
    EXPECT_EQ(dropped(Drop::blackhole), 1U);
}

struct RefusedCase {
    const char* name;
    RouteType type;
    Drop why;
    bool told;  // the sender gets an ICMP error
};
class Ip4RefusedTest : public Ip4ForwardTest, public testing::WithParamInterface<RefusedCase> {};
TEST_P(Ip4RefusedTest, IsDropped) {
    if (GetParam().type != RouteType::none) route("99.0.0.0/8", GetParam().type);
    receive(frame(Ip4Packet{.dst = {99, 0, 0, 1}}));
    EXPECT_EQ(dropped(GetParam().why), 1U);
    EXPECT_EQ(originated(Originated::icmp_error), GetParam().told ? 1U : 0U);
    EXPECT_EQ(sent(1).size(), GetParam().told ? 1U : 0U);
}
// clang-format off
INSTANTIATE_TEST_SUITE_P(RouteTypes, Ip4RefusedTest, testing::Values(
    RefusedCase{"none",        RouteType::none,        Drop::no_route,    true},
    RefusedCase{"unreachable", RouteType::unreachable, Drop::unreachable, true},
    RefusedCase{"prohibit",    RouteType::prohibit,    Drop::prohibited,  true},
    RefusedCase{"blackhole",   RouteType::blackhole,   Drop::blackhole,   false},
    RefusedCase{"broadcast",   RouteType::broadcast,   Drop::broadcast,   false}),
    [](const auto& c) { return c.param.name; });
// clang-format on

TEST_F(Ip4ForwardTest, BroadcastIsNotForwarded) {
    const Bytes l3 = Ip4Packet{}.bytes();
    receive({ethernet(Mac::broadcast(), kHostMac[1], kEtherTypeIp4, l3),
             ethernet({{1, 0, 0x5e, 0, 0, 1}}, kHostMac[1], kEtherTypeIp4, l3),
             frame(Ip4Packet{.dst = {10, 0, 2, 255}}), frame(Ip4Packet{.dst = {10, 0, 2, 0}}),
             frame(Ip4Packet{.dst = {255, 255, 255, 255}})});
    EXPECT_EQ(dropped(Drop::link_broadcast), 2U);
    EXPECT_EQ(dropped(Drop::broadcast), 3U);
    EXPECT_EQ(sent(1).size() + sent(2).size(), 0U);
}

TEST_F(Ip4ForwardTest, EgressDown) {
    snap_.ports[2].up = false;
    receive(frame(Ip4Packet{}));
    EXPECT_EQ(dropped(Drop::egress_down), 1U);
    EXPECT_EQ(sent(2).size(), 0U);
}

TEST_F(Ip4ForwardTest, MtuCountsFromTheIpHeader) {
    const Ip4Packet fits{.fragment = 0x4000, .dst = kHostIp[3], .payload = udp(counting(548))};
    const Ip4Packet large{.fragment = 0x4000, .dst = kHostIp[3], .payload = udp(counting(549))};
    receive({frame(fits), frame(large)});
    EXPECT_EQ(only_sent(3), forwarded(fits, 3));
    EXPECT_EQ(dropped(Drop::fragment_needed), 1U);
}

// --- Reverse path filter ---
struct SourceCase {
    const char* name;
    SourceCheck check;
    Ip4 src;
    bool passes;
};
class SourceCheckTest : public Ip4ForwardTest, public testing::WithParamInterface<SourceCase> {};
TEST_P(SourceCheckTest, Verdict) {
    route("50.0.0.0/8", RouteType::forward, {{3, kHostIp[3], UINT32_MAX}});
    route("60.0.0.0/8", RouteType::forward,
          {{3, kHostIp[3], UINT32_MAX / 2}, {1, kHostIp[1], UINT32_MAX}});
    route("70.0.0.0/8", RouteType::blackhole);
    knob(1, PortKnob::rp_filter, static_cast<uint32_t>(GetParam().check));
    knob(1, PortKnob::accept_local, 1);
    snap_.any_source_check = true;
    receive(frame(Ip4Packet{.src = GetParam().src}));
    EXPECT_EQ(sent(2).size(), GetParam().passes ? 1U : 0U);
    EXPECT_EQ(dropped(Drop::rp_filter), GetParam().passes ? 0U : 1U);
    EXPECT_EQ(originated(Originated::icmp_error), 0U);
}
// clang-format off
constexpr auto kStrict = SourceCheck::strict, kLoose = SourceCheck::loose, kOff = SourceCheck::off;
INSTANTIATE_TEST_SUITE_P(Rfc3704, SourceCheckTest, testing::Values(
    SourceCase{"strict_own_link",    kStrict, {10, 0, 1, 9}, true},
    SourceCase{"strict_other_link",  kStrict, {10, 0, 2, 9}, false},
    SourceCase{"strict_other_route", kStrict, {50, 0, 0, 1}, false},
    SourceCase{"strict_one_of_two",  kStrict, {60, 0, 0, 1}, true},
    SourceCase{"strict_blackhole",   kStrict, {70, 0, 0, 1}, false},
    SourceCase{"strict_no_route",    kStrict, {80, 0, 0, 1}, false},
    SourceCase{"strict_broadcast",   kStrict, {10, 0, 1, 255}, false},
    SourceCase{"strict_accept_local", kStrict, {10, 0, 1, 1}, true},
    SourceCase{"strict_accept_local_of_another_port", kStrict, {10, 0, 3, 1}, false},
    SourceCase{"loose_accept_local", kLoose, {10, 0, 3, 1}, true},
    SourceCase{"loose_other_link",   kLoose,  {10, 0, 2, 9}, true},
    SourceCase{"loose_other_route",  kLoose,  {50, 0, 0, 1}, true},
    SourceCase{"loose_blackhole",    kLoose,  {70, 0, 0, 1}, false},
    SourceCase{"loose_no_route",     kLoose,  {80, 0, 0, 1}, false},
    SourceCase{"off_no_route",       kOff,    {80, 0, 0, 1}, true}),
    [](const auto& c) { return c.param.name; });
// clang-format on

// --- Several next hops ---
class MultipathTest : public Ip4ForwardTest {
protected:
    // Ports 1, 2 and 3 have 1/8, 2/8 and 5/8 of the hash space.
    void SetUp() override {
        Ip4ForwardTest::SetUp();
        route("99.0.0.0/8", RouteType::forward,
              {{1, kHostIp[1], (1U << 29) - 1},
               {2, kHostIp[2], (3U << 29) - 1},
               {3, kHostIp[3], UINT32_MAX}});
    }
};

TEST_F(MultipathTest, FlowsSpreadByWeightAndStay) {
    constexpr uint32_t kFlows = 4096;
    std::map<std::pair<uint32_t, uint32_t>, unsigned> path;
    for (unsigned round = 0; round < 2; ++round) {
        for (uint32_t i = 0; i < kFlows; i += kBurst) {
            std::vector<Bytes> burst;
            for (uint32_t f = i; f < i + kBurst; ++f)
                burst.push_back(frame(Ip4Packet{.src = Ip4{0x0a000102 + f % 64},
                                                .dst = Ip4{0x63000000 + f / 64 * 259},
                                                .payload = udp(counting(round), 9)}));
            receive(burst);
        }
        for (uint16_t p = 1; p <= kPorts; ++p)
            for (const Bytes& f : ports_[p].sent) {
                const auto [known, first_seen] =
                    path.try_emplace({ip4_of(f).src, ip4_of(f).dst}, p);
                ASSERT_TRUE(first_seen || known->second == p) << "a flow changed its path";
            }
    }
    // A binomial's standard deviation here is at most 31: six of them.
    const size_t want[] = {0, kFlows / 8, kFlows / 4, kFlows * 5 / 8};
    for (uint16_t p = 1; p <= kPorts; ++p)
        EXPECT_NEAR(static_cast<double>(sent(p).size()), 2.0 * static_cast<double>(want[p]),
                    2 * 186)
            << p;
}

TEST_F(MultipathTest, FragmentsKeepToThePathOfTheFirst) {
    for (uint32_t flow = 0; flow < 50; ++flow) {
        const Ip4 dst{0x63000000 + flow * 7};
        for (FakePort& port : ports_) port.sent.clear();
        receive({frame(Ip4Packet{.fragment = 0x2000, .dst = dst, .payload = udp(counting(8))}),
                 frame(Ip4Packet{.fragment = 2, .dst = dst, .payload = counting(5)})});
        size_t used = 0;
        for (const FakePort& port : ports_) used += port.sent.empty() ? 0 : 1;
        EXPECT_EQ(used, 1U);
    }
}

// The port that the only packet left by.
class FlowTest : public MultipathTest {
protected:
    uint16_t way_of(const Ip4Packet& packet) {
        for (FakePort& port : ports_) port.sent.clear();
        receive(frame(packet));
        uint16_t way = 0;
        for (uint16_t p = 1; p <= kPorts; ++p)
            if (!ports_[p].sent.empty()) way = p;
        return way;
    }
    // How many ways 100 packets take that differ in their UDP source port only.
    size_t ways_of_ports(uint8_t protocol = kProtocolUdp, uint16_t fragment = 0) {
        std::set<uint16_t> ways;
        for (uint16_t port = 1; port <= 100; ++port) {
            Bytes payload = protocol == kProtocolUdp ? udp() : tcp();
            reinterpret_cast<UdpHeader*>(payload.data())->src_port = port;
            ways.insert(way_of({.protocol = protocol,
                                .fragment = fragment,
                                .dst = Ip4{99, 0, 0, 1},
                                .payload = payload}));
        }
        return ways.size();
    }
};

TEST_F(FlowTest, ByAddressesOnly) {
    EXPECT_EQ(ways_of_ports(), 1U);
    std::set<uint16_t> ways;
    for (uint8_t host = 1; host <= 100; ++host) ways.insert(way_of({.dst = Ip4{99, 0, 0, host}}));
    EXPECT_EQ(ways.size(), 3U);
}

TEST_F(FlowTest, ByPortsAndProtocol) {
    snap_.multipath.hash = MultipathRules::Hash::layer4;
    EXPECT_EQ(ways_of_ports(), 3U);
    EXPECT_EQ(ways_of_ports(kProtocolTcp), 3U);
    EXPECT_EQ(ways_of_ports(47), 1U) << "GRE has no ports";
}

// Linux __skb_flow_dissect: a fragment has no ports, the first one neither.
TEST_F(FlowTest, FragmentsGoByAddressesWhateverThePolicy) {
    snap_.multipath.hash = MultipathRules::Hash::layer4;
    EXPECT_EQ(ways_of_ports(kProtocolUdp, 0x2000), 1U);
    for (uint8_t host = 1; host <= 50; ++host) {
        const Ip4 dst{99, 0, 0, host};
        EXPECT_EQ(way_of({.fragment = 0x2000, .dst = dst, .payload = udp(counting(8))}),
                  way_of({.fragment = 2, .dst = dst, .payload = counting(24)}));
    }
}

TEST_F(FlowTest, BothWaysAreOneFlow) {
    snap_.multipath.hash = MultipathRules::Hash::layer4;
    route("0.0.0.0/0", RouteType::forward,
          {{1, kHostIp[1], UINT32_MAX / 2}, {2, kHostIp[2], UINT32_MAX}});
    for (uint8_t host = 1; host <= 50; ++host) {
        const Ip4 a{98, 0, 0, host}, b{97, 0, 7, host};
        Bytes there = udp(), back = udp();
        *reinterpret_cast<UdpHeader*>(there.data()) = {.src_port = 7, .dst_port = 99, .length = 26};
        *reinterpret_cast<UdpHeader*>(back.data()) = {.src_port = 99, .dst_port = 7, .length = 26};
        EXPECT_EQ(way_of({.src = a, .dst = b, .payload = there}),
                  way_of({.src = b, .dst = a, .payload = back}));
    }
}

// Linux ip_multipath_l3_keys: path MTU discovery works through anycast services so.
TEST_F(FlowTest, AnErrorGoesWhereItsFlowGoes) {
    for (uint8_t host = 1; host <= 50; ++host) {
        const Ip4 server{99, 0, 0, host}, client{98, 0, 0, host};
        const Bytes inner = Ip4Packet{.src = server, .dst = client}.bytes();
        const uint16_t way = way_of({.src = client, .dst = server});
        EXPECT_EQ(way_of({.protocol = kProtocolIcmp,
                          .src = Ip4{50, 0, 0, host},
                          .dst = server,
                          .payload = icmp(kIcmpUnreachable, kIcmpFragmentationNeeded, inner)}),
                  way);
    }
}

TEST_F(FlowTest, ASeedMakesAnotherChoice) {
    unsigned moved = 0;
    for (uint8_t host = 1; host <= 100; ++host) {
        const Ip4Packet packet{.dst = Ip4{99, 0, 0, host}};
        snap_.multipath.seed = 1;
        const uint16_t before = way_of(packet);
        snap_.multipath.seed = 2;
        moved += way_of(packet) != before ? 1U : 0U;
    }
    EXPECT_GT(moved, 20U);
}

// Linux fib_good_nh: passed over is who is asked in vain, not who was never asked.
TEST_F(FlowTest, NextHopsThatDoNotAnswerArePassedOver) {
    route("99.0.0.0/8", RouteType::forward,
          {{2, Ip4{10, 0, 2, 50}, UINT32_MAX / 2}, {3, kHostIp[3], UINT32_MAX}});
    const auto lost = [this] {
        unsigned n = 0;
        for (uint8_t host = 1; host <= 50; ++host)
            n += way_of({.dst = Ip4{99, 0, 0, host}}) != 3 ? 1U : 0U;
        return n;
    };
    EXPECT_GT(lost(), 5U) << "they wait for 10.0.2.50";
    snap_.multipath.use_neigh = true;
    EXPECT_EQ(lost(), 0U);
    receive(arp_reply(2, kHostMac[2], Ip4{10, 0, 2, 50}), 2);
    EXPECT_GT(lost(), 5U) << "it is there";
}

TEST_F(FlowTest, WhereNoNextHopAnswersTheFirstIsTaken) {
    snap_.multipath.use_neigh = true;
    route("99.0.0.0/8", RouteType::forward,
          {{2, Ip4{10, 0, 2, 50}, UINT32_MAX / 2}, {3, Ip4{10, 0, 3, 50}, UINT32_MAX}});
    for (uint8_t host = 1; host <= 50; ++host)
        receive(frame(Ip4Packet{.dst = Ip4{99, 0, 0, host}}));
    const size_t asked = sent(3).size();
    EXPECT_EQ(asked, 1U);
    receive(frame(Ip4Packet{.dst = Ip4{99, 0, 1, 1}}));
    EXPECT_EQ(neighbours_.find({3, Ip4{10, 0, 3, 50}})->held_count +
                  neighbours_.find({2, Ip4{10, 0, 2, 50}})->held_count,
              51U);
}

class Ip4ForwardBurstTest : public Ip4ForwardTest, public testing::WithParamInterface<size_t> {};
TEST_P(Ip4ForwardBurstTest, OrderIsKeptAndAllIsAccounted) {
    std::vector<Bytes> burst;
    for (uint16_t i = 0; i < GetParam(); ++i)
        burst.push_back(
            frame(Ip4Packet{.ttl = static_cast<uint8_t>(i % 8 == 7 ? 1 : 64), .id = i}));
    receive(burst);
    EXPECT_EQ(sent(2).size(), GetParam() - GetParam() / 8);
    EXPECT_EQ(dropped(Drop::ttl_expired), GetParam() / 8);
    EXPECT_TRUE(std::ranges::is_sorted(sent(2), {},
                                       [](const Bytes& f) -> uint16_t { return ip4_of(f).id; }));
}
INSTANTIATE_TEST_SUITE_P(Bursts, Ip4ForwardBurstTest, testing::Values(0, 1, 3, 31, 32));

}  // namespace
}  // namespace vethway
