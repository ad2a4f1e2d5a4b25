// SPDX-License-Identifier: Apache-2.0
// The neighbour table: looked up for each packet that is forwarded. The argument is how many
// neighbours there are.
#include <random>

#include "dataplane/neighbour/neighbour_table.h"
#include "perf/bench/bench.h"

namespace vethway::bench {
namespace {

void neighbour_find(benchmark::State& state) {
    const auto count = static_cast<uint32_t>(state.range(0));
    NeighbourTable table({.thresholds = {.gc_thresh3 = count}, .max_held = 1}, 1);
    for (uint32_t i = 0; i < count; ++i) table.find_or_add({1, Ip4{i}}, 0);
    std::mt19937 random(1);
    std::vector<NeighbourKey> keys;
    for (uint32_t i = 0; i < 4096; ++i)
        keys.push_back({1, Ip4{static_cast<uint32_t>(random()) % count}});
    size_t at = 0;
    for ([[maybe_unused]] auto _ : state) {
        benchmark::DoNotOptimize(table.find(keys[at]));
        at = (at + 1) % keys.size();
    }
    state.SetItemsProcessed(state.iterations());
}

}  // namespace

void add_table_benches() { add("neighbour_find", neighbour_find)->Arg(16)->Arg(1024)->Arg(65536); }

}  // namespace vethway::bench
