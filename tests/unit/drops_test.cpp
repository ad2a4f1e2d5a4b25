// SPDX-License-Identifier: Apache-2.0
#include "dataplane/drops.h"

#include <rte_cycles.h>

#include <array>

#include "tests/unit/stage_fixture.h"

namespace vethway {
namespace {

using namespace test;

class DropsTest : public StageTest {
protected:
    DropRecord drop(rte_mbuf* m, Drop why) {
        counters_->received(meta(*m).port, 1, 0);
        Drops recorded(*counters_, tracer_, &recorder_);
        recorded.add(m, why);
        recorded.flush();
        return recorder_.records().back();
    }
    FlightRecorder recorder_{256, -1, 1000 * rte_get_tsc_hz()};  // periods of minutes
};

Bytes kept(const DropRecord& r) { return {r.frame().begin(), r.frame().end()}; }

TEST_F(DropsTest, RecordIsOfTheFrameAndTheReason) {
    const Bytes bytes = frame({.payload = udp(counting(400))});
    const uint64_t before = rte_rdtsc();
    const DropRecord r = drop(mbuf(bytes, 2), Drop::no_route);
    EXPECT_GE(r.tsc, before);
    EXPECT_LE(r.tsc, rte_rdtsc());
    EXPECT_EQ(r.port, 2);
    EXPECT_EQ(r.reason, Drop::no_route);
    EXPECT_EQ(r.length, bytes.size());
    EXPECT_EQ(kept(r), first(bytes, 64));
    EXPECT_EQ(dropped(Drop::no_route, 2), 1U);
}

TEST_F(DropsTest, ShortFramesAreKeptWhole) {
    EXPECT_EQ(kept(drop(mbuf(counting(13)), Drop::runt)), counting(13));
}

TEST_F(DropsTest, LongFramesAreAsLongAsTheyAre) {
    const Bytes bytes = counting(65500);  // in two mbufs
    const DropRecord r = drop(mbuf(bytes), Drop::gso_malformed);
    EXPECT_EQ(r.length, bytes.size());
    EXPECT_EQ(kept(r), first(bytes, 64));
}

// Of a kind as many are recorded as belong into a period; each is counted, however they take turns.
TEST_F(DropsTest, OfAFloodTheFirstAreRecorded) {
    constexpr uint32_t kMost = FlightRecorder::kMostKept;
    Drops recorded(*counters_, tracer_, &recorder_);
    const auto drop_both = [&](unsigned count) {
        for (unsigned i = 0; i < count; ++i)
            for (const uint16_t port : std::to_array<uint16_t>({1, 2})) {
                counters_->received(port, 1, 0);
                recorded.add(mbuf(frame(Ip4Packet{}), port), Drop::no_route);
            }
        recorded.flush();
    };
    drop_both(kMost - 1);
    EXPECT_EQ(recorder_.records().size(), 2 * (kMost - 1));
    drop_both(20);
    for (unsigned i = 0; i < 40; ++i) {
        counters_->received(1, 1, 0);
        recorded.add(mbuf(frame(Ip4Packet{})), Drop::no_route);
    }
    recorded.add(mbuf(frame(Ip4Packet{})), Drop::ttl_expired);
    counters_->received(1, 1, 0);
    recorded.flush();
    EXPECT_EQ(dropped(Drop::no_route, 1), kMost + 59U);
    EXPECT_EQ(dropped(Drop::no_route, 2), kMost + 19U);
    const auto got = recorder_.records();
    ASSERT_EQ(got.size(), 2 * kMost + 1);
    EXPECT_EQ(got[2 * kMost - 2].more, 59U);
    EXPECT_EQ(got[2 * kMost - 1].more, 19U);
    EXPECT_EQ(got[2 * kMost].reason, Drop::ttl_expired);
}

TEST_F(DropsTest, WithoutARecorderTheyAreCounted) {
    counters_->received(1, 1, 0);
    drops_.add(mbuf(frame(Ip4Packet{})), Drop::no_route);
    EXPECT_EQ(dropped(Drop::no_route), 1U);
}

}  // namespace
}  // namespace vethway
