// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ip4/ip4_forward.h"

#include "dataplane/context.h"
#include "dataplane/icmp/refuse.h"
#include "dataplane/ip4/select_hop.h"
#include "dataplane/net/checksum.h"
#include "dataplane/offload/segment.h"

namespace vethway {

namespace {

// TTL is the upper byte of its word. RFC 1624 equation 3 with m' = m - 0x100 comes down to an
// addition whose carry goes around, and that never gives 0xffff.
void decrement_ttl(Ip4Header& ip) noexcept {
    --ip.ttl;
    const uint32_t checksum = uint32_t{ip.checksum} + 0x100;
    ip.checksum = static_cast<uint16_t>(checksum + (checksum >= 0xffff ? 1 : 0));
}

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

// The way that a route leads, where it is one for all its packets; a burst's are often of few.
class OneWay {
public:
    // Whether it is that of `m`, which nothing is special about: `m` then takes it.
    bool takes(const Context& c, rte_mbuf& m) noexcept {
        return !meta(m).link_group && !ip4(m).has_options() && take(c, m);
    }
    bool takes_plain(const Context& c, rte_mbuf& m) noexcept { return meta(m).plain && take(c, m); }
    // Of a plain packet that has taken it: to its next hop, with the header that it needs. False
    // where that one's MAC is not known.
    bool sends(Context& c, rte_mbuf* m) noexcept {
        const PacketMeta& packet = meta(*m);
        const NeighbourKey key{packet.egress, packet.next_hop};
        if (to_ == nullptr || to_->key != key) {
            to_ = c.adjacency(key);
            if (to_ == nullptr) [[unlikely]]
                return false;
        }
        ether(*m) = to_->header;
        c.tx.push(c.snap(), m);
        return true;
    }

private:
    bool take(const Context& c, rte_mbuf& m) noexcept {
        PacketMeta& packet = meta(m);
        Ip4Header& ip = ip4(m);
        if (packet.route != route_) find(c, *packet.route);
        if (packet.port == port_ || ip.ttl <= 1 || ip.total_length > mtu_) return false;
        packet.egress = egress_;
        packet.next_hop = via_.is_zero() ? Ip4{ip.dst} : via_;
        decrement_ttl(ip);
        return true;
    }
    void find(const Context& c, const RouteEntry& route) noexcept {
        const NextHop& hop = route.hops[0];
        const PortState& egress = c.port(hop.port);
        const bool one = route.hop_count == 1 && route.type == RouteType::forward && egress.up;
        route_ = &route;
        port_ = egress_ = hop.port;
        via_ = hop.via;
        mtu_ = one ? egress.mtu : 0;  // too little for any
    }
    const RouteEntry* route_ = nullptr;
    uint16_t egress_ = 0, port_ = 0, mtu_ = 0;
    Ip4 via_;
    const Adjacency* to_ = nullptr;
};

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
        refuse(out.errors, m, Drop::ttl_expired, kIcmpTimeExceeded, 0);
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
    // Nothing may overtake what is routed already.
    bool straight = !c.tracer.active() && out.routed.empty();
    c.adjacencies.begin_turn();
    OneWay way;
    for (rte_mbuf* m : in) {
        if (straight && way.takes_plain(c, *m)) [[likely]] {
            if (way.sends(c, m)) [[likely]]
                continue;
            out.routed.push(m);
        } else if (way.takes(c, *m)) {
            out.routed.push(m);
        } else {
            any_redirect |= forward(c, m, out);
        }
        straight = straight && out.routed.empty();
    }
    if (c.tracer.active()) [[unlikely]]
        for (rte_mbuf* m : out.routed)
            c.note(m, Step::forwarded, c.port(meta(*m).egress).mtu,
                   static_cast<uint32_t>(wire_size(*m)));
    in.clear();
    return any_redirect;
}

}  // namespace vethway
