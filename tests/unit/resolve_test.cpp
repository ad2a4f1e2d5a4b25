// SPDX-License-Identifier: Apache-2.0
// Packets whose next hop's MAC is not known: what is asked, what waits, what leaves and in which
// order.
#include "dataplane/neighbour/resolve.h"

#include "tests/unit/stage_fixture.h"

namespace vethway::test {
namespace {

constexpr Ip4 kStranger{10, 0, 2, 77};
constexpr Mac kStrangerMac{{0x06, 0, 0, 0, 2, 0x77}};

class ResolveTest : public StageTest {
protected:
    void send_to_stranger(uint16_t first, uint16_t last) {
        for (uint16_t id = first; id <= last; ++id)
            receive(frame(Ip4Packet{.id = id, .dst = kStranger}));
    }
    void stranger_answers() { receive(arp_reply(2, kStrangerMac, kStranger), 2); }
    // What a packet costs its neighbour's queue.
    uint32_t cost() {
        rte_mbuf* m = mbuf(frame(Ip4Packet{}));
        const uint32_t bytes = NeighbourTable::buffer_bytes(*m);
        rte_pktmbuf_free(m);
        return bytes;
    }
    // Ids of the IPv4 packets sent by port 2.
    std::vector<uint16_t> ids() const {
        std::vector<uint16_t> found;
        for (const Bytes& f : sent(2))
            if (ether_of(f).type == kEtherTypeIp4) found.push_back(ip4_of(f).id);
        return found;
    }
    size_t requests() const { return sent(2).size() - ids().size(); }
};

std::vector<uint16_t> from_to(uint16_t first, uint16_t last) {
    std::vector<uint16_t> out;
    for (uint16_t i = first; i <= last; ++i) out.push_back(i);
    return out;
}

TEST_F(ResolveTest, AsksOnceAndSendsInOrderWhenAnswered) {
    send_to_stranger(1, 20);
    EXPECT_EQ(requests(), 1U);
    EXPECT_EQ(held(), 20U);
    stranger_answers();
    EXPECT_EQ(ids(), from_to(1, 20));
    EXPECT_EQ(held(), 0U);
    EXPECT_EQ(ether_of(sent(2).back()).dst, kStrangerMac);
    send_to_stranger(21, 21);
    EXPECT_EQ(ids(), from_to(1, 21)) << "known from now on";
}

TEST_F(ResolveTest, OfTooManyTheOldestMakeWay) {
    constexpr uint16_t kMost = 20;
    snap_.ports[2].neighbour_limits.unres_qlen = kMost;
    send_to_stranger(1, kMost + 6);
    EXPECT_EQ(held(), kMost);
    EXPECT_EQ(dropped(Drop::neighbour_queue_full), 6U);
    EXPECT_EQ(requests(), 1U);
    stranger_answers();
    EXPECT_EQ(ids(), from_to(7, kMost + 6));
}

TEST_F(ResolveTest, TheOldestMakeWayByBytesToo) {
    const uint32_t each = cost();
    snap_.ports[2].neighbour_limits.unres_qlen_bytes = 3 * each + each / 2;
    send_to_stranger(1, 5);
    EXPECT_EQ(held(), 3U);
    stranger_answers();
    EXPECT_EQ(ids(), from_to(3, 5));
    EXPECT_EQ(dropped(Drop::neighbour_queue_full), 2U);
}

TEST_F(ResolveTest, ZeroStillHoldsTheNewest) {
    snap_.ports[2].neighbour_limits.unres_qlen_bytes = 0;
    send_to_stranger(1, 3);
    EXPECT_EQ(held(), 1U);
    stranger_answers();
    EXPECT_EQ(ids(), from_to(3, 3));
}

// mcast_solicit and app_solicit are 0: whoever is not known can't be reached, and nobody is told.
TEST_F(ResolveTest, NobodyMayAsk) {
    snap_.ports[2].neighbour_limits.first = NeighbourLimits::First::fails;
    send_to_stranger(1, 2);
    EXPECT_EQ(dropped(Drop::neighbour_failed), 2U);
    EXPECT_EQ(requests(), 0U);
    EXPECT_EQ(sent(1).size(), 0U);
}

TEST_F(ResolveTest, TheFirstTurnIsAnothers) {
    snap_.ports[2].neighbour_limits.first = NeighbourLimits::First::waits;
    send_to_stranger(1, 2);
    EXPECT_EQ(held(), 2U);
    EXPECT_EQ(requests(), 0U);
}

TEST_F(ResolveTest, AllThatWaitsIsBounded) {
    for (uint8_t host = 100; host < 110; ++host)
        for (uint16_t id = 0; id < 30; ++id)
            receive(frame(Ip4Packet{.id = id, .dst = Ip4{10, 0, 2, host}}));
    EXPECT_EQ(held(), 256U) << "max_held of the fixture";
    EXPECT_EQ(dropped(Drop::neighbour_queue_full), 44U);
    context_->dry = true;
    send_to_stranger(1, 1);
    EXPECT_EQ(dropped(Drop::neighbour_queue_full), 45U) << "as a what-if says";
}

TEST_F(ResolveTest, AStrangersAnswerFromAnotherPortDoesNotCount) {
    send_to_stranger(1, 1);
    receive(arp_reply(1, kStrangerMac, kStranger), 1);
    EXPECT_EQ(held(), 1U);
    EXPECT_EQ(dropped(Drop::arp_unsolicited, 1), 1U);
}

// Linux arp_announce: the address that a reply from `from` to a stranger on port 2 is asked from.
struct AnnounceCase {
    const char* name;
    uint32_t announce;
    Ip4 from, asked_from;
};
class AnnounceTest : public ResolveTest, public testing::WithParamInterface<AnnounceCase> {};
constexpr Ip4 kSecond{10, 0, 2, 9};  // in the same subnet
TEST_P(AnnounceTest, AsksFrom) {
    snap_.ports[2].addresses.push_back({kSecond, 24});
    snap_.own.add(kSecond);
    route("10.0.2.9", RouteType::local, {{2, {}, UINT32_MAX}});
    knob(2, PortKnob::arp_announce, GetParam().announce);
    receive(frame(Ip4Packet{.protocol = kProtocolIcmp,
                            .src = kStranger,
                            .dst = GetParam().from,
                            .payload = icmp(kIcmpEchoRequest)},
                  2),
            2);
    ASSERT_EQ(requests(), 1U);
    EXPECT_EQ(Ip4{reinterpret_cast<const ArpHeader*>(&sent(2)[0][14])->sender_ip},
              GetParam().asked_from);
}
INSTANTIATE_TEST_SUITE_P(
    Linux, AnnounceTest,
    testing::Values(AnnounceCase{"any_of_another_port", 0, kPortIp[1], kPortIp[1]},
                    AnnounceCase{"any_second", 0, kSecond, kSecond},
                    AnnounceCase{"subnet_of_another_port", 1, kPortIp[1], kPortIp[2]},
                    AnnounceCase{"subnet_second", 1, kSecond, kSecond},
                    AnnounceCase{"best_of_another_port", 2, kPortIp[1], kPortIp[2]},
                    AnnounceCase{"best_second", 2, kSecond, kPortIp[2]}),
    [](const auto& c) { return c.param.name; });

TEST_F(ResolveTest, PortThatIsDown) {
    snap_.ports[2].up = false;
    send_to_stranger(1, 1);
    EXPECT_EQ(dropped(Drop::egress_down), 1U);
    EXPECT_EQ(held(), 0U);
}

TEST_F(ResolveTest, NoMorePlacesInTheTable) {
    for (uint16_t i = 0; i < 64; ++i)
        ASSERT_NE(neighbours_.find_or_add({3, Ip4{0x0a000400U + i}}, context_->now), nullptr);
    send_to_stranger(1, 1);
    EXPECT_EQ(dropped(Drop::neighbour_table_full), 1U);
    context_->dry = true;
    send_to_stranger(1, 1);
    EXPECT_EQ(dropped(Drop::neighbour_table_full), 2U) << "as a what-if says";
}

}  // namespace
}  // namespace vethway::test
