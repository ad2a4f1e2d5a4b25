// SPDX-License-Identifier: Apache-2.0
// IPv4 forwarding on memory ports: vethway's worker as it is, beside `io`, which only receives and
// sends, and beside what DPDK offers for the same.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <fstream>

#include "dataplane/net/mix.h"
#include "perf/bench/bench.h"
#include "perf/bench/destinations.h"
#include "perf/bench/graph_router.h"
#include "perf/bench/lpm_router.h"
#include "perf/bench/switch.h"

namespace vethway::bench {
namespace {

constexpr uint32_t kFlowHops = 16;

// One packet an iteration.
std::function<bool(uint16_t)> until_enough(benchmark::State& state) {
    return [&state](uint16_t n) { return state.KeepRunningBatch(n); };
}

void check(benchmark::State& state, uint64_t sent) {
    if (sent != static_cast<uint64_t>(state.iterations())) state.SkipWithError("packets are lost");
    state.SetItemsProcessed(state.iterations());
}

void forward(benchmark::State& state) {
    MemoryPorts ports;
    Switch bench(ports);
    const auto to = destinations(static_cast<size_t>(state.range(0)), kFlowHops);
    for (const Destination& d : to) bench.routes().set(d.route, Switch::via(d.hop));
    bench.run(frames_to(to), until_enough(state));
    check(state, bench.counters().ports[2].tx_packets.value());
}

// The same by one of two workers, while the other forwards what it can the other way: they share
// routes, neighbours, ports and mbufs.
void forward_of_two(benchmark::State& state) {
    MemoryPorts ports(2);
    Switch bench(ports, Switch::As::router, 2);
    const auto to = destinations(static_cast<size_t>(state.range(0)), kFlowHops);
    for (const Destination& d : to) bench.routes().set(d.route, Switch::via(d.hop));
    const Frame back = make_frame({.destination = kSender,
                                   .to = kPortMacs[1],
                                   .from = kHostMacs[1],
                                   .source = {10, 1, 0, 2}});
    ports.receive_beside([&back](Frame& frame) { frame = back; });
    bench.run(frames_to(to), until_enough(state));
    state.counters["other"] = static_cast<double>(bench.counters(1).ports[1].tx_packets.value()) /
                              static_cast<double>(state.iterations());
    check(state, bench.counters().ports[2].tx_packets.value());
}

// From stations that are known to stations that are, as many on either side: each frame is from and
// to others than the one before.
void bridge(benchmark::State& state) {
    MemoryPorts ports;
    Switch bench(ports, Switch::As::bridge);
    std::vector<Frame> frames;
    for (int64_t i = 0; i < state.range(0); ++i) {
        const auto n = static_cast<uint64_t>(i);
        const Mac from = Mac::from_u48(0x060000010000 + n), to = Mac::from_u48(0x060000020000 + n);
        bench.know(to);
        frames.push_back(make_frame({.destination = Ip4{20, 0, 0, 1}, .to = to, .from = from}));
    }
    bench.run(std::move(frames), until_enough(state));
    check(state, bench.counters().ports[2].tx_packets.value());
}

// A frame an iteration that leaves by many ports.
void bridge_flood(benchmark::State& state) {
    MemoryPorts ports;
    Switch bench(ports, Switch::As::bridge_of_many);
    bench.run({make_frame({.destination = Ip4{20, 0, 0, 1}, .to = Mac::broadcast()})},
              until_enough(state));
    uint64_t sent = 0;
    for (const PortCounters& port : bench.counters().ports) sent += port.tx_packets.value();
    check(state, sent / Switch::kFloodPorts);
}

double resident_mib() {
    std::ifstream file("/proc/self/statm");
    double total = 0, resident = 0;
    file >> total >> resident;
    return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1 << 20);
}

// Traffic between two known stations, an iteration a frame, beside as many frames that come by the
// other port: (0) of a thousand stations by turns, or (1) each of one that was never seen before.
void bridge_beside(benchmark::State& state) {
    constexpr uint64_t kStations = 1000, kUnicast = 0xfcffffffffff, kLocal = uint64_t{2} << 40;
    const bool attacks = state.range(0) == 1;
    MemoryPorts ports;
    Switch bench(ports, Switch::As::bridge_both_ways);
    bench.know(kHostMacs[1]);
    Frame other = make_frame({.destination = kSender, .to = kHostMacs[0], .from = kHostMacs[1]});
    uint64_t n = 0;
    ports.receive_beside([&, attacks](Frame& frame) {
        ++n;
        reinterpret_cast<EtherHeader*>(&other)->src =
            Mac::from_u48((mix(attacks ? n : n % kStations) & kUnicast) | kLocal);
        frame = other;
    });
    const double before = resident_mib();
    bench.run({make_frame({.destination = Ip4{20, 0, 0, 1}, .to = kHostMacs[1]})},
              until_enough(state));
    state.counters["MiB"] = resident_mib() - before;
    state.counters["learned"] = bench.learned();
    const PortCounters &one = bench.counters().ports[1], &two = bench.counters().ports[2];
    if (one.tx_packets.value() != two.rx_packets.value())
        state.SkipWithError("a station that is known is not reached");
    check(state, two.tx_packets.value());
}

// As testpmd's io mode has it.
void io(benchmark::State& state) {
    MemoryPorts ports;
    ports.receive(frames_to(destinations(static_cast<size_t>(state.range(0)), kFlowHops)),
                  until_enough(state));
    uint64_t sent = 0;
    while (!ports.ended()) {
        rte_mbuf* frames[kBurst];
        const uint16_t n = rte_eth_rx_burst(ports.id(0), 0, frames, kBurst);
        sent += rte_eth_tx_burst(ports.id(1), 0, frames, n);
    }
    check(state, sent);
}

template <bool verifies_checksums>
void lpm(benchmark::State& state) {
    MemoryPorts ports;
    const auto to = destinations(static_cast<size_t>(state.range(0)), kFlowHops);
    LpmRouter router(ports, verifies_checksums);
    for (const Destination& d : to) router.add(d.route, d.hop);
    ports.receive(frames_to(to), until_enough(state));
    while (!ports.ended()) router.poll();
    check(state, router.sent());
}
void l3fwd(benchmark::State& state) { lpm<false>(state); }
void l3fwd_checksum(benchmark::State& state) { lpm<true>(state); }

void graph(benchmark::State& state) {
    MemoryPorts ports;
    const auto to = destinations(static_cast<size_t>(state.range(0)), kFlowHops);
    static GraphRouter router(ports);
    for (const Destination& d : to) router.add(d.route, d.hop);
    ports.receive(frames_to(to), until_enough(state));
    while (!ports.ended()) router.poll();
    rte_eth_stats sent{};
    rte_eth_stats_get(ports.id(1), &sent);
    check(state, sent.opackets);
}

// --- What is not forwarded: never dearer than what is ---
void drop(benchmark::State& state, const FrameSpec& spec, Drop why) {
    MemoryPorts ports;
    Switch bench(ports);
    bench.routes().set({Ip4(20, 0, 0, 0), 8}, Switch::via(0));
    bench.run({make_frame(spec)}, until_enough(state));
    check(state, bench.counters().ports[1].dropped[static_cast<size_t>(why)].value());
}
constexpr Ip4 kRouted{20, 0, 0, 1}, kUnrouted{30, 0, 0, 1};
void drop_checksum(benchmark::State& state) {
    drop(state, {.destination = kRouted, .wrong_checksum = true}, Drop::ip4_checksum);
}
void drop_ttl(benchmark::State& state) {
    drop(state, {.destination = kRouted, .ttl = 1}, Drop::ttl_expired);
}
void drop_no_route(benchmark::State& state) {
    drop(state, {.destination = kUnrouted}, Drop::no_route);
}

// Every other packet costs an ICMP error, or would, without the limit.
void attack(benchmark::State& state) {
    MemoryPorts ports;
    Switch bench(ports);
    bench.routes().set({Ip4(20, 0, 0, 0), 8}, Switch::via(0));
    bench.run(
        {make_frame({.destination = kRouted}), make_frame({.destination = kRouted, .ttl = 1})},
        until_enough(state));
    const PortCounters& in = bench.counters().ports[1];
    check(state, 2 * in.dropped[static_cast<size_t>(Drop::ttl_expired)].value());
}

}  // namespace

void add_forward_benches() {
    for (const auto& [name, function] :
         {Named{"forward", forward}, Named{"io", io}, Named{"l3fwd", l3fwd},
          Named{"l3fwd_checksum", l3fwd_checksum}})
        add(name, function)->Arg(1)->Arg(10'000);
    add("forward_of_two", forward_of_two)->Arg(1)->Arg(10'000);
    add("graph", graph)->Arg(1)->Arg(1000);  // it takes 1024 routes
    add("bridge", bridge)->Arg(1)->Arg(1000);
    add("bridge_flood", bridge_flood);
    add("bridge_beside", bridge_beside, 10 << 20)->Arg(0)->Arg(1);
    add("drop_checksum", drop_checksum);
    add("drop_ttl", drop_ttl);
    add("drop_no_route", drop_no_route);
    add("attack", attack);
}

}  // namespace vethway::bench
