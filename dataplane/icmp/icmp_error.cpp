// SPDX-License-Identifier: Apache-2.0
#include "dataplane/icmp/icmp_error.h"

#include <algorithm>

#include "dataplane/context.h"
#include "dataplane/ip4/ip4_options.h"
#include "dataplane/net/checksum.h"
#include "dataplane/offload/segment.h"

namespace vethway {

namespace {

constexpr size_t kMaxError = 576;  // RFC 1812 4.3.2.3: as much as fits without exceeding this

// What might be an error is taken for one: types that are unassigned, or no query (icmp_send and
// icmp_pointers of Linux net/ipv4/icmp.c).
bool is_icmp_error(uint8_t type) noexcept {
    constexpr uint32_t kQueriesAndReplies =
        1U << kIcmpEchoReply | 1U << kIcmpEchoRequest | 0x3fU << 13;  // timestamp to address reply
    return type > 18 || (kQueriesAndReplies >> type & 1) == 0;
}

bool is_fragmentation_needed(const PacketMeta& about) noexcept {
    return about.icmp_type == kIcmpUnreachable && about.icmp_code == kIcmpFragmentationNeeded;
}

// What an error says beside its type and code, in the second word of its header.
uint32_t info_of(const PacketMeta& about) noexcept {
    if (about.icmp_type == kIcmpParameterProblem) return uint32_t{about.icmp_info} << 24;
    if (about.icmp_type == kIcmpRedirect) return about.next_hop.value;
    return is_fragmentation_needed(about) ? about.icmp_info : 0U;
}

// RFC 1812 4.3.2.5: the packet's own service, with precedence 6, internetwork control.
uint8_t error_tos(uint8_t tos) noexcept { return static_cast<uint8_t>((tos & 0x1e) | 0xc0); }

void count(Context& c, const PacketMeta& about) noexcept {
    WorkerCounters& w = c.counters.worker;
    if (about.icmp_type == kIcmpTimeExceeded)
        w.icmp_time_exceeded.add(1);
    else if (about.icmp_type == kIcmpParameterProblem)
        w.icmp_parameter_problem.add(1);
    else if (about.icmp_type == kIcmpRedirect)
        w.icmp_redirect.add(1);
    else if (is_fragmentation_needed(about))
        w.icmp_fragmentation_needed.add(1);
    else
        w.icmp_unreachable.add(1);
}

// About a packet to ourselves it is the address that was asked. Else RFC 1812 4.3.2.4 leaves the
// source to the way out, which ip4_output knows: 0 until then. (Linux __icmp_send)
Ip4 source_of_error(const Context& c, const PacketMeta& packet, const Ip4Header& cause) noexcept {
    if (packet.route != nullptr && packet.route->type == RouteType::local) return Ip4{cause.dst};
    if (!c.snap().ip4.is_on(Ip4Knob::icmp_errors_use_inbound_ifaddr)) return {};
    return c.snap().source_for(packet.port, Ip4{cause.src});
}

rte_mbuf* make_error(Context& c, rte_mbuf& about, const EchoedOptions& options) noexcept {
    const PacketMeta& packet = meta(about);
    const Ip4Header& cause = ip4(about);
    const size_t most = std::min<size_t>(kMaxError, c.port(packet.port).mtu);
    const size_t header = sizeof(Ip4Header) + options.size;
    const auto quoted = l3_bytes(about).first(
        std::min<size_t>({cause.total_length, l3_size(about), most - header - sizeof(IcmpHeader)}));
    rte_mbuf* m = c.allocate(packet.port);
    if (m == nullptr) return nullptr;
    const size_t size = header + sizeof(IcmpHeader) + quoted.size();
    auto* frame = reinterpret_cast<std::byte*>(
        rte_pktmbuf_append(m, static_cast<uint16_t>(sizeof(EtherHeader) + size)));
    meta(*m).l3_offset = sizeof(EtherHeader);
    ether(*m) = {.dst = {}, .src = {}, .type = kEtherTypeIp4};  // until it is addressed
    auto& ip = *reinterpret_cast<Ip4Header*>(frame + sizeof(EtherHeader));
    ip = {.version_ihl = static_cast<uint8_t>(0x40 | header / 4),
          .tos = error_tos(cause.tos),
          .total_length = static_cast<uint16_t>(size),
          .id = 0,
          .fragment = 0,
          .ttl = c.snap().default_ttl(),
          .protocol = kProtocolIcmp,
          .checksum = 0,
          .src = source_of_error(c, packet, cause).value,
          .dst = options.first_stop.is_zero() ? uint32_t{cause.src} : options.first_stop.value};
    std::memcpy(&ip + 1, options.bytes.data(), options.size);
    meta(*m).options = options.work;
    const uint32_t info = info_of(packet);
    auto& icmp = *reinterpret_cast<IcmpHeader*>(frame + sizeof(EtherHeader) + header);
    icmp = {.type = packet.icmp_type,
            .code = packet.icmp_code,
            .checksum = 0,
            .id = static_cast<uint16_t>(info >> 16),
            .sequence = static_cast<uint16_t>(info)};
    std::memcpy(&icmp + 1, quoted.data(), quoted.size());
    icmp.checksum =
        internet_checksum({reinterpret_cast<const std::byte*>(&icmp), sizeof icmp + quoted.size()});
    return m;
}

}  // namespace

bool may_send_icmp_error(std::span<const std::byte> l3, bool link_group) noexcept {
    const auto& ip = *reinterpret_cast<const Ip4Header*>(l3.data());
    const Ip4 src{ip.src}, dst{ip.dst};
    if (link_group || ip.is_later_fragment() || dst.is_multicast() || dst.is_limited_broadcast())
        return false;
    if (src.is_this_network() || src.is_loopback() || src.is_multicast() || src.is_reserved())
        return false;
    if (ip.protocol != kProtocolIcmp) return true;
    const size_t header = ip.header_bytes();
    return l3.size() > header && !is_icmp_error(static_cast<uint8_t>(l3[header]));
}

// Linux ip_error() tells of these, with a limit of its own.
static bool is_about_route(Drop why) noexcept {
    return why == Drop::no_route || why == Drop::unreachable || why == Drop::prohibited;
}

static ErrorFate held_back(Context& c) noexcept {
    c.counters.worker.icmp_suppressed.add(1);
    return ErrorFate::rate_limited;
}

// Out of line, for the sake of those that are held back: they come by the million.
[[gnu::noinline]] static ErrorFate send_error(Context& c, rte_mbuf* m, const EchoedOptions& options,
                                              Burst& own) noexcept {
    rte_mbuf* const error = make_error(c, *m, options);
    if (error == nullptr) return ErrorFate::no_buffer;
    count(c, meta(*m));
    c.originated(error, Originated::icmp_error, m);
    own.push(error);
    return ErrorFate::sent;
}

// Path MTU discovery is not held up, nor is what goes to ourselves (Linux icmpv4_mask_allow,
// icmpv4_xrlim_allow).
static bool is_within_limit(Context& c, const PacketMeta& packet, Ip4 sender) noexcept {
    return is_fragmentation_needed(packet) || c.snap().is_own(sender) ||
           c.icmp_limit.allow(packet.icmp_type, sender, c.now, c.snap().ip4);
}

[[gnu::noinline]] static ErrorFate tell_despite_options(Context& c, rte_mbuf* m,
                                                        Burst& own) noexcept {
    const PacketMeta& packet = meta(*m);
    const auto header = l3_bytes(*m).first(ip4(*m).header_bytes());
    const auto echoed = echo_options(header, packet.options, c.routes);
    if (!echoed) return ErrorFate::not_allowed;
    if (!is_within_limit(c, packet, Ip4{ip4(*m).src})) return held_back(c);
    return send_error(c, m, *echoed, own);
}

// Whether tell_sender() would hold it back because the limit has just refused another such error.
// What of an attack is not the first of its burst costs no more than this.
static bool is_refused_again(const Context& c, rte_mbuf& m) noexcept {
    const PacketMeta& packet = meta(m);
    const Ip4Header& ip = ip4(m);
    const Ip4 sender{ip.src};
    if (is_about_route(packet.why)) return c.icmp_limit.has_refused_about_route(sender, c.now);
    // A plain packet is neither of a group nor from nobody, nor from ourselves.
    return packet.plain && c.icmp_limit.has_refused(packet.icmp_type, sender, c.now) &&
           ip.protocol != kProtocolIcmp && !ip.is_later_fragment() &&
           !is_fragmentation_needed(packet) && packet.route != nullptr &&
           packet.route->type != RouteType::broadcast;
}

static ErrorFate tell_sender(Context& c, rte_mbuf* m, Burst& own) noexcept {
    const PacketMeta& packet = meta(*m);
    const Ip4 sender{ip4(*m).src};
    if (is_about_route(packet.why) && !c.icmp_limit.allow_about_route(sender, c.now))
        return held_back(c);
    if (!may_send_icmp_error(l3_bytes(*m), packet.link_group)) return ErrorFate::not_allowed;
    if (packet.route != nullptr && packet.route->type == RouteType::broadcast)
        return ErrorFate::not_allowed;
    if (packet.offload.is_pending() && packet.icmp_type != kIcmpRedirect)  // that one goes on
        show_as_on_wire(*m);
    if (ip4(*m).has_options()) [[unlikely]]
        return tell_despite_options(c, m, own);
    if (!is_within_limit(c, packet, sender)) return held_back(c);
    static constexpr EchoedOptions kNone;
    return send_error(c, m, kNone, own);
}

void icmp_error(Context& c, Burst& in, Burst& own) noexcept {
    for (rte_mbuf* m : in) {
        const PacketMeta& packet = meta(*m);
        const ErrorFate fate = is_refused_again(c, *m) ? held_back(c) : tell_sender(c, m, own);
        c.note(m, Step::asks_error, uint32_t{packet.icmp_type} << 8 | packet.icmp_code,
               static_cast<uint32_t>(fate));
        c.drops.add(m, packet.why);
    }
    in.clear();
}

void icmp_redirect(Context& c, Burst& routed, Burst& own) noexcept {
    for (rte_mbuf* m : routed) {
        PacketMeta& packet = meta(*m);
        if (!packet.redirect) continue;
        packet.redirect = false;
        if (!c.icmp_limit.allow_redirect(Ip4{ip4(*m).src}, c.now)) continue;
        packet.icmp_type = kIcmpRedirect;
        packet.icmp_code = kIcmpRedirectHost;
        const ErrorFate fate = tell_sender(c, m, own);
        c.note(m, Step::asks_error, uint32_t{kIcmpRedirect} << 8 | kIcmpRedirectHost,
               static_cast<uint32_t>(fate));
    }
}

}  // namespace vethway
