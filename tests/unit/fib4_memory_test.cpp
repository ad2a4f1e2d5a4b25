// SPDX-License-Identifier: Apache-2.0
// How a Fib4 takes and gives back memory: under workers that read it, and when there is none.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <new>
#include <thread>
#include <vector>

#include "dataplane/fib/fib4.h"

namespace {
int g_allocations_left = -1;  // before operator new throws; negative: it never does
}  // namespace

// Not inlined: g++ 12 then takes the free() below for a mismatch.
[[gnu::noinline]] void* operator new(size_t bytes) {
    if (g_allocations_left == 0) throw std::bad_alloc();
    if (g_allocations_left > 0) --g_allocations_left;
    if (void* p = std::malloc(bytes)) return p;
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, size_t) noexcept { std::free(p); }

namespace vethway {
namespace {

Prefix4 prefix(const char* text) { return Prefix4::parse(text).value(); }
Ip4 ip(const char* text) { return Ip4::parse(text).value(); }

constexpr size_t kFewBytes = size_t{2} << 20;

TEST(Fib4Memory, ChunksComeAndGoWithLongPrefixes) {
    Rcu rcu(1);
    Fib4 fib(rcu);
    const auto chunks_after = [&](const char* p, Fib4::Value value) {
        if (value == 0)
            EXPECT_TRUE(fib.remove(prefix(p))) << p;
        else
            fib.set(prefix(p), value);
        return fib.stats().chunks;
    };
    EXPECT_EQ(chunks_after("0.0.0.0/0", 1), 0U);
    EXPECT_EQ(chunks_after("10.1.0.0/16", 1), 0U);
    EXPECT_EQ(chunks_after("10.1.2.0/24", 1), 1U);  // equal values do not make it go
    EXPECT_EQ(chunks_after("10.1.2.3/32", 1), 2U);
    EXPECT_EQ(chunks_after("10.1.2.4/32", 1), 2U);
    EXPECT_EQ(chunks_after("10.1.2.4/32", 2), 2U);
    EXPECT_EQ(chunks_after("10.1.3.4/32", 1), 3U);
    EXPECT_EQ(chunks_after("10.1.2.0/24", 0), 3U);
    EXPECT_EQ(chunks_after("10.1.2.3/32", 0), 3U);
    EXPECT_EQ(chunks_after("10.1.2.4/32", 0), 2U);
    EXPECT_EQ(chunks_after("10.1.3.4/32", 0), 0U);  // and the chunk above it
}

TEST(Fib4Memory, ChunkIsNotReusedBeforeEveryWorkerWasQuiescent) {
    Rcu rcu(2);
    Fib4 fib(rcu, kFewBytes);
    const auto add_and_remove = [&] {
        fib.set(prefix("10.1.2.3/32"), 1);
        fib.remove(prefix("10.1.2.3/32"));
    };
    rcu.online(0);
    rcu.online(1);
    const auto empty = fib.stats().bytes;
    for (size_t i = 1; i <= 10; ++i) {
        add_and_remove();
        EXPECT_EQ(fib.stats().chunks_waiting, 2 * i);
    }
    const auto full = fib.stats().bytes;
    EXPECT_EQ(full, empty + 20 * 64);
    rcu.quiescent(0);
    EXPECT_EQ(fib.stats().chunks_waiting, 20U);
    rcu.quiescent(1);
    EXPECT_EQ(fib.stats().chunks_waiting, 0U);
    EXPECT_EQ(fib.stats().bytes, empty);
    rcu.offline(0);
    for (int i = 0; i < 300'000; ++i, rcu.quiescent(1)) add_and_remove();  // more than there are
    EXPECT_EQ(fib.stats().bytes, empty);
}

TEST(Fib4Memory, NothingChangesWhenChunksRunOut) {
    Rcu rcu(1);
    Fib4 fib(rcu, kFewBytes);
    uint32_t most = 0;
    try {
        for (;; ++most) fib.set({Ip4{most << 16}, 32}, 1 + most % 100);
    } catch (const std::bad_alloc&) {
    }
    EXPECT_GT(most, 1000U);
    const auto before = fib.stats();
    EXPECT_EQ(before.prefixes, most);
    EXPECT_EQ(before.chunks, 2 * most);
    for (const Prefix4& p : {Prefix4{Ip4{most << 16}, 32}, Prefix4{Ip4{most << 16}, 24},
                             Prefix4{Ip4{0x00000100}, 25}, Prefix4{Ip4{0}, 0}}) {
        EXPECT_THROW(fib.set(p, 101), std::bad_alloc) << p.to_string();
        EXPECT_EQ(fib.stats().chunks, before.chunks);
        EXPECT_EQ(fib.stats().prefixes, before.prefixes);
        EXPECT_EQ(fib.lookup(Ip4{p.address.value | 7}), Fib4::kNone) << p.to_string();
    }
    for (uint32_t i = 0; i < most; ++i) ASSERT_EQ(fib.lookup(Ip4{i << 16}), 1 + i % 100) << i;
    fib.set({Ip4{250U << 24}, 8}, 102);  // takes none
    EXPECT_EQ(fib.lookup(ip("250.1.1.1")), 102U);
    for (uint32_t i = 0; i < most; ++i) EXPECT_EQ(fib.remove({Ip4{i << 16}, 32}), 1 + i % 100);
    EXPECT_EQ(fib.stats().chunks, 0U);
}

TEST(Fib4Memory, NothingChangesWithoutMemory) {
    Rcu rcu(1);
    Fib4 fib(rcu);
    fib.set(prefix("10.0.0.0/8"), 1);
    for (int allocations = 0;; ++allocations) {
        g_allocations_left = allocations;
        bool thrown = false;
        try {
            fib.set(prefix("10.1.2.3/32"), 2);
        } catch (const std::bad_alloc&) {
            thrown = true;
        }
        g_allocations_left = -1;
        EXPECT_EQ(fib.lookup(ip("10.1.2.3")), thrown ? 1U : 2U);
        EXPECT_EQ(fib.stats().prefixes, thrown ? 1U : 2U);
        EXPECT_EQ(fib.stats().chunks, thrown ? 0U : 2U);
        if (thrown) continue;
        EXPECT_GT(allocations, 0);
        break;
    }
}

// Two groups of routes that never share a value come and go, and with them chunks pass from one
// group to the other: a reader that sees the wrong group's value, or none, followed a recycled
// chunk.
struct Readers {
    static constexpr Fib4::Value kGroup = 100;
    Rcu rcu{2};
    Fib4 fib{rcu};
    std::atomic<bool> stop{false};
    std::atomic<uint64_t> wrong{0}, lookups{0};

    void read(unsigned id) {
        std::vector<Ip4> at;
        for (uint32_t i = 0; i < 256; ++i) at.emplace_back((i % 2 + 1) << 24 | 0x010200 | i / 2);
        std::vector<Fib4::Value> got(at.size());
        rcu.online(id);
        for (uint64_t round = 1; !stop.load(std::memory_order_relaxed); ++round) {
            fib.lookup(at, got);
            for (size_t i = 0; i < at.size(); ++i)
                wrong += got[i] == Fib4::kNone || got[i] / kGroup != i % 2 + 1;
            lookups += at.size();
            rcu.quiescent(id);
            if (round % 64 != 0) continue;
            rcu.offline(id);
            std::this_thread::yield();
            rcu.online(id);
        }
        rcu.offline(id);
    }
    void write(unsigned rounds) {
        for (unsigned i = 0; i < rounds; ++i) {
            const uint32_t group = i % 2 + 1, net = group << 24;
            const std::array changing = {Prefix4{Ip4{net | 0x010000}, 16},
                                         Prefix4{Ip4{net | 0x010200}, 23},
                                         Prefix4{Ip4{net | 0x010200 | i % 128}, 32}};
            for (const auto& p : changing) fib.set(p, group * kGroup + p.length);
            for (const auto& p : changing) EXPECT_TRUE(fib.remove(p));
        }
    }
};

TEST(Fib4Memory, ReadersNeverSeeARecycledChunk) {
    Readers r;
    for (uint32_t group : {1, 2}) r.fib.set({Ip4{group << 24}, 8}, group * Readers::kGroup);
    std::thread first([&] { r.read(0); }), second([&] { r.read(1); });
    for (int slice = 0; slice < 100 || r.lookups < 1'000'000; ++slice) r.write(200);
    r.stop = true;
    first.join();
    second.join();
    EXPECT_EQ(r.wrong, 0U);
    EXPECT_EQ(r.fib.stats().chunks, 0U);
    EXPECT_EQ(r.fib.stats().chunks_waiting, 0U);
}

}  // namespace
}  // namespace vethway
