// SPDX-License-Identifier: Apache-2.0
#include "dataplane/icmp/local.h"

#include "dataplane/context.h"
#include "dataplane/icmp/refuse.h"
#include "dataplane/net/checksum.h"

namespace vethway {

namespace {

constexpr uint8_t kDefaultTtl = 64;  // RFC 1700; Linux ip_default_ttl

// The request's mbuf becomes the reply; options are left behind with the header they were in.
void echo(Context& c, rte_mbuf* m, Burst& own) noexcept {
    PacketMeta& packet = meta(*m);
    const Ip4Header request = ip4(*m);
    packet.l3_offset =
        static_cast<uint8_t>(packet.l3_offset + request.header_bytes() - sizeof(Ip4Header));
    Ip4Header& reply = ip4(*m);
    reply = request;
    reply.version_ihl = 0x45;
    reply.total_length =
        static_cast<uint16_t>(request.total_length - request.header_bytes() + sizeof reply);
    reply.fragment = 0;
    reply.ttl = kDefaultTtl;
    reply.src = request.dst;
    reply.dst = request.src;
    auto& icmp = *reinterpret_cast<IcmpHeader*>(&reply + 1);
    icmp.type = kIcmpEchoReply;
    const uint16_t checksum =
        updated_checksum(icmp.checksum, kIcmpEchoRequest << 8, kIcmpEchoReply << 8);
    // Of a message of zeros the sum is 0 and its checksum all ones, which the incremental form
    // can't tell; for any other the two mean the same (RFC 1624 3).
    icmp.checksum = checksum == 0 ? uint16_t{0xffff} : checksum;
    packet.own = true;
    c.consumed(packet.port, Consumed::echo_request);
    c.originated(packet.port, Originated::echo_reply);
    own.push(m);
}

bool has_right_checksum(const Ip4Header& ip, std::span<const std::byte> l4) noexcept {
    ChecksumSum sum;
    sum.add_pseudo_header(ip, static_cast<uint16_t>(l4.size()));
    sum.add(l4);
    return sum.checksum() == 0;
}

// RFC 1122 4.1.3.4: what is damaged is dropped without a word.
bool is_whole_udp(const Ip4Header& ip, std::span<const std::byte> l4) noexcept {
    if (l4.size() < sizeof(UdpHeader)) return false;
    const auto& udp = *reinterpret_cast<const UdpHeader*>(l4.data());
    if (udp.length < sizeof(UdpHeader) || udp.length > l4.size()) return false;
    return udp.checksum == 0 || has_right_checksum(ip, l4.first(udp.length));
}

bool is_whole_tcp(const Ip4Header& ip, std::span<const std::byte> l4) noexcept {
    if (l4.size() < sizeof(TcpHeader)) return false;
    const size_t header = (reinterpret_cast<const TcpHeader*>(l4.data())->data_offset >> 4U) * 4U;
    return header >= sizeof(TcpHeader) && header <= l4.size() && has_right_checksum(ip, l4);
}

void transport_input(Context& c, rte_mbuf* m, Burst& errors) noexcept {
    const Ip4Header& ip = ip4(*m);
    const auto l4 = l3_bytes(*m).subspan(ip.header_bytes());
    const bool tcp = ip.protocol == kProtocolTcp;
    if (tcp ? !is_whole_tcp(ip, l4) : !is_whole_udp(ip, l4))
        return c.drops.add(m, Drop::l4_malformed);
    // RFC 9293 3.10.7.1: a reset is never answered.
    if (tcp && (reinterpret_cast<const TcpHeader*>(l4.data())->flags & kTcpReset) != 0)
        return c.drops.add(m, Drop::port_closed);
    refuse(errors, m, Drop::port_closed, kIcmpUnreachable, kIcmpPortUnreachable);
}

void icmp_input(Context& c, rte_mbuf* m, LocalOutputs out) noexcept {
    const auto bytes = l3_bytes(*m).subspan(ip4(*m).header_bytes());
    if (bytes.size() < sizeof(IcmpHeader) || internet_checksum(bytes) != 0)
        return c.drops.add(m, Drop::icmp_malformed);
    switch (reinterpret_cast<const IcmpHeader*>(bytes.data())->type) {
        case kIcmpEchoRequest:
            // RFC 1122 3.2.2.6: a request that came to a group address on the link is not answered.
            if (meta(*m).link_group) return c.drops.add(m, Drop::link_broadcast);
            return echo(c, m, out.own);
        case kIcmpEchoReply:
        case kIcmpUnreachable:
        case kIcmpTimeExceeded:
        case kIcmpParameterProblem:
            return out.punt.push(m);
        default:
            return c.drops.add(m, Drop::icmp_unhandled);
    }
}

}  // namespace

void local_input(Context& c, Burst& in, LocalOutputs out) noexcept {
    for (rte_mbuf* m : in) {
        const Ip4Header& ip = ip4(*m);
        if (ip.is_fragment())
            c.drops.add(m, Drop::fragment_local);
        else if (ip.protocol == kProtocolIcmp)
            icmp_input(c, m, out);
        else if (ip.protocol == kProtocolUdp || ip.protocol == kProtocolTcp)
            transport_input(c, m, out.errors);
        else if (ip.protocol == kProtocolIgmp)  // for groups, of which there are none here
            c.drops.add(m, Drop::protocol_unknown);
        else
            refuse(out.errors, m, Drop::protocol_unknown, kIcmpUnreachable,
                   kIcmpProtocolUnreachable);
    }
    in.clear();
}

}  // namespace vethway
