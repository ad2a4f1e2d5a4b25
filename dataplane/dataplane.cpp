// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dataplane.h"

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include <cstring>
#include <new>
#include <stdexcept>
#include <string>

#include "dataplane/eal.h"
#include "dataplane/numa_memory.h"
#include "dataplane/port/frame_pool.h"

namespace vethway {

namespace {

constexpr unsigned kInjectEntries = 1024, kShareEntries = 512;
// A worker's own, the last freed first: large ones are few, and few of them stay in a core's cache.
constexpr unsigned kMempoolCache = 256, kLargeCache = 8;

// Workers run on the lcores after the main one, in order (eal.h).
unsigned lcore_of(unsigned worker) {
    unsigned lcore = rte_get_next_lcore(UINT_MAX, 1, 0);
    for (unsigned i = 0; i < worker; ++i) lcore = rte_get_next_lcore(lcore, 1, 0);
    return lcore;
}

Ring make_ring(const std::string& name, unsigned entries, int numa, unsigned flags) {
    Ring ring(rte_ring_create(name.c_str(), entries, numa, flags));
    if (!ring) throw std::runtime_error("ring " + name + ": " + rte_strerror(rte_errno));
    return ring;
}

Mempool make_pool(const char* name, uint32_t mbufs, unsigned cache, uint16_t room) {
    Mempool pool(
        create_frame_pool({.name = name,
                           .mbufs = mbufs,
                           .cache = cache,
                           .private_size = sizeof(PacketMeta),
                           .data_room = static_cast<uint16_t>(RTE_PKTMBUF_HEADROOM + room),
                           .socket = static_cast<int>(rte_lcore_to_socket_id(lcore_of(0)))}));
    if (!pool)
        throw MemoryError("no memory for " + std::to_string(mbufs) + " mbufs of " +
                          std::to_string(room) + " bytes (" + rte_strerror(rte_errno) +
                          "): set dataplane.hugepages: off, or dataplane.mbufs lower");
    return pool;
}

Snapshot empty_snapshot(unsigned workers) {
    Snapshot s;
    s.ports.resize(1);
    s.ports[kLoopback].up = true;
    s.ports[kLoopback].mtu = UINT16_MAX;
    s.rx.resize(workers);
    return s;
}

}  // namespace

Dataplane::Dataplane(const DataplaneOptions& options)
    : options_(options),
      rcu_(options.workers),
      routes_(rcu_),
      pool_(make_pool("mbufs", options.mbufs, kMempoolCache, options.data_room)),
      large_pool_(make_pool("large_mbufs", options.large_mbufs, kLargeCache, kLargeFrame)),
      buffers_{*pool_, *large_pool_},
      // Packets that wait must not starve those that don't.
      neighbours_({.thresholds = options.neighbours,
                   .max_permanent = options.max_permanent,
                   .max_held = options.mbufs / 8}),
      reassembly_(options.mbufs / 8, rte_get_tsc_hz()),
      snapshot_(rcu_, std::make_unique<Snapshot>(empty_snapshot(options.workers))),
      watches_(rcu_, std::make_unique<WatchSet>()),
      tracer_(static_cast<uint16_t>(options.workers)) {
    for (unsigned i = 0; i <= options.workers; ++i) {
        const int node = i < options.workers ? place(i).numa : -1;
        counters_.push_back(numa_new<Counters>(node));
        if (options.flight_recorder > 0)
            recorders_.push_back(
                std::make_unique<FlightRecorder>(options.flight_recorder, node, rte_get_tsc_hz()));
    }
    for (unsigned i = 0; i < options.workers; ++i)
        inject_rings_.push_back(make_ring("inject" + std::to_string(i), kInjectEntries,
                                          place(i).numa, RING_F_SP_ENQ | RING_F_SC_DEQ));
    const WorkerShared shared{.rcu = rcu_,
                              .snapshot = snapshot_,
                              .routes = routes_,
                              .neighbours = neighbours_,
                              .reassembly = reassembly_,
                              .paths = paths_,
                              .l2 = l2_,
                              .punt_queue = punt_queue_,
                              .arp_asked = arp_asked_,
                              .watches = watches_,
                              .waker = *this,
                              .workers = options.workers,
                              .sleeps = options.idle_sleeps,
                              .spin_us = options.spin_us};
    for (unsigned i = 0; i < options.workers; ++i)
        workers_.push_back(
            std::make_unique<Worker>(i, shared, buffers_, *inject_rings_[i], *counters_[i],
                                     recorders_.empty() ? nullptr : recorders_[i].get()));
}

Dataplane::~Dataplane() {
    stop();
    for (Counters* c : counters_) numa_delete(c);
}

void Dataplane::start() {
    running_ = true;
    for (unsigned i = 0; i < options_.workers; ++i) {
        const auto run = [](void* worker) {
            static_cast<Worker*>(worker)->run();
            return 0;
        };
        const int error = rte_eal_remote_launch(run, workers_[i].get(), lcore_of(i));
        if (error != 0) throw std::runtime_error("worker " + std::to_string(i) + ": lcore is busy");
    }
}

void Dataplane::stop() noexcept {
    if (!std::exchange(running_, false)) return;
    for (const auto& worker : workers_) worker->stop();
    rte_eal_mp_wait_lcore();
}

void Dataplane::publish(Snapshot next) {
    next.generation = ++generation_;
    snapshot_.publish(std::make_unique<const Snapshot>(std::move(next)));
    for (const auto& worker : workers_) worker->turn_out();
}

void Dataplane::add(const std::shared_ptr<Watch>& watch) {
    auto next = std::make_unique<WatchSet>(watches_.read());
    for (size_t i = 0; i < WatchSet::kMax; ++i) {
        if (next->watches[i] != nullptr) continue;
        next->watches[i] = watch;
        next->mask |= static_cast<uint8_t>(1U << i);
        return watches_.publish(std::move(next));
    }
    throw std::runtime_error(std::to_string(WatchSet::kMax) +
                             " traces and captures run already: end one of them");
}

void Dataplane::remove(const std::shared_ptr<Watch>& watch) noexcept {
    auto next = std::make_unique<WatchSet>(watches_.read());
    for (size_t i = 0; i < WatchSet::kMax; ++i) {
        if (next->watches[i] != watch) continue;
        next->watches[i] = nullptr;
        next->mask &= static_cast<uint8_t>(~(1U << i));
    }
    watches_.publish(std::move(next));
}

std::vector<Ring> Dataplane::make_shared_tx(unsigned port, unsigned tx_queues) {
    std::vector<Ring> rings;
    if (tx_queues >= options_.workers) return rings;
    for (unsigned q = 0; q < tx_queues; ++q)
        rings.push_back(make_ring("tx" + std::to_string(port) + "." + std::to_string(q),
                                  kShareEntries, place(q).numa, RING_F_SC_DEQ));
    return rings;
}

rte_mbuf* Dataplane::allocate(uint16_t port, size_t bytes) noexcept {
    rte_mbuf* m = buffers_.allocate(bytes);
    if (m != nullptr) meta(*m) = {.port = port, .own = true};
    return m;
}

bool Dataplane::inject(rte_mbuf* m) noexcept {
    return inject(m, next_worker_++ % options_.workers);
}

bool Dataplane::inject(rte_mbuf* m, unsigned worker) noexcept {
    if (rte_ring_enqueue(inject_rings_[worker].get(), m) != 0) return false;
    workers_[worker]->wake();
    return true;
}

bool Dataplane::send_l2(uint16_t port, std::span<const std::byte> frame) noexcept {
    rte_mbuf* const m = allocate(port, frame.size());
    if (m == nullptr) return false;
    std::memcpy(rte_pktmbuf_mtod(m, std::byte*), frame.data(), frame.size());
    meta(*m).inject = Inject::l2_frame;
    meta(*m).egress = port;
    if (inject(m, port % options_.workers)) return true;
    rte_pktmbuf_free(m);
    return false;
}

void Dataplane::give_up(rte_mbuf* m, Drop why) noexcept {
    Counters& mine = *counters_.back();
    mine.taken_up(1);
    tracer_.use(watches_.read());
    tracer_.taken_up(m);
    Drops drops(mine, tracer_, recorders_.empty() ? nullptr : recorders_.back().get());
    drops.add(m, why);
    drops.flush();
    mine.close_books();
}

WorkerPlace Dataplane::place(unsigned worker) const noexcept {
    const unsigned lcore = lcore_of(worker);
    return {.lcore = lcore,
            .cpu = static_cast<unsigned>(rte_lcore_to_cpu_id(static_cast<int>(lcore))),
            .numa = static_cast<int>(rte_lcore_to_socket_id(lcore))};
}

}  // namespace vethway
