// SPDX-License-Identifier: Apache-2.0
#include "dataplane/neighbour/neighbour_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

#include "dataplane/meta.h"
#include "dataplane/rcu.h"

namespace vethway {
namespace {

using State = NeighbourState;
using Learn = NeighbourTable::Learn;

constexpr uint64_t kSecond = 1'000'000, kNow = 1000 * kSecond;
constexpr Mac kA{{2, 0, 0, 0, 0, 0xa}}, kB{{2, 0, 0, 0, 0, 0xb}};
constexpr NeighbourKey kKey{1, Ip4{10, 0, 0, 1}};

NeighbourTable::Limits limits(uint32_t most, uint32_t max_held) {
    return {.thresholds = {0, most / 2, most}, .max_held = max_held};
}
constexpr NeighbourLimits kEach{.unres_qlen = 64, .unres_qlen_bytes = UINT32_MAX};

// What the table needs of an mbuf: its private area, which lies right behind it. No EAL.
struct alignas(64) Packet {
    std::byte bytes[sizeof(rte_mbuf) + sizeof(PacketMeta)]{};
    rte_mbuf& mbuf() { return *reinterpret_cast<rte_mbuf*>(bytes); }
};

// --- What a neighbour is after a message ---
struct LearnCase {
    const char* name;
    NeighbourLink before;
    uint64_t age;  // of the last proof
    Mac mac;
    NeighbourLink after;
    Learn want = Learn::updated;
};
class LearnTest : public testing::TestWithParam<LearnCase> {
protected:
    NeighbourTable table_{limits(16, 16)};
    Neighbour& make() {
        Neighbour& n = *table_.find_or_add(kKey, kNow);
        n.link = GetParam().before.packed();
        n.confirmed_tsc = kNow - GetParam().age;
        n.changed_tsc = 7;
        return n;
    }
    void expect_after(const Neighbour& n) {
        EXPECT_EQ(n.read().state, GetParam().after.state);
        EXPECT_EQ(n.read().mac, GetParam().after.mac);
        EXPECT_EQ(n.changed_tsc, GetParam().before.state == GetParam().after.state ? 7 : kNow);
    }
};
const auto kCaseName = [](const auto& c) { return c.param.name; };

class LearnHint : public LearnTest {};
TEST_P(LearnHint, StateAfter) {
    Neighbour& n = make();
    EXPECT_EQ(table_.learn_hint(n, GetParam().mac, kNow, 0), GetParam().want);
    expect_after(n);
    EXPECT_EQ(n.confirmed_tsc, kNow - GetParam().age) << "a hint proves nothing";
}
// clang-format off
INSTANTIATE_TEST_SUITE_P(States, LearnHint, testing::Values(
    LearnCase{"none",            {State::none, {}},       9, kA, {State::stale, kA}},
    LearnCase{"incomplete",      {State::incomplete, {}}, 9, kA, {State::stale, kA}},
    LearnCase{"failed",          {State::failed, kA},     9, kA, {State::stale, kA}},
    LearnCase{"reachable_same",  {State::reachable, kA},  9, kA, {State::reachable, kA}, Learn::ignored},
    LearnCase{"reachable_other", {State::reachable, kA},  9, kB, {State::stale, kB}},
    LearnCase{"stale_same",      {State::stale, kA},      9, kA, {State::stale, kA}, Learn::ignored},
    LearnCase{"stale_other",     {State::stale, kA},      9, kB, {State::stale, kB}},
    LearnCase{"delay_same",      {State::delay, kA},      9, kA, {State::delay, kA}, Learn::ignored},
    LearnCase{"probe_other",     {State::probe, kA},      9, kB, {State::stale, kB}},
    LearnCase{"permanent_same",  {State::permanent, kA},  9, kA, {State::permanent, kA}, Learn::ignored},
    LearnCase{"permanent_other", {State::permanent, kA},  9, kB, {State::permanent, kA}, Learn::ignored}), kCaseName);

class LearnProof : public LearnTest {};
TEST_P(LearnProof, StateAfter) {
    Neighbour& n = make();
    EXPECT_EQ(table_.learn_proof(n, GetParam().mac, kNow, kSecond), GetParam().want);
    expect_after(n);
    EXPECT_EQ(n.confirmed_tsc, GetParam().want == Learn::updated ? kNow : kNow - GetParam().age);
}
INSTANTIATE_TEST_SUITE_P(States, LearnProof, testing::Values(
    LearnCase{"none",             {State::none, {}},       0, kA, {State::reachable, kA}},
    LearnCase{"incomplete",       {State::incomplete, {}}, 0, kA, {State::reachable, kA}},
    LearnCase{"failed",           {State::failed, kA},     0, kB, {State::reachable, kB}},
    LearnCase{"reachable_same",   {State::reachable, kA},  0, kA, {State::reachable, kA}},
    LearnCase{"stale_same",       {State::stale, kA},      0, kA, {State::reachable, kA}},
    LearnCase{"delay_same",       {State::delay, kA},      0, kA, {State::reachable, kA}},
    LearnCase{"probe_same",       {State::probe, kA},      0, kA, {State::reachable, kA}},
    LearnCase{"locked",           {State::reachable, kA},  kSecond - 1, kB, {State::reachable, kA}, Learn::ignored},
    LearnCase{"locked_stale",     {State::stale, kA},      0, kB, {State::stale, kA}, Learn::ignored},
    LearnCase{"unlocked",         {State::reachable, kA},  kSecond, kB, {State::reachable, kB}},
    LearnCase{"permanent_same",   {State::permanent, kA},  9 * kSecond, kA, {State::permanent, kA}, Learn::ignored},
    LearnCase{"permanent_other",  {State::permanent, kA},  9 * kSecond, kB, {State::permanent, kA}, Learn::ignored}), kCaseName);
// clang-format on

TEST(NeighbourLink, PacksAndUsable) {
    for (unsigned s = 0; s <= static_cast<unsigned>(State::permanent); ++s) {
        const NeighbourLink link{static_cast<State>(s), {{0xff, 1, 2, 3, 4, 5}}};
        EXPECT_EQ(NeighbourLink::unpacked(link.packed()).state, link.state);
        EXPECT_EQ(NeighbourLink::unpacked(link.packed()).mac, link.mac);
        EXPECT_EQ(link.usable(), link.state != State::none && link.state != State::incomplete &&
                                     link.state != State::failed);
    }
}

// --- Entries ---
TEST(NeighbourTable, KeysArePortAndAddress) {
    NeighbourTable table(limits(16, 16));
    EXPECT_EQ(table.find(kKey), nullptr);
    Neighbour* n = table.find_or_add(kKey, kNow);
    ASSERT_NE(n, nullptr);
    EXPECT_EQ(n->key, kKey);
    EXPECT_EQ(n->read().state, State::none);
    EXPECT_EQ(n->confirmed_tsc, kNow);
    EXPECT_EQ(table.find_or_add(kKey, kNow + 1), n);
    EXPECT_EQ(table.find({2, kKey.ip}), nullptr);
    EXPECT_EQ(table.find({1, Ip4{10, 0, 0, 2}}), nullptr);
    EXPECT_EQ(table.size(), 1U);
}

TEST(NeighbourTable, HoldsAsManyAsPromisedAndNoMore) {
    NeighbourTable table(limits(1000, 16));
    for (uint32_t i = 0; i < 1000; ++i)
        ASSERT_NE(table.find_or_add({1, Ip4{i}}, kNow), nullptr) << i;
    EXPECT_EQ(table.find_or_add({1, Ip4{1000}}, kNow), nullptr);
    EXPECT_EQ(table.size(), 1000U);
    for (uint32_t i = 0; i < 1000; ++i) {
        Neighbour* n = table.find({1, Ip4{i}});
        ASSERT_NE(n, nullptr);
        EXPECT_EQ(n->key.ip, Ip4{i});
    }
    unsigned visited = 0;
    table.for_each([&](Neighbour&) { ++visited; });
    EXPECT_EQ(visited, 1000U);
}

// Exactly as many, wherever their keys fall: neighbours in a row, and those of a scan.
TEST(NeighbourTable, IsFullAtItsLimitOnlyWhateverTheHash) {
    for (uint64_t seed = 1; seed <= 40; ++seed)
        for (const uint32_t stride : {1U, 256U, 65537U}) {
            NeighbourTable table(limits(4096, 16), seed);
            for (uint32_t i = 0; i < 4096; ++i)
                ASSERT_NE(table.find_or_add({1, Ip4{0x0a000001 + i * stride}}, kNow), nullptr)
                    << i << " seed " << seed;
            ASSERT_EQ(table.find_or_add({2, Ip4{1}}, kNow), nullptr);
        }
}

// One pair of buckets for all: the rest goes to the overflow, is found there, and leaves it.
TEST(NeighbourTable, OverflowOfAPairOfBuckets) {
    NeighbourTable table(limits(8, 16), 1);
    std::vector<Neighbour*> all;
    while (Neighbour* n =
               table.find_or_add_permanent({1, Ip4{static_cast<uint32_t>(100 + all.size())}}, kNow))
        all.push_back(n);
    EXPECT_EQ(all.size(), 16U + 64U) << "two buckets and the overflow";
    for (const Neighbour* n : all) EXPECT_EQ(table.find(n->key), n);
    EXPECT_EQ(table.find({1, Ip4{99}}), nullptr);
    for (Neighbour* n : all) {
        table.remove(*n);
        table.recycle(*n);
    }
    EXPECT_EQ(table.find({1, Ip4{100}}), nullptr);
    EXPECT_NE(table.find_or_add(kKey, kNow), nullptr);
}

TEST(NeighbourTable, PermanentOnesAreNotCounted) {
    NeighbourTable table({.thresholds = {0, 1, 2}, .max_permanent = 8, .max_held = 16});
    Neighbour& first = *table.find_or_add(kKey, kNow);
    EXPECT_FALSE(table.take_pressed());
    for (uint32_t i = 0; i < 8; ++i)
        ASSERT_NE(table.find_or_add_permanent({1, Ip4{i}}, kNow), nullptr);
    EXPECT_EQ(table.size(), 1U);
    EXPECT_EQ(table.find_or_add_permanent(kKey, kNow), &first) << "made permanent";
    EXPECT_EQ(table.size(), 0U);
    EXPECT_NE(table.find_or_add({2, Ip4{1}}, kNow), nullptr);
    EXPECT_FALSE(table.take_pressed());
    EXPECT_NE(table.find_or_add({2, Ip4{2}}, kNow), nullptr);
    EXPECT_TRUE(table.take_pressed()) << "beyond gc_thresh2";
    EXPECT_FALSE(table.take_pressed());
    EXPECT_TRUE(table.is_full());
    EXPECT_EQ(table.find_or_add({2, Ip4{3}}, kNow), nullptr);
    EXPECT_TRUE(table.take_pressed()) << "refused";
    table.remove(first);
    table.recycle(first);
    EXPECT_EQ(table.size(), 2U);
}

TEST(NeighbourTable, RemovedIsOutOfSightAndItsPlaceIsUsedAgainAfterRecycle) {
    NeighbourTable table(limits(1, 16));
    Neighbour& n = *table.find_or_add(kKey, kNow);
    table.learn_proof(n, kA, kNow, kSecond);
    n.probes = 3;
    table.remove(n);
    EXPECT_EQ(table.find(kKey), nullptr);
    table.for_each([](Neighbour&) { ADD_FAILURE() << "a removed entry is not visited"; });
    EXPECT_EQ(table.find_or_add(kKey, kNow), nullptr) << "a worker may still hold it";
    table.recycle(n);
    EXPECT_EQ(table.size(), 0U);
    Neighbour* again = table.find_or_add({2, Ip4{9}}, kNow + 5);
    ASSERT_NE(again, nullptr);
    EXPECT_EQ(again->read().state, State::none);
    EXPECT_EQ(again->key, (NeighbourKey{2, Ip4{9}}));
    EXPECT_EQ(again->probes, 0U);
    EXPECT_EQ(again->confirmed_tsc, kNow + 5);
}

// --- Packets that wait ---
TEST(NeighbourTable, OldestComesFirst) {
    NeighbourTable table(limits(16, 16));
    Neighbour& n = *table.find_or_add(kKey, kNow);
    std::vector<Packet> packets(3);
    for (Packet& p : packets) ASSERT_EQ(table.hold(n, p.mbuf(), kEach), NeighbourTable::Hold::held);
    EXPECT_EQ(table.held(), 3U);
    uint32_t count = 0;
    rte_mbuf* m = table.take_held(n, count);
    EXPECT_EQ(count, 3U);
    for (Packet& p : packets) {
        EXPECT_EQ(m, &p.mbuf());
        m = meta(*m).next_held;
    }
    EXPECT_EQ(m, nullptr);
    EXPECT_EQ(table.held(), 0U);
    EXPECT_EQ(n.held_count, 0U);
    EXPECT_EQ(table.take_held(n, count), nullptr);
    EXPECT_EQ(count, 0U);
}

TEST(NeighbourTable, LimitsOfOneAndOfAll) {
    constexpr uint32_t kMost = kEach.unres_qlen;
    NeighbourTable table(limits(16, kMost + 10));
    Neighbour &a = *table.find_or_add(kKey, kNow), &b = *table.find_or_add({2, kKey.ip}, kNow);
    std::vector<Packet> packets(200);
    const auto hold = [&](Neighbour& n) {
        unsigned held = 0;
        for (size_t i = 0; i < 100; ++i)
            held += table.hold(n, packets[i + (&n == &b ? 100 : 0)].mbuf(), kEach) ==
                    NeighbourTable::Hold::held;
        return held;
    };
    EXPECT_EQ(hold(a), kMost);
    EXPECT_EQ(hold(b), 10U);
    EXPECT_EQ(table.held(), kMost + 10);
    uint32_t count = 0;
    table.take_held(a, count);
    EXPECT_EQ(count, kMost);
    EXPECT_EQ(hold(b), kMost - 10);
}

TEST(NeighbourTable, BytesOfOne) {
    NeighbourTable table(limits(16, 100));
    Neighbour& n = *table.find_or_add(kKey, kNow);
    std::vector<Packet> packets(5);
    const uint32_t cost = NeighbourTable::buffer_bytes(packets[0].mbuf());
    const NeighbourLimits two{.unres_qlen_bytes = 2 * cost}, nothing{.unres_qlen_bytes = 0};
    EXPECT_EQ(table.hold(n, packets[0].mbuf(), nothing), NeighbourTable::Hold::held)
        << "one alone may always wait";
    EXPECT_FALSE(NeighbourTable::is_full(n, packets[1].mbuf(), two));
    EXPECT_EQ(table.hold(n, packets[1].mbuf(), two), NeighbourTable::Hold::held);
    EXPECT_TRUE(NeighbourTable::is_full(n, packets[2].mbuf(), two));
    EXPECT_EQ(table.hold(n, packets[2].mbuf(), two), NeighbourTable::Hold::queue_full);
    EXPECT_EQ(n.held_bytes, 2 * cost);
    uint32_t count = 0;
    table.take_held(n, count);
    EXPECT_EQ(count, 2U);
    EXPECT_EQ(n.held_bytes, 0U);
}

// --- Several threads ---
// Whoever adds it first: there is one of each, and all get that one.
TEST(NeighbourTable, WorkersThatMeetANewOneAtOnceGetTheSame) {
    constexpr unsigned kWorkers = 2, kKeys = 20000;
    NeighbourTable table(limits(kKeys, 16));
    std::vector<std::vector<Neighbour*>> got(kWorkers, std::vector<Neighbour*>(kKeys));
    std::atomic<uint32_t> arrived{0}, end{kKeys};
    // On a busy machine every meeting costs a scheduler's slice: a second of them is enough.
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(1);
    const auto work = [&](unsigned id) {
        for (uint32_t k = 0; k < kKeys; ++k) {
            if (id == 0 && std::chrono::steady_clock::now() > deadline) end = k;
            ++arrived;
            for (unsigned spins = 0; arrived < (k + 1) * kWorkers; ++spins)
                if (spins > 100) std::this_thread::yield();
            if (k >= end) return;
            got[id][k] = table.find_or_add({1, Ip4{k + 1}}, kNow);
        }
    };
    std::vector<std::thread> workers;
    for (unsigned id = 0; id < kWorkers; ++id) workers.emplace_back(work, id);
    for (std::thread& t : workers) t.join();
    unsigned refused = 0, there = 0, wanted = 0;
    for (uint32_t k = 0; k < end; ++k) {
        Neighbour* const known = table.find({1, Ip4{k + 1}});
        wanted += known != nullptr ? 1U : 0U;  // all may have given up
        for (unsigned id = 0; id < kWorkers; ++id) {
            if (got[id][k] == nullptr)
                ++refused;
            else
                ASSERT_EQ(got[id][k], known) << k;
        }
    }
    EXPECT_LE(refused, end / 10) << "who can't agree in time gives up";
    table.for_each([&](Neighbour&) { ++there; });
    EXPECT_EQ(there, wanted);
    EXPECT_EQ(table.size(), wanted);
}

// Workers find or add, hold, learn and take, as they do with packets; the control thread removes,
// waits for them all, takes what is left and recycles. No packet is lost or seen twice.
TEST(NeighbourTable, WorkersAndControlTogether) {
    constexpr unsigned kWorkers = 3, kPackets = 300, kAddresses = 4, kRounds = 20000;
    NeighbourTable table(limits(8, 400));
    Rcu rcu(kWorkers);
    std::vector<std::vector<Packet>> packets(kWorkers);
    std::vector<std::vector<rte_mbuf*>> free(kWorkers);
    std::vector<rte_mbuf*> control_took;
    std::atomic<unsigned> running{kWorkers};
    for (auto& p : packets) p = std::vector<Packet>(kPackets);
    const auto take = [&table](Neighbour& n, std::vector<rte_mbuf*>& into) {
        uint32_t count = 0, seen = 0;
        for (rte_mbuf* m = table.take_held(n, count); m != nullptr; m = meta(*m).next_held, ++seen)
            into.push_back(m);
        EXPECT_EQ(seen, count);
    };
    const auto work = [&](unsigned id) {
        for (Packet& p : packets[id]) free[id].push_back(&p.mbuf());
        uint32_t random = id + 1;
        rcu.online(id);
        for (unsigned i = 0; i < kRounds; ++i) {
            random = random * 1664525 + 1013904223;
            const NeighbourKey key{1, Ip4{10 + (random >> 16) % kAddresses}};
            if (Neighbour* n = table.find_or_add(key, i)) {
                EXPECT_TRUE(n->key == key);
                if (!free[id].empty() &&
                    table.hold(*n, *free[id].back(), kEach) == NeighbourTable::Hold::held)
                    free[id].pop_back();
                const NeighbourLink link = n->read();
                if (random >> 28 < 2) table.learn_hint(*n, kA, i, 0);
                if (random >> 28 == 2) table.learn_proof(*n, kB, i, 0);
                EXPECT_TRUE(!link.usable() || link.mac == kA || link.mac == kB) << "a torn link";
                if (n->read().usable()) take(*n, free[id]);
            }
            rcu.quiescent(id);
        }
        rcu.offline(id);
        --running;
    };
    std::vector<std::thread> workers;
    for (unsigned id = 0; id < kWorkers; ++id) workers.emplace_back(work, id);
    const auto remove_all = [&] {
        std::vector<Neighbour*> gone;
        table.for_each([&](Neighbour& n) { gone.push_back(&n); });
        for (Neighbour* n : gone) table.remove(*n);
        rcu.synchronize();
        for (Neighbour* n : gone) {
            take(*n, control_took);
            table.recycle(*n);
        }
    };
    while (running > 0) remove_all();
    for (std::thread& t : workers) t.join();
    remove_all();

    EXPECT_EQ(table.held(), 0U);
    EXPECT_EQ(table.size(), 0U);
    std::vector<rte_mbuf*> all = control_took;
    for (const auto& f : free) all.insert(all.end(), f.begin(), f.end());
    std::ranges::sort(all);
    EXPECT_EQ(all.size(), kWorkers * kPackets);
    EXPECT_EQ(std::ranges::adjacent_find(all), all.end()) << "a packet seen twice";
}

}  // namespace
}  // namespace vethway
