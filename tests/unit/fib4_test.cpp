// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fib/fib4.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <map>
#include <random>
#include <vector>

namespace vethway {
namespace {

Prefix4 prefix(const char* text) { return Prefix4::parse(text).value(); }
Ip4 ip(const char* text) { return Ip4::parse(text).value(); }

struct Op {
    const char* prefix;
    Fib4::Value value;  // 0: remove it
};
struct Want {
    const char* ip;
    Fib4::Value value;
};
struct Case {
    const char* name;
    std::vector<Op> ops;
    std::vector<Want> want;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class Fib4Cases : public testing::TestWithParam<Case> {};
TEST_P(Fib4Cases, Lookup) {
    Rcu rcu(1);
    Fib4 fib(rcu);
    for (const Op& op : GetParam().ops) {
        if (op.value == 0)
            EXPECT_TRUE(fib.remove(prefix(op.prefix))) << op.prefix;
        else
            fib.set(prefix(op.prefix), op.value);
    }
    for (const Want& want : GetParam().want)
        EXPECT_EQ(fib.lookup(ip(want.ip)), want.value) << want.ip;
}
// clang-format off
INSTANTIATE_TEST_SUITE_P(Edges, Fib4Cases, testing::Values(
    Case{"empty", {}, {{"0.0.0.0", 0}, {"10.0.0.1", 0}, {"255.255.255.255", 0}}},
    Case{"default_route", {{"0.0.0.0/0", 7}},
         {{"0.0.0.0", 7}, {"10.0.0.1", 7}, {"255.255.255.255", 7}}},
    Case{"default_route_gone", {{"0.0.0.0/0", 7}, {"0.0.0.0/0", 0}},
         {{"0.0.0.0", 0}, {"255.255.255.255", 0}}},
    Case{"half_of_everything", {{"128.0.0.0/1", 7}},
         {{"127.255.255.255", 0}, {"128.0.0.0", 7}, {"255.255.255.255", 7}}},
    Case{"slash_15", {{"10.2.0.0/15", 7}},
         {{"10.1.255.255", 0}, {"10.2.0.0", 7}, {"10.3.255.255", 7}, {"10.4.0.0", 0}}},
    Case{"slash_16", {{"10.1.0.0/16", 7}},
         {{"10.0.255.255", 0}, {"10.1.0.0", 7}, {"10.1.255.255", 7}, {"10.2.0.0", 0}}},
    Case{"slash_17", {{"10.1.128.0/17", 7}},
         {{"10.1.127.255", 0}, {"10.1.128.0", 7}, {"10.1.255.255", 7}, {"10.2.0.0", 0}}},
    Case{"slash_24", {{"10.1.2.0/24", 7}},
         {{"10.1.1.255", 0}, {"10.1.2.0", 7}, {"10.1.2.255", 7}, {"10.1.3.0", 0}}},
    Case{"slash_25", {{"10.1.2.128/25", 7}},
         {{"10.1.2.127", 0}, {"10.1.2.128", 7}, {"10.1.2.255", 7}, {"10.1.3.0", 0}}},
    Case{"slash_31", {{"10.1.2.4/31", 7}},
         {{"10.1.2.3", 0}, {"10.1.2.4", 7}, {"10.1.2.5", 7}, {"10.1.2.6", 0}}},
    Case{"slash_32", {{"10.1.2.4/32", 7}}, {{"10.1.2.3", 0}, {"10.1.2.4", 7}, {"10.1.2.5", 0}}},
    Case{"first_address", {{"0.0.0.0/32", 7}},
         {{"0.0.0.0", 7}, {"0.0.0.1", 0}, {"255.255.255.255", 0}}},
    Case{"last_address", {{"255.255.255.255/32", 7}},
         {{"255.255.255.254", 0}, {"255.255.255.255", 7}, {"0.0.0.0", 0}}},
    Case{"largest_value", {{"10.1.2.3/32", 0x7fff}, {"20.0.0.0/8", 0x7fff}},
         {{"10.1.2.3", 0x7fff}, {"20.1.1.1", 0x7fff}}},
    Case{"nested_outwards", {{"10.1.2.3/32", 5}, {"10.1.2.0/24", 4}, {"10.1.0.0/16", 3},
          {"10.0.0.0/8", 2}, {"0.0.0.0/0", 1}},
         {{"9.1.2.3", 1}, {"10.2.2.3", 2}, {"10.1.3.3", 3}, {"10.1.2.4", 4}, {"10.1.2.3", 5}}},
    Case{"nested_inwards", {{"0.0.0.0/0", 1}, {"10.0.0.0/8", 2}, {"10.1.0.0/16", 3},
          {"10.1.2.0/24", 4}, {"10.1.2.3/32", 5}},
         {{"9.1.2.3", 1}, {"10.2.2.3", 2}, {"10.1.3.3", 3}, {"10.1.2.4", 4}, {"10.1.2.3", 5}}},
    Case{"replaced", {{"10.0.0.0/8", 1}, {"10.1.2.3/32", 2}, {"10.0.0.0/8", 3},
          {"10.1.2.3/32", 4}},
         {{"10.0.0.0", 3}, {"10.1.2.2", 3}, {"10.1.2.3", 4}, {"10.1.2.4", 3}, {"10.1.3.3", 3}}},
    Case{"parent_removed_first", {{"10.1.0.0/16", 1}, {"10.1.2.0/24", 2}, {"10.1.2.3/32", 3},
          {"10.1.0.0/16", 0}, {"10.1.2.0/24", 0}},
         {{"10.1.2.2", 0}, {"10.1.2.3", 3}, {"10.1.1.1", 0}}},
    Case{"child_removed_first", {{"10.0.0.0/9", 1}, {"10.1.2.0/24", 2}, {"10.1.2.3/32", 3},
          {"10.1.2.3/32", 0}, {"10.1.2.0/24", 0}},
         {{"10.1.2.2", 1}, {"10.1.2.3", 1}, {"10.127.255.255", 1}, {"10.128.0.0", 0}}},
    Case{"middle_removed", {{"10.1.2.0/25", 1}, {"10.1.2.0/26", 2}, {"10.1.2.0/27", 3},
          {"10.1.2.0/26", 0}},
         {{"10.1.2.31", 3}, {"10.1.2.32", 1}, {"10.1.2.127", 1}, {"10.1.2.128", 0}}},
    Case{"default_comes_back", {{"0.0.0.0/0", 1}, {"10.0.0.0/8", 2}, {"10.1.2.0/24", 3},
          {"10.0.0.0/8", 0}, {"10.1.2.0/24", 0}}, {{"10.1.2.1", 1}, {"10.2.2.1", 1}}},
    Case{"shorter_added_above_chunk", {{"10.1.0.0/16", 1}, {"10.1.2.3/32", 2}, {"10.0.0.0/8", 3}},
         {{"10.1.2.2", 1}, {"10.1.2.3", 2}, {"10.1.3.3", 1}, {"10.2.2.2", 3}}},
    Case{"shorter_added_after_chunk", {{"10.1.0.0/16", 1}, {"10.1.2.3/32", 2}, {"10.1.2.3/32", 0},
          {"10.0.0.0/8", 3}}, {{"10.1.2.3", 1}, {"10.1.3.3", 1}, {"10.2.2.2", 3}}},
    Case{"shorter_added_after_removal", {{"10.1.0.0/16", 1}, {"10.1.2.0/24", 2}, {"10.1.2.0/25", 3},
          {"10.1.2.0/24", 0}, {"10.0.0.0/8", 4}}, {{"10.1.2.1", 3}, {"10.1.2.129", 1}}},
    Case{"same_value_nested", {{"10.1.0.0/16", 1}, {"10.1.2.0/24", 1}, {"10.1.0.0/16", 0}},
         {{"10.1.2.1", 1}, {"10.1.3.1", 0}}},
    Case{"hidden_parent", {{"10.1.2.0/24", 1}, {"10.1.2.0/25", 2}, {"10.1.2.128/25", 3},
          {"10.1.2.0/25", 0}},
         {{"10.1.2.1", 1}, {"10.1.2.129", 3}}}),
    [](const auto& c) { return c.param.name; });
// clang-format on

TEST(Fib4, SetSaysWhatWasThere) {
    Rcu rcu(1);
    Fib4 fib(rcu);
    for (const char* p : {"10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.3/32"}) {
        EXPECT_EQ(fib.set(prefix(p), 7), Fib4::kNone) << p;
        EXPECT_EQ(fib.set(prefix(p), 8), 7U) << p;
        EXPECT_EQ(fib.remove(prefix(p)), 8U) << p;
        EXPECT_EQ(fib.remove(prefix(p)), Fib4::kNone) << p;
    }
}

// 256 contents that are all unlike their neighbours, each of which is refined, and back.
TEST(Fib4, ChunkWithAllThatItCanHold) {
    Rcu rcu(1);
    Fib4 fib(rcu);
    const auto at = [](uint32_t slot, uint32_t host) { return Ip4{0x0a010000 | slot << 8 | host}; };
    for (uint32_t slot = 0; slot < 256; ++slot) fib.set({at(slot, 0), 24}, 1 + slot);
    for (uint32_t slot = 0; slot < 256; ++slot) fib.set({at(slot, slot), 32}, 1000 + slot);
    for (uint32_t slot = 0; slot < 256; ++slot)
        for (uint32_t host = 0; host < 256; ++host)
            ASSERT_EQ(fib.lookup(at(slot, host)), host == slot ? 1000 + slot : 1 + slot);
    for (uint32_t slot = 0; slot < 256; slot += 2) fib.remove({at(slot, slot), 32});
    for (uint32_t slot = 0; slot < 256; ++slot)
        ASSERT_EQ(fib.lookup(at(slot, slot)), slot % 2 == 1 ? 1000 + slot : 1 + slot);
}

TEST(Fib4, RemoveSaysWhetherItWasThere) {
    Rcu rcu(1);
    Fib4 fib(rcu);
    fib.set(prefix("10.1.0.0/16"), 1);
    for (const char* absent : {"0.0.0.0/0", "10.1.0.0/15", "10.1.0.0/17", "10.1.0.0/32"})
        EXPECT_FALSE(fib.remove(prefix(absent).network())) << absent;
    EXPECT_EQ(fib.lookup(ip("10.1.0.0")), 1U);
    EXPECT_TRUE(fib.remove(prefix("10.1.0.0/16")));
    EXPECT_FALSE(fib.remove(prefix("10.1.0.0/16")));
}

#ifndef NDEBUG
TEST(Fib4DeathTest, CallersErrors) {
    Rcu rcu(1);
    Fib4 fib(rcu);
    EXPECT_DEATH(fib.set(prefix("10.0.0.0/8"), Fib4::kNone), "kNone");
    EXPECT_DEATH(fib.set(prefix("10.0.0.0/8"), 0x8000), "kMostValue");
    EXPECT_DEATH(fib.set(prefix("10.0.0.1/8"), 1), "network");
    EXPECT_DEATH(fib.remove(prefix("10.0.0.1/8")), "network");
    EXPECT_DEATH(fib.set({Ip4{}, 33}, 1), "length");
}
#endif

// A Fib4 next to the truth: all routes, searched one by one.
struct Checked {
    Rcu rcu{1};
    Fib4 fib{rcu};
    std::map<Prefix4, Fib4::Value> routes;
    std::mt19937 random;

    explicit Checked(unsigned seed) : random(seed) {}
    uint32_t below(uint32_t n) { return std::uniform_int_distribution<uint32_t>{0, n - 1}(random); }

    // The lengths of a real table, in a few /12 so that they nest.
    Prefix4 random_prefix() {
        const uint32_t kind = below(100);
        const uint32_t length = kind < 50   ? 24
                                : kind < 80 ? 16 + below(7)
                                : kind < 85 ? below(16)
                                : kind < 95 ? 25 + below(7)
                                            : 32;
        return Prefix4{Ip4{below(3) << 30 | below(1 << 20)}, static_cast<uint8_t>(length)}
            .network();
    }
    void set(const Prefix4& p) {
        const Fib4::Value value = 1 + below(0x7fff);
        fib.set(p, value);
        routes[p] = value;
    }
    void remove_one() {
        const auto victim = std::next(routes.begin(), below(static_cast<uint32_t>(routes.size())));
        EXPECT_TRUE(fib.remove(victim->first));
        routes.erase(victim);
    }
    Fib4::Value scan(Ip4 address) const {
        int longest = -1;
        Fib4::Value value = Fib4::kNone;
        for (const auto& [p, v] : routes)
            if (p.contains(address) && p.length > longest) longest = p.length, value = v;
        return value;
    }
    // On both sides of both ends of every prefix, and at random.
    void compare() {
        std::vector<Ip4> at;
        for (const auto& [p, v] : routes) {
            const uint32_t first = p.address.value, last = first | ~Prefix4::mask(p.length);
            for (const uint32_t a : {first - 1, first, last, last + 1}) at.emplace_back(a);
        }
        for (int i = 0; i < 500; ++i) at.emplace_back(below(3) << 30 | below(1 << 20));
        for (int i = 0; i < 500; ++i) at.emplace_back(static_cast<uint32_t>(random()));
        std::vector<Fib4::Value> got(at.size());
        fib.lookup(at, got);
        for (size_t i = 0; i < at.size(); ++i)
            ASSERT_EQ(got[i], scan(at[i])) << at[i].to_string() << " of " << routes.size();
        EXPECT_EQ(fib.stats().prefixes, routes.size());
    }
};

TEST(Fib4, RandomRoutesAgreeWithAScan) {
    const int wanted = GTEST_FLAG_GET(random_seed);
    const unsigned seed =
        wanted != 0 ? static_cast<unsigned>(wanted) : std::random_device{}() % 99999 + 1;
    std::printf("repeat with --gtest_random_seed=%u\n", seed);
    Checked c(seed);
    const auto empty = c.fib.stats().bytes;
    const auto churn = [&](size_t rounds, uint32_t adds_of_10) {
        for (size_t i = 1; i <= rounds; ++i) {
            if (c.routes.empty() || c.below(10) < adds_of_10)
                c.set(c.random_prefix());
            else
                c.remove_one();
            if (i % 500 == 0) c.compare();
            if (testing::Test::HasFatalFailure()) return;
        }
    };
    churn(2000, 9);
    churn(2000, 5);
    churn(2000, 2);
    while (!c.routes.empty()) c.remove_one();
    c.compare();
    EXPECT_EQ(c.fib.stats().chunks, 0U);
    EXPECT_EQ(c.fib.stats().chunks_waiting, 0U);  // its only worker is offline
    EXPECT_EQ(c.fib.stats().bytes, empty);
}

TEST(Fib4, AnyBurstSize) {
    Rcu rcu(1);
    Fib4 fib(rcu);
    fib.set(prefix("10.0.0.0/8"), 1);
    fib.set(prefix("10.0.1.0/24"), 2);
    fib.set(prefix("10.0.1.7/32"), 3);
    const std::vector<Ip4> cycle = {ip("10.0.1.7"), ip("9.9.9.9"), ip("10.0.1.8"), ip("10.9.9.9")};
    const std::vector<Fib4::Value> want = {3, 0, 2, 1};
    for (const size_t n : {0, 1, 3, 31, 32, 257}) {
        std::vector<Ip4> at(n);
        std::vector<Fib4::Value> got(n);
        for (size_t i = 0; i < n; ++i) at[i] = cycle[i % 4];
        fib.lookup(at, got);
        for (size_t i = 0; i < n; ++i) EXPECT_EQ(got[i], want[i % 4]) << i << " of " << n;
    }
}

}  // namespace
}  // namespace vethway
