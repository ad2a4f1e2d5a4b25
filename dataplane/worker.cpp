// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker.h"

#include <rte_cycles.h>
#include <rte_pause.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace vethway {

namespace {

// Where a queue has no descriptor, a worker naps ever longer: at most this adds to a packet's way.
constexpr uint64_t kMinNapNs = 10'000, kMaxNapNs = 500'000;
// Everything that needs a worker wakes it; this only bounds the harm, should that ever be untrue.
constexpr uint64_t kLongSleepNs = 500'000'000;

}  // namespace

Worker::Worker(unsigned id, const WorkerShared& shared, const FrameBuffers& buffers,
               rte_ring& inject_ring, Counters& counters, FlightRecorder* recorder)
    : id_(id),
      shared_(shared),
      inject_ring_(inject_ring),
      counters_(counters),
      tracer_(static_cast<uint16_t>(id)),
      drops_(counters, tracer_, recorder),
      tx_(id, counters, drops_, shared.waker, tracer_),
      icmp_limit_(rte_get_tsc_hz(), shared.workers),
      context_{.routes = shared.routes,
               .neighbours = shared.neighbours,
               .reassembly = shared.reassembly,
               .paths = shared.paths,
               .buffers = buffers,
               .counters = counters,
               .drops = drops_,
               .tx = tx_,
               .icmp_limit = icmp_limit_,
               .tracer = tracer_,
               .l2 = &shared.l2,
               .arp_asked = &shared.arp_asked,
               .next_ip_id = static_cast<uint16_t>(id),
               .ip_id_step = static_cast<uint16_t>(shared.workers),
               .hz = rte_get_tsc_hz()},
      pipeline_(context_, shared.punt_queue) {}

void Worker::stop() noexcept {
    stop_.store(true, std::memory_order_release);
    wake();
}

// Both this and sleep() read and write `sleeping_` at once, so one comes after the other: either
// this sees that the worker sleeps, or sleep() sees what was handed over before this.
void Worker::wake() noexcept {
    if (sleeping_.fetch_or(0, std::memory_order_acq_rel) != 0) watch_.wake();
}

// As long as somebody waits for a descriptor it is in use, and is closed by whoever leaves it last:
// a worker, which the kernel would then hold up for as long as that takes.
void Worker::turn_out() noexcept {
    constexpr auto kStep = std::chrono::microseconds(20),
                   kMost = std::chrono::microseconds(100'000);
    const uint32_t before = sleeps_.load(std::memory_order_acquire);
    wake();
    for (auto waited = kStep; waited < kMost; waited += kStep) {
        if (sleeping_.load(std::memory_order_acquire) == 0 ||
            sleeps_.load(std::memory_order_acquire) != before)
            return;
        std::this_thread::sleep_for(kStep);
    }
}

// After a look at queues that had little or nothing: who fills them in memory, as a memif's other
// end does, has the cache lines to itself meanwhile, and the next burst is larger. Half a
// microsecond where a pause is long.
constexpr unsigned kFewPackets = kBurst / 2, kPauses = 8;

void Worker::run() noexcept {
    // The kernel rounds naps up by the timer slack, 50 us unless told otherwise.
    prctl(PR_SET_TIMERSLACK, 1000UL, 0, 0, 0);
    counters_.worker.thread_id.store(static_cast<uint32_t>(gettid()), std::memory_order_relaxed);
    shared_.rcu.online(id_);
    uint64_t before = rte_rdtsc();
    while (!stop_.load(std::memory_order_acquire)) {
        const Snapshot& snap = shared_.snapshot.read();
        context_.snapshot = &snap;
        context_.now = before;
        tracer_.use(shared_.watches.read());
        const unsigned packets = poll(snap);
        shared_.rcu.quiescent(id_);
        const uint64_t now = rte_rdtsc();
        WorkerCounters& w = counters_.worker;
        (packets > 0 ? w.busy_cycles : w.idle_cycles).add(now - before);
        (packets > 0 ? w.polls_busy : w.polls_empty).add(1);
        before = now;
        if (packets < kFewPackets)
            for (unsigned i = 0; i < kPauses; ++i) rte_pause();
        if (packets > 0) {
            idle_since_ = 0;
        } else if (shared_.sleeps) {
            idle(now);
            before = rte_rdtsc();  // it may have slept: what comes now came now
        }
    }
    shared_.rcu.offline(id_);
}

unsigned Worker::poll(const Snapshot& snap) noexcept {
    unsigned packets = 0;
    for (const RxQueue queue : snap.rx[id_])
        packets += poll_queue(queue, *snap.ports[queue.port].device);
    packets += poll_injected();
    packets += pipeline_.receive_loopback();
    if (shared_.workers > 1) packets += tx_.drain_shared(snap);
    drops_.flush();
    if (packets > 0) counters_.close_books();
    return packets;
}

unsigned Worker::poll_queue(RxQueue queue, Port& port) noexcept {
    const uint16_t n = port.rx_burst(queue.queue, rx_.data(), kBurst);
    if (n == 0) return 0;
    if (woken_) note_wakeup(queue, port);
    rx_.set_size(n);
    const bool offloads = context_.port(queue.port).offloads;
    uint64_t bytes = 0;
    for (rte_mbuf* m : rx_) {
        bytes += m->pkt_len;
        meta(*m) = {.port = queue.port,
                    .offload = offloads ? meta(*m).offload : Offload{},
                    .tsc = context_.now};
    }
    counters_.received(queue.port, n, bytes);
    counters_.ports[queue.port].rx_bursts[burst_bucket(n)].add(1);
    if (tracer_.watching()) [[unlikely]]
        tracer_.received(rx_);
    // Administratively down: the link may be up all the same.
    if (!context_.port(queue.port).up) {
        for (rte_mbuf* m : rx_) drops_.add(m, Drop::ingress_down);
        rx_.clear();
        return n;
    }
    pipeline_.receive(rx_);
    return n;
}

void Worker::note_wakeup(RxQueue queue, const Port& port) noexcept {
    woken_ = false;
    const uint64_t arrived = port.arrival_ns(queue.queue);
    timespec now{};
    if (arrived == 0 || clock_gettime(CLOCK_REALTIME, &now) != 0) return;
    const int64_t ns = now.tv_sec * 1'000'000'000LL + now.tv_nsec - static_cast<int64_t>(arrived);
    if (ns < 0) return;  // the clock was set
    size_t i = 0;
    while (i < kWakeupBoundsUs.size() && ns > kWakeupBoundsUs[i] * 1000LL) ++i;
    counters_.worker.wakeups[i].add(1);
    counters_.worker.wakeup_ns.add(static_cast<uint64_t>(ns));
}

unsigned Worker::poll_injected() noexcept {
    const unsigned n = rte_ring_sc_dequeue_burst(
        &inject_ring_, reinterpret_cast<void**>(rx_.data()), kBurst, nullptr);
    if (n == 0) return 0;
    rx_.set_size(static_cast<uint16_t>(n));
    pipeline_.inject(rx_);
    return n;
}

// Going to sleep and waking costs some 10 us, so a worker spins about that long first, unless told
// otherwise; a sender that waits for its answer is then served without either.
void Worker::idle(uint64_t now) noexcept {
    if (idle_since_ == 0) {
        idle_since_ = now;
        nap_ns_ = kMinNapNs;
    } else if ((now - idle_since_) * 1'000'000 / context_.hz > shared_.spin_us) {
        sleep(now);
    }
}

void Worker::sleep(uint64_t now) noexcept {
    const Snapshot& snap = shared_.snapshot.read();
    watch_.watch(snap, id_);
    sleeping_.exchange(1, std::memory_order_acq_rel);
    bool empty = rte_ring_empty(&inject_ring_) != 0 && !pipeline_.has_loopback() &&
                 !stop_.load(std::memory_order_acquire);
    for (const PortState& port : snap.ports)
        if (id_ < port.shared_tx.size() && rte_ring_empty(port.shared_tx[id_]) == 0) empty = false;
    if (empty) {
        // Offline, so that no publication waits for a sleeper; `snap` is not looked at again.
        shared_.rcu.offline(id_);
        woken_ = watch_.wait(watch_.is_whole() ? kLongSleepNs : nap_ns_);
        nap_ns_ = std::min(nap_ns_ * 2, kMaxNapNs);
        shared_.rcu.online(id_);
        sleeps_.fetch_add(1, std::memory_order_release);
    }
    sleeping_.store(0, std::memory_order_release);
    counters_.worker.sleep_cycles.add(rte_rdtsc() - now);
}

}  // namespace vethway
