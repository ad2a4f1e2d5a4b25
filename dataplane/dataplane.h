// SPDX-License-Identifier: Apache-2.0
// The workers and all that they share, as the control thread holds it. EAL is up before and until
// after (eal.h).
#pragma once

#include <rte_mempool.h>
#include <rte_ring.h>

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/frame_buffers.h"
#include "dataplane/l2/l2_state.h"
#include "dataplane/neighbour/neighbour_table.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

namespace vethway {

struct DataplaneOptions {
    unsigned workers = 1;
    uint32_t mbufs = 16384;
    uint16_t data_room = 2048;   // bytes of frame an mbuf holds, beside the headroom
    uint32_t large_mbufs = 256;  // of 64 KiB
    NeighbourThresholds neighbours;
    uint32_t max_permanent = 2048;  // neighbours that are configured
    bool idle_sleeps = true;
    uint32_t spin_us = 20;            // before it sleeps
    uint32_t flight_recorder = 4096;  // drops that each worker keeps a record of
};

struct MempoolFree {
    void operator()(rte_mempool* p) const noexcept { rte_mempool_free(p); }
};
using Mempool = std::unique_ptr<rte_mempool, MempoolFree>;

// Where a worker runs.
struct WorkerPlace {
    unsigned lcore = 0, cpu = 0;
    int numa = 0;
};

// All of it: control thread.
class Dataplane final : public WorkerWaker {
public:
    // Throws std::runtime_error where memory is short.
    explicit Dataplane(const DataplaneOptions& options);
    ~Dataplane() override;  // stops the workers; ports are closed after it, snapshots hold none

    void start();
    void stop() noexcept;  // returns when every worker has ended

    RouteTable& routes() noexcept { return routes_; }
    NeighbourTable& neighbours() noexcept { return neighbours_; }
    ReassemblyTable& reassembly() noexcept { return reassembly_; }
    PathTable& paths() noexcept { return paths_; }
    L2State& l2() noexcept { return l2_; }
    Rcu& rcu() noexcept { return rcu_; }
    // From now on until remove(): workers, and give_up(), write down what `watch` wants. Throws
    // std::runtime_error where there are kMax already.
    void add(const std::shared_ptr<Watch>& watch);
    void remove(const std::shared_ptr<Watch>& watch) noexcept;
    const FrameBuffers& buffers() const noexcept { return buffers_; }
    uint16_t data_room() const noexcept { return options_.data_room; }

    const Snapshot& snapshot() const noexcept { return snapshot_.read(); }
    // Numbers it, and returns when no worker uses the one before.
    void publish(Snapshot next);

    // The rings by which workers share `tx_queues` Tx queues of a port; none where each has its
    // own.
    std::vector<Ring> make_shared_tx(unsigned port, unsigned tx_queues);

    // An mbuf of `bytes` undefined bytes for the control thread to fill, accounted to `port`; null
    // when the pool is empty.
    rte_mbuf* allocate(uint16_t port, size_t bytes = 0) noexcept;
    // Hands `m` (meta().inject is set) to a worker. False when its ring is full: `m` stays the
    // caller's.
    bool inject(rte_mbuf* m) noexcept;
    // Sends a whole frame of a protocol between bridges by `port`, whatever its state there; those
    // of one port stay in order. False: no free mbuf, or the worker's ring is full.
    bool send_l2(uint16_t port, std::span<const std::byte> frame) noexcept;
    PuntQueue& punt_queue() noexcept { return punt_queue_; }
    ArpAsked& arp_asked() noexcept { return arp_asked_; }
    // Drops a packet that was held, on the control thread's own counters and with a tracer of its
    // own, as if it were a worker.
    void give_up(rte_mbuf* m, Drop why) noexcept;

    unsigned workers() const noexcept { return options_.workers; }
    const Counters& counters(unsigned worker) const noexcept { return *counters_[worker]; }
    // The workers' and the control thread's.
    const std::vector<Counters*>& all_counters() const noexcept { return counters_; }
    // Of the workers' and the control thread's drops; none where none are kept.
    const std::vector<std::unique_ptr<FlightRecorder>>& recorders() const noexcept {
        return recorders_;
    }
    WorkerPlace place(unsigned worker) const noexcept;
    void wake(unsigned worker) noexcept override { workers_[worker]->wake(); }

private:
    bool inject(rte_mbuf* m, unsigned worker) noexcept;

    DataplaneOptions options_;
    Rcu rcu_;
    RouteTable routes_;
    Mempool pool_, large_pool_;
    FrameBuffers buffers_;
    NeighbourTable neighbours_;
    ReassemblyTable reassembly_;
    PathTable paths_;
    L2State l2_;
    PuntQueue punt_queue_;
    ArpAsked arp_asked_;
    std::vector<Ring> inject_rings_;
    std::vector<Counters*> counters_;                         // NUMA-local; one more than workers
    std::vector<std::unique_ptr<FlightRecorder>> recorders_;  // as many, or none
    Published<Snapshot> snapshot_;
    Published<WatchSet> watches_;
    Tracer tracer_;  // the control thread's: the one behind the workers'
    std::vector<std::unique_ptr<Worker>> workers_;
    uint64_t generation_ = 0;
    unsigned next_worker_ = 0;
    bool running_ = false;
};

}  // namespace vethway
