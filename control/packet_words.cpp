// SPDX-License-Identifier: Apache-2.0
// Addresses and numbers are tcpdump's, and so is the order. Where tcpdump is silent without -v, a
// word is added behind: the VLAN tag, the fragment, the packet that an ICMP error quotes.
#include "control/packet_words.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "dataplane/net/ip4.h"
#include "dataplane/net/mac.h"

namespace vethway {

namespace {

constexpr int kMostTags = 4;  // a frame of nothing but tags is still one line
constexpr unsigned kIcmp = 1, kTcp = 6, kUdp = 17, kIcmp6 = 58;

// A part of the packet: the bytes that were kept, and how many there were.
struct Part {
    std::span<const std::byte> bytes;
    size_t length;

    bool has(size_t at, size_t n) const { return at <= bytes.size() && n <= bytes.size() - at; }
    // Only what has() says yes to.
    unsigned u8(size_t at) const { return std::to_integer<unsigned>(bytes[at]); }
    unsigned u16(size_t at) const { return u8(at) << 8 | u8(at + 1); }
    uint32_t u32(size_t at) const { return uint32_t{u16(at)} << 16 | u16(at + 2); }
    std::string ip4(size_t at) const { return Ip4{u32(at)}.to_string(); }
    std::string mac(size_t at) const {
        Mac m;
        std::memcpy(m.bytes.data(), bytes.data() + at, m.bytes.size());
        return m.to_string();
    }
    std::string ip6(size_t at) const {
        char text[INET6_ADDRSTRLEN] = "";
        inet_ntop(AF_INET6, bytes.data() + at, text, sizeof text);
        return text;
    }
    // From `at` on, and without what is behind `most`: padding.
    Part from(size_t at, size_t most = SIZE_MAX) const {
        const size_t rest = std::min(length - std::min(length, at), most);
        const auto tail = bytes.subspan(std::min(at, bytes.size()));
        return {tail.first(std::min(tail.size(), rest)), rest};
    }
};

// Source and destination, ports behind them where the protocol has any and they are there.
struct Ends {
    std::string from, to;
    std::string text() const { return from + " > " + to + ": "; }
    std::string text(const Part& ports) const {
        return fmt::format("{}.{} > {}.{}: ", from, ports.u16(0), to, ports.u16(2));
    }
};

std::string udp_words(const Ends& ends, const Part& p) {
    if (!p.has(0, 4)) return ends.text() + "[|udp]";
    if (!p.has(0, 8)) return ends.text(p) + "[|udp]";
    const size_t length = p.u16(4);
    if (length < 8) return fmt::format("{}UDP, bad length {}", ends.text(p), length);
    if (length > p.length)
        return fmt::format("{}UDP, bad length {} > {}", ends.text(p), length - 8, p.length - 8);
    return fmt::format("{}UDP, length {}", ends.text(p), length - 8);
}

std::string tcp_flags(unsigned flags) {
    static constexpr std::string_view kLetters = "FSRP.UEW";
    std::string text;
    for (size_t i = 0; i < kLetters.size(); ++i)
        if ((flags >> i & 1) != 0) text += kLetters[i];
    return text.empty() ? "none" : text;
}

// One option of kind and length, which are there.
std::string tcp_option(const Part& o, size_t length) {
    const unsigned kind = o.u8(0);
    if (kind == 2 && length == 4) return fmt::format("mss {}", o.u16(2));
    if (kind == 3 && length == 3) return fmt::format("wscale {}", o.u8(2));
    if (kind == 4 && length == 2) return "sackOK";
    if (kind == 5) return fmt::format("sack {}", (length - 2) / 8);
    if (kind == 8 && length == 10) return fmt::format("TS val {} ecr {}", o.u32(2), o.u32(6));
    return fmt::format("unknown-{}", kind);
}

std::string tcp_options(Part rest) {
    std::string text;
    while (rest.length > 0) {
        if (!text.empty()) text += ',';
        if (!rest.has(0, 1)) return text + "[|tcp]";
        const unsigned kind = rest.u8(0);
        if (kind == 0) return text + "eol";
        size_t length = 1;
        if (kind == 1) {
            text += "nop";
        } else {
            if (!rest.has(0, 2)) return text + (rest.length < 2 ? "bad" : "[|tcp]");
            length = rest.u8(1);
            if (length < 2 || length > rest.length) return text + "bad";
            if (!rest.has(0, length)) return text + "[|tcp]";
            text += tcp_option(rest, length);
        }
        rest = rest.from(length);
    }
    return text;
}

std::string tcp_words(const Ends& ends, const Part& p) {
    if (!p.has(0, 4)) return ends.text() + "[|tcp]";
    if (!p.has(0, 20)) return ends.text(p) + "[|tcp]";
    const size_t header = size_t{p.u8(12) >> 4} * 4;
    const unsigned flags = p.u8(13);
    std::string text = fmt::format("{}Flags [{}]", ends.text(p), tcp_flags(flags));
    if (header < 20 || header > p.length)
        return text + fmt::format(" [bad hdr length {} - {}]", header,
                                  header < 20 ? "too short, < 20" : "too long");
    const uint32_t seq = p.u32(4);
    const size_t payload = p.length - header;
    const bool syn_fin_or_rst = (flags & 7) != 0;
    if (payload > 0)
        text += fmt::format(", seq {}:{}", seq, static_cast<uint32_t>(seq + payload));
    else if (syn_fin_or_rst)
        text += fmt::format(", seq {}", seq);
    if ((flags & 0x10) != 0) text += fmt::format(", ack {}", p.u32(8));
    text += fmt::format(", win {}", p.u16(14));
    if ((flags & 0x20) != 0) text += fmt::format(", urg {}", p.u16(18));
    if (header > 20) text += fmt::format(", options [{}]", tcp_options(p.from(20, header - 20)));
    return text + fmt::format(", length {}", payload);
}

// --- ICMP ------------------------------------------------------------------------------------
std::string ip4_words(const Part& p, bool quoted);

// What could not be reached, by the packet quoted: its destination, protocol and port.
std::string unreachable_words(const Part& p) {
    const Part quote = p.from(8);
    const unsigned code = p.u8(1);
    if (!quote.has(0, 20)) return fmt::format("unreachable code {} [|icmp]", code);
    const std::string to = quote.ip4(16);
    const unsigned protocol = quote.u8(9);
    const size_t ports = size_t{quote.u8(0) & 15} * 4;
    static constexpr std::array<const char*, 16> kForms{
        "net {} unreachable",
        "host {} unreachable",
        "",
        "",
        "",
        "{} unreachable - source route failed",
        "net {} unreachable - unknown",
        "host {} unreachable - unknown",
        "{} unreachable - source host isolated",
        "net {} unreachable - admin prohibited",
        "host {} unreachable - admin prohibited",
        "net {} unreachable - tos prohibited",
        "host {} unreachable - tos prohibited",
        "host {} unreachable - admin prohibited filter",
        "host {} unreachable - host precedence violation",
        "host {} unreachable - precedence cutoff"};
    if (code == 2) return fmt::format("{} protocol {} unreachable", to, protocol);
    if (code == 3) {
        const std::string kind = protocol == kTcp   ? "tcp"
                                 : protocol == kUdp ? "udp"
                                                    : fmt::format("protocol {}", protocol);
        const std::string port =
            quote.has(ports, 4) ? fmt::format(" {}", quote.u16(ports + 2)) : std::string();
        return fmt::format("{} {} port{} unreachable", to, kind, port);
    }
    if (code == 4) {
        const unsigned mtu = p.u16(6);
        return fmt::format("{} unreachable - need to frag{}", to,
                           mtu == 0 ? std::string() : fmt::format(" (mtu {})", mtu));
    }
    if (code >= kForms.size()) return fmt::format("{} unreachable - #{}", to, code);
    return fmt::format(fmt::runtime(kForms[code]), to);
}

std::string redirect_words(const Part& p) {
    static constexpr std::array<const char*, 4> kWhat{"net", "host", "tos net", "tos host"};
    const unsigned code = p.u8(1);
    const Part quote = p.from(8);
    const std::string to = quote.has(0, 20) ? quote.ip4(16) : "[|icmp]";
    return fmt::format("redirect {} to {} {}", to, code < kWhat.size() ? kWhat[code] : "#?",
                       p.ip4(4));
}

std::string time_exceeded_words(unsigned code) {
    if (code == 0) return "time exceeded in-transit";
    return code == 1 ? "ip reassembly time exceeded" : fmt::format("time exceeded-#{}", code);
}

// Types that quote the packet they are about (RFC 792).
bool quotes(unsigned type) {
    return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

std::string icmp_kind(const Part& p) {
    const unsigned type = p.u8(0);
    const auto of_query = [&](const char* name) {
        return fmt::format("{}, id {}, seq {}", name, p.u16(4), p.u16(6));
    };
    if (type == 0) return of_query("echo reply");
    if (type == 3) return unreachable_words(p);
    if (type == 4) return "source quench";
    if (type == 5) return redirect_words(p);
    if (type == 8) return of_query("echo request");
    if (type == 11) return time_exceeded_words(p.u8(1));
    if (type == 12) return fmt::format("parameter problem - octet {}", p.u8(4));
    if (type == 13) return of_query("time stamp query");
    if (type == 14) return of_query("time stamp reply");
    if (type == 17) return "address mask request";
    if (type == 18) return "address mask reply";
    return fmt::format("type-#{}", type);
}

// A quoted error's own quotation is left out: there is no end to it.
std::string icmp_words(const Ends& ends, const Part& p, bool quoted) {
    if (!p.has(0, 8)) return ends.text() + "ICMP [|icmp]";
    std::string text = fmt::format("{}ICMP {}, length {}", ends.text(), icmp_kind(p), p.length);
    const Part quote = p.from(8);
    if (!quoted && quotes(p.u8(0)) && !quote.bytes.empty()) text += ": " + ip4_words(quote, true);
    return text;
}

// --- IP --------------------------------------------------------------------------------------
std::string icmp6_words(const Ends& ends, const Part& p) {
    if (!p.has(0, 1)) return ends.text() + "ICMP6 [|icmp6]";
    const unsigned type = p.u8(0);
    const char* name = nullptr;
    switch (type) {
        // clang-format off
        case 1: name = "destination unreachable"; break;
        case 2: name = "packet too big"; break;
        case 3: name = "time exceeded"; break;
        case 4: name = "parameter problem"; break;
        case 128: name = "echo request"; break;
        case 129: name = "echo reply"; break;
        case 133: name = "router solicitation"; break;
        case 134: name = "router advertisement"; break;
        case 135: name = "neighbor solicitation"; break;
        case 136: name = "neighbor advertisement"; break;
        case 143: name = "multicast listener report v2"; break;
        default: break;
            // clang-format on
    }
    return fmt::format("{}ICMP6, {}, length {}", ends.text(),
                       name != nullptr ? name : fmt::format("type {}", type), p.length);
}

std::string fragment_words(const Part& ip, size_t payload) {
    const unsigned word = ip.u16(6);
    if ((word & 0x3fff) == 0) return {};
    return fmt::format(" (frag {}:{}@{}{})", ip.u16(4), payload, (word & 0x1fff) * 8,
                       (word & 0x2000) != 0 ? "+" : "");
}

std::string ip4_payload(const Ends& ends, unsigned protocol, const Part& p, bool quoted) {
    if (protocol == kUdp) return udp_words(ends, p);
    if (protocol == kTcp) return tcp_words(ends, p);
    if (protocol == kIcmp) return icmp_words(ends, p, quoted);
    return fmt::format("{}ip-proto-{}, length {}", ends.text(), protocol, p.length);
}

std::string ip4_words(const Part& p, bool quoted) {
    if (p.has(0, 1) && p.u8(0) >> 4 != 4) return fmt::format("IP bad version {}", p.u8(0) >> 4);
    if (!p.has(0, 20)) return "IP [|ip]";
    const size_t header = size_t{p.u8(0) & 15} * 4, total = p.u16(2);
    if (header < 20) return fmt::format("IP bad-hlen {}", header);
    // A host that leaves segmentation to its device may say 0.
    if (total < header && total != 0) return fmt::format("IP bad-len {}", total);
    std::string text = "IP ";
    // An error quotes the first bytes only.
    if (total > p.length && !quoted)
        text += fmt::format("truncated-ip - {} bytes missing! ", total - p.length);
    const size_t payload = (total == 0 ? std::max(p.length, header) : total) - header;
    Part rest = p.from(header, payload);
    rest.length = payload;
    const Ends ends{p.ip4(12), p.ip4(16)};
    const bool later_fragment = (p.u16(6) & 0x1fff) != 0;
    text += later_fragment ? fmt::format("{}ip-proto-{}", ends.text(), p.u8(9))
                           : ip4_payload(ends, p.u8(9), rest, quoted);
    return text + fragment_words(p, payload);
}

std::string ip6_words(const Part& p) {
    if (p.has(0, 1) && p.u8(0) >> 4 != 6) return fmt::format("IP6 bad version {}", p.u8(0) >> 4);
    if (!p.has(0, 40)) return "IP6 [|ip6]";
    const size_t payload = p.u16(4);
    const unsigned next = p.u8(6);
    const Ends ends{p.ip6(8), p.ip6(24)};
    std::string text = "IP6 ";
    if (payload + 40 > p.length)
        text += fmt::format("truncated-ip6 - {} bytes missing! ", payload + 40 - p.length);
    Part rest = p.from(40, payload);
    rest.length = payload;
    if (next == kUdp) return text + udp_words(ends, rest);
    if (next == kTcp) return text + tcp_words(ends, rest);
    if (next == kIcmp6) return text + icmp6_words(ends, rest);
    return text + fmt::format("{}next-header {}, length {}", ends.text(), next, payload);
}

// --- Ethernet --------------------------------------------------------------------------------
std::string arp_words(const Part& p) {
    if (!p.has(0, 8)) return "ARP [|arp]";
    const unsigned hardware = p.u16(0), protocol = p.u16(2), op = p.u16(6);
    if (hardware != 1 || protocol != 0x0800 || p.u8(4) != 6 || p.u8(5) != 4)
        return fmt::format("ARP, hardware {} protocol 0x{:04x}, length {}", hardware, protocol,
                           p.length);
    if (!p.has(0, 28)) return "ARP [|arp]";
    const std::string target_mac = p.mac(18);
    std::string text;
    if (op == 1) {
        const bool asked_directly =
            target_mac != Mac{}.to_string() && target_mac != Mac::broadcast().to_string();
        text = fmt::format("Request who-has {}{} tell {}", p.ip4(24),
                           asked_directly ? " (" + target_mac + ')' : "", p.ip4(14));
    } else if (op == 2) {
        text = fmt::format("Reply {} is-at {}", p.ip4(14), p.mac(8));
    } else {
        text = fmt::format("op {}", op);
    }
    return fmt::format("ARP, {}, length {}", text, p.length);
}

}  // namespace

std::string describe_frame(std::span<const std::byte> frame, size_t length) {
    length = std::max(length, frame.size());
    Part p{frame, length};
    if (!p.has(0, 14)) return "[|ether]";
    unsigned type = p.u16(12);
    p = p.from(14);
    std::string tags;
    for (int tag = 0; tag < kMostTags && (type == 0x8100 || type == 0x88a8); ++tag) {
        if (!p.has(0, 4)) return tags + "[|vlan]";
        const unsigned tci = p.u16(0);
        tags += fmt::format("vlan {}, p {}{}, ", tci & 0xfff, tci >> 13,
                            (tci & 0x1000) != 0 ? ", DEI" : "");
        type = p.u16(2);
        p = p.from(4);
    }
    if (type == 0x0800) return tags + ip4_words(p, false);
    if (type == 0x0806) return tags + arp_words(p);
    if (type == 0x86dd) return tags + ip6_words(p);
    // IEEE 802.3: up to 1500 it is no type but a length.
    if (type <= 1500) return tags + fmt::format("802.3, length {}", length);
    return tags + fmt::format("ethertype 0x{:04x}, length {}", type, length);
}

}  // namespace vethway
