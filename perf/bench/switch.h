// SPDX-License-Identifier: Apache-2.0
// A switch on memory ports, without a control thread: what a bench measures is Worker::run()
// itself.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "dataplane/l2/l2_state.h"
#include "dataplane/numa_memory.h"
#include "dataplane/worker.h"
#include "perf/bench/memory_ports.h"

namespace vethway::bench {

struct NoWaker final : WorkerWaker {
    void wake(unsigned) noexcept override {}
};

class Switch {
public:
    enum class As : uint8_t { router, bridge, bridge_both_ways, bridge_of_many };
    static constexpr uint16_t kFloodPorts = 16;
    // Port 1 receives, by port 2 packets leave; the hosts behind them are known. As a bridge, it
    // has both ports in one domain with the limits that a configuration has; both ways, port 2
    // receives as well.
    // Of two workers, the second serves port 2.
    explicit Switch(MemoryPorts& ports, As as = As::router, unsigned workers = 1);
    ~Switch();
    Switch(const Switch&) = delete;
    Switch& operator=(const Switch&) = delete;

    RouteTable& routes() noexcept { return routes_; }
    // By a next hop behind port 2; `hop` counts from 0 to kNextHops - 1.
    static constexpr uint32_t kNextHops = 256;
    static RouteEntry via(uint32_t hop);
    // Of a bridge: the station is behind port 2.
    void know(const Mac& station) noexcept {
        l2_->fdb.set_static({.domain = 0, .vlan = 0, .mac = station}, 2);
    }

    // The worker, on this thread, and a second on another lcore: receives `frames`, over and over,
    // as long as `go_on` says so (MemoryPorts::receive). Once.
    void run(std::vector<Frame> frames, std::function<bool(uint16_t)> go_on);
    // A single one on another lcore; join() returns when it has ended.
    void start(std::vector<Frame> frames, std::function<bool(uint16_t)> go_on);
    void join() noexcept;
    const Counters& counters(size_t worker = 0) const noexcept { return *own_[worker].counters; }
    uint32_t learned() const noexcept { return l2_->fdb.learned_in(0); }

private:
    void receive(std::vector<Frame> frames, std::function<bool(uint16_t)> go_on);
    Snapshot make_snapshot(As as, unsigned workers) const;
    static void launch(Worker& worker);

    // What each worker has to itself.
    struct Own {
        explicit Own(unsigned id);
        ~Own() { numa_delete(counters); }
        Own(const Own&) = delete;
        Own& operator=(const Own&) = delete;
        Ring inject_ring;
        Counters* const counters = numa_new<Counters>(-1);
        FlightRecorder recorder{4096, -1, rte_get_tsc_hz()};
        std::unique_ptr<Worker> worker;
    };

    MemoryPorts& ports_;
    Rcu rcu_;
    RouteTable routes_{rcu_};
    NeighbourTable neighbours_{{.thresholds = {}, .max_permanent = 2 * kNextHops, .max_held = 64}};
    PathTable paths_;
    const std::unique_ptr<L2State> l2_ = std::make_unique<L2State>();
    ReassemblyTable reassembly_{64, rte_get_tsc_hz()};
    PuntQueue punt_queue_;
    ArpAsked arp_asked_;
    NoWaker waker_;
    Published<Snapshot> snapshot_;
    Published<WatchSet> watches_{rcu_, std::make_unique<WatchSet>()};
    std::deque<Own> own_;
};

}  // namespace vethway::bench
