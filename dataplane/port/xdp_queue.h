// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace vethway {

// Control thread. Waits until no AF_XDP socket is bound to queue 0 of the interface: the kernel
// lets go of one some milliseconds after its close (net/xdp/xsk_buff_pool.c, xp_release_deferred).
// Throws PortError if it is still taken after a second, or AF_XDP sockets can't be had at all.
void wait_for_xdp_queue(const std::string& port, unsigned ifindex);

}  // namespace vethway
