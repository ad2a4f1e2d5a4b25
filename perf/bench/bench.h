// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <benchmark/benchmark.h>

namespace vethway::bench {

using Function = void (*)(benchmark::State&);
struct Named {
    const char* name;
    Function function;
};

// Adds a bench, which runs as often as --iterations says, if it does: a count makes comparable what
// callgrind counts. Else `iterations` times; 0: as long as --benchmark_min_time says.
benchmark::internal::Benchmark* add(const char* name, Function function, int64_t iterations = 0);

void add_forward_benches();
void add_stage_benches();
void add_table_benches();
void add_fib_benches();

}  // namespace vethway::bench
