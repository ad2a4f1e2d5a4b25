// SPDX-License-Identifier: Apache-2.0
#include "dataplane/punt.h"

#include <rte_errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <system_error>

namespace vethway {

PuntQueue::PuntQueue()
    : ring_(rte_ring_create("punt", kEntries, SOCKET_ID_ANY, RING_F_SC_DEQ)),
      event_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (!ring_) throw std::runtime_error(std::string("ring punt: ") + rte_strerror(rte_errno));
    if (event_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

PuntQueue::~PuntQueue() {
    while (rte_mbuf* m = pop()) rte_pktmbuf_free(m);
    close(event_);
}

bool PuntQueue::push(rte_mbuf* m) noexcept {
    if (rte_ring_enqueue(ring_.get(), m) != 0) return false;
    if (!told_.exchange(true, std::memory_order_acq_rel)) {
        const uint64_t one = 1;
        [[maybe_unused]] const ssize_t n = write(event_, &one, sizeof one);
    }
    return true;
}

// The flag falls before the ring is read: what is pushed after that read raises it again, and what
// was pushed before it fell is seen, since both exchange it.
void PuntQueue::acknowledge() noexcept {
    uint64_t count;
    [[maybe_unused]] const ssize_t n = read(event_, &count, sizeof count);
    told_.exchange(false, std::memory_order_acq_rel);
}

void PuntQueue::put_off() noexcept { eventfd_write(event_, 1); }

rte_mbuf* PuntQueue::pop() noexcept {
    void* m = nullptr;
    return rte_ring_dequeue(ring_.get(), &m) == 0 ? static_cast<rte_mbuf*>(m) : nullptr;
}

}  // namespace vethway
