// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/multipath_rules.h"

namespace vethway {

// Worker: the number of the flow that the packet from its IPv4 header on belongs to, the same both
// ways (Linux fib_multipath_hash). By layer 3 a flow is a pair of addresses, and an ICMP error
// belongs to the flow that it is about; by layer 4 ports and protocol count as well, but a fragment
// has no ports (Linux __skb_flow_dissect), so that all of a datagram take one way.
uint32_t flow_hash(std::span<const std::byte> l3, const MultipathRules& rules) noexcept;

}  // namespace vethway
