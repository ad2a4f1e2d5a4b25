// SPDX-License-Identifier: Apache-2.0
// The last of a frame within a bridge domain, a VLAN or a LAG: it gets the tags of where it goes,
// and leaves by a device.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>

#include "dataplane/l2/domain.h"

namespace vethway {

struct Context;

// Worker. Consumes `m`, a frame without the tag of its VLAN, which is in vlan_tci.
void leave_by_member(Context& c, rte_mbuf* m, const Member& member) noexcept;
// The same, by a port that is a device, a LAG or a VLAN of one.
void leave_by_port(Context& c, rte_mbuf* m, uint16_t port) noexcept;

}  // namespace vethway
