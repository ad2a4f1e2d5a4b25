// SPDX-License-Identifier: Apache-2.0
#include "control/probe/heard.h"

#include <fmt/format.h>

#include "dataplane/net/headers.h"

namespace vethway {

namespace {

constexpr uint8_t kIcmpNetUnknown = 6, kIcmpHostUnknown = 7, kIcmpNetProhibited = 9,
                  kIcmpHostProhibited = 10, kIcmpPrecedenceViolation = 14,
                  kIcmpPrecedenceCutoff = 15, kIcmpSourceRouteFailed = 5;

std::string unreachable_text(uint8_t code) {
    switch (code) {
        case kIcmpNetUnreachable:
            return "Destination Net Unreachable";
        case kIcmpHostUnreachable:
            return "Destination Host Unreachable";
        case kIcmpProtocolUnreachable:
            return "Destination Protocol Unreachable";
        case kIcmpPortUnreachable:
            return "Destination Port Unreachable";
        case kIcmpSourceRouteFailed:
            return "Source Route Failed";
        case kIcmpNetUnknown:
            return "Destination Net Unknown";
        case kIcmpHostUnknown:
            return "Destination Host Unknown";
        case kIcmpNetProhibited:
            return "Destination Net Prohibited";
        case kIcmpHostProhibited:
            return "Destination Host Prohibited";
        case kIcmpAdminProhibited:
            return "Packet filtered";
        case kIcmpPrecedenceViolation:
            return "Precedence Violation";
        case kIcmpPrecedenceCutoff:
            return "Precedence Cutoff";
        default:
            return fmt::format("Dest Unreachable, Bad Code: {}", code);
    }
}

// What an error quotes: an IP header, and of what follows at least 8 bytes (RFC 792).
bool take_quoted(std::span<const std::byte> quoted, Heard& heard) {
    constexpr size_t kMark = 8;
    if (quoted.size() < sizeof(Ip4Header)) return false;
    const auto& ip = *reinterpret_cast<const Ip4Header*>(quoted.data());
    if (ip.version() != 4 || ip.header_bytes() < sizeof ip || ip.is_later_fragment() ||
        quoted.size() < ip.header_bytes() + kMark)
        return false;
    heard.probe_from = Ip4{ip.src};
    heard.probe_to = Ip4{ip.dst};
    const std::byte* const behind = &quoted[ip.header_bytes()];
    if (ip.protocol == kProtocolIcmp) {
        const auto& echo = *reinterpret_cast<const IcmpHeader*>(behind);
        heard.kind = ProbeKind::echo;
        heard.mark = echo.id;
        heard.position = echo.sequence;
        heard.is_about_reply = echo.type == kIcmpEchoReply;
        return heard.is_about_reply || echo.type == kIcmpEchoRequest;
    }
    const auto& udp = *reinterpret_cast<const UdpHeader*>(behind);
    heard.kind = ProbeKind::udp;
    heard.mark = udp.src_port;
    heard.position = udp.dst_port;
    return ip.protocol == kProtocolUdp;
}

}  // namespace

std::optional<Heard> hear(std::span<const std::byte> l3) {
    const auto& outer = *reinterpret_cast<const Ip4Header*>(l3.data());
    const auto message = l3.subspan(outer.header_bytes());
    const auto& icmp = *reinterpret_cast<const IcmpHeader*>(message.data());
    Heard heard{.is_reply = icmp.type == kIcmpEchoReply,
                .from = Ip4{outer.src},
                .type = icmp.type,
                .code = icmp.code,
                .ttl = outer.ttl,
                .bytes = static_cast<uint16_t>(outer.total_length - outer.header_bytes())};
    if (heard.is_reply) {
        heard.probe_to = heard.from;
        heard.mark = icmp.id;
        heard.position = icmp.sequence;
        return heard;
    }
    if (heard.is_too_large()) heard.mtu = icmp.sequence;
    if (heard.is_redirect()) heard.via = Ip4{uint32_t{icmp.id} << 16U | icmp.sequence};
    if (!take_quoted(message.subspan(sizeof icmp), heard)) return std::nullopt;
    return heard;
}

std::string icmp_error_text(const Heard& heard) {
    switch (heard.type) {
        case kIcmpTimeExceeded:
            return heard.code == kIcmpReassemblyTimeExceeded ? "Frag reassembly time exceeded"
                                                             : "Time to live exceeded";
        case kIcmpParameterProblem:
            return "Parameter problem";
        default:
            return heard.code == kIcmpFragmentationNeeded
                       ? fmt::format("Frag needed and DF set (mtu = {})", heard.mtu)
                       : unreachable_text(heard.code);
    }
}

}  // namespace vethway
