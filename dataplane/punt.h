// SPDX-License-Identifier: Apache-2.0
// Packets for the control thread: a bounded ring that workers never wait for, and a descriptor that
// tells the control thread to look.
#pragma once

#include <rte_mbuf.h>
#include <rte_ring.h>

#include <atomic>
#include <memory>

namespace vethway {

struct RingFree {
    void operator()(rte_ring* r) const noexcept { rte_ring_free(r); }
};
using Ring = std::unique_ptr<rte_ring, RingFree>;

class PuntQueue {
public:
    static constexpr unsigned kEntries = 1024;

    PuntQueue();  // throws std::runtime_error, std::system_error
    ~PuntQueue();
    PuntQueue(const PuntQueue&) = delete;
    PuntQueue& operator=(const PuntQueue&) = delete;

    // Worker: false when the ring is full, and `m` stays the caller's. One system call for as many
    // packets as come before the control thread looks.
    bool push(rte_mbuf* m) noexcept;

    // Control thread.
    int fd() const noexcept { return event_; }  // readable when there may be something
    void acknowledge() noexcept;                // before the pops
    void put_off() noexcept;                    // the rest is for later: fd() becomes readable
    rte_mbuf* pop() noexcept;                   // null when empty; the caller frees it

private:
    Ring ring_;
    int event_;
    std::atomic<bool> told_{false};
};

}  // namespace vethway
