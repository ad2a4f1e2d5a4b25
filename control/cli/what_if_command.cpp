// SPDX-License-Identifier: Apache-2.0
// vethway explain: what would become of a packet that is not sent.
#include <fmt/format.h>
#include <pcap/pcap.h>

#include <charconv>
#include <iostream>
#include <memory>

#include "control/cli/commands.h"
#include "control/cli/show.h"

namespace vethway::cli {

namespace {

struct ExplainOptions {
    std::string port, src, dst, protocol, hex, pcap, src_mac, dst_mac;
    std::string udp, tcp;  // [SOURCE:]PORT
    bool icmp = false, dont_fragment = false;
    unsigned size = 0, ttl = 64, tos = 0;
};

struct PcapClose {
    void operator()(pcap_t* p) const noexcept { pcap_close(p); }
};

// "FILE" or "FILE:N", the Nth frame from 1 on, of a pcap or pcapng file.
std::string hex_from_file(const std::string& what) {
    const size_t colon = what.rfind(':');
    std::string file = what;
    unsigned number = 1;
    if (colon != std::string::npos && colon + 1 < what.size() &&
        what.find_first_not_of("0123456789", colon + 1) == std::string::npos) {
        file = what.substr(0, colon);
        std::from_chars(what.data() + colon + 1, what.data() + what.size(), number);
    }
    char error[PCAP_ERRBUF_SIZE];
    const std::unique_ptr<pcap_t, PcapClose> from(pcap_open_offline(file.c_str(), error));
    if (!from) throw ClientError({fmt::format("{}: {}", file, error)});
    if (pcap_datalink(from.get()) != DLT_EN10MB)
        throw ClientError({fmt::format("{}: its frames are not Ethernet's", file)});
    pcap_pkthdr* header = nullptr;
    const u_char* bytes = nullptr;
    for (unsigned i = 1;; ++i) {
        const int got = pcap_next_ex(from.get(), &header, &bytes);
        if (got == -1) throw ClientError({fmt::format("{}: {}", file, pcap_geterr(from.get()))});
        if (got != 1)
            throw ClientError({fmt::format("{}: has {} frames, not {}", file, i - 1, number)});
        if (i == number) break;
    }
    std::string hex;
    for (unsigned i = 0; i < header->caplen; ++i) hex += fmt::format("{:02x}", bytes[i]);
    return hex;
}

uint16_t port_number(const std::string& text, const char* option) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value > 65535)
        throw ClientError({fmt::format("{}: expected [SOURCE:]PORT, got \"{}\"", option, text)});
    return static_cast<uint16_t>(value);
}

void put_ports(Json& body, const std::string& text, const char* option) {
    const size_t colon = text.find(':');
    if (colon != std::string::npos) body["sport"] = port_number(text.substr(0, colon), option);
    body["dport"] = port_number(colon == std::string::npos ? text : text.substr(colon + 1), option);
}

Json request_of(const Session& session, const ExplainOptions& o) {
    Json body{{"port", o.port}, {"text", !session.json}, {"colour", session.colour}};
    if (!o.hex.empty() || !o.pcap.empty()) {
        body["hex"] = o.hex.empty() ? hex_from_file(o.pcap) : o.hex;
        return body;
    }
    if (o.src.empty() || o.dst.empty())
        throw ClientError({"explain: say which packet: --src and --dst, or --hex, or --pcap"});
    body.update({{"src", o.src},
                 {"dst", o.dst},
                 {"size", o.size},
                 {"ttl", o.ttl},
                 {"tos", o.tos},
                 {"df", o.dont_fragment}});
    if (!o.src_mac.empty()) body["src_mac"] = o.src_mac;
    if (!o.dst_mac.empty()) body["dst_mac"] = o.dst_mac;
    body["protocol"] = !o.udp.empty()        ? "udp"
                       : !o.tcp.empty()      ? "tcp"
                       : !o.protocol.empty() ? o.protocol
                                             : "icmp";
    if (!o.udp.empty()) put_ports(body, o.udp, "--udp");
    if (!o.tcp.empty()) put_ports(body, o.tcp, "--tcp");
    return body;
}

// 1 and 2 are what goes wrong with any command.
int status_of(const std::string& outcome) {
    if (outcome == "forwarded") return 0;
    if (outcome == "consumed") return 3;
    return outcome == "waits" ? 4 : 5;
}

int explain(const Session& session, const ExplainOptions& options) {
    const Json answer = session.client().send("POST", "/explain", request_of(session, options));
    const int printed =
        session.print(answer, [](const Json& json) { return json["text"].get<std::string>(); });
    return printed != 0 ? printed : status_of(answer["outcome"].get<std::string>());
}

}  // namespace

void add_what_if(CLI::App& app, Session& session) {
    auto o = std::make_shared<ExplainOptions>();
    app.add_option("-p,--port", o->port, "The port that would receive it");
    app.add_option("--src", o->src, "Its source address");
    app.add_option("--dst", o->dst, "Its destination address");
    CLI::Option* udp = app.add_option("--udp", o->udp, "[SOURCE:]PORT");
    CLI::Option* tcp = app.add_option("--tcp", o->tcp, "[SOURCE:]PORT, a SYN");
    CLI::Option* icmp =
        app.add_flag("--icmp", o->icmp, "An echo request: what it is if nothing is said");
    CLI::Option* protocol = app.add_option("--protocol", o->protocol, "A number");
    udp->excludes(tcp)->excludes(icmp)->excludes(protocol);
    tcp->excludes(icmp)->excludes(protocol);
    icmp->excludes(protocol);
    app.add_option("-s,--size", o->size, "Bytes of the IP packet")->check(CLI::Range(0, 65535));
    app.add_option("-t,--ttl", o->ttl, "Its TTL")->check(CLI::Range(0, 255));
    app.add_option("-Q,--tos", o->tos, "Its TOS byte")->check(CLI::Range(0, 255));
    app.add_flag("-D,--df", o->dont_fragment, "With don't fragment set");
    app.add_option("--src-mac", o->src_mac,
                   "The sender's MAC address; without it, the neighbour's");
    app.add_option("--dst-mac", o->dst_mac, "Without it, the port's");
    CLI::Option* hex = app.add_option("--hex", o->hex, "The whole frame, in hexadecimal");
    app.add_option("--pcap", o->pcap, "FILE[:N]: the Nth frame of a pcap or pcapng file")
        ->excludes(hex);
    app.callback([&app, &session, o] {
        if (!app.get_subcommands().empty()) return;
        if (o->port.empty()) throw CLI::RequiredError("--port (or a subcommand: explain drop)");
        session.action = [&session, o] { return explain(session, *o); };
    });
}

}  // namespace vethway::cli
