// SPDX-License-Identifier: Apache-2.0
// The loop on an lcore: poll the ports' queues, run the pipeline, sleep when there is nothing to
// do.
#pragma once

#include <atomic>
#include <memory>

#include "dataplane/l2/l2_state.h"
#include "dataplane/pipeline.h"
#include "dataplane/rcu.h"
#include "dataplane/sleep_watch.h"

namespace vethway {

// What a worker shares with others. The references outlive it.
struct WorkerShared {
    Rcu& rcu;
    const Published<Snapshot>& snapshot;
    const RouteTable& routes;
    NeighbourTable& neighbours;
    ReassemblyTable& reassembly;
    const PathTable& paths;
    L2State& l2;
    PuntQueue& punt_queue;
    const ArpAsked& arp_asked;
    const Published<WatchSet>& watches;
    WorkerWaker& waker;
    unsigned workers;
    bool sleeps;           // idle: adaptive; else it polls for ever
    uint32_t spin_us = 0;  // how long it finds nothing before it does
};

class Worker {
public:
    // `inject_ring`: from the control thread, to this worker alone. `recorder` may be null. Throws
    // std::system_error.
    Worker(unsigned id, const WorkerShared& shared, const FrameBuffers& buffers,
           rte_ring& inject_ring, Counters& counters, FlightRecorder* recorder);
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    // On the worker's own lcore: returns after stop().
    void run() noexcept;
    // Any thread.
    void stop() noexcept;
    void wake() noexcept;
    // Control thread: wakes it, and returns when it sleeps no more on the descriptors of before, so
    // that they can be closed; in any case within 100 ms.
    void turn_out() noexcept;

private:
    unsigned poll(const Snapshot& snap) noexcept;
    unsigned poll_queue(RxQueue queue, Port& port) noexcept;
    unsigned poll_injected() noexcept;
    void idle(uint64_t now) noexcept;
    void note_wakeup(RxQueue queue, const Port& port) noexcept;
    void sleep(uint64_t now) noexcept;

    const unsigned id_;
    const WorkerShared shared_;
    rte_ring& inject_ring_;
    Counters& counters_;
    Tracer tracer_;
    Drops drops_;
    Tx tx_;
    IcmpRateLimit icmp_limit_;
    Context context_;
    Pipeline pipeline_;
    Burst rx_;

    std::atomic<bool> stop_{false};
    std::atomic<uint8_t> sleeping_{0};
    std::atomic<uint32_t> sleeps_{0};  // that have ended
    SleepWatch watch_;
    uint64_t idle_since_ = 0;  // TSC; 0: not idle
    bool woken_ = false;       // and nothing received since
    uint64_t nap_ns_ = 0;      // how long to sleep where frames can't wake us
};

}  // namespace vethway
