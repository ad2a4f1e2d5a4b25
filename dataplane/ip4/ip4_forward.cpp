// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ip4/ip4_forward.h"

#include "dataplane/context.h"
#include "dataplane/icmp/refuse.h"
#include "dataplane/ip4/select_hop.h"
#include "dataplane/net/checksum.h"
#include "dataplane/offload/segment.h"

namespace vethway {

namespace {

void decrement_ttl(Ip4Header& ip) noexcept {
    // TTL is the upper byte of the word that it shares with the protocol.
    const auto before = static_cast<uint16_t>(ip.ttl << 8 | ip.protocol);
    --ip.ttl;
    ip.checksum = updated_checksum(ip.checksum, before, static_cast<uint16_t>(before - 0x100));
}

}  // namespace

void ip4_forward(Context& c, Burst& in, Ip4ForwardOutputs out) noexcept {
    for (rte_mbuf* m : in) {
        PacketMeta& packet = meta(*m);
        Ip4Header& ip = ip4(*m);
        if (packet.link_group) [[unlikely]] {
            c.drops.add(m, Drop::link_broadcast);
            continue;
        }
        if (ip.ttl <= 1) [[unlikely]] {
            c.note(m, Step::refused_forward, 0, 0, Drop::ttl_expired);
            refuse(out.errors, m, Drop::ttl_expired, kIcmpTimeExceeded, 0);
            continue;
        }
        const RouteEntry& route = *packet.route;
        const NextHop& hop = select_hop(c, route, l3_bytes(*m));
        const PortState& egress = c.port(hop.port);
        packet.egress = hop.port;
        packet.next_hop = hop.via.is_zero() ? Ip4{ip.dst} : hop.via;
        if (!egress.up) [[unlikely]] {  // before its MTU, of which nothing is known then
            c.drops.add(m, Drop::egress_down);
            continue;
        }
        const uint16_t mtu = egress.mtu;
        if (ip.dont_fragment() && wire_size(*m) > mtu) [[unlikely]] {
            packet.icmp_info = mtu;
            c.note(m, Step::refused_forward, mtu, static_cast<uint32_t>(wire_size(*m)),
                   Drop::fragment_needed);
            refuse(out.errors, m, Drop::fragment_needed, kIcmpUnreachable,
                   kIcmpFragmentationNeeded);
            continue;
        }
        decrement_ttl(ip);
        out.routed.push(m);
    }
    if (c.tracer.active()) [[unlikely]]
        for (rte_mbuf* m : out.routed)
            c.note(m, Step::forwarded, c.port(meta(*m).egress).mtu,
                   static_cast<uint32_t>(wire_size(*m)));
    in.clear();
}

}  // namespace vethway
