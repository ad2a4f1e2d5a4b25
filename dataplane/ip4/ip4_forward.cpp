// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ip4/ip4_forward.h"

#include "dataplane/context.h"
#include "dataplane/ip4/ip4_refuse.h"
#include "dataplane/ip4/one_way.h"
#include "dataplane/ip4/select_hop.h"
#include "dataplane/offload/segment.h"

namespace vethway {

namespace {

// Of a packet that leaves by the port by which it came.
enum class Detour : uint8_t { fine, needless, from_nobody };

// Needless where its sender is on the link itself, and so is the next hop. Only of such packets
// Linux looks up the way back even without rp_filter, and finds that a source is no host
// (__fib_validate_source, __mkroute_input).
Detour look_at_detour(const Context& c, const PortState& port, const NextHop& hop,
                      Ip4 src) noexcept {
    const RouteEntry& back = c.routes.lookup(src);
    if (back.type == RouteType::broadcast) return Detour::from_nobody;
    if (back.type != RouteType::forward || !back.leaves_by(hop.port) || !back.hops[0].via.is_zero())
        return Detour::fine;
    const bool told = port.knobs.is_on(PortKnob::shared_media) ||
                      port.on_link(src, hop.via.is_zero() ? src : hop.via);
    return told ? Detour::needless : Detour::fine;
}

// Whether `m`, which nothing is special about, takes the way that its route leads.
bool takes(OneWay& way, const Context& c, rte_mbuf& m) noexcept {
    PacketMeta& packet = meta(m);
    Ip4Header& ip = ip4(m);
    if (packet.link_group || ip.has_options() || !way.fits(c, *packet.route, packet.port, ip))
        return false;
    packet.egress = way.egress();
    packet.next_hop = way.next_hop(Ip4{ip.dst});
    decrement_ttl(ip);
    return true;
}

// Any other packet. True: its sender is to be told of a shorter way (meta's redirect).
bool forward(Context& c, rte_mbuf* m, Ip4ForwardOutputs out) noexcept {
    PacketMeta& packet = meta(*m);
    Ip4Header& ip = ip4(*m);
    if (packet.link_group) [[unlikely]] {
        c.drops.add(m, Drop::link_broadcast);
        return false;
    }
    if (ip.ttl <= 1) [[unlikely]] {
        c.note(m, Step::refused_forward, 0, 0, Drop::ttl_expired);
        refuse_ttl(out.errors, m);
        return false;
    }
    const RouteEntry& route = *packet.route;
    const NextHop& hop = select_hop(c, route, l3_bytes(*m));
    const PortState& egress = c.port(hop.port);
    packet.egress = hop.port;
    const Ip4 destination = packet.options.to_stop ? packet.next_hop : Ip4{ip.dst};
    packet.next_hop = hop.via.is_zero() ? destination : hop.via;
    if (!egress.up) [[unlikely]] {  // before its MTU, of which nothing is known then
        c.drops.add(m, Drop::egress_down);
        return false;
    }
    packet.to_broadcast = route.type == RouteType::broadcast;
    if (packet.options.strict && !hop.via.is_zero()) [[unlikely]] {
        c.note(m, Step::refused_forward, 0, 0, Drop::source_route);
        refuse(out.errors, m, Drop::source_route, kIcmpUnreachable, kIcmpSourceRouteFailed);
        return false;
    }
    if (hop.port == packet.port && egress.knobs.is_on(PortKnob::send_redirects)) [[unlikely]] {
        const Detour detour = look_at_detour(c, egress, hop, Ip4{ip.src});
        if (detour == Detour::from_nobody) {
            c.drops.add(m, Drop::martian_source);
            return false;
        }
        packet.redirect = detour == Detour::needless && packet.options.source_route == 0;
    }
    const uint16_t mtu = egress.mtu;
    if (ip.dont_fragment() && wire_size(*m) > mtu) [[unlikely]] {
        packet.icmp_info = mtu;
        c.note(m, Step::refused_forward, mtu, static_cast<uint32_t>(wire_size(*m)),
               Drop::fragment_needed);
        refuse(out.errors, m, Drop::fragment_needed, kIcmpUnreachable, kIcmpFragmentationNeeded);
        return false;
    }
    decrement_ttl(ip);
    if (packet.options.to_stop) [[unlikely]]
        ip.dst = destination.value;
    out.routed.push(m);
    return packet.redirect;
}

}  // namespace

bool ip4_forward(Context& c, Burst& in, Ip4ForwardOutputs out) noexcept {
    bool any_redirect = false;
    OneWay way;
    for (rte_mbuf* m : in)
        if (takes(way, c, *m)) [[likely]]
            out.routed.push(m);
        else
            any_redirect |= forward(c, m, out);
    if (c.tracer.active()) [[unlikely]]
        for (rte_mbuf* m : out.routed)
            c.note(m, Step::forwarded, c.port(meta(*m).egress).mtu,
                   static_cast<uint32_t>(wire_size(*m)));
    in.clear();
    return any_redirect;
}

}  // namespace vethway
