// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ip4/ip4_router_options.h"

#include <algorithm>

#include "dataplane/context.h"
#include "dataplane/icmp/refuse.h"
#include "dataplane/ip4/ip4_options.h"
#include "dataplane/net/checksum.h"

namespace vethway {

namespace {

constexpr uint8_t kWithoutOptions = 0x45;

bool has_options(rte_mbuf* m) noexcept { return ip4(*m).version_ihl != kWithoutOptions; }

std::span<std::byte> header_of(rte_mbuf& m) noexcept {
    return l3_bytes(m).first(ip4(m).header_bytes());
}

// What we are called by the sender (Linux fib_compute_spec_dst): by what it asks for, or by the
// address that we would answer it from.
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
        packet.icmp_info = found.bad;
        refuse(errors, m, Drop::ip4_options, kIcmpParameterProblem, 0);
        return false;
    }
    if (found.source_route != 0) {
        c.drops.add(m, Drop::source_route);
        return false;
    }
    return true;
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
        record_egress(header, packet.options, c.snap().source_for(packet.egress, packet.next_hop));
        packet.options.changed = false;
        Ip4Header& ip = ip4(*m);
        ip.checksum = 0;
        ip.checksum = internet_checksum(header);
    }
}

}  // namespace vethway
