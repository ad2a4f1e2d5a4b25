// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ip4/ip4_input.h"

#include "dataplane/context.h"
#include "dataplane/net/checksum.h"

namespace vethway {

namespace {

// RFC 1812 5.3.7. Class E is refused as the RFC says, where Linux has come to take it as unicast.
Drop check_addresses(Ip4 src, Ip4 dst) noexcept {
    if (src.is_this_network() || src.is_loopback() || src.is_multicast() || src.is_reserved())
        return Drop::martian_source;
    if (dst.is_limited_broadcast()) return Drop::broadcast;
    if (dst.is_multicast()) return Drop::multicast;
    if (dst.is_this_network() || dst.is_loopback() || dst.is_reserved())
        return Drop::martian_destination;
    return Drop::none;
}

// What ping may be for, once icmp_echo_ignore_broadcasts is off: all hosts on the link.
bool is_request_to_all(const Context& c, rte_mbuf& m, Drop why) noexcept {
    if (why != Drop::broadcast && why != Drop::multicast) return false;
    const Ip4 dst{ip4(m).dst};
    return !c.snap().ip4.is_on(Ip4Knob::icmp_echo_ignore_broadcasts) &&
           (dst.is_limited_broadcast() || dst == Ip4{224, 0, 0, 1});
}

}  // namespace

Drop check_ip4(std::span<const std::byte> l3, size_t l3_size) noexcept {
    if (l3.size() < sizeof(Ip4Header)) return Drop::ip4_short;
    const auto& ip = *reinterpret_cast<const Ip4Header*>(l3.data());
    const size_t header = ip.header_bytes();
    const size_t total = ip.total_length;
    if (ip.version() != 4 || header < sizeof ip) return Drop::ip4_version;
    if (total < header || total > l3_size || header > l3.size()) return Drop::ip4_short;
    if (header == sizeof ip ? !is_checksum_right(ip) : internet_checksum(l3.first(header)) != 0)
        return Drop::ip4_checksum;
    return check_addresses(Ip4{ip.src}, Ip4{ip.dst});
}

void ip4_input(Context& c, Burst& in, Burst& out) noexcept {
    for (rte_mbuf* m : in) {
        PacketMeta& packet = meta(*m);
        // What the switch sent itself over `lo` has been made, not received.
        Drop why = packet.own ? Drop::none : check_ip4(l3_bytes(*m), l3_size(*m));
        if (is_request_to_all(c, *m, why)) why = Drop::none;
        if (why == Drop::none && !packet.own && c.snap().is_own(Ip4{ip4(*m).src}) &&
            !c.port(packet.port).knobs.is_on(PortKnob::accept_local))
            why = Drop::martian_source;
        if (why != Drop::none) [[unlikely]] {
            c.drops.add(m, why);
            continue;
        }
        // A checksum that covers the IP header is what no host leaves to a device.
        if (Offload& o = packet.offload;
            o.is_pending() &&
            o.checksum_start < m->data_off + packet.l3_offset + ip4(*m).header_bytes()) [[unlikely]]
            o = {};
        trim_frame(*m, size_t{packet.l3_offset} + ip4(*m).total_length);
        out.push(m);
    }
    in.clear();
}

}  // namespace vethway
