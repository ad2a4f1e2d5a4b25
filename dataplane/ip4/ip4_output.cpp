// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ip4/ip4_output.h"

#include "dataplane/context.h"
#include "dataplane/ip4/ip4_options.h"
#include "dataplane/ip4/select_hop.h"
#include "dataplane/net/checksum.h"
#include "dataplane/packet_list.h"

namespace vethway {

namespace {

Drop drop_for(RouteType type) noexcept {
    switch (type) {
        case RouteType::blackhole:
            return Drop::blackhole;
        case RouteType::unreachable:
            return Drop::unreachable;
        case RouteType::prohibit:
            return Drop::prohibited;
        case RouteType::broadcast:
            return Drop::broadcast;
        default:
            return Drop::no_route;
    }
}

void finish(Context& c, Ip4Header& ip) noexcept {
    if (!ip.dont_fragment()) {  // else nobody needs an id (RFC 6864 4.1)
        ip.id = c.next_ip_id;
        c.next_ip_id = static_cast<uint16_t>(c.next_ip_id + c.ip_id_step);
    }
    ip.checksum = 0;
    ip.checksum = internet_checksum({reinterpret_cast<const std::byte*>(&ip), ip.header_bytes()});
}

// A gateway may have told of a better one.
Ip4 next_hop_of(const Context& c, const NextHop& hop, Ip4 to) noexcept {
    if (hop.via.is_zero()) return to;
    const Ip4 better = c.paths.via(to, hop.port);
    return better.is_zero() ? hop.via : better;
}

// The control thread has found its way already.
void send_by(Context& c, rte_mbuf* m, Burst& routed) noexcept {
    finish(c, ip4(*m));
    c.note(m, Step::sent_own, static_cast<uint32_t>(RouteType::forward), 1);
    routed.push(m);
}

void send(Context& c, rte_mbuf* m, const RouteEntry& route, Ip4OutputOutputs out) noexcept {
    PacketMeta& packet = meta(*m);
    Ip4Header& ip = ip4(*m);
    if (packet.inject == Inject::output_by) [[unlikely]]
        return send_by(c, m, out.routed);
    const bool local = route.type == RouteType::local;
    if (!local && route.type != RouteType::forward) {
        c.drops.add(m, drop_for(route.type));
        return;
    }
    if (local) {
        if (ip.src == 0) ip.src = ip.dst;
        packet.egress = kLoopback;
    } else {
        const NextHop& hop = select_hop(c, route, l3_bytes(*m));
        packet.egress = hop.port;
        packet.next_hop = next_hop_of(c, hop, Ip4{ip.dst});
        if (ip.src == 0)
            ip.src = route.source.is_zero() ? c.snap().source_for(hop.port, packet.next_hop).value
                                            : route.source.value;
    }
    if (ip.header_bytes() > sizeof ip) [[unlikely]] {
        stamp_own(l3_bytes(*m).first(ip.header_bytes()), packet.options,
                  {Ip4{ip.src}, ms_since_midnight()});
        packet.options = {};
    }
    finish(c, ip);
    c.note(m, Step::sent_own, static_cast<uint32_t>(route.type));
    if (local)
        out.loopback.push(m);
    else
        out.routed.push(m);
}

}  // namespace

void ip4_output(Context& c, Burst& in, Ip4OutputOutputs out) noexcept {
    if (in.empty()) return;
    std::array<Ip4, Burst::kCapacity> destinations;
    std::array<const RouteEntry*, Burst::kCapacity> routes;
    const uint16_t n = in.size();
    for (uint16_t i = 0; i < n; ++i) destinations[i] = Ip4{ip4(*in[i]).dst};
    c.routes.lookup(std::span(destinations).first(n), std::span(routes).first(n));
    for (uint16_t i = 0; i < n; ++i) send(c, in[i], *routes[i], out);
    in.clear();
}

}  // namespace vethway
