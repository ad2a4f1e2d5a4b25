// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ip4/ip4_straight.h"

#include <random>

#include "tests/unit/stage_fixture.h"

namespace vethway::test {
namespace {

using Ids = std::vector<uint16_t>;

constexpr Ip4 kUnknown{10, 0, 2, 77};  // on port 2's link, and nobody knows its MAC

class Ip4StraightTest : public StageTest {
protected:
    void SetUp() override {
        StageTest::SetUp();
        know_hosts();
    }
    // Numbers them from 1 on; those that stay.
    Ids stay_of(std::vector<Ip4Packet> packets, Offload offload = {}) {
        Burst burst, errors;
        std::vector<Ip4> to;
        for (Ip4Packet& p : packets) {
            p.id = static_cast<uint16_t>(to.size() + 1);
            rte_mbuf* const m = mbuf(frame(p));
            meta(*m).offload = offload;
            burst.push(m);
            to.push_back(p.dst);
        }
        counters_->received(1, packets.size(), 0);
        const uint16_t n =
            ip4_straight(*context_, std::span(burst.begin(), burst.end()), to, errors);
        tx_.flush(snap_);
        Ids ids;
        for (rte_mbuf* m : std::span(burst.begin(), n)) {
            EXPECT_EQ(plain_ip4(*m).ttl, packets[plain_ip4(*m).id - 1U].ttl) << "left as it was";
            ids.push_back(plain_ip4(*m).id);
            drops_.add(m, Drop::none);
        }
        refused_.clear();
        for (rte_mbuf* m : errors) {
            refused_.emplace_back(plain_ip4(*m).id, meta(*m).why);
            drops_.add(m, Drop::none);
        }
        return ids;
    }
    std::vector<std::pair<uint16_t, Drop>> refused_;  // the last time

    Ids sent_ids(uint16_t port) const {
        Ids ids;
        for (const Bytes& f : sent(port)) ids.push_back(ip4_of(f).id);
        return ids;
    }
};

TEST_F(Ip4StraightTest, SendsEachByItsRoute) {
    permanent(2, Ip4{10, 0, 2, 3}, kHostMac[3]);
    route("50.0.0.0/8", RouteType::forward, {{2, Ip4{10, 0, 2, 3}, UINT32_MAX}});
    EXPECT_TRUE(stay_of({{}, {.dst = {50, 1, 2, 3}}, {.dst = kHostIp[3]}, {}}).empty());
    EXPECT_EQ(sent_ids(2), (Ids{1, 2, 4}));
    EXPECT_EQ(sent_ids(3), (Ids{3}));
    EXPECT_EQ(sent(2)[0], ethernet(kHostMac[2], kPortMac[2], kEtherTypeIp4,
                                   Ip4Packet{.ttl = 63, .id = 1}.bytes()));
    EXPECT_EQ(ether_of(sent(2)[1]).dst, kHostMac[3]);
    EXPECT_EQ(counters_->ports[2].tx_packets.value(), 3U);
}

// What has more to be said of it, and so all behind it, which might be of its flow.
TEST_F(Ip4StraightTest, StopsWhereTheWayIsLonger) {
    knob(1, PortKnob::send_redirects, 0);
    permanent(1, Ip4{10, 0, 1, 3}, kHostMac[3]);
    route("60.0.0.0/8", RouteType::forward,
          {{2, kHostIp[2], UINT32_MAX / 2}, {3, kHostIp[3], UINT32_MAX}});
    const Bytes large = udp(counting(800));
    for (const Ip4Packet& packet :
         {Ip4Packet{.dst = kUnknown}, Ip4Packet{.dst = Ip4{10, 0, 1, 3}},
          Ip4Packet{.dst = kHostIp[3], .payload = large}, Ip4Packet{.dst = Ip4{60, 0, 0, 1}},
          Ip4Packet{.dst = Ip4{10, 0, 2, 255}}}) {
        const size_t before = sent(2).size();
        EXPECT_EQ(stay_of({{}, packet, {}, {}}), (Ids{2, 3, 4})) << packet.dst.to_string();
        EXPECT_EQ(sent(2).size(), before + 1) << packet.dst.to_string();
    }
    snap_.ports[2].up = false;
    EXPECT_EQ(stay_of({{}, {}}), (Ids{1, 2})) << "egress is down";
}

TEST_F(Ip4StraightTest, NobodyWaitsForWhatEndsHere) {
    route("70.0.0.0/8", RouteType::blackhole);
    EXPECT_EQ(stay_of({{.ttl = 1},
                       {},
                       {.dst = kPortIp[1]},
                       {},
                       {.dst = {70, 0, 0, 1}},
                       {.dst = {90, 0, 0, 1}},
                       {.ttl = 1, .dst = kUnknown},
                       {}}),
              (Ids{3, 5}));
    using Refused = std::pair<uint16_t, Drop>;
    EXPECT_EQ(refused_, (std::vector<Refused>{
                            {1, Drop::ttl_expired}, {6, Drop::no_route}, {7, Drop::ttl_expired}}));
    EXPECT_EQ(sent_ids(2), (Ids{2, 4, 8}));
}

TEST_F(Ip4StraightTest, LooksAtSourcesWhereThePortIsToldTo) {
    const Ip4Packet from_port_3{.src = kHostIp[3]};
    EXPECT_TRUE(stay_of({{}, from_port_3, {}}).empty());
    snap_.any_source_check = true;
    knob(1, PortKnob::rp_filter, static_cast<uint32_t>(SourceCheck::strict));
    EXPECT_EQ(stay_of({{}, from_port_3, {}}), (Ids{2}));
    knob(1, PortKnob::rp_filter, static_cast<uint32_t>(SourceCheck::loose));
    EXPECT_TRUE(stay_of({{}, from_port_3, {}}).empty());
    EXPECT_EQ(stay_of({{}, {.src = Ip4{90, 0, 0, 1}}, {}}), (Ids{2})) << "no way back at all";
}

TEST_F(Ip4StraightTest, LeavesWhatIsLeftToADevice) {
    snap_.ports[1].offloads = true;
    EXPECT_TRUE(stay_of({{}, {}}).empty());
    EXPECT_EQ(stay_of({{}}, {.checksum = L4Checksum::good}), Ids{1});
    EXPECT_EQ(stay_of({{}}, {.checksum = L4Checksum::partial}), Ids{1});
    EXPECT_EQ(stay_of({{}}, {.gso = Gso::tcp4}), Ids{1});
}

TEST_F(Ip4StraightTest, WholeBatchesAreKeptInOrder) {
    Ids all;
    for (uint16_t burst = 0; burst < 5; ++burst) {  // more than tx gathers
        const auto n = static_cast<uint16_t>(burst % 2 == 0 ? kBurst : kBurst - 1);
        EXPECT_TRUE(stay_of(std::vector<Ip4Packet>(n)).empty());
        for (uint16_t i = 1; i <= n; ++i) all.push_back(i);
    }
    EXPECT_EQ(sent_ids(2), all);
}

// Through all stages, whatever it is mixed with: what is to leave does, in the order in which it
// came.
TEST_F(Ip4StraightTest, NothingOvertakesWhatIsForwarded) {
    std::mt19937 random(1);
    route("60.0.0.0/8", RouteType::forward, {{2, kHostIp[2], 1U << 31}, {2, kHostIp[2], ~0U}});
    for (int round = 0; round < 500; ++round) {
        std::vector<Bytes> burst;
        Ids expected;
        while (burst.size() < kBurst) {
            Ip4Packet p{.id = static_cast<uint16_t>(burst.size() + 1)};
            bool leaves = true;
            switch (random() % (2 + static_cast<unsigned>(round) % 12)) {
                case 2:
                    p.options = octets({1, 1, 1, 1});
                    break;
                case 3:
                    p.dst = Ip4{60, 0, 0, 1};
                    break;
                case 4:
                    p.ttl = 1, leaves = false;
                    break;
                case 5:
                    p.checksum = 1, leaves = false;
                    break;
                case 6:
                    p.dst = Ip4{224, 0, 0, 9}, leaves = false;
                    break;
                case 7:
                    p.padding = 7;
                    break;
                case 8:
                    p.dst = kPortIp[1], p.protocol = 253, leaves = false;
                    break;
                case 9:
                    p.src = kPortIp[2], leaves = false;
                    break;
                default:
                    break;
            }
            burst.push_back(frame(p));
            if (leaves) expected.push_back(p.id);
        }
        ports_[2].sent.clear();
        receive(burst);
        ASSERT_EQ(sent_ids(2), expected) << "round " << round;
    }
}

}  // namespace
}  // namespace vethway::test
