// SPDX-License-Identifier: Apache-2.0
// Longest prefix match with a million prefixes: Fib4 beside rte_fib and rte_lpm. A bench's argument
// says where addresses are from: 0, anywhere; 1, in the routes.
#include <rte_cycles.h>
#include <rte_fib.h>
#include <rte_lpm.h>
#include <rte_malloc.h>

#include <atomic>
#include <memory>
#include <stdexcept>

#include "dataplane/fib/route_table.h"
#include "perf/bench/bench.h"
#include "perf/bench/lpm_tables.h"
#include "perf/bench/switch.h"
#include "perf/bench/table_mix.h"

namespace vethway::bench {
namespace {

constexpr size_t kRoutes = 1'000'000, kAddresses = size_t{1} << 20, kAtOnce = 32;
constexpr uint32_t kHops = Switch::kNextHops;

const std::vector<MixedRoute>& table() {
    static const std::vector<MixedRoute> kAll = mixed_table(kRoutes, kHops);
    return kAll;
}

const std::vector<Ip4>& addresses(benchmark::State& state) {
    static const std::vector<Ip4> kAnywhere = addresses_anywhere(kAddresses),
                                  kInRoutes = addresses_in(table(), kAddresses);
    return state.range(0) == 0 ? kAnywhere : kInRoutes;
}

// Loaded once, and kept for all that look up in it.
template <class Table>
Table& loaded() {
    static Table once;
    return once;
}

// --- Lookup: one address an iteration, by the burst ---
template <class Lookup>
void look_up(benchmark::State& state, Lookup&& lookup) {
    const std::vector<Ip4>& all = addresses(state);
    size_t at = 0;
    while (state.KeepRunningBatch(kAtOnce)) {
        lookup(&all[at]);
        at = (at + kAtOnce) & (kAddresses - 1);
    }
    state.SetItemsProcessed(state.iterations());
}

struct OurFib {
    Rcu rcu{1};
    Fib4 fib{rcu};
    OurFib() {
        for (const MixedRoute& r : table()) fib.set(r.prefix, r.hop + 1);
    }
};
void fib4(benchmark::State& state) {
    auto& ours = loaded<OurFib>();
    std::array<Fib4::Value, kAtOnce> values;
    look_up(state, [&](const Ip4* to) {
        ours.fib.lookup({to, kAtOnce}, values);
        benchmark::DoNotOptimize(values);
        benchmark::ClobberMemory();
    });
    state.counters["MiB"] = static_cast<double>(ours.fib.stats().bytes) / (1 << 20);
}

size_t heap_bytes() {
    rte_malloc_socket_stats stats{};
    rte_malloc_get_socket_stats(0, &stats);
    return stats.heap_allocsz_bytes;
}

struct RteFib {
    rte_fib* fib = nullptr;
    double mib = 0, load_ms = 0;
    RteFib() {
        const size_t before = heap_bytes();
        rte_fib_conf conf{};
        conf.type = RTE_FIB_DIR24_8;
        conf.default_nh = 0;
        conf.max_routes = kRoutes + 1;
        conf.dir24_8 = {.nh_sz = RTE_FIB_DIR24_8_4B, .num_tbl8 = 1 << 15};
        fib = rte_fib_create("bench", SOCKET_ID_ANY, &conf);
        if (fib == nullptr) throw std::runtime_error("no memory for rte_fib");
        const uint64_t began = rte_rdtsc();
        for (const MixedRoute& r : table())
            if (rte_fib_add(fib, r.prefix.address.value, r.prefix.length, r.hop + 1) < 0)
                throw std::runtime_error("rte_fib_add");
        mib = static_cast<double>(heap_bytes() - before) / (1 << 20);
        load_ms =
            static_cast<double>(rte_rdtsc() - began) * 1e3 / static_cast<double>(rte_get_tsc_hz());
    }
    ~RteFib() { rte_fib_free(fib); }
};
void rte_fib_lookup(benchmark::State& state, rte_fib_lookup_type how) {
    auto& theirs = loaded<RteFib>();
    if (rte_fib_select_lookup(theirs.fib, how) < 0) return state.SkipWithError("not on this CPU");
    std::array<uint64_t, kAtOnce> values;
    look_up(state, [&](const Ip4* to) {
        rte_fib_lookup_bulk(theirs.fib, const_cast<uint32_t*>(&to->value), values.data(), kAtOnce);
        benchmark::DoNotOptimize(values);
        benchmark::ClobberMemory();
    });
    state.counters["MiB"] = theirs.mib;
    state.counters["load_ms"] = theirs.load_ms;
}
void rte_fib_scalar(benchmark::State& state) {
    rte_fib_lookup(state, RTE_FIB_LOOKUP_DIR24_8_SCALAR_INLINE);
}
void rte_fib_vector(benchmark::State& state) {
    rte_fib_lookup(state, RTE_FIB_LOOKUP_DIR24_8_VECTOR_AVX512);
}

LpmTables& lpm_tables() {
    static LpmTables once(table());
    return once;
}
void lpm_lookup(benchmark::State& state) {
    auto& theirs = lpm_tables();
    std::array<uint32_t, kAtOnce> values;
    look_up(state, [&](const Ip4* to) {
        rte_lpm_lookup_bulk(theirs.get(), &to->value, values.data(), kAtOnce);
        benchmark::DoNotOptimize(values);
        benchmark::ClobberMemory();
    });
    state.counters["MiB"] = theirs.mib();
}
void lpm_lookupx4(benchmark::State& state) {
    auto& theirs = lpm_tables();
    std::array<uint32_t, kAtOnce> values;
    look_up(state, [&](const Ip4* to) {
        for (size_t i = 0; i < kAtOnce; i += 4)
            rte_lpm_lookupx4(theirs.get(),
                             _mm_loadu_si128(reinterpret_cast<const __m128i*>(to + i)), &values[i],
                             0);
        benchmark::DoNotOptimize(values);
        benchmark::ClobberMemory();
    });
    state.counters["MiB"] = theirs.mib();
}

// --- Change: one route an iteration ---
const std::vector<RouteEntry>& entries() {
    static const std::vector<RouteEntry> kAll = [] {
        std::vector<RouteEntry> made;
        for (uint32_t hop = 0; hop < kHops; ++hop) made.push_back(Switch::via(hop));
        return made;
    }();
    return kAll;
}

void load_all(RouteTable& routes) {
    for (const MixedRoute& r : table()) routes.set(r.prefix, entries()[r.hop]);
}

// All of the table.
void route_table_load(benchmark::State& state) {
    table();
    for ([[maybe_unused]] auto _ : state) {
        Rcu rcu(1);
        RouteTable routes(rcu);
        load_all(routes);
    }
}
// A route goes and comes back by another next hop, or only changes it, beside a worker that
// forwards by the same table. Of the routes that its packets go by none goes, so that none may be
// lost.
void route_table_churn(benchmark::State& state) {
    constexpr size_t kForwardedBy = 4096;
    MemoryPorts ports;
    Switch bench(ports);
    load_all(bench.routes());
    std::vector<Frame> frames;
    for (size_t i = 0; i < kForwardedBy; ++i)
        frames.push_back(make_frame({.destination = table()[i].prefix.address}));
    std::atomic<bool> stop{false};
    bench.start(std::move(frames), [&](uint16_t) { return !stop; });
    size_t at = 0, updates = 0;
    for ([[maybe_unused]] auto _ : state) {
        const MixedRoute& r = table()[at];
        if (at >= kForwardedBy && updates % 2 == 0) {
            bench.routes().remove(r.prefix);
            ++updates;
        }
        bench.routes().set(r.prefix, entries()[(r.hop + updates) % kHops]);
        ++updates;
        if (++at == table().size()) at = 0;
    }
    stop = true;
    bench.join();
    const PortCounters& in = bench.counters().ports[1];
    state.SetItemsProcessed(static_cast<int64_t>(updates));
    state.counters["forwarded"] = static_cast<double>(in.rx_packets.value());
    if (in.rx_packets.value() != bench.counters().ports[2].tx_packets.value())
        state.SkipWithError("packets are lost");
}

}  // namespace

void add_fib_benches() {
    for (const auto& [name, function] :
         {Named{"fib4", fib4}, Named{"rte_fib_scalar", rte_fib_scalar},
          Named{"rte_fib_vector", rte_fib_vector}, Named{"lpm_lookup", lpm_lookup},
          Named{"lpm_lookupx4", lpm_lookupx4}})
        add(name, function)->Arg(0)->Arg(1);
    benchmark::RegisterBenchmark("route_table_load", route_table_load)
        ->Unit(benchmark::kMillisecond)
        ->Iterations(1);
    benchmark::RegisterBenchmark("route_table_churn", route_table_churn)->Iterations(500'000);
}

}  // namespace vethway::bench
