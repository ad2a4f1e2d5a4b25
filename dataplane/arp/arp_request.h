// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <rte_mbuf.h>

#include "dataplane/neighbour/neighbour_table.h"

namespace vethway {

// Worker and control thread: writes into the empty `m` the frame that asks who has `key`, sent `to`
// all or to the one that had it (RFC 826; RFC 1122 2.3.2.1), and sets meta().egress.
void write_arp_request(rte_mbuf& m, NeighbourKey key, Ip4 from, const Mac& own,
                       const Mac& to) noexcept;

}  // namespace vethway
