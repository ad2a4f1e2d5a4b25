// SPDX-License-Identifier: Apache-2.0
#include "dataplane/icmp/local.h"

#include "dataplane/context.h"
#include "dataplane/icmp/refuse.h"
#include "dataplane/icmp/timestamp.h"
#include "dataplane/ip4/ip4_options.h"
#include "dataplane/ip4/own_address.h"
#include "dataplane/net/checksum.h"
#include "dataplane/offload/checksum.h"
#include "dataplane/offload/segment.h"
#include "dataplane/tcp/tcp_reset.h"

namespace vethway {

namespace {

// The request's mbuf becomes the reply; options that it does not repeat are left behind with the
// header they were in.
void echo(Context& c, rte_mbuf* m, Burst& own) noexcept {
    PacketMeta& packet = meta(*m);
    const Ip4Header request = ip4(*m);
    const auto options =
        echo_options(l3_bytes(*m).first(request.header_bytes()), packet.options, c.routes);
    if (!options) return c.drops.add(m, Drop::ip4_options);
    c.consumed(m, Consumed::echo_request);
    const size_t header = sizeof(Ip4Header) + options->size;
    packet.l3_offset = static_cast<uint8_t>(packet.l3_offset + request.header_bytes() - header);
    packet.options = options->work;
    Ip4Header& reply = ip4(*m);
    reply = request;
    reply.version_ihl = static_cast<uint8_t>(0x40 | header / 4);
    reply.total_length =
        static_cast<uint16_t>(request.total_length - request.header_bytes() + header);
    std::memcpy(&reply + 1, options->bytes.data(), options->size);
    reply.fragment = 0;
    reply.ttl = c.snap().default_ttl();
    reply.src = address_for_sender(c, *m).value;
    reply.dst = options->first_stop.is_zero() ? uint32_t{request.src} : options->first_stop.value;
    auto& icmp = *rte_pktmbuf_mtod_offset(m, IcmpHeader*, packet.l3_offset + header);
    icmp.type = kIcmpEchoReply;
    const uint16_t checksum =
        updated_checksum(icmp.checksum, kIcmpEchoRequest << 8, kIcmpEchoReply << 8);
    // Of a message of zeros the sum is 0 and its checksum all ones, which the incremental form
    // can't tell; for any other the two mean the same (RFC 1624 3).
    icmp.checksum = checksum == 0 ? uint16_t{0xffff} : checksum;
    packet.own = true;
    c.originated(m, Originated::echo_reply, m);
    own.push(m);
}

bool has_right_checksum(rte_mbuf& m, size_t at, size_t bytes) noexcept {
    ChecksumSum sum;
    sum.add_pseudo_header(ip4(m), static_cast<uint16_t>(bytes));
    sum.add16(static_cast<uint16_t>(~frame_checksum(m, at, bytes)));
    return sum.checksum() == 0;
}

// RFC 1122 4.1.3.4: what is damaged is dropped without a word. `at`: of the frame; `bytes`: from
// there to its end.
bool is_whole_udp(rte_mbuf& m, size_t at, size_t bytes) noexcept {
    if (at + sizeof(UdpHeader) > m.data_len) return false;
    const auto& udp = *rte_pktmbuf_mtod_offset(&m, const UdpHeader*, at);
    if (udp.length < sizeof(UdpHeader) || udp.length > bytes) return false;
    return udp.checksum == 0 || has_right_checksum(m, at, udp.length);
}

bool is_whole_tcp(rte_mbuf& m, size_t at, size_t bytes) noexcept {
    if (at + sizeof(TcpHeader) > m.data_len) return false;
    const auto& tcp = *rte_pktmbuf_mtod_offset(&m, const TcpHeader*, at);
    const size_t header = (tcp.data_offset >> 4U) * 4U;
    return header >= sizeof(TcpHeader) && header <= bytes && has_right_checksum(m, at, bytes);
}

void transport_input(Context& c, rte_mbuf* m, LocalOutputs out) noexcept {
    const Ip4Header& ip = ip4(*m);
    const size_t at = meta(*m).l3_offset + ip.header_bytes(), bytes = m->pkt_len - at;
    const bool tcp = ip.protocol == kProtocolTcp;
    if (tcp ? !is_whole_tcp(*m, at, bytes) : !is_whole_udp(*m, at, bytes))
        return c.drops.add(m, Drop::l4_malformed);
    if (tcp) return tcp_reset(c, m, at, out.own);
    // Of what is behind UDP's own end nothing is told to anybody.
    trim_frame(*m, at + rte_pktmbuf_mtod_offset(m, const UdpHeader*, at)->length);
    refuse(out.errors, m, Drop::port_closed, kIcmpUnreachable, kIcmpPortUnreachable);
}

// To a broadcast address, or to all hosts.
bool is_to_all(rte_mbuf& m) noexcept {
    const RouteEntry* route = meta(m).route;
    return route != nullptr && route->type == RouteType::broadcast;
}

// Drop::none: it is to be answered. RFC 1122 3.2.2.6: not what came in a frame to a group, unless
// all hosts are asked.
Drop why_not_asked(rte_mbuf& m) noexcept {
    return meta(m).link_group && !is_to_all(m) ? Drop::link_broadcast : Drop::none;
}

void icmp_input(Context& c, rte_mbuf* m, LocalOutputs out) noexcept {
    const size_t at = ip4(*m).header_bytes() + meta(*m).l3_offset;
    const auto bytes = frame_bytes(*m).subspan(at);
    if (bytes.size() < sizeof(IcmpHeader) || frame_checksum(*m, at, m->pkt_len - at) != 0)
        return c.drops.add(m, Drop::icmp_malformed);
    const uint8_t type = reinterpret_cast<const IcmpHeader*>(bytes.data())->type;
    if (type == kIcmpEchoRequest || type == kIcmpTimestamp) {
        if (const Drop why = why_not_asked(*m); why != Drop::none) return c.drops.add(m, why);
        const uint8_t reply = type == kIcmpTimestamp ? kIcmpTimestampReply : kIcmpEchoReply;
        if (!c.icmp_limit.allow(reply, Ip4{ip4(*m).src}, c.now, c.snap().ip4))
            return c.drops.add(m, Drop::icmp_limited);
    }
    switch (type) {
        case kIcmpEchoRequest:
            if (c.snap().ip4.is_on(Ip4Knob::icmp_echo_ignore_all))
                return c.drops.add(m, Drop::icmp_ignored);
            return echo(c, m, out.own);
        case kIcmpTimestamp:
            return timestamp_reply(c, m, at, out.own);
        case kIcmpRedirect:
            if (!c.port(meta(*m).port).knobs.is_on(PortKnob::accept_redirects))
                return c.drops.add(m, Drop::icmp_unhandled);
            [[fallthrough]];
        case kIcmpEchoReply:
        case kIcmpUnreachable:
        case kIcmpTimeExceeded:
        case kIcmpParameterProblem:
            if (is_to_all(*m)) return c.drops.add(m, Drop::broadcast);
            return out.punt.push(m);
        default:
            return c.drops.add(m, is_to_all(*m) ? Drop::broadcast : Drop::icmp_unhandled);
    }
}

}  // namespace

void local_input(Context& c, Burst& in, LocalOutputs out) noexcept {
    for (rte_mbuf* m : in) {
        show_as_on_wire(*m);
        const Ip4Header& ip = ip4(*m);
        if (ip.protocol == kProtocolIcmp)
            icmp_input(c, m, out);
        else if (is_to_all(*m))
            c.drops.add(m, Drop::broadcast);
        else if (ip.protocol == kProtocolUdp || ip.protocol == kProtocolTcp)
            transport_input(c, m, out);
        else if (ip.protocol == kProtocolIgmp)  // for groups, of which there are none here
            c.drops.add(m, Drop::protocol_unknown);
        else
            refuse(out.errors, m, Drop::protocol_unknown, kIcmpUnreachable,
                   kIcmpProtocolUnreachable);
    }
    in.clear();
}

}  // namespace vethway
