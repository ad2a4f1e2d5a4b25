// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ip4/ip4_router_options.h"

#include <algorithm>

#include "dataplane/context.h"
#include "dataplane/icmp/refuse.h"
#include "dataplane/ip4/ip4_options.h"
#include "dataplane/ip4/own_address.h"
#include "dataplane/ip4/source_route.h"
#include "dataplane/net/checksum.h"

namespace vethway {

namespace {

bool has_options(rte_mbuf* m) noexcept { return ip4(*m).has_options(); }

std::span<std::byte> header_of(rte_mbuf& m) noexcept {
    return l3_bytes(m).first(ip4(m).header_bytes());
}

void refuse_parameter(Burst& errors, rte_mbuf* m, Drop why, uint16_t at) noexcept {
    meta(*m).icmp_info = at;
    refuse(errors, m, why, kIcmpParameterProblem, 0);
}

// Where the packet's own way leads; whether it goes on (Linux ip_rcv_options, ip_options_rcv_srr).
bool follow_source_route(Context& c, rte_mbuf* m, Burst& errors) noexcept {
    PacketMeta& packet = meta(*m);
    const bool accepts = c.port(packet.port).knobs.is_on(PortKnob::accept_source_route);
    const RouteType type = packet.route->type;
    if (!accepts || packet.link_group || (type != RouteType::local && type != RouteType::forward)) {
        c.drops.add(m, Drop::source_route);
        return false;
    }
    if (type == RouteType::forward) {  // on its way to a stop that is not here
        if (!packet.options.strict) return true;
        refuse_parameter(errors, m, Drop::source_route, offsetof(Ip4Header, dst));
        return false;
    }
    const size_t at = packet.options.source_route;
    const NextStop stop = next_stop(header_of(*m).subspan(at), c.routes);
    if (!stop.here.is_zero()) ip4(*m).dst = stop.here.value;
    if (stop.fate == NextStop::Fate::goes_on) {
        packet.options.to_stop = packet.options.changed = true;
        packet.next_hop = stop.stop;
        return true;
    }
    if (stop.fate == NextStop::Fate::arrived) return true;
    if (stop.fate == NextStop::Fate::bad)
        refuse_parameter(errors, m, Drop::source_route, static_cast<uint16_t>(at + 2));
    else
        c.drops.add(m, Drop::source_route);
    return false;
}

// Whether the packet goes on.
bool read_options(Context& c, rte_mbuf* m, Burst& errors) noexcept {
    PacketMeta& packet = meta(*m);
    const auto header = header_of(*m);
    const Ip4Options found = find_options(header);
    packet.route = &c.routes.lookup(Ip4{ip4(*m).dst});
    packet.options =
        fill_options(header, found, {address_for_sender(c, *m), ms_since_midnight()}, c.routes);
    const uint32_t kinds = (found.record_route != 0 ? kSaysRecordRoute : 0U) |
                           (found.timestamp != 0 ? kSaysTimestamp : 0U) |
                           (found.source_route != 0 ? kSaysSourceRoute : 0U);
    c.note(m, Step::options_read, found.bad, kinds);
    if (found.bad != 0) {
        refuse_parameter(errors, m, Drop::ip4_options, found.bad);
        return false;
    }
    return found.source_route == 0 || follow_source_route(c, m, errors);
}

}  // namespace

bool ip4_router_options(Context& c, Burst& packets, Burst& errors) noexcept {
    if (std::none_of(packets.begin(), packets.end(), has_options)) [[likely]]
        return false;
    uint16_t kept = 0;
    const uint16_t n = packets.size();
    for (uint16_t i = 0; i < n; ++i) {
        rte_mbuf* const m = packets[i];
        if (!has_options(m) || read_options(c, m, errors)) packets.data()[kept++] = m;
    }
    packets.set_size(kept);
    return true;
}

void ip4_record_route(Context& c, Burst& routed) noexcept {
    for (rte_mbuf* m : routed) {
        PacketMeta& packet = meta(*m);
        if (!has_options(m) || !packet.options.changed) continue;
        const auto header = header_of(*m);
        const Ip4 ours = c.snap().source_for(packet.egress, packet.next_hop);
        record_egress(header, packet.options, ours);
        if (packet.options.to_stop) record_stop(header, packet.options, Ip4{ip4(*m).dst}, ours);
        packet.options.changed = false;
        Ip4Header& ip = ip4(*m);
        ip.checksum = 0;
        ip.checksum = internet_checksum(header);
    }
}

}  // namespace vethway
