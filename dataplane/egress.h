// SPDX-License-Identifier: Apache-2.0
// The way to tx for every frame: what was left to the device, and the egress port's device can't
// do, is done here.
#pragma once

#include <rte_mbuf.h>

namespace vethway {

struct Context;

// Worker. Consumes `m`, a whole frame for port meta(m).egress: super-frames are cut and partial
// checksums completed, unless the port's driver takes them (PortInfo::offloads); a host on such a
// port is spared to verify what is known to be good.
void egress(Context& c, rte_mbuf* m) noexcept;

}  // namespace vethway
