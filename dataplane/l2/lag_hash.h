// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/net/lag_hash_policy.h"

namespace vethway {

// Worker: the number of the flow that a frame, from its Ethernet header on, belongs to; by the
// fields that Linux's bonding takes (bond_xmit_hash), though not by its arithmetic. layer2: MACs
// and EtherType. layer2+3: the IP addresses of IPv4 and IPv6 as well. layer3+4: those and the
// ports, without the MACs; what is neither, by layer 2. A fragment has no ports, so that all of a
// datagram take one way. VLAN tags are no part of it.
uint32_t lag_hash(std::span<const std::byte> frame, LagHash by) noexcept;

}  // namespace vethway
