// SPDX-License-Identifier: Apache-2.0
#include "dataplane/counters.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

namespace vethway {
namespace {

class CountersTest : public testing::Test {
protected:
    // A burst's worth of everything, unbalanced until the last line.
    void count_burst(unsigned n) {
        counters_->received(1, n, 64 * n);
        counters_->originated(1, Originated::arp_request);
        counters_->transmitted(2, n - 1, 64 * n);
        counters_->dropped(1, Drop::no_route);
        counters_->held(3);
        counters_->taken_up(3);
        counters_->consumed(1, Consumed::host);
    }
    std::unique_ptr<Counters> counters_ = std::make_unique<Counters>();
};

TEST_F(CountersTest, PortsAndBooksSayTheSame) {
    count_burst(32);
    EXPECT_EQ(counters_->ports[1].rx_packets.value(), 32U);
    EXPECT_EQ(counters_->ports[1].rx_bytes.value(), 2048U);
    EXPECT_EQ(counters_->ports[2].tx_packets.value(), 31U);
    EXPECT_EQ(counters_->books().rx, 0U) << "not yet closed";
    counters_->close_books();
    const Books books = counters_->books();
    EXPECT_EQ(books.rx, 32U);
    EXPECT_EQ(books.tx, 31U);
    EXPECT_EQ(books.dropped, 1U);
    EXPECT_EQ(books.originated, 1U);
    EXPECT_EQ(books.consumed, 1U);
    EXPECT_EQ(books.held(), 0);
    EXPECT_EQ(books.imbalance(), 0);
}

TEST_F(CountersTest, WhatIsCountedWronglyShows) {
    counters_->received(1, 2, 128);
    counters_->transmitted(2, 1, 64);
    counters_->close_books();
    EXPECT_EQ(counters_->books().imbalance(), 1);
}

// What one worker put aside may be taken up by another.
TEST_F(CountersTest, BooksOfSeveralAddUp) {
    Books a{.rx = 5, .held_in = 5}, b{.tx = 5, .held_out = 5};
    EXPECT_EQ(a.imbalance(), 0);
    EXPECT_EQ(b.imbalance(), 0);
    EXPECT_EQ(b.held(), -5);
    a.add(b);
    EXPECT_EQ(a.held(), 0);
    EXPECT_EQ(a.imbalance(), 0);
}

TEST_F(CountersTest, AReaderNeverSeesHalfABurst) {
    std::atomic<bool> stop{false};
    std::thread writer([&] {
        for (unsigned i = 0; !stop.load(std::memory_order_relaxed); ++i) {
            count_burst(i % 32 + 1);
            counters_->close_books();
        }
    });
    uint64_t before = 0;
    for (int i = 0; i < 20'000; ++i) {
        const Books books = counters_->books();
        ASSERT_EQ(books.imbalance(), 0);
        ASSERT_GE(books.rx, before) << "time went back";
        before = books.rx;
    }
    stop = true;
    writer.join();
}

TEST(BurstBucket, Bounds) {
    EXPECT_EQ(burst_bucket(1), 0U);
    EXPECT_EQ(burst_bucket(2), 1U);
    EXPECT_EQ(burst_bucket(3), 2U);
    EXPECT_EQ(burst_bucket(4), 2U);
    EXPECT_EQ(burst_bucket(5), 3U);
    EXPECT_EQ(burst_bucket(32), 5U);
    EXPECT_EQ(burst_bucket(64), 6U);
}

}  // namespace
}  // namespace vethway
