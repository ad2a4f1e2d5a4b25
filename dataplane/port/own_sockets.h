// SPDX-License-Identifier: Apache-2.0
// The descriptors that a DPDK driver opened inside this process and does not hand out.
#pragma once

#include <vector>

namespace vethway {

// Control thread. Ascending. A driver opens its queues' sockets one after the other and the kernel
// gives the lowest free number, so the order is the queues'.
std::vector<int> packet_sockets(unsigned ifindex);  // AF_PACKET, hearing the interface
std::vector<int> xdp_sockets();                     // AF_XDP, whatever bound to: it can't be asked
std::vector<int> bpf_maps();

// Those of `now` that `before` hasn't; both ascending.
std::vector<int> added(const std::vector<int>& before, const std::vector<int>& now);

}  // namespace vethway
