// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ip4/own_address.h"

#include "dataplane/context.h"

namespace vethway {

Ip4 address_for_sender(const Context& c, rte_mbuf& m) noexcept {
    const PacketMeta& packet = meta(m);
    const Ip4 src{ip4(m).src};
    if (packet.route->type == RouteType::local) return Ip4{ip4(m).dst};
    const RouteEntry& back = c.routes.lookup(src);
    if (back.type == RouteType::local) return src;
    if (back.type != RouteType::forward) return c.snap().source_for(packet.port, src);
    const NextHop& hop = back.hops[0];
    return c.snap().source_for(hop.port, hop.via.is_zero() ? src : hop.via);
}

}  // namespace vethway
