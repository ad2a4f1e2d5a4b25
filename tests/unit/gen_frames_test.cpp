// SPDX-License-Identifier: Apache-2.0
// perf/gen: frames as they are made, read and accounted for; ARP.
#include <gtest/gtest.h>

#include <set>

#include "perf/gen/accounting.h"
#include "perf/gen/arp.h"
#include "perf/gen/frame_check.h"
#include "perf/gen/frame_maker.h"
#include "tests/unit/packet.h"

namespace vethway::gen {
namespace {

// --- Frames ------------------------------------------------------------------------------------
struct FrameCase {
    const char* name;
    uint8_t protocol;
    std::optional<uint16_t> vlan;
    uint16_t bytes;
};

class GenFrame : public testing::TestWithParam<FrameCase> {
protected:
    FrameShape shape() const {
        return {.src = test::kHostMac[1],
                .dst = test::kPortMac[1],
                .vlan = GetParam().vlan,
                .protocol = GetParam().protocol,
                .ttl = 17};
    }
    static constexpr Flow kFlow{
        .src = 0x0a000102, .dst = 0xc6336407, .src_port = 65000, .dst_port = 9};
    static constexpr Stamp kStamp{
        .flow = 70'000, .sequence = 0xfffffffe, .time = 0xab12'3456'789a, .run = 0xbeef};
    test::Bytes make(const Flow& flow = kFlow, const Stamp& stamp = kStamp) const {
        const FrameMaker maker(shape(), GetParam().bytes);
        test::Bytes frame(maker.bytes().begin(), maker.bytes().end());
        // Another's addresses and stamp were in it before.
        maker.address(frame.data(), {.src = 1, .dst = 2, .src_port = 3, .dst_port = 4});
        maker.stamp(frame.data(), {}, {});
        maker.address(frame.data(), flow);
        maker.stamp(frame.data(), flow, stamp);
        return frame;
    }
    Checked check(const test::Bytes& frame, uint16_t run = kStamp.run) const {
        return FrameCheck(shape(), {GetParam().bytes}).check(frame, run);
    }
};

TEST_P(GenFrame, IsValidAndReadBack) {
    const test::Bytes frame = make();
    const size_t ip_at = shape().ip_offset();
    const auto& ip = *reinterpret_cast<const Ip4Header*>(&frame[ip_at]);
    EXPECT_EQ(ip.total_length, frame.size() - ip_at);
    EXPECT_EQ(ip.ttl, 17);
    EXPECT_EQ(ip.src, kFlow.src);
    EXPECT_EQ(ip.dst, kFlow.dst);
    EXPECT_EQ(test::reference_checksum(std::span(frame).subspan(ip_at, 20)), 0);
    const auto l4 = std::span(frame).subspan(ip_at + 20);
    const uint32_t pseudo =
        ip.protocol == kProtocolIcmp
            ? 0
            : test::pseudo_header(Ip4{ip.src}, Ip4{ip.dst}, ip.protocol, l4.size());
    EXPECT_EQ(test::reference_checksum(l4, pseudo), 0);

    const Checked found = check(frame);
    EXPECT_EQ(found.verdict, Verdict::good);
    EXPECT_EQ(found.stamp.flow, kStamp.flow);
    EXPECT_EQ(found.stamp.sequence, kStamp.sequence);
    EXPECT_EQ(found.stamp.time, kStamp.time);
    EXPECT_EQ(check(frame, 1).verdict, Verdict::other_run);
}

TEST_P(GenFrame, ChecksumIsRightForEveryStamp) {
    Random random(5);
    for (int i = 0; i < 3000; ++i) {
        const auto drawn = [&] { return static_cast<uint32_t>(random.next()); };
        const Flow flow{.src = drawn(),
                        .dst = drawn(),
                        .src_port = static_cast<uint16_t>(drawn()),
                        .dst_port = static_cast<uint16_t>(drawn())};
        const Stamp stamp{.flow = drawn(),
                          .sequence = drawn(),
                          .time = random.next() & kStampTimeMask,
                          .run = kStamp.run};
        ASSERT_EQ(check(make(flow, stamp)).verdict, Verdict::good) << i;
    }
}

// RFC 768: 0 says that there is no checksum. One sum in 65535 would be.
TEST(GenFrameMaker, UdpChecksumIsNeverZero) {
    const FrameMaker maker({}, 60);
    test::Bytes frame(maker.bytes().begin(), maker.bytes().end());
    const auto& checksum = *reinterpret_cast<const Be16*>(&frame[40]);
    int ones = 0;
    for (uint32_t i = 0; i < 500'000; ++i) {
        maker.stamp(frame.data(), {}, {.sequence = i});
        ASSERT_NE(checksum, 0) << i;
        ones += checksum == 0xffff ? 1 : 0;
    }
    EXPECT_GT(ones, 0) << "the case is among them";
}

TEST_P(GenFrame, EveryBitFlippedIsNotGood) {
    const test::Bytes whole = make();
    for (size_t bit = shape().ip_offset() * 8U; bit < whole.size() * 8; ++bit) {
        test::Bytes frame = whole;
        frame[bit / 8] ^= std::byte{static_cast<uint8_t>(1U << bit % 8)};
        const Checked found = check(frame);
        ASSERT_NE(found.verdict, Verdict::good) << "byte " << bit / 8;
        // What can't be one of ours any more is a loss; from the TTL on it must be known as damage.
        const size_t byte = bit / 8 - shape().ip_offset();
        if (byte >= 10) {
            const bool run_bits = found.verdict == Verdict::other_run;
            ASSERT_TRUE(found.verdict == Verdict::corrupted && !run_bits) << "byte " << bit / 8;
        }
    }
}

TEST_P(GenFrame, WhatAnInternetChecksumMisses) {
    // Two words of the stamp swapped: the sum is the same, the frame is not.
    test::Bytes frame = make();
    const size_t at = shape().stamp_offset();
    std::swap_ranges(&frame[at], &frame[at + 2], &frame[at + 4]);
    EXPECT_EQ(check(frame).verdict, Verdict::corrupted);
}

TEST_P(GenFrame, RoutedAndPaddedIsGood) {
    test::Bytes frame = make();
    auto& ip = *reinterpret_cast<Ip4Header*>(&frame[shape().ip_offset()]);
    ip.ttl = 16;
    ip.checksum = 0;
    ip.checksum = test::reference_checksum(std::span(frame).subspan(shape().ip_offset(), 20));
    frame.resize(frame.size() + 6);
    EXPECT_EQ(check(frame).verdict, Verdict::good);
}

TEST_P(GenFrame, CutShortIsNotGood) {
    const test::Bytes whole = make();
    for (size_t size = 0; size < whole.size(); ++size)
        ASSERT_NE(check(test::first(whole, size)).verdict, Verdict::good) << size;
}

TEST_P(GenFrame, LeastSizeHasRoomForAStamp) {
    EXPECT_LE(shape().least_bytes(), GetParam().bytes);
    EXPECT_GE(shape().least_bytes(), shape().stamp_offset() + kStampBytes);
}

INSTANTIATE_TEST_SUITE_P(Kinds, GenFrame,
                         testing::Values(FrameCase{"udp_shortest", kProtocolUdp, {}, 60},
                                         FrameCase{"udp_odd", kProtocolUdp, {}, 123},
                                         FrameCase{"udp_tagged", kProtocolUdp, 7, 64},
                                         FrameCase{"tcp_shortest", kProtocolTcp, {}, 72},
                                         FrameCase{"tcp_tagged", kProtocolTcp, 4094, 90},
                                         FrameCase{"icmp", kProtocolIcmp, {}, 60},
                                         FrameCase{"udp_long", kProtocolUdp, {}, 1514}),
                         [](const auto& c) { return std::string(c.param.name); });

TEST(GenFrameCheck, OthersAreForeign) {
    const FrameCheck check({}, {60, 124});
    EXPECT_EQ(check.check({}, 1).verdict, Verdict::foreign);
    EXPECT_EQ(check.check(test::frame(test::ArpMessage{}), 1).verdict, Verdict::arp);
    EXPECT_EQ(check.check(test::frame({.payload = test::udp(test::counting(40))}), 1).verdict,
              Verdict::foreign)
        << "not one of our lengths";
    EXPECT_EQ(
        check
            .check(test::frame({.protocol = kProtocolTcp, .payload = test::tcp(test::counting(6))}),
                   1)
            .verdict,
        Verdict::foreign);
    EXPECT_EQ(check.check(test::frame({.payload = test::udp(test::counting(18))}), 1).verdict,
              Verdict::corrupted)
        << "our length and protocol without a stamp";
}

TEST(GenStamp, TimeGoesRoundWithoutHarm) {
    const Stamp stamp{.time = kStampTimeMask - 9};
    EXPECT_EQ(ticks_since(stamp, (uint64_t{5} << 48) + 10), 20U);
}

// --- Accounting --------------------------------------------------------------------------------
class GenAccounting : public testing::Test {
protected:
    Accounting accounting_{2, true};
    Arrival arrive(uint32_t sequence, uint32_t flow = 1, uint64_t latency = 100) {
        return accounting_.arrived({.flow = flow, .sequence = sequence, .time = 1000 + sequence},
                                   1000 + sequence + latency);
    }
    const FlowArrivals& flow(size_t i = 1) const { return accounting_.flows()[i]; }
};

TEST_F(GenAccounting, InOrder) {
    for (uint32_t i = 0; i < 200'000; ++i) ASSERT_EQ(arrive(i), Arrival::in_order);
    EXPECT_EQ(flow().received, 200'000U);
    EXPECT_EQ(flow().reordered + flow().duplicates + flow().too_late, 0U);
    EXPECT_EQ(flow(0).received, 0U);
    EXPECT_EQ(accounting_.last_gap(), 0U);
}

// RFC 4737 4.1.1's example: 1 2 3 5 4 6 7 8 …, where 4 is reordered and 5 is not.
TEST_F(GenAccounting, OneBehindIsReordered) {
    for (const uint32_t s : {0U, 1U, 2U, 4U}) EXPECT_EQ(arrive(s), Arrival::in_order);
    EXPECT_EQ(arrive(3), Arrival::reordered);
    EXPECT_EQ(arrive(5), Arrival::in_order);
    EXPECT_EQ(flow().received, 6U);
    EXPECT_EQ(flow().reordered, 1U);
    EXPECT_EQ(flow().furthest_behind, 1U);
}

// RFC 4737 4.1.2: only the first arrival counts, whichever way round.
TEST_F(GenAccounting, DuplicatesAreNeitherReceivedNorReordered) {
    arrive(0);
    EXPECT_EQ(arrive(0), Arrival::duplicate);
    arrive(3);
    EXPECT_EQ(arrive(1), Arrival::reordered);
    EXPECT_EQ(arrive(1), Arrival::duplicate);
    EXPECT_EQ(arrive(3), Arrival::duplicate);
    EXPECT_EQ(flow().received, 3U);
    EXPECT_EQ(flow().duplicates, 3U);
    EXPECT_EQ(flow().reordered, 1U);
    EXPECT_EQ(accounting_.latency().count(), 3U);
}

TEST_F(GenAccounting, BeyondTheWindowNobodyKnows) {
    const uint32_t window = accounting_.window();
    arrive(0);
    arrive(window + 5);
    EXPECT_EQ(arrive(6), Arrival::reordered) << "the last that is remembered";
    EXPECT_EQ(arrive(6), Arrival::duplicate);
    EXPECT_EQ(arrive(5), Arrival::too_late);
    EXPECT_EQ(flow().too_late, 1U);
    EXPECT_EQ(flow().received, 3U);
}

// A bit of the window is used again by the number a window later: nothing old must shine through.
TEST_F(GenAccounting, AgainstAPlainSet) {
    Random random(11);
    std::set<uint32_t> seen;
    uint32_t next = 0;
    uint64_t received = 0, duplicates = 0, reordered = 0;
    for (int i = 0; i < 300'000; ++i) {
        const uint64_t kind = random.below(10);
        uint32_t s = next + (kind == 0 ? static_cast<uint32_t>(random.below(3000)) : 0);
        if (kind >= 7 && next > 500) s = next - 1 - static_cast<uint32_t>(random.below(500));
        const Arrival got = arrive(s);
        const bool first = seen.insert(s).second;
        received += first ? 1 : 0;
        duplicates += first ? 0 : 1;
        reordered += first && s < next ? 1 : 0;
        ASSERT_EQ(got, !first     ? Arrival::duplicate
                       : s < next ? Arrival::reordered
                                  : Arrival::in_order)
            << i;
        next = std::max(next, s + 1);
    }
    EXPECT_EQ(flow().received, received);
    EXPECT_EQ(flow().duplicates, duplicates);
    EXPECT_EQ(flow().reordered, reordered);
}

TEST_F(GenAccounting, SequenceNumbersWrap) {
    Accounting one(1, false);
    uint32_t s = 0;
    for (; s < 0xc0000000; s += 0x40000000)  // in leaps of less than half of all
        one.arrived({.flow = 0, .sequence = s}, 0);
    one.arrived({.flow = 0, .sequence = 0xffffffff}, 0);
    EXPECT_EQ(one.arrived({.flow = 0, .sequence = 0}, 0), Arrival::in_order);
    EXPECT_EQ(one.arrived({.flow = 0, .sequence = 0xffffffff}, 0), Arrival::duplicate);
    EXPECT_EQ(one.arrived({.flow = 0, .sequence = 0xfffffffe}, 0), Arrival::reordered);
}

TEST_F(GenAccounting, LatencyAndGaps) {
    arrive(0, 1, 50);
    arrive(1, 1, 150);
    EXPECT_EQ(accounting_.last_gap(), 0U);
    arrive(7, 1, 100);
    EXPECT_EQ(accounting_.last_gap(), 1007U);
    EXPECT_EQ(flow().latency_least, 50U);
    EXPECT_EQ(flow().latency_most, 150U);
    EXPECT_EQ(flow().latency_sum, 300U);
    EXPECT_EQ(accounting_.flow_latency()[1].count(), 3U);
    EXPECT_EQ(accounting_.flow_latency()[0].count(), 0U);
}

// --- ARP ---------------------------------------------------------------------------------------
class GenArp : public testing::Test {
protected:
    AddressSet played_ = AddressSet::parse("10.0.1.0/24");
    ArpHosts hosts_{
        .mac = test::kHostMac[2], .vlan = {}, .own = {{10, 0, 2, 2}}, .hosts = &played_};
    std::optional<ArpFrame> ask(Ip4 target, test::ArpMessage arp = {}) {
        arp.sender_ip = arp.sender_ip.is_zero() ? Ip4{} : Ip4{10, 0, 9, 1};
        arp.target_ip = target;
        return arp_answer(test::frame(arp), hosts_);
    }
};

TEST_F(GenArp, AnswersForItsOwnAndForThoseItPlays) {
    for (const Ip4 target : {Ip4(10, 0, 2, 2), Ip4(10, 0, 1, 77)}) {
        const auto answer = ask(target);
        ASSERT_TRUE(answer);
        EXPECT_EQ(answer->size, 60);
        const ArpHeader* arp = find_arp({answer->bytes.data(), answer->size});
        ASSERT_NE(arp, nullptr);
        EXPECT_EQ(arp->operation, kArpReply);
        EXPECT_EQ(arp->sender_mac, test::kHostMac[2]);
        EXPECT_EQ(Ip4{arp->sender_ip}, target);
        EXPECT_EQ(arp->target_mac, test::kHostMac[1]);
        EXPECT_EQ(Ip4{arp->target_ip}, Ip4(10, 0, 9, 1));
    }
}

TEST_F(GenArp, IsSilentOtherwise) {
    EXPECT_FALSE(ask({10, 0, 2, 3})) << "nobody of ours";
    EXPECT_FALSE(ask({10, 0, 2, 2}, {.operation = kArpReply}));
    EXPECT_FALSE(ask({10, 0, 2, 2}, {.sender_ip = {}})) << "a probe (RFC 5227)";
    EXPECT_FALSE(ask({10, 0, 2, 2}, {.hardware_type = 6}));
    EXPECT_FALSE(ask({10, 0, 2, 2}, {.cut_to = 27}));
    EXPECT_FALSE(ask({10, 0, 9, 1})) << "an announcement";
}

TEST_F(GenArp, SpeaksInItsVlan) {
    hosts_.vlan = 12;
    const ArpFrame asked = arp_request(hosts_, {10, 0, 2, 2}, {10, 0, 2, 1});
    EXPECT_EQ(asked.size, 64);
    const auto* tag = reinterpret_cast<const Be16*>(&asked.bytes[12]);
    EXPECT_EQ(tag[0], kEtherTypeVlan);
    EXPECT_EQ(tag[1], 12);
    const ArpHeader* arp = find_arp({asked.bytes.data(), asked.size});
    ASSERT_NE(arp, nullptr);
    EXPECT_EQ(Ip4{arp->target_ip}, Ip4(10, 0, 2, 1));
}

}  // namespace
}  // namespace vethway::gen
