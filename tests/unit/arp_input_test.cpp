// SPDX-License-Identifier: Apache-2.0
#include "dataplane/arp/arp_input.h"

#include "tests/unit/stage_fixture.h"

namespace vethway {
namespace {

using namespace test;

constexpr Mac kGroup{{0x01, 0, 0x5e, 0, 0, 1}}, kNewMac{{0x06, 0, 0, 0, 0, 0x99}};

struct Case {
    const char* name;
    ArpMessage arp;
    Drop want;
};
class CheckArp : public testing::TestWithParam<Case> {};
TEST_P(CheckArp, Verdict) { EXPECT_EQ(check_arp(GetParam().arp.bytes()), GetParam().want); }
// clang-format off
INSTANTIATE_TEST_SUITE_P(Rfc826, CheckArp, testing::Values(
    Case{"request",           {},                                   Drop::none},
    Case{"reply",             {.operation = kArpReply},             Drop::none},
    Case{"padded",            {.padding = 18},                      Drop::none},
    Case{"probe",             {.sender_ip = {}},                    Drop::none},
    Case{"empty",             {.cut_to = 0},                        Drop::arp_malformed},
    Case{"one_short",         {.cut_to = 27},                       Drop::arp_malformed},
    Case{"hardware",          {.hardware_type = 7},                 Drop::arp_malformed},
    Case{"hardware_ieee_802", {.hardware_type = 6},                 Drop::none},
    Case{"protocol",          {.protocol_type = kEtherTypeIp6},     Drop::arp_malformed},
    Case{"hardware_bytes",    {.hardware_bytes = 8},                Drop::arp_malformed},
    Case{"protocol_bytes",    {.protocol_bytes = 16},               Drop::arp_malformed},
    Case{"operation_0",       {.operation = 0},                     Drop::arp_malformed},
    Case{"rarp",              {.operation = 3},                     Drop::arp_malformed},
    Case{"sender_group_mac",  {.sender_mac = kGroup},               Drop::arp_bad_sender},
    Case{"sender_all_macs",   {.sender_mac = Mac::broadcast()},     Drop::arp_bad_sender},
    Case{"sender_no_mac",     {.sender_mac = {}},                   Drop::arp_bad_sender},
    Case{"sender_loopback",   {.sender_ip = {127, 0, 0, 1}},        Drop::arp_bad_sender},
    Case{"sender_multicast",  {.sender_ip = {224, 0, 0, 1}},        Drop::arp_bad_sender},
    Case{"sender_class_e",    {.sender_ip = {240, 0, 0, 1}},        Drop::arp_bad_sender},
    Case{"sender_broadcast",  {.sender_ip = {255, 255, 255, 255}},  Drop::arp_bad_sender}),
    [](const auto& c) { return c.param.name; });
// clang-format on

class ArpInputTest : public StageTest {
protected:
    NeighbourLink link(Ip4 ip, uint16_t port = 1) {
        Neighbour* n = neighbours_.find({port, ip});
        return n != nullptr ? n->read() : NeighbourLink{};
    }
};

TEST_F(ArpInputTest, RequestIsAnsweredByteForByte) {
    receive(frame(ArpMessage{.padding = 18}));
    const Bytes want = ethernet(kHostMac[1], kPortMac[1], kEtherTypeArp,
                                ArpMessage{.operation = kArpReply,
                                           .sender_mac = kPortMac[1],
                                           .sender_ip = kPortIp[1],
                                           .target_mac = kHostMac[1],
                                           .target_ip = kHostIp[1]}
                                    .bytes());
    EXPECT_EQ(only_sent(1), want);
    EXPECT_EQ(consumed(Consumed::arp_request), 1U);
    EXPECT_EQ(originated(Originated::arp_reply), 1U);
    EXPECT_EQ(link(kHostIp[1]).state, NeighbourState::stale);
    EXPECT_EQ(link(kHostIp[1]).mac, kHostMac[1]);
}

TEST_F(ArpInputTest, UnicastRequestIsAnsweredToItsSender) {
    receive(frame(ArpMessage{.target_mac = kPortMac[1]}, kPortMac[1]));
    EXPECT_EQ(ether_of(only_sent(1)).dst, kHostMac[1]);
}

// RFC 5227 2.1.1: somebody asks whether the address is free. It is told, and teaches nothing.
TEST_F(ArpInputTest, ProbeIsAnsweredAndNotLearned) {
    receive(frame(ArpMessage{.sender_ip = {}}));
    EXPECT_EQ(sent(1).size(), 1U);
    EXPECT_EQ(neighbours_.size(), 0U);
}

// Linux arp_ignore 0: an address belongs to the host, not to the port.
TEST_F(ArpInputTest, AddressOfAnotherPortIsAnsweredWithThisPortsMac) {
    receive(frame(ArpMessage{.target_ip = kPortIp[2]}));
    const auto& arp = *reinterpret_cast<const ArpHeader*>(&only_sent(1)[14]);
    EXPECT_EQ(arp.sender_mac, kPortMac[1]);
    EXPECT_EQ(Ip4{arp.sender_ip}, kPortIp[2]);
}

TEST_F(ArpInputTest, RequestForAnotherIsNotAnsweredNorAdded) {
    receive(frame(ArpMessage{.target_ip = {10, 0, 1, 77}}));
    EXPECT_EQ(dropped(Drop::arp_not_ours), 1U);
    EXPECT_EQ(sent(1).size(), 0U);
    EXPECT_EQ(neighbours_.size(), 0U);
}

TEST_F(ArpInputTest, GratuitousRequestUpdatesWhatIsKnown) {
    receive(frame(ArpMessage{}));
    receive(frame(ArpMessage{.sender_mac = kNewMac, .target_ip = kHostIp[1]}));
    EXPECT_EQ(dropped(Drop::arp_not_ours), 1U);
    EXPECT_EQ(link(kHostIp[1]).mac, kNewMac);
}

class AskedTest : public ArpInputTest {
protected:
    AskedTest() { context_->arp_asked = &asked_; }
    // What the control thread gets: the messages as they came.
    std::vector<Bytes> copies() {
        std::vector<Bytes> out;
        while (rte_mbuf* m = punt_queue_->pop()) {
            Bytes bytes(m->pkt_len);
            copy_out(*m, 0, bytes);
            out.push_back(bytes);
            rte_pktmbuf_free(m);
        }
        return out;
    }
    ArpAsked asked_;
};

TEST_F(AskedTest, ReplyOfWhomTheControlThreadAsks) {
    ASSERT_TRUE(asked_.add(1, kHostIp[1]));
    const Bytes reply = arp_reply(1, kHostMac[1], kHostIp[1]);
    receive(reply);
    EXPECT_EQ(copies(), std::vector<Bytes>{reply});
    EXPECT_EQ(consumed(Consumed::arp_reply), 1U) << "somebody did ask";
    EXPECT_EQ(consumed(Consumed::host), 1U);
    EXPECT_EQ(originated(Originated::arp_copy), 1U);
    EXPECT_EQ(neighbours_.size(), 0U);
}

TEST_F(AskedTest, OfNobodyElse) {
    ASSERT_TRUE(asked_.add(1, {10, 0, 1, 77}));
    ASSERT_TRUE(asked_.add(2, kHostIp[1]));
    receive(arp_reply(1, kHostMac[1], kHostIp[1]));
    EXPECT_TRUE(copies().empty());
    EXPECT_EQ(dropped(Drop::arp_unsolicited), 1U);
    asked_.remove(2, kHostIp[1]);
    asked_.remove(1, {10, 0, 1, 77});
    EXPECT_FALSE(asked_.any());
}

// RFC 5227: who has our address, and who is about to take the same.
TEST_F(AskedTest, ConflictsAndProbes) {
    ASSERT_TRUE(asked_.add(1, kPortIp[1]));
    const std::vector<Bytes> frames{
        frame(ArpMessage{.sender_ip = kPortIp[1], .target_ip = kHostIp[1]}),
        frame(ArpMessage{.sender_ip = {}, .target_ip = kPortIp[1]})};
    receive(frames);
    EXPECT_EQ(copies(), frames);
    EXPECT_EQ(dropped(Drop::arp_not_ours), 1U);
    EXPECT_EQ(consumed(Consumed::arp_request), 1U) << "the probe is answered all the same";
    receive(frame(ArpMessage{}));
    EXPECT_TRUE(copies().empty()) << "a host that asks for us is none of it";
}

TEST_F(AskedTest, EachAddIsTakenBackOnce) {
    for (size_t i = 0; i < ArpAsked::kMost; ++i) EXPECT_TRUE(asked_.add(1, kHostIp[1]));
    EXPECT_FALSE(asked_.add(1, kHostIp[2]));
    asked_.remove(1, kHostIp[1]);
    EXPECT_TRUE(asked_.has(1, kHostIp[1]));
    EXPECT_TRUE(asked_.add(3, kHostIp[2]));
    EXPECT_TRUE(asked_.has(3, kHostIp[2]));
    EXPECT_FALSE(asked_.has(1, kHostIp[2]));
    asked_.remove(2, kHostIp[2]);
    EXPECT_TRUE(asked_.has(3, kHostIp[2])) << "of another port";
}

TEST_F(ArpInputTest, UnsolicitedReplyIsDropped) {
    receive(arp_reply(1, kHostMac[1], kHostIp[1]));
    EXPECT_EQ(dropped(Drop::arp_unsolicited), 1U);
    EXPECT_EQ(neighbours_.size(), 0U);
}

TEST_F(ArpInputTest, ReplyProvesAndBroadcastReplyHints) {
    ASSERT_NE(neighbours_.find_or_add({1, kHostIp[1]}, 0), nullptr);
    const Bytes reply = arp_reply(1, kHostMac[1], kHostIp[1]);
    receive(ethernet(Mac::broadcast(), kHostMac[1], kEtherTypeArp, from(reply, 14)));
    EXPECT_EQ(link(kHostIp[1]).state, NeighbourState::stale);
    receive(reply);
    EXPECT_EQ(link(kHostIp[1]).state, NeighbourState::reachable);
    EXPECT_EQ(consumed(Consumed::arp_reply), 2U);
}

TEST_F(ArpInputTest, NeighboursOfTwoPortsAreApart) {
    receive(frame(ArpMessage{}));
    EXPECT_EQ(neighbours_.find({2, kHostIp[1]}), nullptr);
    receive(frame(ArpMessage{.sender_mac = kNewMac}), 2);
    EXPECT_EQ(link(kHostIp[1], 1).mac, kHostMac[1]);
    EXPECT_EQ(link(kHostIp[1], 2).mac, kNewMac);
}

TEST_F(ArpInputTest, SenderWithOurAddressIsNotBelieved) {
    receive(
        {frame(ArpMessage{.sender_ip = kPortIp[1]}), frame(ArpMessage{.sender_ip = kPortIp[2]})});
    EXPECT_EQ(dropped(Drop::arp_bad_sender), 2U);
    EXPECT_EQ(neighbours_.size(), 0U);
    EXPECT_EQ(sent(1).size(), 0U);
}

TEST_F(ArpInputTest, SenderWithOurAddressIsAnsweredWithAcceptLocal) {
    knob(1, PortKnob::accept_local, 1);
    receive(frame(ArpMessage{.sender_ip = kPortIp[2]}));
    EXPECT_EQ(sent(1).size(), 1U);
    EXPECT_EQ(link(kPortIp[2]).mac, kHostMac[1]);
}

TEST_F(ArpInputTest, SenderWithOurAddressIsAtHomeOnItsPortOnly) {
    knob(1, PortKnob::accept_local, 1);
    knob(1, PortKnob::rp_filter, 1);
    receive(frame(ArpMessage{.sender_ip = kPortIp[2]}));
    EXPECT_EQ(dropped(Drop::rp_filter), 1U);
    receive(frame(ArpMessage{.sender_ip = kPortIp[1]}));
    EXPECT_EQ(sent(1).size(), 1U);
    knob(1, PortKnob::rp_filter, 2);
    receive(frame(ArpMessage{.sender_ip = kPortIp[2]}));
    EXPECT_EQ(sent(1).size(), 2U);
    EXPECT_EQ(dropped(Drop::rp_filter), 1U);
}

TEST_F(ArpInputTest, AskerMustPassTheReversePathFilter) {
    knob(1, PortKnob::rp_filter, 1);
    receive(frame(ArpMessage{.sender_ip = kHostIp[2]}));
    EXPECT_EQ(dropped(Drop::rp_filter), 1U);
    EXPECT_EQ(neighbours_.size(), 0U);
    receive(frame(ArpMessage{}));
    EXPECT_EQ(sent(1).size(), 1U);
}

TEST_F(ArpInputTest, PermanentNeighbourStays) {
    permanent(1, kHostIp[1], kHostMac[1]);
    receive(frame(ArpMessage{.sender_mac = kNewMac}));
    receive(arp_reply(1, kNewMac, kHostIp[1]));
    EXPECT_EQ(link(kHostIp[1]).mac, kHostMac[1]);
    EXPECT_EQ(link(kHostIp[1]).state, NeighbourState::permanent);
    EXPECT_EQ(ether_of(only_sent(1)).dst, kNewMac) << "whoever asked is answered";
}

TEST_F(ArpInputTest, FullTableStillAnswers) {
    for (uint32_t i = 0; i < neighbours_.thresholds().gc_thresh3; ++i)
        ASSERT_NE(neighbours_.find_or_add({2, Ip4{0x0a000300 + i}}, 0), nullptr);
    receive(frame(ArpMessage{}));
    EXPECT_EQ(sent(1).size(), 1U);
    EXPECT_EQ(neighbours_.find({1, kHostIp[1]}), nullptr);
}

// --- Knobs ---
// A second subnet on port 1, and who asks for what there.
struct KnobCase {
    const char* name;
    PortKnob knob;
    uint32_t value;
    Ip4 sender, target;
    size_t answers;
    NeighbourState learned;
};
constexpr Ip4 kSecond{10, 0, 9, 1}, kSecondHost{10, 0, 9, 7}, kGateway{10, 0, 1, 99};
class ArpKnobTest : public ArpInputTest, public testing::WithParamInterface<KnobCase> {};
TEST_P(ArpKnobTest, RequestIs) {
    const KnobCase& is = GetParam();
    snap_.ports[1].addresses.push_back({kSecond, 24});
    snap_.own.add(kSecond);
    route("10.0.9.0/24", RouteType::forward, {{1, {}, UINT32_MAX}});
    route("50.0.0.0/8", RouteType::forward, {{1, kGateway, UINT32_MAX}});
    route("60.0.0.0/8", RouteType::blackhole);
    knob(1, is.knob, is.value);
    receive(frame(ArpMessage{.sender_ip = is.sender, .target_ip = is.target}));
    EXPECT_EQ(sent(1).size(), is.answers);
    EXPECT_EQ(link(is.sender).state, is.learned);
    if (is.answers == 0) {
        EXPECT_EQ(dropped(Drop::arp_ignored) + dropped(Drop::arp_not_ours) +
                      dropped(Drop::arp_gratuitous) + dropped(Drop::rp_filter),
                  1U);
    }
}
constexpr auto kStale = NeighbourState::stale, kNotLearned = NeighbourState::none;
// clang-format off
constexpr PortKnob kIgnore = PortKnob::arp_ignore, kFilter = PortKnob::arp_filter, kAccept = PortKnob::arp_accept,
                   kProxy = PortKnob::proxy_arp, kPvlan = PortKnob::proxy_arp_pvlan;
INSTANTIATE_TEST_SUITE_P(Linux, ArpKnobTest, testing::Values(
    KnobCase{"ignore_0_of_another_port",    kIgnore, 0, kHostIp[1], kPortIp[2], 1, kStale},
    KnobCase{"ignore_1_of_another_port",    kIgnore, 1, kHostIp[1], kPortIp[2], 0, kNotLearned},
    KnobCase{"ignore_1_own",                kIgnore, 1, kHostIp[1], kPortIp[1], 1, kStale},
    KnobCase{"ignore_1_second",             kIgnore, 1, kHostIp[1], kSecond, 1, kStale},
    KnobCase{"ignore_2_second",             kIgnore, 2, kHostIp[1], kSecond, 0, kNotLearned},
    KnobCase{"ignore_2_second_from_there",  kIgnore, 2, kSecondHost, kSecond, 1, kStale},
    KnobCase{"ignore_2_of_another_port",    kIgnore, 2, kHostIp[2], kPortIp[2], 0, kNotLearned},
    KnobCase{"ignore_2_probe",              kIgnore, 2, {}, kSecond, 1, kNotLearned},
    KnobCase{"ignore_3_of_another_port",    kIgnore, 3, kHostIp[1], kPortIp[2], 1, kStale},
    KnobCase{"ignore_8_own",                kIgnore, 8, kHostIp[1], kPortIp[1], 0, kNotLearned},
    KnobCase{"ignore_8_probe",              kIgnore, 8, {}, kPortIp[1], 0, kNotLearned},
    KnobCase{"filter_from_there",           kFilter, 1, kHostIp[1], kPortIp[1], 1, kStale},
    KnobCase{"filter_from_elsewhere",       kFilter, 1, kHostIp[2], kPortIp[1], 0, kNotLearned},
    KnobCase{"filter_by_a_gateway",         kFilter, 1, {50, 0, 0, 1}, kPortIp[1], 1, kStale},
    KnobCase{"filter_without_route",        kFilter, 1, {99, 0, 0, 1}, kPortIp[1], 0, kNotLearned},
    KnobCase{"filter_probe",                kFilter, 1, {}, kPortIp[1], 1, kNotLearned},
    KnobCase{"strict_from_elsewhere",       PortKnob::rp_filter, 1, kHostIp[2], kPortIp[1], 0, kNotLearned},
    KnobCase{"loose_from_elsewhere",        PortKnob::rp_filter, 2, kHostIp[2], kPortIp[1], 1, kStale},
    KnobCase{"accept_0_gratuitous",         kAccept, 0, kHostIp[1], kHostIp[1], 0, kNotLearned},
    KnobCase{"accept_1_gratuitous",         kAccept, 1, kHostIp[1], kHostIp[1], 0, kStale},
    KnobCase{"accept_1_for_another",        kAccept, 1, kHostIp[1], kGateway, 0, kNotLearned},
    KnobCase{"accept_1_off_subnet",         kAccept, 1, {50, 0, 0, 1}, {50, 0, 0, 1}, 0, kStale},
    KnobCase{"accept_1_broadcast",          kAccept, 1, {10, 0, 1, 255}, {10, 0, 1, 255}, 0, kNotLearned},
    KnobCase{"accept_2_off_subnet",         kAccept, 2, {50, 0, 0, 1}, {50, 0, 0, 1}, 0, kNotLearned},
    KnobCase{"accept_2_second_subnet",      kAccept, 2, kSecondHost, kSecondHost, 0, kStale},
    KnobCase{"gratuitous_dropped",          PortKnob::drop_gratuitous_arp, 1, kHostIp[1], kHostIp[1], 0, kNotLearned},
    KnobCase{"gratuitous_only",             PortKnob::drop_gratuitous_arp, 1, kHostIp[1], kPortIp[1], 1, kStale},
    KnobCase{"proxy_0",                     kProxy, 0, kHostIp[1], kHostIp[2], 0, kNotLearned},
    KnobCase{"proxy_1",                     kProxy, 1, kHostIp[1], kHostIp[2], 1, kStale},
    KnobCase{"proxy_1_same_port",           kProxy, 1, kHostIp[1], {50, 0, 0, 1}, 0, kNotLearned},
    KnobCase{"proxy_1_no_route",            kProxy, 1, kHostIp[1], {99, 0, 0, 1}, 0, kNotLearned},
    KnobCase{"proxy_1_blackhole",           kProxy, 1, kHostIp[1], {60, 0, 0, 1}, 0, kNotLearned},
    KnobCase{"proxy_1_broadcast",           kProxy, 1, kHostIp[1], {10, 0, 2, 255}, 0, kNotLearned},
    KnobCase{"proxy_1_probe",               kProxy, 1, {}, kHostIp[2], 0, kNotLearned},
    KnobCase{"pvlan_1_same_port",           kPvlan, 1, kHostIp[1], kGateway, 1, kStale},
    KnobCase{"pvlan_1_itself",              kPvlan, 1, kHostIp[1], kHostIp[1], 0, kNotLearned},
    KnobCase{"pvlan_1_another_port",        kPvlan, 1, kHostIp[1], kHostIp[2], 0, kNotLearned}),
    [](const auto& c) { return c.param.name; });
// clang-format on

TEST_F(ArpInputTest, ProxyAnswersWithThisPortsMac) {
    knob(1, kProxy, 1);
    receive(frame(ArpMessage{.target_ip = kHostIp[2]}));
    const auto& arp = *reinterpret_cast<const ArpHeader*>(&only_sent(1)[14]);
    EXPECT_EQ(arp.sender_mac, kPortMac[1]);
    EXPECT_EQ(Ip4{arp.sender_ip}, kHostIp[2]);
}

TEST_F(ArpInputTest, UnsolicitedReplyIsAccepted) {
    knob(1, kAccept, 1);
    receive(arp_reply(1, kHostMac[1], kHostIp[1]));
    EXPECT_EQ(link(kHostIp[1]).state, NeighbourState::reachable);
    EXPECT_EQ(consumed(Consumed::arp_reply), 1U);
}

TEST_F(ArpInputTest, GratuitousReplyDoesNotMoveIt) {
    receive(frame(ArpMessage{}));
    knob(1, PortKnob::drop_gratuitous_arp, 1);
    receive(frame(ArpMessage{.operation = kArpReply,
                             .sender_mac = kNewMac,
                             .target_mac = kNewMac,
                             .target_ip = kHostIp[1]}));
    EXPECT_EQ(dropped(Drop::arp_gratuitous), 1U);
    EXPECT_EQ(link(kHostIp[1]).mac, kHostMac[1]);
}

class ArpBurstTest : public StageTest, public testing::WithParamInterface<size_t> {};
TEST_P(ArpBurstTest, IsAccounted) {
    const Bytes kinds[] = {frame(ArpMessage{}), frame(ArpMessage{.cut_to = 20}),
                           frame(ArpMessage{.target_ip = {10, 0, 1, 9}}),
                           arp_reply(1, kHostMac[1], kHostIp[1])};
    std::vector<Bytes> burst;
    for (size_t i = 0; i < GetParam(); ++i) burst.push_back(kinds[i % 4]);
    receive(burst);
    EXPECT_EQ(sent(1).size(), (GetParam() + 3) / 4);
    EXPECT_EQ(dropped(Drop::arp_malformed), (GetParam() + 2) / 4);
}
INSTANTIATE_TEST_SUITE_P(Bursts, ArpBurstTest, testing::Values(0, 1, 3, 31, 32));

}  // namespace
}  // namespace vethway
