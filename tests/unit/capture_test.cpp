// SPDX-License-Identifier: Apache-2.0
#include "control/watch/capture.h"

#include <gtest/gtest.h>

#include "tests/unit/packet.h"

namespace vethway {
namespace {

using namespace test;
using Lines = std::vector<std::string>;

constexpr uint64_t kMs = 1000;  // of the clock that these tests have
const PortNames kNames{{1, "p1"}, {2, "p2"}};

NotedStep step(Step what, uint64_t tsc, uint32_t packet, uint32_t a = 0) {
    NotedStep s{};
    s.record.step = what;
    s.record.tsc = tsc;
    s.record.packet = s.record.story = packet;
    s.record.port = 1;
    s.record.egress = what == Step::received ? kLoopback : uint16_t{2};
    s.record.a = a;
    s.frame = frame(Ip4Packet{});  // as host 1 sends it
    return s;
}
NotedStep caused(uint64_t tsc, uint32_t packet, uint32_t parent, Originated what) {
    NotedStep s = step(Step::originated, tsc, packet, static_cast<uint32_t>(what));
    s.record.parent = parent;
    return s;
}
NotedStep sent_caused(uint64_t tsc, uint32_t packet, uint32_t parent, uint16_t by) {
    NotedStep s = step(Step::sent, tsc, packet);
    s.record.parent = parent;
    s.record.egress = by;
    return s;
}
NotedStep dropped(uint64_t tsc, uint32_t packet, Drop why) {
    NotedStep s = step(Step::dropped, tsc, packet);
    s.record.why = why;
    return s;
}
NotedStep consumed(uint64_t tsc, uint32_t packet, Consumed what) {
    return step(Step::consumed, tsc, packet, static_cast<uint32_t>(what));
}

// "rx 1: what became of it", of each.
std::vector<std::string> told(const std::vector<Captured>& frames) {
    static constexpr const char* kPoints[] = {"rx", "tx", "drop"};
    std::vector<std::string> out;
    out.reserve(frames.size());
    for (const Captured& f : frames)
        out.push_back(std::string(kPoints[static_cast<size_t>(f.point)]) + ' ' +
                      std::to_string(f.record.packet) + ": " + f.outcome);
    return out;
}

bool has(const std::string& line, const std::string& part) {
    return line.find(part) != std::string::npos;
}

class Captures : public testing::Test {
protected:
    std::vector<std::string> all(std::vector<NotedStep> steps, CaptureChoice choice = {}) {
        Capture capture(std::move(choice), 1000 * kMs);
        capture.name_ports(kNames);
        for (NotedStep& s : steps) capture.add(std::move(s));
        return told(capture.finish());
    }
    Capture capture_{{}, 1000 * kMs};
    void SetUp() override { capture_.name_ports(kNames); }
};

const std::string kForwarded = "forwarded by p2 to " + kPortMac[1].to_string();
constexpr const char* kNoRoute =
    "dropped: no_route (stage ip4_lookup): no route to the destination";

TEST_F(Captures, AForwardedPacketTellsWhere) {
    EXPECT_EQ(all({step(Step::received, 1, 5), step(Step::sent, 2, 5)}),
              (Lines{"rx 5: " + kForwarded, "tx 5: packet 5 of p1"}));
}

TEST_F(Captures, ADroppedPacketTellsWhy) {
    EXPECT_EQ(all({step(Step::received, 1, 5), dropped(2, 5, Drop::no_route)}),
              (Lines{"rx 5: " + std::string(kNoRoute),
                     "drop 5: " + std::string(kNoRoute) + "; port p1"}));
}

TEST_F(Captures, WhatTheSenderWasTold) {
    NotedStep asks = step(Step::asks_error, 2, 5, 11 << 8);
    asks.record.b = static_cast<uint32_t>(ErrorFate::rate_limited);
    const auto lines = all({step(Step::received, 1, 5), asks, dropped(3, 5, Drop::ttl_expired)});
    EXPECT_TRUE(has(lines[0], "TTL ran out here; ICMP 11/0 not sent (rate limit)"));
}

TEST_F(Captures, AnAnswerIsBoth) {
    EXPECT_EQ(all({step(Step::received, 1, 5), consumed(2, 5, Consumed::echo_request),
                   caused(3, 6, 5, Originated::echo_reply), sent_caused(4, 6, 5, 1)}),
              (Lines{"rx 5: answered: echo_reply", "tx 6: echo_reply caused by packet 5 of p1"}));
}

TEST_F(Captures, OfOurOwnAccord) {
    EXPECT_EQ(all({caused(1, 6, 0, Originated::arp_request), sent_caused(2, 6, 0, 2)}),
              (Lines{"tx 6: arp_request, of our own accord"}));
}

TEST_F(Captures, ConsumedWithoutAnswer) {
    EXPECT_EQ(all({step(Step::received, 1, 5), consumed(2, 5, Consumed::arp_reply)}),
              (Lines{"rx 5: consumed: arp_reply"}));
}

TEST_F(Captures, Fragments) {
    EXPECT_EQ(all({step(Step::received, 1, 5), caused(2, 6, 5, Originated::fragment),
                   caused(2, 7, 5, Originated::fragment), consumed(3, 5, Consumed::fragmented)}),
              (Lines{"rx 5: forwarded by p2 in 2 fragments"}));
}

TEST_F(Captures, ARefusedPacketWasNotSent) {
    const auto lines = all(
        {step(Step::received, 1, 5), step(Step::sent, 2, 5), dropped(3, 5, Drop::tx_ring_full)});
    ASSERT_EQ(lines.size(), 2u);
    EXPECT_TRUE(has(lines[0], "rx 5: dropped: tx_ring_full"));
    EXPECT_TRUE(has(lines[1], "drop 5: dropped: tx_ring_full"));
}

// `lo` is a wire to ourselves: the same packet, sent and received.
TEST_F(Captures, LoopbackSendsWhatItReceives) {
    NotedStep in = step(Step::received, 3, 6);
    in.record.port = kLoopback;
    const auto lines = all({caused(1, 6, 0, Originated::host), sent_caused(2, 6, 0, kLoopback), in,
                            dropped(4, 6, Drop::port_closed)});
    ASSERT_EQ(lines.size(), 3u);
    EXPECT_EQ(lines[0], "tx 6: host, of our own accord");
    EXPECT_TRUE(has(lines[1], "rx 6: dropped: port_closed"));
}

// --- In time ----------------------------------------------------------------------------------
TEST_F(Captures, StepsOfTwoWorkersAreInOrderOfTime) {
    EXPECT_EQ(all({step(Step::sent, 30, 5), step(Step::received, 20, 9),
                   step(Step::received, 10, 5), step(Step::handed_over, 15, 5)}),
              (Lines{"rx 5: " + kForwarded, "rx 9: ", "tx 5: packet 5 of p1"}));
}

TEST_F(Captures, AFrameWaitsForItsEnd) {
    capture_.add(step(Step::received, 0, 5));
    EXPECT_TRUE(capture_.advance(50 * kMs).empty());
    capture_.add(dropped(60 * kMs, 5, Drop::no_route));
    EXPECT_EQ(told(capture_.advance(60 * kMs + 1)), (Lines{"rx 5: " + std::string(kNoRoute)}));
    EXPECT_TRUE(capture_.advance(79 * kMs).empty());
    EXPECT_EQ(capture_.advance(80 * kMs).size(), 1u) << "drop";
}

TEST_F(Captures, AFrameDoesNotWaitForEver) {
    capture_.add(step(Step::received, 0, 5));
    NotedStep waits = step(Step::waits, 1, 5);
    waits.record.next_hop = Ip4::parse("10.0.2.9").value();
    capture_.add(waits);
    EXPECT_TRUE(capture_.advance(100 * kMs - 1).empty());
    EXPECT_EQ(told(capture_.advance(100 * kMs)), (Lines{"rx 5: waits for 10.0.2.9"}));
}

TEST_F(Captures, WhatWaitedAndWentTellsHowLong) {
    EXPECT_EQ(all({step(Step::received, 1, 5), step(Step::waits, 2, 5),
                   step(Step::released, 3, 5, 1234), step(Step::sent, 4, 5)}),
              (Lines{"rx 5: " + kForwarded + ", waited 1234 us", "tx 5: packet 5 of p1"}));
}

// The order is that of time: who waits holds up those behind.
TEST_F(Captures, NobodyOvertakes) {
    capture_.add(step(Step::received, 0, 5));
    capture_.add(step(Step::received, 1, 6));
    capture_.add(consumed(2, 6, Consumed::host));
    EXPECT_TRUE(capture_.advance(50 * kMs).empty());
    EXPECT_EQ(told(capture_.advance(101 * kMs)), (Lines{"rx 5: ", "rx 6: consumed: host"}));
}

// --- Choices ----------------------------------------------------------------------------------
const auto kOneOfEach = [] {
    return std::vector{step(Step::received, 1, 5), step(Step::sent, 2, 5),
                       step(Step::received, 3, 6), dropped(4, 6, Drop::no_route),
                       step(Step::received, 5, 7), dropped(6, 7, Drop::ttl_expired)};
};
std::vector<std::string> heads(std::vector<std::string> lines) {
    for (std::string& line : lines) line.resize(line.find(':'));
    return lines;
}

TEST_F(Captures, Points) {
    EXPECT_EQ(heads(all(kOneOfEach(), {.tx = false, .drop = false})),
              (Lines{"rx 5", "rx 6", "rx 7"}));
    EXPECT_EQ(heads(all(kOneOfEach(), {.rx = false, .drop = false})), (Lines{"tx 5"}));
    EXPECT_EQ(heads(all(kOneOfEach(), {.rx = false, .tx = false})), (Lines{"drop 6", "drop 7"}));
}

TEST_F(Captures, Ports) {
    EXPECT_EQ(heads(all(kOneOfEach(), {.ports = {2}})), (Lines{"tx 5", "drop 6", "drop 7"}));
    EXPECT_EQ(heads(all(kOneOfEach(), {.ports = {1}})),
              (Lines{"rx 5", "rx 6", "drop 6", "rx 7", "drop 7"}));
    EXPECT_TRUE(all(kOneOfEach(), {.ports = {3}}).empty());
}

// Each frame is there once; a port without a wire has it, too, where it is named.
TEST_F(Captures, PortsWithoutAWire) {
    NotedStep in = step(Step::entered_lag, 2, 5), out = step(Step::left_vlan, 3, 5, 8),
              spread = step(Step::spread, 4, 5);
    in.record.port = 7;
    spread.record.b = 2U << 16 | 9;
    const std::vector steps{step(Step::received, 1, 5), in, out, spread, step(Step::sent, 5, 5)};
    EXPECT_EQ(heads(all(steps)), (Lines{"rx 5", "tx 5"}));
    EXPECT_EQ(all(steps, {.ports = {7}}), (Lines{"rx 5: " + kForwarded}));
    EXPECT_EQ(all(steps, {.ports = {8}}), (Lines{"tx 5: packet 5 of p1"}));
    EXPECT_EQ(all(steps, {.ports = {9}}), (Lines{"tx 5: packet 5 of p1"}));
    EXPECT_TRUE(all(steps, {.ports = {9}, .tx = false}).empty());
    EXPECT_EQ(heads(all(steps, {.ports = {1, 2, 7}})), (Lines{"rx 5", "rx 5", "tx 5"}));
}

TEST_F(Captures, Reasons) {
    EXPECT_EQ(heads(all(kOneOfEach(), {.reason = Drop::no_route})), (Lines{"rx 6", "drop 6"}));
    EXPECT_TRUE(all(kOneOfEach(), {.reason = Drop::rp_filter}).empty());
}

// Frames that nobody wants are not written down.
TEST_F(Captures, OnlyWantedFramesAreAskedFor) {
    const WatchOptions o = Capture({.rx = false, .drop = false, .snaplen = 99}, 1).watch_options();
    EXPECT_EQ(o.frame_steps, bit(Step::sent));
    EXPECT_EQ(o.snaplen, 99);
    EXPECT_NE(o.steps & bit(Step::received), 0u);
}

// Of packets that are long gone nothing is kept, however many there were.
TEST_F(Captures, ManyPacketsAreForgotten) {
    size_t frames = 0;
    for (uint32_t i = 1; i <= 300'000; ++i) {
        capture_.add(step(Step::received, i, i));
        capture_.add(consumed(i, i, Consumed::host));
        if (i % 1000 == 0) frames += capture_.advance(i).size();
    }
    const auto rest = capture_.finish();
    EXPECT_EQ(frames + rest.size(), 300'000u);
    EXPECT_EQ(rest.back().outcome, "consumed: host");
}

}  // namespace
}  // namespace vethway
