// SPDX-License-Identifier: Apache-2.0
// The last stage: whole frames, gathered by egress port and handed to its driver in batches.
#pragma once

#include <rte_mbuf.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/counters.h"
#include "dataplane/drops.h"
#include "dataplane/snapshot.h"

namespace vethway {

// Wakes the worker that owns a Tx queue shared by others, should it sleep.
class WorkerWaker {
public:
    virtual ~WorkerWaker() = default;
    virtual void wake(unsigned worker) noexcept = 0;
};

// Takes what leaves by a port that is no device: a bridge's own, or a VLAN of another port.
class LogicalPorts {
public:
    virtual ~LogicalPorts() = default;
    // Worker. One call a batch; what comes of the frames goes to Tx again, for devices.
    virtual void transmit(uint16_t port, rte_mbuf** frames, uint16_t n) noexcept = 0;
};

class Tx {
public:
    // `dry`: what would be sent is freed instead.
    Tx(unsigned worker, Counters& counters, Drops& drops, WorkerWaker& waker, Tracer& tracer,
       bool dry = false);

    // Without them there are none. They outlive it, or the last frame.
    void set_logical(LogicalPorts* logical) noexcept { logical_ = logical; }

    // Takes `m`, a whole frame, for port meta(m).egress.
    void push(const Snapshot& snap, rte_mbuf* m) noexcept {
        const uint16_t port = meta(*m).egress;
        Batch& batch = (*batches_)[port];
        if (batch.size == 0) waiting_[waiting_count_++] = port;
        batch.packets[batch.size++] = m;
        if (batch.size == kBatch) [[unlikely]]
            flush_full(snap, port);
    }
    // Takes `many`, all for `port`, as their meta says, too.
    void push(const Snapshot& snap, uint16_t port, std::span<rte_mbuf* const> many) noexcept {
        if (many.empty()) return;
        Batch& batch = (*batches_)[port];
        if (batch.size + many.size() >= kBatch) [[unlikely]] {
            for (rte_mbuf* m : many) push(snap, m);
            return;
        }
        if (batch.size == 0) waiting_[waiting_count_++] = port;
        std::ranges::copy(many, batch.packets.begin() + batch.size);
        batch.size = static_cast<uint16_t>(batch.size + many.size());
    }
    // Hands over what is still gathered. After each burst.
    void flush(const Snapshot& snap) noexcept;
    // Sends what other workers handed to this worker's Tx queues; how many packets that was.
    unsigned drain_shared(const Snapshot& snap) noexcept;

private:
    static constexpr uint16_t kBatch = 64;
    struct Batch {
        std::array<rte_mbuf*, kBatch> packets;
        uint16_t size = 0;
    };
    void flush_full(const Snapshot& snap, uint16_t port) noexcept;
    void flush_port(const Snapshot& snap, uint16_t port) noexcept;
    void flush_logical(const Snapshot& snap) noexcept;
    void transmit(const PortState& to, uint16_t port, uint16_t queue, rte_mbuf** packets,
                  uint16_t n) noexcept;
    void share(const PortState& to, uint16_t queue, rte_mbuf** packets, uint16_t n) noexcept;

    unsigned worker_;
    Counters& counters_;
    Drops& drops_;
    WorkerWaker& waker_;
    Tracer& tracer_;
    LogicalPorts* logical_ = nullptr;
    const bool dry_;
    std::unique_ptr<std::array<Batch, kMaxPorts>> batches_;  // only those in use become resident
    std::array<uint16_t, kMaxPorts> waiting_;                // ports with a batch begun
    uint16_t waiting_count_ = 0;
};

}  // namespace vethway
