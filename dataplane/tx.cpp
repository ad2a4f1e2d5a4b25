// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tx.h"

#include <algorithm>
#include <utility>

namespace vethway {

Tx::Tx(unsigned worker, Counters& counters, Drops& drops, WorkerWaker& waker, Tracer& tracer,
       bool dry)
    : worker_(worker),
      counters_(counters),
      drops_(drops),
      waker_(waker),
      tracer_(tracer),
      dry_(dry),
      batches_(std::make_unique<std::array<Batch, kMaxPorts>>()) {}

void Tx::flush_full(const Snapshot& snap, uint16_t port) noexcept {
    flush_port(snap, port);
    // The port may stand anywhere among those that wait; it is likely the last.
    for (uint16_t i = waiting_count_; i-- > 0;)
        if (waiting_[i] == port) {
            waiting_[i] = waiting_[--waiting_count_];
            break;
        }
}

// First, since they fill the batches of devices.
void Tx::flush_logical(const Snapshot& snap) noexcept {
    for (uint16_t i = 0; i < waiting_count_;) {
        const uint16_t port = waiting_[i];
        if (snap.ports[port].kind == PortKind::device) {
            ++i;
            continue;
        }
        waiting_[i] = waiting_[--waiting_count_];
        flush_port(snap, port);
        i = 0;
    }
}

void Tx::flush(const Snapshot& snap) noexcept {
    if (snap.any_l2) [[unlikely]]
        flush_logical(snap);
    for (uint16_t i = 0; i < waiting_count_; ++i) flush_port(snap, waiting_[i]);
    waiting_count_ = 0;
}

void Tx::flush_port(const Snapshot& snap, uint16_t port) noexcept {
    Batch& batch = (*batches_)[port];
    const uint16_t n = std::exchange(batch.size, uint16_t{0});
    const PortState& to = snap.ports[port];
    if (to.kind != PortKind::device && logical_ != nullptr) [[unlikely]] {
        // What comes of them may fill the batch again.
        std::array<rte_mbuf*, kBatch> frames;
        std::copy_n(batch.packets.begin(), n, frames.begin());
        return logical_->transmit(port, frames.data(), n);
    }
    const auto queue = static_cast<uint16_t>(to.tx_queues == 0 ? worker_ : worker_ % to.tx_queues);
    if (queue == worker_ || !to.up || dry_)
        transmit(to, port, queue, batch.packets.data(), n);
    else
        share(to, queue, batch.packets.data(), n);
}

void Tx::transmit(const PortState& to, uint16_t port, uint16_t queue, rte_mbuf** packets,
                  uint16_t n) noexcept {
    if (!to.up || to.tx_queues == 0) {
        for (uint16_t i = 0; i < n; ++i) drops_.add(packets[i], Drop::egress_down);
        return;
    }
    uint64_t bytes = 0;
    for (uint16_t i = 0; i < n; ++i) bytes += packets[i]->pkt_len;
    // Before, since the driver owns what it has taken.
    if (tracer_.active()) [[unlikely]]
        for (uint16_t i = 0; i < n; ++i) tracer_.note(*packets[i], Step::sent, queue, n);
    if (dry_) {
        for (uint16_t i = 0; i < n; ++i) drops_.free(packets[i]);
        return counters_.transmitted(port, n, bytes);
    }
    uint16_t sent = 0;
    // A driver may take fewer than offered though it has room: ask on while it takes any.
    while (n > 0) {
        const TxResult done = to.device->tx_burst(queue, packets, n);
        sent = static_cast<uint16_t>(sent + done.sent);
        packets += done.sent;
        for (uint16_t i = 0; i < done.refused; ++i, ++packets) {
            bytes -= (*packets)->pkt_len;
            drops_.add(*packets, meta(**packets).why);
        }
        n = static_cast<uint16_t>(n - done.sent - done.refused);
        if (done.sent + done.refused == 0) break;
    }
    for (uint16_t i = 0; i < n; ++i) {
        bytes -= packets[i]->pkt_len;
        drops_.add(packets[i], Drop::tx_ring_full);
    }
    counters_.transmitted(port, sent, bytes);
}

void Tx::share(const PortState& to, uint16_t queue, rte_mbuf** packets, uint16_t n) noexcept {
    if (tracer_.active()) [[unlikely]]
        for (uint16_t i = 0; i < n; ++i) tracer_.note(*packets[i], Step::handed_over, queue);
    const unsigned taken =
        rte_ring_enqueue_burst(to.shared_tx[queue], reinterpret_cast<void**>(packets), n, nullptr);
    counters_.held(taken);
    for (unsigned i = taken; i < n; ++i) drops_.add(packets[i], Drop::tx_share_full);
    if (taken > 0) waker_.wake(queue);
}

unsigned Tx::drain_shared(const Snapshot& snap) noexcept {
    unsigned total = 0;
    const auto ports = static_cast<uint16_t>(snap.ports.size());
    for (uint16_t port = 0; port < ports; ++port) {
        const PortState& to = snap.ports[port];
        if (worker_ >= to.shared_tx.size()) continue;
        rte_mbuf* packets[kBatch];
        const unsigned n = rte_ring_dequeue_burst(
            to.shared_tx[worker_], reinterpret_cast<void**>(packets), kBatch, nullptr);
        if (n == 0) continue;
        counters_.taken_up(n);
        for (unsigned i = 0; i < n; ++i) tracer_.taken_up(packets[i]);
        transmit(to, port, static_cast<uint16_t>(worker_), packets, static_cast<uint16_t>(n));
        total += n;
    }
    return total;
}

}  // namespace vethway
