// SPDX-License-Identifier: Apache-2.0
// The table of stations: what one worker does, and several at once.
#include "dataplane/l2/fdb.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "dataplane/counters.h"

namespace vethway {
namespace {

constexpr uint32_t kNow = 1000;  // ticks
constexpr LearnRules kNoLimit;

uint64_t station(uint64_t mac, uint16_t vlan = 0, uint16_t domain = 0) {
    return FdbKey{domain, vlan, Mac::from_u48(0x020000000000 + mac)}.packed();
}

class FdbTest : public testing::Test {
protected:
    Learned learn(uint64_t packed, uint16_t port, uint32_t tick, const LearnRules& rules) {
        return fdb_.learn(fdb_.probe(packed), port, tick, rules);
    }
    Learned would_learn(uint64_t packed, uint16_t port, uint32_t tick, const LearnRules& rules) {
        return fdb_.would_learn(fdb_.probe(packed), port, tick, rules);
    }
    size_t size() {
        size_t n = 0;
        fdb_.for_each(kNow, [&](const FdbEntry&) { ++n; });
        return n;
    }
    FdbEntry entry(uint64_t packed, uint32_t tick = kNow) {
        FdbEntry found;
        fdb_.for_each(tick, [&](const FdbEntry& e) {
            if (e.key.packed() == packed) found = e;
        });
        return found;
    }
    void age(uint32_t tick, uint32_t most) {
        std::array<uint32_t, kMaxDomains> ageing;
        ageing.fill(most);
        for (unsigned part = 0; part < 3; ++part) fdb_.age(tick, ageing, part, 3);
    }

    Fdb fdb_{7};
};

TEST_F(FdbTest, KeyIsDomainVlanAndMac) {
    const FdbKey key{15, 4094, *Mac::parse("fe:ff:ff:ff:ff:ff")};
    EXPECT_EQ(FdbKey::unpacked(key.packed()), key);
}

TEST_F(FdbTest, LearnsAndFinds) {
    EXPECT_EQ(fdb_.find(station(1)), kNoPort);
    EXPECT_EQ(learn(station(1), 3, kNow, kNoLimit), Learned::added);
    EXPECT_EQ(learn(station(1), 3, kNow, kNoLimit), Learned::known);
    EXPECT_EQ(fdb_.find(station(1)), 3);
    EXPECT_EQ(fdb_.learned_by(3), 1U);
    EXPECT_EQ(fdb_.learned_in(0), 1U);
}

// Who is fresh need not be learned: in this tick, behind this port, and not a static entry's.
TEST_F(FdbTest, IsFreshUntilTheNextTick) {
    const auto is_fresh = [this](uint16_t port, uint32_t tick) {
        return fdb_.is_fresh(fdb_.probe(station(1)), port, tick);
    };
    EXPECT_FALSE(is_fresh(3, kNow));
    learn(station(1), 3, kNow, kNoLimit);
    EXPECT_TRUE(is_fresh(3, kNow));
    EXPECT_FALSE(is_fresh(4, kNow));
    EXPECT_FALSE(is_fresh(3, kNow + 1));
    learn(station(1), 3, kNow + 1, kNoLimit);
    EXPECT_TRUE(is_fresh(3, kNow + 1));
    EXPECT_TRUE(fdb_.set_static(FdbKey::unpacked(station(1)), 4));
    EXPECT_FALSE(is_fresh(3, kNow + 1));
}

TEST_F(FdbTest, EachVlanAndDomainLearnsForItself) {
    learn(station(1, 10, 2), 3, kNow, kNoLimit);
    EXPECT_EQ(fdb_.find(station(1, 11, 2)), kNoPort);
    EXPECT_EQ(fdb_.find(station(1, 10, 1)), kNoPort);
    EXPECT_EQ(learn(station(1, 11, 2), 4, kNow, kNoLimit), Learned::added);
    EXPECT_EQ(fdb_.find(station(1, 10, 2)), 3);
    EXPECT_EQ(fdb_.find(station(1, 11, 2)), 4);
}

TEST_F(FdbTest, Moves) {
    learn(station(1), 3, kNow, kNoLimit);
    EXPECT_EQ(learn(station(1), 4, kNow, kNoLimit), Learned::moved);
    EXPECT_EQ(fdb_.find(station(1)), 4);
    EXPECT_EQ(fdb_.learned_by(3), 0U);
    EXPECT_EQ(fdb_.learned_by(4), 1U);
    EXPECT_EQ(fdb_.learned_in(0), 1U);
    EXPECT_EQ(size(), 1U);
}

TEST_F(FdbTest, WhoMovesTooOftenStaysPutForAWhile) {
    const LearnRules rules{.moves_a_second = 3};
    learn(station(1), 1, kNow, rules);
    for (const uint16_t port : std::to_array<uint16_t>({2, 1, 2}))
        EXPECT_EQ(learn(station(1), port, kNow, rules), Learned::moved);
    EXPECT_EQ(would_learn(station(1), 1, kNow, rules), Learned::damped);
    EXPECT_EQ(learn(station(1), 1, kNow, rules), Learned::damped);
    EXPECT_TRUE(entry(station(1)).is_damped);
    EXPECT_EQ(fdb_.find(station(1)), 2);
    EXPECT_EQ(learn(station(1), 2, kNow, rules), Learned::known) << "where it is it is known";
    EXPECT_EQ(learn(station(1), 1, kNow + 99, rules), Learned::damped);
    EXPECT_EQ(learn(station(1), 1, kNow + 100, rules), Learned::moved) << "ten seconds later";
    EXPECT_FALSE(entry(station(1), kNow + 100).is_damped);
}

TEST_F(FdbTest, SlowMovesAreNotDamped) {
    const LearnRules rules{.moves_a_second = 1};
    learn(station(1), 1, kNow, rules);
    for (uint16_t i = 0; i < 20; ++i)
        EXPECT_EQ(learn(station(1), static_cast<uint16_t>(2 + i % 2), kNow + 10U * i, rules),
                  Learned::moved);
}

TEST_F(FdbTest, LimitsOfMemberAndDomain) {
    const LearnRules member{.member_limit = 2}, domain{.domain_limit = 3};
    EXPECT_EQ(learn(station(1), 1, kNow, member), Learned::added);
    EXPECT_EQ(learn(station(2), 1, kNow, member), Learned::added);
    EXPECT_EQ(learn(station(3), 1, kNow, member), Learned::limited);
    EXPECT_EQ(would_learn(station(3), 1, kNow, member), Learned::limited);
    EXPECT_EQ(learn(station(3), 2, kNow, member), Learned::added) << "of another member";
    EXPECT_EQ(learn(station(3), 1, kNow, member), Learned::limited) << "nor by moving there";
    EXPECT_EQ(fdb_.find(station(3)), 2);
    EXPECT_EQ(learn(station(4), 2, kNow, domain), Learned::limited);
    EXPECT_EQ(learn(station(4, 0, 1), 2, kNow, domain), Learned::added) << "of another domain";
    EXPECT_EQ(learn(station(1), 1, kNow + 1, member), Learned::known) << "who is known stays";
    EXPECT_TRUE(fdb_.remove(FdbKey::unpacked(station(1))));
    EXPECT_EQ(learn(station(5), 1, kNow, member), Learned::added) << "there is room again";
}

TEST_F(FdbTest, StaticStationsStay) {
    learn(station(1), 1, kNow, kNoLimit);
    EXPECT_TRUE(fdb_.set_static(FdbKey::unpacked(station(1)), 2));
    EXPECT_TRUE(fdb_.set_static(FdbKey::unpacked(station(9)), 2));
    EXPECT_EQ(fdb_.learned_by(1) + fdb_.learned_by(2), 0U) << "they are not counted";
    EXPECT_EQ(learn(station(1), 1, kNow, kNoLimit), Learned::pinned);
    EXPECT_EQ(fdb_.find(station(1)), 2);
    age(kNow + 100000, 10);
    EXPECT_EQ(size(), 2U);
    EXPECT_TRUE(fdb_.set_static(FdbKey::unpacked(station(1)), 3)) << "it can be put elsewhere";
    EXPECT_EQ(fdb_.find(station(1)), 3);
    EXPECT_TRUE(fdb_.remove(FdbKey::unpacked(station(1))));
    EXPECT_FALSE(fdb_.remove(FdbKey::unpacked(station(1))));
    EXPECT_EQ(learn(station(1), 1, kNow, kNoLimit), Learned::added);
}

TEST_F(FdbTest, AgesWhoIsNotHeardOf) {
    learn(station(1), 1, kNow, kNoLimit);
    learn(station(2), 1, kNow, kNoLimit);
    learn(station(2), 1, kNow + 50, kNoLimit);
    age(kNow + 99, 100);
    EXPECT_EQ(size(), 2U);
    age(kNow + 100, 100);
    EXPECT_EQ(fdb_.find(station(1)), kNoPort);
    EXPECT_EQ(fdb_.find(station(2)), 1);
    age(kNow + 49, 1);
    EXPECT_EQ(size(), 1U) << "news of a worker that is ahead";
    age(kNow + 1000000, 0);
    EXPECT_EQ(size(), 1U) << "0 is never";
    age(kNow + 1000000, 1);
    EXPECT_EQ(fdb_.learned_in(0), 0U);
}

TEST_F(FdbTest, RemovesByWhatIsAsked) {
    for (uint64_t i = 1; i <= 100; ++i)
        learn(station(i), static_cast<uint16_t>(i % 4), kNow, kNoLimit);
    EXPECT_EQ(fdb_.remove_if([](const FdbEntry& e) { return e.port == 2; }), 25U);
    EXPECT_EQ(size(), 75U);
    EXPECT_EQ(fdb_.learned_by(2), 0U);
}

TEST_F(FdbTest, HoldsAsManyAsItSays) {
    for (uint64_t i = 1; i <= Fdb::kMaxStations; ++i)
        ASSERT_EQ(learn(station(i), 1, kNow, kNoLimit), Learned::added) << i;
    for (uint64_t i = 1; i <= Fdb::kMaxStations; ++i) ASSERT_EQ(fdb_.find(station(i)), 1);
    EXPECT_EQ(fdb_.learned_by(1), Fdb::kMaxStations);
}

// What tells strangers counts who is there, by eight bits.
TEST_F(FdbTest, WhoComesAndGoesOftenIsNoStranger) {
    constexpr uint64_t kStations = 8;
    for (int i = 0; i < 1024; ++i) {
        // Some are in a bucket's first slot, where it is not asked.
        for (uint64_t s = 0; s < kStations; ++s) learn(station(s << 16), 1, kNow, kNoLimit);
        for (uint64_t s = 0; s < kStations; ++s) ASSERT_EQ(fdb_.find(station(s << 16)), 1) << i;
        ASSERT_EQ(fdb_.remove_if([](const FdbEntry&) { return true; }), kStations);
    }
}

TEST_F(FdbTest, AnAttackLeavesWhoIsKnown) {
    const LearnRules rules{.domain_limit = 1000};
    for (uint64_t i = 1; i <= 100; ++i) learn(station(i), 1, kNow, rules);
    for (uint64_t i = 0; i < 1'000'000; ++i) learn(station((i << 20) + 5000), 2, kNow, rules);
    EXPECT_EQ(fdb_.learned_in(0), 1000U);
    for (uint64_t i = 1; i <= 100; ++i) EXPECT_EQ(fdb_.find(station(i)), 1);
}

// Without limits too: a full table refuses, and forgets nobody.
TEST_F(FdbTest, AFullTableRefuses) {
    uint64_t n = 0;
    while (learn(station(++n), 1, kNow, kNoLimit) == Learned::added)
        ASSERT_LE(n, 2U * Fdb::kMaxStations);
    EXPECT_GT(n, uint64_t{Fdb::kMaxStations} * 5 / 4);
    EXPECT_EQ(fdb_.learned_by(1), n - 1);
    EXPECT_EQ(learn(station(1), 1, kNow + 1, kNoLimit), Learned::known);
}

// Several workers learn the same stations, which move, and the control thread removes them: nobody
// is there twice, nobody is seen at a port where it never was, and the counts are right.
TEST_F(FdbTest, ManyAtOnce) {
    constexpr unsigned kThreads = 3, kStations = 64;
    constexpr uint64_t kTurns = 60'000;
    std::atomic<unsigned> ended{0};
    std::atomic<bool> wrong{false};
    std::vector<std::thread> workers;
    for (unsigned t = 0; t < kThreads; ++t)
        workers.emplace_back([&, t] {
            for (uint64_t i = 0; i < kTurns; ++i) {
                // Of a station the two ports that it may be at.
                const uint64_t s = (i * 7 + t) % kStations;
                const auto port = static_cast<uint16_t>(10 + 2 * s + (i + t) % 2);
                learn(station(s), port, static_cast<uint32_t>(i), kNoLimit);
                const uint16_t found = fdb_.find(station(s));
                if (found != kNoPort && (found - 10) / 2 != static_cast<int>(s)) wrong = true;
            }
            ++ended;
        });
    while (ended < kThreads)
        for (uint64_t s = 0; s < kStations; s += 3) fdb_.remove(FdbKey::unpacked(station(s)));
    for (std::thread& w : workers) w.join();
    EXPECT_FALSE(wrong);
    EXPECT_LE(size(), kStations);
    uint32_t counted = 0;
    for (uint16_t p = 0; p < 256; ++p) counted += fdb_.learned_by(p);
    EXPECT_EQ(counted, size());
    EXPECT_EQ(fdb_.learned_in(0), size());
}

}  // namespace
}  // namespace vethway
