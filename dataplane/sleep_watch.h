// SPDX-License-Identifier: Apache-2.0
// What a worker sleeps on: its queues' descriptors, and a descriptor by which others wake it.
#pragma once

#include <poll.h>

#include <cstdint>
#include <vector>

#include "dataplane/port/kernel_link.h"
#include "dataplane/snapshot.h"

namespace vethway {

// Who is watched by epoll calls it for each packet, whether or not somebody waits: a twentieth of
// what it costs a host to send a small frame. So queues are watched by ppoll, which does while it
// waits only, at a price for each; by epoll where they are many.
class SleepWatch {
public:
    SleepWatch();  // throws std::system_error

    // Any thread.
    void wake() noexcept;
    // Worker. Watches the queues that are polled by `worker` in `snap`, unless it does.
    void watch(const Snapshot& snap, unsigned worker) noexcept;
    // Worker: whether frames in any of the queues end wait(); some drivers have no descriptors.
    bool is_whole() const noexcept { return whole_; }
    // Worker: until wake(), frames, or `ns` (less than a second) are over. Whether it was not that.
    bool wait(uint64_t ns) noexcept;

private:
    void add(int fd) noexcept;
    void use_epoll() noexcept;
    void heed(pollfd& one) noexcept;
    void heed_epoll() noexcept;

    Fd event_, epoll_;
    std::vector<pollfd> watched_;  // event_ first; then the queues', or epoll_
    uint64_t generation_ = 0;      // the snapshot's
    bool whole_ = false;
};

}  // namespace vethway
