// SPDX-License-Identifier: Apache-2.0
// ICMP errors for every cause, and echo.
#include "dataplane/icmp/icmp_error.h"
#include "tests/unit/stage_fixture.h"

namespace vethway {
namespace {

using namespace test;

// --- Whether an error may be sent ---
struct MayCase {
    const char* name;
    Ip4Packet about;
    bool want;
    bool link_group = false;
};
class MaySendIcmpError : public testing::TestWithParam<MayCase> {};
TEST_P(MaySendIcmpError, Verdict) {
    EXPECT_EQ(may_send_icmp_error(GetParam().about.bytes(), GetParam().link_group),
              GetParam().want);
}
Ip4Packet icmp_packet(uint8_t type) { return {.protocol = kProtocolIcmp, .payload = icmp(type)}; }
// clang-format off
INSTANTIATE_TEST_SUITE_P(Rfc1812, MaySendIcmpError, testing::Values(
    MayCase{"udp",              {}, true},
    MayCase{"first_fragment",   {.fragment = 0x2000}, true},
    MayCase{"later_fragment",   {.fragment = 1}, false},
    MayCase{"middle_fragment",  {.fragment = 0x2001}, false},
    MayCase{"link_group",       {}, false, true},
    MayCase{"to_multicast",     {.dst = {224, 0, 0, 1}}, false},
    MayCase{"to_broadcast",     {.dst = {255, 255, 255, 255}}, false},
    MayCase{"from_0",           {.src = {}}, false},
    MayCase{"from_loopback",    {.src = {127, 0, 0, 1}}, false},
    MayCase{"from_multicast",   {.src = {230, 0, 0, 1}}, false},
    MayCase{"from_broadcast",   {.src = {255, 255, 255, 255}}, false},
    MayCase{"echo_request",     icmp_packet(8), true},
    MayCase{"echo_reply",       icmp_packet(0), true},
    MayCase{"timestamp",        icmp_packet(13), true},
    MayCase{"unreachable",      icmp_packet(3), false},
    MayCase{"source_quench",    icmp_packet(4), false},
    MayCase{"redirect",         icmp_packet(5), false},
    MayCase{"time_exceeded",    icmp_packet(11), false},
    MayCase{"parameter_problem", icmp_packet(12), false},
    MayCase{"address_reply",    icmp_packet(18), true},
    MayCase{"router_solicitation", icmp_packet(10), false},
    MayCase{"unassigned_1",     icmp_packet(1), false},
    MayCase{"unassigned_19",    icmp_packet(19), false},
    MayCase{"security_failure", icmp_packet(40), false},
    MayCase{"type_255",         icmp_packet(255), false},
    MayCase{"icmp_no_type",     {.protocol = kProtocolIcmp, .payload = {}}, false},
    MayCase{"icmp_behind_options", {.protocol = kProtocolIcmp, .options = octets({1, 1, 1, 0}), .payload = icmp(3)}, false}),
    [](const auto& c) { return c.param.name; });
// clang-format on

// --- Errors ---
struct ErrorCase {
    const char* name;
    Ip4Packet packet;
    uint8_t type, code;
    Drop why;
    Ip4 from = kPortIp[1];
    uint16_t mtu = 0;
};
class IcmpErrorTest : public StageTest, public testing::WithParamInterface<ErrorCase> {
protected:
    void SetUp() override {
        StageTest::SetUp();
        know_hosts();
        route("80.0.0.0/8", RouteType::unreachable);
        route("81.0.0.0/8", RouteType::prohibit);
        snap_.ports[1].addresses.insert(snap_.ports[1].addresses.begin(), {{10, 9, 9, 9}, 32});
    }
};
// Checks all that an error about `packet` must be, in the frame that carries it.
void expect_error(const Bytes& frame, const Ip4Packet& about, const ErrorCase& want) {
    ASSERT_TRUE(is_valid_ip4_frame(frame));
    EXPECT_EQ(ether_of(frame).dst, kHostMac[1]);
    EXPECT_EQ(ether_of(frame).src, kPortMac[1]);
    const Ip4Header& ip = ip4_of(frame);
    EXPECT_EQ(ip.version_ihl, 0x45);
    EXPECT_EQ(ip.tos, 0xc0);
    EXPECT_EQ(ip.ttl, 64);
    EXPECT_EQ(ip.fragment, 0);
    EXPECT_EQ(ip.protocol, kProtocolIcmp);
    EXPECT_EQ(Ip4{ip.src}, want.from) << Ip4{ip.src}.to_string();
    EXPECT_EQ(Ip4{ip.dst}, about.src);
    EXPECT_LE(ip.total_length, 576);
    const IcmpHeader& icmp = icmp_of(frame);
    EXPECT_EQ(icmp.type, want.type);
    EXPECT_EQ(icmp.code, want.code);
    EXPECT_EQ(icmp.id, 0);
    EXPECT_EQ(icmp.sequence, want.mtu);
    EXPECT_EQ(reference_checksum(l4_of(frame)), 0);
    Ip4Packet quoted = about;
    quoted.padding = 0;
    EXPECT_EQ(from(l4_of(frame), 8), first(quoted.bytes(), 548));
}
TEST_P(IcmpErrorTest, SaysWhatAndWhose) {
    receive(frame(GetParam().packet));
    EXPECT_EQ(dropped(GetParam().why), 1U);
    EXPECT_EQ(originated(Originated::icmp_error), 1U);
    expect_error(only_sent(1), GetParam().packet, GetParam());
    const WorkerCounters& w = counters_->worker;
    EXPECT_EQ(w.icmp_time_exceeded.value(), GetParam().type == 11 ? 1U : 0U);
    EXPECT_EQ(w.icmp_fragmentation_needed.value(), GetParam().mtu != 0 ? 1U : 0U);
    EXPECT_EQ(w.icmp_time_exceeded.value() + w.icmp_unreachable.value() +
                  w.icmp_fragmentation_needed.value(),
              1U);
}
// clang-format off
constexpr Ip4 kNowhere{99, 0, 0, 1};
INSTANTIATE_TEST_SUITE_P(Causes, IcmpErrorTest, testing::Values(
    ErrorCase{"ttl_1",           {.ttl = 1}, 11, 0, Drop::ttl_expired},
    ErrorCase{"ttl_0",           {.ttl = 0}, 11, 0, Drop::ttl_expired},
    ErrorCase{"ttl_of_echo",     {.ttl = 1, .protocol = kProtocolIcmp, .payload = icmp(8)}, 11, 0, Drop::ttl_expired},
    ErrorCase{"first_fragment",  {.ttl = 1, .fragment = 0x2000}, 11, 0, Drop::ttl_expired},
    ErrorCase{"no_route",        {.dst = kNowhere}, 3, 0, Drop::no_route},
    ErrorCase{"unreachable",     {.dst = {80, 0, 0, 1}}, 3, 1, Drop::unreachable},
    ErrorCase{"prohibit",        {.dst = {81, 0, 0, 1}}, 3, 13, Drop::prohibited},
    ErrorCase{"too_large",       {.fragment = 0x4000, .dst = kHostIp[3], .payload = udp(counting(1000))}, 3, 4, Drop::fragment_needed, kPortIp[1], 576},
    ErrorCase{"udp_to_us",       {.dst = kPortIp[1]}, 3, 3, Drop::port_closed},
    ErrorCase{"udp_to_us_ttl_1", {.ttl = 1, .dst = kPortIp[1]}, 3, 3, Drop::port_closed},
    ErrorCase{"gre_to_us",       {.protocol = 47, .dst = kPortIp[1]}, 3, 2, Drop::protocol_unknown},
    ErrorCase{"asked_address",   {.dst = kPortIp[2]}, 3, 3, Drop::port_closed, kPortIp[2]},
    ErrorCase{"options",         {.dst = kNowhere, .options = octets({30, 8, 4, 0, 0, 0, 0, 0})}, 3, 0, Drop::no_route},
    ErrorCase{"padded",          {.dst = kNowhere, .payload = udp({}), .padding = 18}, 3, 0, Drop::no_route},
    ErrorCase{"quoted_whole",    {.dst = kNowhere, .payload = counting(528)}, 3, 0, Drop::no_route},
    ErrorCase{"quoted_cut",      {.dst = kNowhere, .payload = counting(529)}, 3, 0, Drop::no_route},
    ErrorCase{"quoted_large",    {.dst = kNowhere, .payload = counting(1480)}, 3, 0, Drop::no_route}),
    [](const auto& c) { return c.param.name; });
// clang-format on

class IcmpTest : public StageTest {
protected:
    void SetUp() override {
        StageTest::SetUp();
        know_hosts();
    }
};

TEST_F(IcmpTest, NoErrorAboutWhatMustHaveNone) {
    const Bytes to_all = ethernet(Mac::broadcast(), kHostMac[1], kEtherTypeIp4,
                                  Ip4Packet{.dst = kPortIp[1]}.bytes());
    Ip4Packet error = icmp_packet(kIcmpUnreachable);
    error.ttl = 1;
    receive({to_all, frame(error), frame(Ip4Packet{.ttl = 1, .fragment = 9}),
             frame(Ip4Packet{.dst = {10, 0, 1, 255}})});
    EXPECT_EQ(dropped(Drop::port_closed), 1U);
    EXPECT_EQ(dropped(Drop::ttl_expired), 2U);
    EXPECT_EQ(originated(Originated::icmp_error), 0U);
    EXPECT_EQ(sent(1).size(), 0U);
}

// RFC 1812 4.3.2.4: the source is the address of the port that the error leaves by.
TEST_F(IcmpTest, ErrorGoesBackByItsOwnRoute) {
    route("50.0.0.0/8", RouteType::forward, {{2, kHostIp[2], UINT32_MAX}});
    receive(frame(Ip4Packet{.ttl = 1, .src = {50, 0, 0, 9}}));
    EXPECT_EQ(Ip4{ip4_of(only_sent(2)).src}, kPortIp[2]);
    EXPECT_EQ(sent(1).size(), 0U);
}

TEST_F(IcmpTest, ErrorWithoutARouteBack) {
    receive(frame(Ip4Packet{.ttl = 1, .src = {50, 0, 0, 9}}));
    EXPECT_EQ(dropped(Drop::ttl_expired), 1U);
    EXPECT_EQ(dropped(Drop::no_route), 1U) << "the error";
}

TEST_F(IcmpTest, RateLimited) {
    receive(std::vector<Bytes>(32, frame(Ip4Packet{.ttl = 1})));
    EXPECT_EQ(sent(1).size(), 6U);
    EXPECT_EQ(dropped(Drop::ttl_expired), 32U);
    EXPECT_EQ(counters_->worker.icmp_suppressed.value(), 26U);
    context_->now += kHz;
    receive(std::vector<Bytes>(3, frame(Ip4Packet{.ttl = 1})));
    EXPECT_EQ(sent(1).size(), 7U);
}

// Whom no error may be sent about is not one that the limit held back, in a burst where it holds
// back the others either.
TEST_F(IcmpTest, RateLimitCountsOnlyWhatItHeldBack) {
    std::vector<Bytes> burst(10, frame(Ip4Packet{.ttl = 1}));
    burst.push_back(frame(Ip4Packet{.ttl = 1, .fragment = 100}));
    burst.push_back(frame(
        Ip4Packet{.ttl = 1, .protocol = kProtocolIcmp, .payload = {std::byte{kIcmpUnreachable}}}));
    burst.push_back(frame(
        Ip4Packet{.ttl = 1, .protocol = kProtocolIcmp, .payload = {std::byte{kIcmpEchoRequest}}}));
    receive(burst);
    EXPECT_EQ(sent(1).size(), 6U);
    EXPECT_EQ(dropped(Drop::ttl_expired), 13U);
    EXPECT_EQ(counters_->worker.icmp_suppressed.value(), 5U);
}

// Linux ip_error(): of five tokens about routes each error that leaves takes two.
TEST_F(IcmpTest, RateLimitedAboutRoutes) {
    receive(std::vector<Bytes>(20, frame(Ip4Packet{.dst = {50, 0, 0, 9}})));
    EXPECT_EQ(sent(1).size(), 2U);
    EXPECT_EQ(dropped(Drop::no_route), 20U);
    EXPECT_EQ(counters_->worker.icmp_suppressed.value(), 18U);
    receive(std::vector<Bytes>(3, frame(Ip4Packet{.src = {10, 0, 1, 77}, .dst = {50, 0, 0, 9}})));
    EXPECT_EQ(counters_->worker.icmp_suppressed.value(), 19U) << "another host has its own";
}

TEST_F(IcmpTest, FragmentationNeededIsNotLimitedByOthersOfItsType) {
    std::vector<Bytes> burst(10, frame({.dst = kPortIp[1], .payload = udp()}));
    burst.insert(burst.end(), 3,
                 frame({.fragment = 0x4000, .dst = kHostIp[3], .payload = udp(counting(1000))}));
    receive(burst);
    EXPECT_EQ(sent(1).size(), 6U + 3U);
    EXPECT_EQ(counters_->worker.icmp_suppressed.value(), 4U);
}

TEST_F(IcmpTest, FragmentationNeededIsNotLimited) {
    const Ip4Packet large{.fragment = 0x4000, .dst = kHostIp[3], .payload = udp(counting(1000))};
    receive(std::vector<Bytes>(20, frame(large)));
    EXPECT_EQ(sent(1).size(), 20U);
    EXPECT_EQ(counters_->worker.icmp_suppressed.value(), 0U);
}

// Sent by a port, whatever the routes say, where nobody answers ARP: each comes to be known to us,
// by way of `lo`, and from our own address.
TEST_F(IcmpTest, WeHearOfEveryFailureOfOurOwn) {
    Burst own;
    for (int i = 0; i < 10; ++i) {
        rte_mbuf* m =
            mbuf(frame({.src = kPortIp[2], .dst = kNowhere, .payload = udp()}), kLoopback);
        meta(*m).own = true;
        meta(*m).l3_offset = sizeof(EtherHeader);
        meta(*m).inject = Inject::output_by;
        meta(*m).egress = 2;
        meta(*m).next_hop = kNowhere;
        own.push(m);
    }
    pipeline_->inject(own);
    EXPECT_EQ(sent(2).size(), 1U) << "an ARP request";
    EXPECT_EQ(held(), 10U);
    Neighbour* n = neighbours_.find({2, kNowhere});
    ASSERT_NE(n, nullptr);
    uint32_t count = 0;
    Burst back;
    for (rte_mbuf* m = neighbours_.take_held(*n, count); m != nullptr;) {
        rte_mbuf* const next = meta(*m).next_held;
        meta(*m).inject = Inject::undeliverable;
        meta(*m).why = Drop::neighbour_failed;
        meta(*m).icmp_type = kIcmpUnreachable;
        meta(*m).icmp_code = kIcmpHostUnreachable;
        back.push(m);
        m = next;
    }
    pipeline_->inject(back);
    while (pipeline_->receive_loopback() > 0) continue;
    EXPECT_EQ(consumed(Consumed::host, kLoopback), 10U) << "of each: no limit holds towards us";
    rte_mbuf* error = punt_queue_->pop();
    ASSERT_NE(error, nullptr);
    EXPECT_EQ(Ip4{ip4(*error).src}, kPortIp[2]);
    EXPECT_EQ(Ip4{ip4(*error).dst}, kPortIp[2]);
    rte_pktmbuf_free(error);
}

TEST_F(IcmpTest, NoMtuOfAPortThatIsDown) {
    snap_.ports[3].up = false;
    snap_.ports[3].mtu = 0;
    receive(frame(Ip4Packet{.fragment = 0x4000, .dst = kHostIp[3]}));
    EXPECT_EQ(dropped(Drop::egress_down), 1U);
    EXPECT_EQ(sent(1).size(), 0U);
}

// RFC 1812 4.3.2.5: the service is the packet's, the precedence 6.
TEST_F(IcmpTest, ErrorKeepsTheService) {
    receive(frame(Ip4Packet{.tos = 0xb8, .ttl = 1}));
    EXPECT_EQ(ip4_of(only_sent(1)).tos, 0xd8);
}

TEST_F(IcmpTest, ErrorFitsASmallLink) {
    snap_.ports[1].mtu = 100;
    receive(frame(Ip4Packet{.ttl = 1, .payload = udp(counting(500))}));
    EXPECT_EQ(ip4_of(only_sent(1)).total_length, 100);
}

TEST_F(IcmpTest, NoBufferForAnError) {
    std::vector<rte_mbuf*> taken;
    while (rte_mempool_avail_count(pool_) > 1) taken.push_back(rte_pktmbuf_alloc(pool_));
    receive(frame(Ip4Packet{.ttl = 1}));
    EXPECT_EQ(dropped(Drop::ttl_expired), 1U);
    EXPECT_EQ(originated(Originated::icmp_error), 0U);
    for (rte_mbuf* m : taken) rte_pktmbuf_free(m);
}

// --- Echo ---
Ip4Packet echo_request(const Bytes& data = counting(16)) {
    return {
        .protocol = kProtocolIcmp, .dst = kPortIp[1], .payload = icmp(kIcmpEchoRequest, 0, data)};
}
Bytes echo_reply_to(const Ip4Packet& request, uint16_t id) {
    Ip4Packet reply{.tos = request.tos,
                    .protocol = kProtocolIcmp,
                    .id = id,
                    .src = request.dst,
                    .dst = request.src,
                    .payload = request.payload};
    reply.payload[0] = std::byte{0};
    auto& sum = *reinterpret_cast<Be16*>(&reply.payload[2]);
    sum = 0;
    sum = reference_checksum(reply.payload);
    return ethernet(kHostMac[1], kPortMac[1], kEtherTypeIp4, reply.bytes());
}

TEST_F(IcmpTest, EchoByteForByte) {
    uint16_t id = 1;
    for (const size_t size : {0, 1, 7, 56, 1001, 1472}) {
        ports_[1].sent.clear();
        Ip4Packet request = echo_request(counting(size));
        request.tos = 0x10;
        request.ttl = 1;
        request.padding = size < 18 ? 18 - size : 0;
        receive(frame(request));
        EXPECT_EQ(only_sent(1), echo_reply_to(request, id++)) << size;
    }
    EXPECT_EQ(consumed(Consumed::echo_request), 6U);
    EXPECT_EQ(originated(Originated::echo_reply), 6U);
}

// The one message whose sum is 0: its checksum is all ones, before and after.
TEST_F(IcmpTest, EchoOfZeros) {
    Bytes request(8);
    request[0] = std::byte{kIcmpEchoRequest};
    reinterpret_cast<IcmpHeader*>(request.data())->checksum = 0xf7ff;
    receive(frame(Ip4Packet{.protocol = 1, .dst = kPortIp[1], .payload = request}));
    EXPECT_EQ(l4_of(only_sent(1)), octets({0, 0, 0xff, 0xff, 0, 0, 0, 0}));
}

TEST_F(IcmpTest, EchoLeavesOptionsBehind) {
    for (const size_t words : {1, 2, 10}) {
        ports_[1].sent.clear();
        Ip4Packet request = echo_request();
        request.options =
            join(octets({30, static_cast<uint8_t>(words * 4), 4}), Bytes(words * 4 - 3));
        receive(frame(request));
        EXPECT_EQ(from(only_sent(1), 34), from(echo_reply_to(request, 0), 34));
        EXPECT_TRUE(is_valid_ip4_frame(only_sent(1)));
        EXPECT_EQ(ip4_of(only_sent(1)).version_ihl, 0x45);
        EXPECT_EQ(ether_of(only_sent(1)).dst, kHostMac[1]);
    }
}

TEST_F(IcmpTest, EchoToAnotherPortsAddressAnswersFromIt) {
    Ip4Packet request = echo_request();
    request.dst = kPortIp[2];
    receive(frame(request));
    EXPECT_EQ(only_sent(1), echo_reply_to(request, 1));
}

TEST_F(IcmpTest, EchoIsIgnored) {
    knob(Ip4Knob::icmp_echo_ignore_all, 1);
    receive(frame(echo_request()));
    EXPECT_EQ(dropped(Drop::icmp_ignored), 1U);
    EXPECT_EQ(sent(1).size(), 0U);
}

TEST_F(IcmpTest, EchoIsLimited) {
    knob(Ip4Knob::icmp_ratemask, 1);
    receive(std::vector<Bytes>(9, frame(echo_request())));
    EXPECT_EQ(sent(1).size(), 6U);
    EXPECT_EQ(dropped(Drop::icmp_limited), 3U);
}

TEST_F(IcmpTest, TtlOfOurOwn) {
    knob(Ip4Knob::ip_default_ttl, 9);
    receive({frame(echo_request()), frame(Ip4Packet{.ttl = 1}),
             frame(Ip4Packet{.protocol = kProtocolTcp, .dst = kPortIp[1], .payload = tcp()}),
             frame(Ip4Packet{.protocol = kProtocolIcmp, .dst = kPortIp[1], .payload = icmp(13)})});
    ASSERT_EQ(sent(1).size(), 4U);
    for (const Bytes& f : sent(1)) EXPECT_EQ(ip4_of(f).ttl, 9);
}

TEST_F(IcmpTest, ErrorFromTheWayIn) {
    knob(Ip4Knob::icmp_errors_use_inbound_ifaddr, 1);
    receive(frame(Ip4Packet{.ttl = 1, .src = kHostIp[2]}));
    EXPECT_EQ(Ip4{ip4_of(only_sent(2)).src}, kPortIp[1]);
    receive(frame(Ip4Packet{.src = kHostIp[3], .dst = kPortIp[2]}));
    EXPECT_EQ(Ip4{ip4_of(only_sent(3)).src}, kPortIp[2]) << "who was asked answers";
}

struct GroupCase {
    const char* name;
    Ip4 group;
    Ip4Packet packet;
    bool answered;
};
class IcmpGroupTest : public IcmpTest, public testing::WithParamInterface<GroupCase> {};
TEST_P(IcmpGroupTest, IsAnsweredIfNotIgnored) {
    Ip4Packet packet = GetParam().packet;
    packet.dst = GetParam().group;
    const Bytes to_all = ethernet(Mac::broadcast(), kHostMac[1], kEtherTypeIp4, packet.bytes());
    receive(to_all);
    EXPECT_EQ(sent(1).size(), 0U);
    knob(Ip4Knob::icmp_echo_ignore_broadcasts, 0);
    receive(to_all);
    ASSERT_EQ(sent(1).size(), GetParam().answered ? 1U : 0U);
    if (GetParam().answered) {
        EXPECT_EQ(Ip4{ip4_of(only_sent(1)).src}, kPortIp[1]);
    }
}
// clang-format off
constexpr Ip4 kSubnet{10, 0, 1, 255}, kLimited{255, 255, 255, 255}, kAllHosts{224, 0, 0, 1};
INSTANTIATE_TEST_SUITE_P(Rfc1122, IcmpGroupTest, testing::Values(
    GroupCase{"echo_subnet",      kSubnet, icmp_packet(8), true},
    GroupCase{"echo_limited",     kLimited, icmp_packet(8), true},
    GroupCase{"echo_all_hosts",   kAllHosts, icmp_packet(8), true},
    GroupCase{"echo_other_group", {224, 0, 0, 2}, icmp_packet(8), false},
    GroupCase{"timestamp_subnet", kSubnet, icmp_packet(13), true},
    GroupCase{"unreachable_subnet", kSubnet, icmp_packet(3), false},
    GroupCase{"reply_subnet",     kSubnet, icmp_packet(0), false},
    GroupCase{"udp_subnet",       kSubnet, {}, false},
    GroupCase{"tcp_limited",      kLimited, {.protocol = kProtocolTcp, .payload = tcp()}, false},
    GroupCase{"gre_all_hosts",    kAllHosts, {.protocol = 47}, false}),
    [](const auto& c) { return c.param.name; });
// clang-format on

struct LocalCase {
    const char* name;
    Ip4Packet packet;
    Drop why;
    bool broadcast = false;
};
class IcmpLocalTest : public IcmpTest, public testing::WithParamInterface<LocalCase> {};
TEST_P(IcmpLocalTest, IsDroppedInSilence) {
    Ip4Packet packet = GetParam().packet;
    packet.dst = kPortIp[1];
    receive(ethernet(GetParam().broadcast ? Mac::broadcast() : kPortMac[1], kHostMac[1],
                     kEtherTypeIp4, packet.bytes()));
    EXPECT_EQ(dropped(GetParam().why), 1U);
    EXPECT_EQ(sent(1).size(), 0U);
}
Bytes broken_icmp() {
    Bytes out = icmp(kIcmpEchoRequest);
    out[9] ^= std::byte{1};
    return out;
}
// clang-format off
INSTANTIATE_TEST_SUITE_P(ToUs, IcmpLocalTest, testing::Values(
    LocalCase{"checksum",       {.protocol = 1, .payload = broken_icmp()}, Drop::icmp_malformed},
    LocalCase{"seven_bytes",    {.protocol = 1, .payload = first(icmp(8), 7)}, Drop::icmp_malformed},
    LocalCase{"empty",          {.protocol = 1, .payload = {}}, Drop::icmp_malformed},
    LocalCase{"broadcast_echo", {.protocol = 1, .payload = icmp(8)}, Drop::link_broadcast, true},
    LocalCase{"timestamp_cut",  {.protocol = 1, .payload = icmp(13, 0, counting(3))}, Drop::icmp_malformed},
    LocalCase{"broadcast_timestamp", {.protocol = 1, .payload = icmp(13)}, Drop::link_broadcast, true},
    LocalCase{"broadcast_tcp",  {.protocol = 6, .payload = tcp()}, Drop::link_broadcast, true},
    LocalCase{"redirect",       {.protocol = 1, .payload = icmp(5)}, Drop::icmp_unhandled},
    LocalCase{"udp_checksum",   {.l4 = Sum::wrong}, Drop::l4_malformed},
    LocalCase{"udp_cut",        {.payload = first(udp(), 7), .l4 = Sum::as_is}, Drop::l4_malformed},
    LocalCase{"udp_length_long", {.payload = first(udp(), 25)}, Drop::l4_malformed},
    LocalCase{"udp_length_7",   {.payload = as_bytes(UdpHeader{1, 2, 7, 0}), .l4 = Sum::as_is}, Drop::l4_malformed},
    LocalCase{"tcp_checksum",   {.protocol = 6, .payload = tcp(), .l4 = Sum::wrong}, Drop::l4_malformed},
    LocalCase{"tcp_cut",        {.protocol = 6, .payload = first(tcp(), 19)}, Drop::l4_malformed},
    LocalCase{"tcp_offset_4",   {.protocol = 6, .payload = as_bytes(TcpHeader{1, 2, 3, 4, 0x40, 2, 5, 0, 0})}, Drop::l4_malformed},
    LocalCase{"tcp_offset_past_end", {.protocol = 6, .payload = as_bytes(TcpHeader{1, 2, 3, 4, 0x60, 2, 5, 0, 0})}, Drop::l4_malformed},
    LocalCase{"tcp_reset",      {.protocol = 6, .payload = as_bytes(TcpHeader{1, 2, 3, 4, 0x50, 4, 5, 0, 0})}, Drop::port_closed},
    LocalCase{"igmp",           {.protocol = 2}, Drop::protocol_unknown},
    LocalCase{"empty_fragment", {.protocol = 1, .fragment = 0x2000, .payload = {}}, Drop::fragment_malformed},
    LocalCase{"fragment_of_7",  {.protocol = 1, .fragment = 0x2000, .payload = first(icmp(8), 7)}, Drop::fragment_malformed}),
    [](const auto& c) { return c.param.name; });
// clang-format on

TEST_F(IcmpTest, TimestampOfNow) {
    for (const size_t size : {4, 5, 12, 100}) {
        ports_[1].sent.clear();
        receive(frame(Ip4Packet{.tos = 0x10,
                                .protocol = 1,
                                .dst = kPortIp[1],
                                .payload = icmp(kIcmpTimestamp, 3, counting(size))}));
        const Bytes& reply = only_sent(1);
        ASSERT_TRUE(is_valid_ip4_frame(reply));
        const Bytes message = l4_of(reply);
        ASSERT_EQ(message.size(), 20U);
        EXPECT_EQ(reference_checksum(message), 0);
        EXPECT_EQ(first(message, 2), octets({kIcmpTimestampReply, 0}));
        EXPECT_EQ(from(first(message, 12), 4), octets({0, 7, 0, 1, 1, 2, 3, 4}));
        const auto& times = *reinterpret_cast<const std::array<Be32, 2>*>(&message[12]);
        const auto now = static_cast<uint32_t>(time(nullptr) % 86'400 * 1000);
        EXPECT_NEAR(uint32_t{times[0]}, now, 3000);
        EXPECT_EQ(uint32_t{times[0]}, uint32_t{times[1]});
        EXPECT_EQ(ip4_of(reply).tos, 0x10);
    }
    EXPECT_EQ(consumed(Consumed::timestamp_request), 4U);
    EXPECT_EQ(originated(Originated::timestamp_reply), 4U);
}

struct ResetCase {
    const char* name;
    uint8_t flags;
    size_t data;
    uint32_t sequence, acknowledgement;  // of the reset
    uint8_t reset_flags;
};
class TcpResetTest : public IcmpTest, public testing::WithParamInterface<ResetCase> {};
TEST_P(TcpResetTest, BelongsToTheSegment) {
    const ResetCase& want = GetParam();
    const TcpHeader header{4000, 80, 0xfffffffe, 77, 0x50, want.flags, 512, 0, 0};
    receive(frame(Ip4Packet{.tos = 0x2b,
                            .protocol = kProtocolTcp,
                            .dst = kPortIp[2],
                            .payload = join(as_bytes(header), counting(want.data))}));
    const Bytes& reset = only_sent(1);
    ASSERT_TRUE(is_valid_ip4_frame(reset));
    EXPECT_EQ(Ip4{ip4_of(reset).src}, kPortIp[2]);
    EXPECT_EQ(Ip4{ip4_of(reset).dst}, kHostIp[1]);
    EXPECT_EQ(ip4_of(reset).tos, 0x28);
    EXPECT_EQ(ip4_of(reset).fragment, Ip4Header::kDontFragment);
    Bytes wanted = as_bytes(
        TcpHeader{80, 4000, want.sequence, want.acknowledgement, 0x50, want.reset_flags, 0, 0, 0});
    set_l4_checksum(wanted, Sum::valid, kProtocolTcp, kPortIp[2], kHostIp[1]);
    EXPECT_EQ(l4_of(reset), wanted);
    EXPECT_EQ(dropped(Drop::port_closed), 1U);
    EXPECT_EQ(originated(Originated::tcp_reset), 1U);
}
// clang-format off
INSTANTIATE_TEST_SUITE_P(Rfc9293, TcpResetTest, testing::Values(
    ResetCase{"syn",      2, 0, 0, 0xffffffff, 0x14},
    ResetCase{"syn_data", 2, 5, 0, 4, 0x14},
    ResetCase{"syn_fin",  3, 0, 0, 0, 0x14},
    ResetCase{"none",     0, 1, 0, 0xffffffff, 0x14},
    ResetCase{"ack",      0x10, 0, 77, 0, 4},
    ResetCase{"syn_ack",  0x12, 9, 77, 0, 4},
    ResetCase{"fin_ack",  0x11, 9, 77, 0, 4}),
    [](const auto& c) { return c.param.name; });
// clang-format on

TEST_F(IcmpTest, AnswersGoToTheControlThread) {
    for (const uint8_t type : std::to_array<uint8_t>({0, 3, 11, 12})) {
        Ip4Packet packet = icmp_packet(type);
        packet.dst = kPortIp[1];
        receive(frame(packet));
        rte_mbuf* m = punt_queue_->pop();
        ASSERT_NE(m, nullptr) << unsigned{type};
        const auto l3 = l3_bytes(*m);
        EXPECT_EQ(Bytes(l3.begin(), l3.end()), packet.bytes());
        rte_pktmbuf_free(m);
    }
    EXPECT_EQ(consumed(Consumed::host), 4U);
}

}  // namespace
}  // namespace vethway
