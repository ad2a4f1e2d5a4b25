// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fib/route_table.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace vethway {
namespace {

Prefix4 prefix(const char* text) { return *Prefix4::parse(text); }
RouteEntry via(uint32_t gateway) {
    return {
        .type = RouteType::forward, .hop_count = 1, .hops = {NextHop{1, Ip4{gateway}, UINT32_MAX}}};
}
constexpr Ip4 kIn10{10, 0, 0, 1};

class RouteTableTest : public testing::Test {
protected:
    Rcu rcu_{1};
    RouteTable routes_{rcu_};
};

TEST_F(RouteTableTest, NoRouteIsAnEntryOfItsOwn) {
    EXPECT_EQ(routes_.lookup(kIn10), RouteEntry{});
    EXPECT_EQ(routes_.lookup(kIn10).type, RouteType::none);
}

TEST_F(RouteTableTest, SetReplaceRemove) {
    routes_.set(prefix("10.0.0.0/8"), via(1));
    EXPECT_EQ(routes_.lookup(kIn10), via(1));
    routes_.set(prefix("10.0.0.0/8"), via(2));
    EXPECT_EQ(routes_.lookup(kIn10), via(2));
    EXPECT_EQ(routes_.stats().prefixes, 1U);
    EXPECT_TRUE(routes_.remove(prefix("10.0.0.0/8")));
    EXPECT_EQ(routes_.lookup(kIn10).type, RouteType::none);
    EXPECT_FALSE(routes_.remove(prefix("10.0.0.0/8")));
}

TEST_F(RouteTableTest, ReplaceByTheSameKeepsTheEntry) {
    routes_.set(prefix("10.0.0.0/8"), via(1));
    const RouteEntry* before = &routes_.lookup(kIn10);
    routes_.set(prefix("10.0.0.0/8"), via(1));
    EXPECT_EQ(&routes_.lookup(kIn10), before);
    EXPECT_TRUE(routes_.remove(prefix("10.0.0.0/8")));
    EXPECT_EQ(routes_.lookup(kIn10).type, RouteType::none);
}

TEST_F(RouteTableTest, SameNextHopsShareAnEntry) {
    routes_.set(prefix("10.0.0.0/8"), via(1));
    routes_.set(prefix("20.0.0.0/8"), via(1));
    routes_.set(prefix("30.0.0.0/8"), via(2));
    EXPECT_EQ(&routes_.lookup(kIn10), &routes_.lookup(Ip4{20, 0, 0, 1}));
    EXPECT_NE(&routes_.lookup(kIn10), &routes_.lookup(Ip4{30, 0, 0, 1}));
    EXPECT_TRUE(routes_.remove(prefix("10.0.0.0/8")));
    routes_.set(prefix("40.0.0.0/8"), via(3));  // gives unused entries back
    EXPECT_EQ(routes_.lookup(Ip4{20, 0, 0, 1}), via(1)) << "still used";
}

TEST_F(RouteTableTest, EntriesDifferByTypeHopAndWeight) {
    RouteEntry two = via(1), weighted = via(1), other = via(1);
    two.hop_count = 2;
    two.hops[1] = NextHop{2, Ip4{2}, UINT32_MAX};
    weighted.hops[0].upper_bound = 5;
    other.hops[0].port = 2;
    const RouteEntry all[] = {via(1), two, weighted, other, {.type = RouteType::blackhole}};
    for (uint32_t i = 0; i < 5; ++i) routes_.set({Ip4{(10 + i) << 24}, 8}, all[i]);
    for (uint32_t i = 0; i < 5; ++i)
        EXPECT_EQ(routes_.lookup(Ip4{(10 + i) << 24 | 1}), all[i]) << i;
}

TEST_F(RouteTableTest, BulkLookupIsTheSame) {
    routes_.set(prefix("0.0.0.0/0"), via(1));
    routes_.set(prefix("10.0.0.0/8"), via(2));
    routes_.set(prefix("10.0.0.0/24"), via(3));
    routes_.set(prefix("10.0.0.7/32"), via(4));
    for (const size_t n : {0, 1, 63, 64, 65, 128}) {
        std::vector<Ip4> ask;
        for (uint32_t i = 0; i < n; ++i)
            ask.emplace_back((i % 3 == 0 ? 0x0a000000 : 0x0a000100 * (i % 5)) + i);
        std::vector<const RouteEntry*> got(n);
        routes_.lookup(ask, got);
        for (size_t i = 0; i < n; ++i) EXPECT_EQ(got[i], &routes_.lookup(ask[i])) << n << ' ' << i;
    }
}

// A worker that is in the middle of a burst keeps what it looked up.
TEST_F(RouteTableTest, EntryLivesUntilTheWorkerIsQuiescent) {
    rcu_.online(0);
    routes_.set(prefix("10.0.0.0/8"), via(1));
    const RouteEntry& seen = routes_.lookup(kIn10);
    routes_.set(prefix("10.0.0.0/8"), via(2));
    for (uint32_t i = 3; i < 40; ++i) routes_.set(prefix("20.0.0.0/8"), via(i));
    EXPECT_EQ(seen, via(1));  // ASan: not freed
    rcu_.quiescent(0);
    rcu_.offline(0);
}

TEST_F(RouteTableTest, AsManyEntriesAsPromisedAndAgain) {
    for (unsigned round = 0; round < 2; ++round) {
        for (uint32_t i = 1; i < RouteTable::kMaxEntries; ++i)
            routes_.set({Ip4{i << 8}, 24}, via(i + round));
        EXPECT_THROW(routes_.set(prefix("200.0.0.0/8"), via(1U << 31)), std::length_error);
        EXPECT_EQ(routes_.lookup(Ip4{200, 0, 0, 1}).type, RouteType::none);
        routes_.set(prefix("200.0.0.0/8"), via(1 + round));  // shared: needs no room
        EXPECT_TRUE(routes_.remove(prefix("200.0.0.0/8")));
        for (uint32_t i = 1; i < RouteTable::kMaxEntries; ++i) {
            ASSERT_EQ(routes_.lookup(Ip4{i << 8 | 1}), via(i + round));
            ASSERT_TRUE(routes_.remove({Ip4{i << 8}, 24}));
        }
    }
}

// The last free number is still in a worker's hands: set() waits for it.
TEST_F(RouteTableTest, FullTableWaitsForARetiredEntry) {
    for (uint32_t i = 1; i < RouteTable::kMaxEntries; ++i) routes_.set({Ip4{i << 8}, 24}, via(i));
    rcu_.online(0);
    std::atomic<bool> done{false};
    routes_.remove(prefix("0.0.1.0/24"));
    std::thread worker([&] {
        while (!done) rcu_.quiescent(0);
        rcu_.offline(0);
    });
    routes_.set(prefix("0.0.1.0/24"), via(1U << 31));
    done = true;
    worker.join();
    EXPECT_EQ(routes_.lookup(Ip4{0, 0, 1, 1}), via(1U << 31));
}

// A worker looks up while the control thread changes what it finds: never a torn or a freed entry.
TEST_F(RouteTableTest, ReaderAndWriterTogether) {
    std::atomic<bool> done{false};
    routes_.set(prefix("10.0.0.0/8"), via(1));
    std::atomic<uint64_t> looked{0};
    rcu_.online(0);
    std::thread worker([&] {
        while (!done) {
            const RouteEntry& found = routes_.lookup(kIn10);
            if (found.type != RouteType::forward || found.hop_count != 1) ADD_FAILURE() << "torn";
            looked += found.hops[0].via.value != 0;
            rcu_.quiescent(0);
        }
        rcu_.offline(0);
    });
    for (uint32_t i = 0; i < 20000 || looked < 1000; ++i) {
        routes_.set(prefix("10.0.0.0/8"), via(1 + i % 50));
        routes_.set(prefix("10.0.0.0/24"), via(60 + i % 50));
        routes_.remove(prefix("10.0.0.0/24"));
    }
    done = true;
    worker.join();
}

// --- Of several next hops ---
TEST(RouteEntrySelect, BoundsAreInclusive) {
    RouteEntry entry{.type = RouteType::forward, .hop_count = 3};
    entry.hops[0] = {1, {}, 99};
    entry.hops[1] = {2, {}, 199};
    entry.hops[2] = {3, {}, UINT32_MAX};
    const std::pair<uint32_t, uint16_t> want[] = {{0, 1},   {99, 1},  {100, 2},
                                                  {199, 2}, {200, 3}, {UINT32_MAX, 3}};
    for (const auto& [hash, port] : want) EXPECT_EQ(entry.select(hash).port, port) << hash;
}

TEST(RouteEntrySelect, LastHopTakesTheRestWhateverItsBound) {
    RouteEntry entry{.type = RouteType::forward, .hop_count = 1};
    entry.hops[0] = {1, {}, 0};
    EXPECT_EQ(entry.select(UINT32_MAX).port, 1);
}

TEST(RouteEntrySelect, AllHops) {
    RouteEntry entry{.type = RouteType::forward, .hop_count = RouteEntry::kMaxHops};
    for (uint16_t i = 0; i < RouteEntry::kMaxHops; ++i)
        entry.hops[i] = {i, {}, (i + 1U) * (1U << 27) - 1};
    for (uint32_t i = 0; i < RouteEntry::kMaxHops; ++i)
        EXPECT_EQ(entry.select(i << 27 | 5).port, i);
}

}  // namespace
}  // namespace vethway
