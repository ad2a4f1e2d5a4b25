// SPDX-License-Identifier: Apache-2.0
// perf/gen: all of the generator that needs no port.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <numeric>
#include <set>

#include "perf/gen/accounting.h"
#include "perf/gen/arp.h"
#include "perf/gen/frame_check.h"
#include "perf/gen/frame_maker.h"
#include "perf/gen/histogram.h"
#include "perf/gen/options.h"
#include "perf/gen/pacer.h"
#include "perf/gen/report.h"
#include "tests/unit/packet.h"

namespace vethway::gen {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

template <class Call>
std::string error_of(Call call) {
    try {
        call();
    } catch (const std::exception& e) {
        return e.what();
    }
    return "no error";
}

// --- Histogram ---------------------------------------------------------------------------------
TEST(GenHistogram, BucketsAreGaplessAndNarrow) {
    using H = LatencyHistogram;
    for (size_t i = 1; i < H::kBuckets; ++i) {
        const uint64_t first = H::upper(i - 1) + 1, last = H::upper(i);
        ASSERT_EQ(H::bucket(first), i);
        ASSERT_EQ(H::bucket(last), i);
        ASSERT_LE(static_cast<double>(last - first), static_cast<double>(first) / H::kPart);
    }
    EXPECT_EQ(H::bucket(H::kLargest), H::kBuckets - 1);
}

TEST(GenHistogram, PercentilesAreThoseOfTheSortedValues) {
    LatencyHistogram h;
    std::vector<uint64_t> values;
    Random random(7);
    for (int i = 0; i < 20'000; ++i) {
        values.push_back(random.next() >> (20 + i % 40));  // of all magnitudes
        h.add(values.back());
    }
    std::ranges::sort(values);
    for (const double p : kPercentiles) {
        const auto rank = static_cast<size_t>(std::ceil(p / 100 * 20'000)) - 1;
        const double exact =
            static_cast<double>(std::min(values[rank], LatencyHistogram::kLargest));
        EXPECT_GE(static_cast<double>(h.percentile(p)), exact) << p;
        EXPECT_LE(static_cast<double>(h.percentile(p)), exact * (1 + 1.0 / 128) + 1) << p;
    }
    EXPECT_EQ(h.percentile(100), h.most());
    EXPECT_EQ(h.least(), values.front());
}

TEST(GenHistogram, EmptyAndOneValue) {
    FlowHistogram h;
    EXPECT_EQ(h.percentile(50), 0U);
    EXPECT_EQ(h.least(), 0U);
    h.add(1'000'003);
    EXPECT_EQ(h.percentile(0), 1'000'003U);
    EXPECT_EQ(h.percentile(99.99), 1'000'003U);
    EXPECT_DOUBLE_EQ(h.mean(), 1'000'003);
}

// --- Pacer -------------------------------------------------------------------------------------
constexpr uint64_t kHz = 2'300'000'000;

TEST(GenPacer, NeverDrifts) {
    for (const double pps : {3.0, 999'983.0, 14'880'952.0}) {
        Pacer pacer({.pps = pps, .burst = 1, .catch_up = 1'000'000'000}, kHz);
        pacer.start(0);
        uint64_t sent = 0;
        // Asked at odd moments, until four million frames are sent or an hour is over.
        for (uint64_t now = 0; now <= 3600 * kHz && sent < 4'000'000; now += kHz / 7 + 1) {
            sent += pacer.due(now);
            const double exact = static_cast<double>(now) * pps / kHz;
            ASSERT_LE(std::abs(static_cast<double>(sent) - exact), 1.01) << pps << " at " << now;
        }
        EXPECT_EQ(pacer.missed(), 0U);
    }
}

TEST(GenPacer, BurstsAtEqualDistances) {
    Pacer pacer({.pps = 1000, .burst = 10, .catch_up = 10}, kHz);
    pacer.start(500);
    const uint64_t distance = kHz / 100;
    EXPECT_EQ(pacer.due(499), 0U);
    EXPECT_EQ(pacer.due(500), 10U);
    EXPECT_EQ(pacer.due(500), 0U);
    EXPECT_EQ(pacer.due(500 + distance - 1), 0U);
    EXPECT_EQ(pacer.due(500 + distance), 10U);
    EXPECT_EQ(pacer.due(500 + 2 * distance + 77), 10U);
    EXPECT_EQ(pacer.worst_lateness(), 77U);
    EXPECT_NEAR(pacer.mean_lateness(), 77.0 / 3, 1e-9);
}

TEST(GenPacer, WhatIsTooLateIsGivenUpAndSaid) {
    Pacer pacer({.pps = 1000, .burst = 1, .catch_up = 8}, kHz);
    pacer.start(0);
    EXPECT_EQ(pacer.due(0), 1U);
    // 100 frames later: those of 1 … 100 ms are due.
    EXPECT_EQ(pacer.due(kHz / 10), 8U);
    EXPECT_EQ(pacer.missed(), 92U);
    EXPECT_EQ(pacer.due(kHz / 10), 0U);
    EXPECT_EQ(pacer.due(kHz / 10 + kHz / 1000), 1U) << "and goes on as it was";
}

TEST(GenPacer, WithoutARateAlwaysDue) {
    Pacer pacer({.pps = 0, .burst = 32}, kHz);
    pacer.start(0);
    EXPECT_EQ(pacer.due(0), 32U);
    EXPECT_EQ(pacer.due(0), 32U);
    EXPECT_EQ(pacer.worst_lateness(), 0U);
}

TEST(GenPacer, ChangesItsRate) {
    Pacer pacer({.pps = 1000, .burst = 1}, kHz);
    pacer.start(0);
    EXPECT_EQ(pacer.due(0), 1U);
    pacer.change_rate(10, 1000);
    EXPECT_EQ(pacer.due(1000), 1U);
    EXPECT_EQ(pacer.due(1000 + kHz / 10 - 1), 0U);
    EXPECT_EQ(pacer.due(1000 + kHz / 10), 1U);
    EXPECT_EQ(pacer.duration(10), kHz);
}

// --- Addresses, flows, sizes -------------------------------------------------------------------
TEST(GenAddresses, RangesPrefixesLists) {
    const AddressSet set = AddressSet::parse("10.0.0.5,10.0.1.0/30,10.0.2.1-10.0.2.3,10.0.3.2/31");
    std::vector<std::string> all;
    for (uint64_t i = 0; i < set.size(); ++i) all.push_back(set.at(i).to_string());
    EXPECT_THAT(all, ElementsAre("10.0.0.5", "10.0.1.1", "10.0.1.2", "10.0.2.1", "10.0.2.2",
                                 "10.0.2.3", "10.0.3.2", "10.0.3.3"));
    EXPECT_TRUE(set.contains({10, 0, 2, 2}));
    EXPECT_TRUE(set.contains({10, 0, 0, 5}));
    EXPECT_FALSE(set.contains({10, 0, 1, 3}));
    EXPECT_FALSE(set.contains({10, 0, 0, 4}));
    EXPECT_EQ(AddressSet::parse("0.0.0.0/0").size(), 0xfffffffeU);
}

TEST(GenAddresses, Refused) {
    for (const char* bad : {"", "10.0.0", "10.0.0.9-10.0.0.2", "10.0.0.1/24", "10.0.0.1,", "a-b"})
        EXPECT_THAT(error_of([&] { AddressSet::parse(bad); }),
                    HasSubstr("expected an address, a range (10.0.0.2-10.0.0.9) or a prefix"))
            << bad;
}

class GenRouteFile : public testing::Test {
protected:
    std::string write(const std::string& text) {
        std::ofstream(path_) << text;
        return path_;
    }
    void TearDown() override { std::remove(path_.c_str()); }
    std::string path_ = testing::TempDir() + "gen_routes." + std::to_string(getpid());
};

TEST_F(GenRouteFile, OneHostOfEachPrefix) {
    const std::string path =
        write("# a table\n10.0.0.0/8 via 192.0.2.1\n\n  192.0.2.7/32\n0.0.0.0/0\n");
    const AddressSet set = AddressSet::read_prefixes(path, 3);
    ASSERT_EQ(set.size(), 3U);
    EXPECT_EQ(set.at(0).value >> 24, 10U);
    EXPECT_EQ(set.at(1).to_string(), "192.0.2.7");
    EXPECT_EQ(AddressSet::read_prefixes(path, 3).at(0), set.at(0)) << "the seed decides";
    EXPECT_NE(AddressSet::read_prefixes(path, 4).at(0), set.at(0));
    EXPECT_TRUE(set.contains(set.at(2)));
}

TEST_F(GenRouteFile, RefusedWithItsLine) {
    EXPECT_EQ(error_of([&] { AddressSet::read_prefixes(write("10.0.0.0/8\nnonsense\n"), 1); }),
              path_ + ":2: expected a prefix like 192.0.2.0/24, got \"nonsense\"");
    EXPECT_EQ(error_of([&] { AddressSet::read_prefixes(write("#\n"), 1); }),
              path_ + ": no prefix in it");
    EXPECT_EQ(error_of([&] { AddressSet::read_prefixes("/nowhere", 1); }),
              "/nowhere: can't be read");
}

FlowSets some_sets() {
    return {AddressSet::parse("10.1.0.1-10.1.0.3"),
            AddressSet::parse("10.2.0.1-10.2.0.5"),
            {100, 103},
            {9, 10}};
}

TEST(GenFlows, NoTwoAlikeAndAllDestinationsFirst) {
    const auto flows = make_flows(some_sets(), 3 * 5 * 4 * 2);
    std::set<std::tuple<uint32_t, uint32_t, uint16_t, uint16_t>> seen;
    for (const Flow& f : flows) seen.emplace(f.src, f.dst, f.src_port, f.dst_port);
    EXPECT_EQ(seen.size(), flows.size());
    for (uint8_t i = 0; i < 5; ++i)
        EXPECT_EQ(Ip4{flows[i].dst}, Ip4(10, 2, 0, static_cast<uint8_t>(i + 1)));
    EXPECT_EQ(Ip4{flows[5].src}, Ip4(10, 1, 0, 2));
    EXPECT_EQ(error_of([] { make_flows(some_sets(), 121); }),
              "--flows: 121 wanted, but the sets of addresses and ports make only 120");
}

std::vector<double> shares(FlowOrder order, size_t flows, int draws) {
    std::vector<double> share(flows);
    for (int i = 0; i < draws; ++i) share.at(order.next()) += 1.0 / draws;
    return share;
}

TEST(GenFlowOrder, RoundRobin) {
    FlowOrder order(FlowOrder::Kind::round_robin, 3, 1);
    for (uint32_t i = 0; i < 9; ++i) EXPECT_EQ(order.next(), i % 3);
}

TEST(GenFlowOrder, Uniform) {
    for (const double s : shares({FlowOrder::Kind::uniform, 10, 42}, 10, 200'000))
        EXPECT_NEAR(s, 0.1, 0.005);
}

TEST(GenFlowOrder, ZipfFollowsItsLaw) {
    for (const double exponent : {0.5, 1.0, 1.5}) {
        const auto share = shares({FlowOrder::Kind::zipf, 100, 42, exponent}, 100, 400'000);
        double sum = 0;
        for (int k = 1; k <= 100; ++k) sum += std::pow(k, -exponent);
        for (int k = 1; k <= 100; ++k) {
            const double law = std::pow(k, -exponent) / sum;
            EXPECT_NEAR(share[static_cast<size_t>(k - 1)], law, 5 * std::sqrt(law / 400'000)) << k;
        }
    }
}

TEST(GenFlowOrder, SameSeedSameOrder) {
    FlowOrder a(FlowOrder::Kind::zipf, 50, 9), b(FlowOrder::Kind::zipf, 50, 9),
        c(FlowOrder::Kind::zipf, 50, 10);
    int differ = 0;
    for (int i = 0; i < 1000; ++i) {
        const uint32_t x = a.next();
        ASSERT_EQ(x, b.next());
        differ += x != c.next() ? 1 : 0;
    }
    EXPECT_GT(differ, 100);
}

TEST(GenSizes, ImixIsSevenFourOneAndSpread) {
    const auto sizes = parse_sizes("imix");
    EXPECT_EQ(sizes, (std::vector<SizeShare>{{64, 7}, {594, 4}, {1518, 1}}));
    EXPECT_NEAR(mean_size(sizes), (7 * 64 + 4 * 594 + 1518) / 12.0, 1e-9);
    const auto order = size_order(sizes);
    EXPECT_EQ(order.size(), 12U);
    EXPECT_EQ(std::ranges::count(order, 0), 7);
    EXPECT_EQ(std::ranges::count(order, 1), 4);
    EXPECT_EQ(std::ranges::count(order, 2), 1);
    for (size_t i = 0; i < 12; ++i)
        EXPECT_FALSE(order[i] == 1 && order[(i + 1) % 12] == 1) << "two of four side by side";
    for (const char* bad : {"", "64,", "64:0", "0", "64:7:2", "x", "70000", "64:4000,128:97"})
        EXPECT_NE(error_of([&] { parse_sizes(bad); }), "no error") << bad;
}

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

// --- Options, report ---------------------------------------------------------------------------
TEST(GenOptions, Rates) {
    EXPECT_DOUBLE_EQ(parse_rate("1000", 64), 1000);
    EXPECT_DOUBLE_EQ(parse_rate("250k", 64), 250'000);
    EXPECT_DOUBLE_EQ(parse_rate("1.5Mpps", 64), 1'500'000);
    EXPECT_NEAR(parse_rate("10Gbit", 64), 14'880'952.38, 0.01) << "line rate";
    EXPECT_DOUBLE_EQ(parse_rate("max", 64), 0);
    for (const char* bad : {"", "0", "-5", "5x", "k", "1e400", "nan", "2Gbits", "5000M"})
        EXPECT_THAT(error_of([&] { parse_rate(bad, 64); }), HasSubstr("expected a rate")) << bad;
}

TEST(GenOptions, PortsAreThoseOfTheConfiguration) {
    const PortConfig veth = parse_port_option("tx", "veth eth0 address 10.0.0.2/24 mtu 9000");
    EXPECT_EQ(std::get<VethConfig>(veth.driver).interface, "eth0");
    EXPECT_EQ(veth.addresses[0].to_string(), "10.0.0.2/24");
    EXPECT_EQ(veth.mtu, 9000);
    const PortConfig memif = parse_port_option("rx", "memif socket=/run/m.sock,role=client,id=3");
    EXPECT_EQ(std::get<MemifConfig>(memif.driver).id, 3U);
    EXPECT_EQ(std::get<MemifConfig>(memif.driver).role, MemifRole::client);
    const PortConfig mapping =
        parse_port_option("tx", "{veth: {interface: eth0, netns: h1}, mac: 02:00:00:00:00:09}");
    EXPECT_EQ(std::get<VethConfig>(mapping.driver).netns, "h1");
    EXPECT_EQ(mapping.mac->to_string(), "02:00:00:00:00:09");
    EXPECT_TRUE(std::holds_alternative<RingConfig>(parse_port_option("tx", "ring").driver));
    EXPECT_THAT(error_of([] { parse_port_option("tx", "eth0"); }),
                HasSubstr("--tx: expected a driver"));
    EXPECT_THAT(error_of([] { parse_port_option("tx", "veth eth0 mtu many"); }),
                HasSubstr("ports[0].mtu"));
    EXPECT_THAT(error_of([] { parse_port_option("rx", "{veth: eth0, speed: 3}"); }),
                HasSubstr("speed"));
}

TEST(GenOptions, TrialLines) {
    const Load given{.pace = {.pps = 5}, .seconds = 7, .warm_up_s = 2};
    const Load load = parse_trial(R"({"rate": "2k", "burst": 4, "drain": 0.1})", given, 64);
    EXPECT_DOUBLE_EQ(load.pace.pps, 2000);
    EXPECT_EQ(load.pace.burst, 4U);
    EXPECT_DOUBLE_EQ(load.seconds, 7);
    EXPECT_DOUBLE_EQ(load.warm_up_s, 2);
    EXPECT_DOUBLE_EQ(parse_trial(R"({"frames": 10})", given, 64).seconds, 0);
    EXPECT_DOUBLE_EQ(parse_trial(R"({"rate": 12345.5})", given, 64).pace.pps, 12345.5);
    EXPECT_EQ(error_of([&] { parse_trial("[]", given, 64); }),
              "a trial: expected a JSON object, got: []");
    EXPECT_EQ(error_of([&] { parse_trial(R"({"speed": 1})", given, 64); }),
              "a trial's speed: unknown key");
    EXPECT_EQ(error_of([&] { parse_trial(R"({"seconds": 0})", given, 64); }),
              "a trial needs an end: --seconds or --frames");
}

TEST(GenReport, LossAndPercentilesOfAResult) {
    TrialResult r;
    r.hz = 1'000'000'000;
    r.load.pace.pps = 1000;
    r.sent = 1000;
    r.received = 997;
    r.sending_s = 1;
    for (uint64_t i = 1; i <= 100; ++i) r.latency.add(i);
    const auto flows = make_flows(some_sets(), 2);
    r.flows = {{500, {.received = 500}}, {500, {.received = 497, .latency_sum = 497'000}}};
    const auto json = to_json(r, flows, true);
    EXPECT_EQ(json["lost"], 3);
    EXPECT_DOUBLE_EQ(json["loss"], 0.003);
    EXPECT_DOUBLE_EQ(json["latency_us"]["percentiles"]["50"], 0.05);
    EXPECT_EQ(json["flows"][1]["lost"], 3);
    EXPECT_DOUBLE_EQ(json["flows"][1]["latency_us"]["mean"], 1);
    const std::string text = to_text(r, flows, 1);
    EXPECT_THAT(text, HasSubstr("lost        3 (0.3 %)"));
    EXPECT_THAT(text,
                HasSubstr("flow 1      10.1.0.1:100 > 10.2.0.2:9: sent 500, received 497, lost 3"));
    EXPECT_THAT(text, testing::Not(HasSubstr("flow 0")));
}

}  // namespace
}  // namespace vethway::gen
