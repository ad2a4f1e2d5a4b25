// SPDX-License-Identifier: Apache-2.0
#include "dataplane/flight_recorder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

namespace vethway {
namespace {

// All of it follows from `n`: a reader sees whether it is one record or parts of two.
DropRecord record(uint64_t n) {
    DropRecord r{.tsc = n,
                 .port = static_cast<uint16_t>(n),
                 .reason = static_cast<Drop>(n % kDropReasons),
                 .kept = static_cast<uint8_t>(n % (DropRecord::kMostBytes + 1)),
                 .length = static_cast<uint32_t>(n * 3)};
    r.bytes.fill(static_cast<std::byte>(n));
    return r;
}
constexpr uint64_t kHz = 1'000'000'000, kNow = 1000 * kHz;
constexpr uint64_t kPeriod = kHz / FlightRecorder::kPeriodsASecond;
constexpr uint32_t kMost = FlightRecorder::kMostKept;

void add(FlightRecorder& recorder, const DropRecord& r) {
    FlightRecorder::Kind kind;
    recorder.keep(kind, r, r.bytes.data());
}
void keep(FlightRecorder& recorder, FlightRecorder::Kind& kind, uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) recorder.keep(kind, record(i), record(i).bytes.data());
}
bool is_whole(const DropRecord& r) {
    const DropRecord want = record(r.tsc);
    return r.port == want.port && r.reason == want.reason && r.kept == want.kept &&
           r.length == want.length && r.bytes == want.bytes;
}

TEST(FlightRecorder, KeepsTheLastInOrder) {
    FlightRecorder recorder(3, -1, kHz);
    EXPECT_TRUE(recorder.records().empty());
    for (uint64_t n = 1; n <= 8; ++n) {
        add(recorder, record(n));
        const auto got = recorder.records();
        ASSERT_EQ(got.size(), std::min<uint64_t>(n, 3));
        for (size_t i = 0; i < got.size(); ++i) {
            EXPECT_EQ(got[i].tsc, n - got.size() + 1 + i);
            EXPECT_TRUE(is_whole(got[i]));
        }
    }
}

TEST(FlightRecorder, OfOne) {
    FlightRecorder recorder(1, -1, kHz);
    add(recorder, record(1));
    add(recorder, record(70));
    ASSERT_EQ(recorder.records().size(), 1U);
    EXPECT_EQ(recorder.records()[0].tsc, 70U);
    EXPECT_EQ(recorder.records()[0].frame().size(), 70U % 65);
}

TEST(FlightRecorder, ExtremesSurvive) {
    FlightRecorder recorder(2, 0, kHz);
    add(recorder, {.tsc = UINT64_MAX,
                   .port = UINT16_MAX,
                   .reason = Drop::port_removed,
                   .kept = 64,
                   .length = UINT32_MAX});
    const DropRecord r = recorder.records().at(0);
    EXPECT_EQ(r.tsc, UINT64_MAX);
    EXPECT_EQ(r.port, UINT16_MAX);
    EXPECT_EQ(r.reason, Drop::port_removed);
    EXPECT_EQ(r.kept, 64);
    EXPECT_EQ(r.length, UINT32_MAX);
}

TEST(FlightRecorder, OfAKindTheFirstOfEachPeriod) {
    FlightRecorder recorder(256, -1, kHz);
    FlightRecorder::Kind& kind = recorder.kind(1, Drop::no_route);
    EXPECT_EQ(recorder.room(kind, kNow), kMost);
    keep(recorder, kind, kMost);
    EXPECT_EQ(recorder.room(kind, kNow + kPeriod - 1), 0U);
    EXPECT_EQ(recorder.room(kind, kNow + kPeriod), kMost);
    keep(recorder, kind, 1);
    EXPECT_EQ(recorder.room(kind, kNow + 2 * kPeriod - 1), kMost - 1);
    EXPECT_EQ(recorder.records().size(), kMost + 1);
}

TEST(FlightRecorder, TheNewestOfAKindSaysHowManyMore) {
    FlightRecorder recorder(3, -1, kHz);
    FlightRecorder::Kind &one = recorder.kind(1, Drop::no_route),
                         &other = recorder.kind(2, Drop::no_route);
    keep(recorder, one, 2);
    keep(recorder, other, 1);
    recorder.pass_over(one, 1000);
    recorder.pass_over(one, 1);
    const auto got = recorder.records();
    ASSERT_EQ(got.size(), 3U);
    EXPECT_EQ(got[0].more, 0U);
    EXPECT_EQ(got[1].more, 1001U);
    EXPECT_EQ(got[2].more, 0U);
    keep(recorder, other, 3);
    for (const DropRecord& r : recorder.records()) EXPECT_EQ(r.more, 0U) << "of others";
}

TEST(FlightRecorder, KindsAreApart) {
    FlightRecorder recorder(256, -1, kHz);
    ASSERT_EQ(recorder.room(recorder.kind(1, Drop::no_route), kNow), kMost);
    keep(recorder, recorder.kind(1, Drop::no_route), kMost);
    EXPECT_EQ(recorder.room(recorder.kind(1, Drop::no_route), kNow), 0U);
    EXPECT_EQ(recorder.room(recorder.kind(2, Drop::no_route), kNow), kMost);
    EXPECT_EQ(recorder.room(recorder.kind(1, Drop::ttl_expired), kNow), kMost);
}

// Else nothing would tell of the rest of the period.
TEST(FlightRecorder, WhatOthersOverwroteIsKeptAnew) {
    FlightRecorder recorder(3, -1, kHz);
    FlightRecorder::Kind &one = recorder.kind(1, Drop::no_route),
                         &other = recorder.kind(2, Drop::no_route);
    ASSERT_EQ(recorder.room(one, kNow), kMost);
    keep(recorder, one, kMost);
    keep(recorder, other, 2);
    EXPECT_EQ(recorder.room(one, kNow), 0U);
    keep(recorder, other, 1);
    EXPECT_EQ(recorder.room(one, kNow), kMost);
}

// The writer laps the reader all the time; what is read is whole and in order nevertheless.
TEST(FlightRecorder, AReaderNeverSeesHalfARecord) {
    constexpr uint64_t kSize = 2;
    FlightRecorder recorder(kSize, -1, kHz);
    std::atomic<bool> stop{false};
    std::thread writer([&] {
        for (uint64_t n = 1; !stop.load(std::memory_order_relaxed); ++n) add(recorder, record(n));
    });
    size_t seen = 0, torn = 0, disordered = 0;
    uint64_t newest = 0;
    for (int i = 0; i < 1'000'000 || seen < 1000; ++i) {
        const auto got = recorder.records();
        seen += got.size();
        for (size_t k = 0; k < got.size(); ++k) {
            if (!is_whole(got[k])) ++torn;
            if (k > 0 && got[k - 1].tsc >= got[k].tsc) ++disordered;
            // Those that came later may be left out, but none is older than was the oldest.
            if (got[k].tsc + kSize <= newest) ++disordered;
        }
        if (!got.empty()) newest = std::max(newest, got.back().tsc);
    }
    stop = true;
    writer.join();
    EXPECT_EQ(torn, 0U) << "of " << seen;
    EXPECT_EQ(disordered, 0U) << "of " << seen;
}

}  // namespace
}  // namespace vethway
