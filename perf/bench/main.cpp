// SPDX-License-Identifier: Apache-2.0
// The microbenches, as Google Benchmark runs them (--benchmark_filter, --benchmark_format=json, …),
// and beside its options:
//   --iterations=N   of each bench, for whoever counts instructions
//   --small          without hugepages, and with memory for the benches of forwarding only
#include <benchmark/benchmark.h>
#include <rte_cycles.h>
#include <rte_eal.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "perf/bench/bench.h"

namespace vethway::bench {

namespace {

int64_t g_iterations = 0;

std::vector<std::string> eal_arguments(bool small) {
    std::vector<std::string> args{"bench",          "--no-pci",
                                  "--no-telemetry", "--iova-mode=va",
                                  "--log-level=3",  "--force-max-simd-bitwidth=512"};
    // The last CPU, which interrupts and whoever pins nothing prefer least; and one for a second
    // lcore.
    const unsigned cpus = std::max(1U, std::thread::hardware_concurrency());
    args.push_back("--lcores=0@" + std::to_string(cpus - 1) + ",1@0");
    if (small)
        args.insert(args.end(), {"--no-huge", "--no-shconf", "-m", "256"});
    else
        args.insert(args.end(), {"--in-memory", "-m", "820"});
    return args;
}

// Before any bench is made.
bool take_option(std::string_view arg, bool& small) {
    constexpr std::string_view kIterations = "--iterations=";
    if (arg == "--small") return small = true;
    if (!arg.starts_with(kIterations)) return false;
    arg.remove_prefix(kIterations.size());
    return std::from_chars(arg.data(), arg.data() + arg.size(), g_iterations).ec == std::errc{};
}

}  // namespace

benchmark::internal::Benchmark* add(const char* name, Function function, int64_t iterations) {
    benchmark::internal::Benchmark* made = benchmark::RegisterBenchmark(name, function);
    if (g_iterations > 0) iterations = g_iterations;
    return iterations > 0 ? made->Iterations(iterations) : made;
}

int main_of_benches(int argc, char** argv) {
    bool small = false;
    std::vector<char*> rest;
    for (int i = 0; i < argc; ++i)
        if (i == 0 || !take_option(argv[i], small)) rest.push_back(argv[i]);
    std::vector<std::string> args = eal_arguments(small);
    std::vector<char*> eal;
    eal.reserve(args.size());
    for (std::string& a : args) eal.push_back(a.data());
    if (rte_eal_init(static_cast<int>(eal.size()), eal.data()) < 0) {
        std::fprintf(stderr, "vethway_bench: DPDK did not start; see --small\n");
        return 1;
    }
    int count = static_cast<int>(rest.size());
    benchmark::Initialize(&count, rest.data());
    if (benchmark::ReportUnrecognizedArguments(count, rest.data())) return 1;
    benchmark::AddCustomContext("tsc_hz", std::to_string(rte_get_tsc_hz()));
    add_forward_benches();
    add_stage_benches();
    add_table_benches();
    add_fib_benches();
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}

}  // namespace vethway::bench

int main(int argc, char** argv) { return vethway::bench::main_of_benches(argc, argv); }
