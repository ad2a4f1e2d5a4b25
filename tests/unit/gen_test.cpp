// SPDX-License-Identifier: Apache-2.0
// perf/gen: pace, flows, sizes, words. gen_frames_test.cpp has what becomes of frames,
// gen_sender_test.cpp what meets ports.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <set>

#include "perf/gen/histogram.h"
#include "perf/gen/options.h"
#include "perf/gen/pacer.h"
#include "perf/gen/report.h"

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

TEST(GenPacer, WholeBurstsAreGivenUp) {
    Pacer pacer({.pps = 1000, .burst = 10, .catch_up = 25}, kHz);
    pacer.start(0);
    EXPECT_EQ(pacer.due(kHz / 10), 20U) << "of eleven bursts the two that catch_up lets through";
    EXPECT_EQ(pacer.missed(), 90U);
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
    EXPECT_EQ(error_of([&] { parse_trial(R"({"burst": 0})", given, 64); }),
              "a trial's burst: expected a whole number from 1 to 65536");
    EXPECT_EQ(error_of([&] { parse_trial(R"({"drain": -1})", given, 64); }),
              "a trial's drain: expected seconds");
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
