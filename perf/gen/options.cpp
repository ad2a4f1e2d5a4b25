// SPDX-License-Identifier: Apache-2.0
#include "perf/gen/options.h"

#include <fmt/format.h>
#include <rte_version.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <iostream>

#include "config/parse.h"

namespace vethway::gen {

namespace {

constexpr uint32_t kMostFlows = 4'000'000;
constexpr uint16_t kLargestFrame = kMaxMtu + 18;

struct Text {  // as it stands on the command line
    std::string tx, rx, gateway, dst_mac, src_mac, protocol = "udp", sizes = "64";
    std::string src = "198.18.0.2", dst = "198.19.0.2", dst_file;
    std::string src_ports = "49152-65535", dst_ports = "9";
    std::string order = "round-robin", rate = "1000", then_rate;
    std::vector<unsigned> lcores;
    bool no_huge = false;
    uint32_t vlan = UINT32_MAX;
};

template <class T>
std::optional<T> parse_value(const char* option, const std::string& text, const char* wanted) {
    if (text.empty()) return std::nullopt;
    const auto value = T::parse(text);
    if (!value) throw OptionError(fmt::format("{}: expected {}, got \"{}\"", option, wanted, text));
    return value;
}

template <class Parse>
auto named(const char* option, Parse parse) {
    try {
        return parse();
    } catch (const OptionError& e) {
        throw OptionError(std::string(option) + ": " + e.what());
    }
}

PortRange parse_range(const char* option, const std::string& text) {
    const auto read = [&](std::string_view part) {
        uint32_t n = 0;
        const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), n);
        if (error != std::errc() || end != part.data() + part.size() || n > UINT16_MAX)
            throw OptionError(fmt::format(
                "{}: expected a port or a range like 1024-2047, got \"{}\"", option, text));
        return static_cast<uint16_t>(n);
    };
    const size_t dash = text.find('-');
    const uint16_t first = read(std::string_view(text).substr(0, dash));
    const uint16_t last =
        dash == std::string::npos ? first : read(std::string_view(text).substr(dash + 1));
    if (last < first) throw OptionError(fmt::format("{}: {} is below {}", option, last, first));
    return {first, last};
}

void parse_order(const std::string& text, Options& options) {
    const std::string name = text.substr(0, text.find(':'));
    if (name == "round-robin") {
        options.order = FlowOrder::Kind::round_robin;
    } else if (name == "uniform") {
        options.order = FlowOrder::Kind::uniform;
    } else if (name == "zipf") {
        options.order = FlowOrder::Kind::zipf;
    } else {
        throw OptionError("--order: expected round-robin, uniform, zipf or zipf:EXPONENT, got \"" +
                          text + '"');
    }
    if (name.size() == text.size()) return;
    char* end = nullptr;
    options.zipf = std::strtod(text.c_str() + name.size() + 1, &end);
    if (name != "zipf" || *end != '\0' || !(options.zipf > 0) || options.zipf > 10)
        throw OptionError("--order: expected zipf:EXPONENT with one up to 10, got \"" + text + '"');
}

uint8_t parse_protocol(const std::string& text) {
    if (text == "udp") return kProtocolUdp;
    if (text == "tcp") return kProtocolTcp;
    if (text == "icmp") return kProtocolIcmp;
    throw OptionError("--protocol: expected udp, tcp or icmp, got \"" + text + '"');
}

// The longest frame must be offered to the ports, and the shortest must have room for a stamp.
void settle_sizes(const Text& text, Options& options) {
    options.sizes = named("--size", [&] { return parse_sizes(text.sizes); });
    const FrameShape shape{.src = {},
                           .dst = {},
                           .vlan = options.vlan,
                           .protocol = options.protocol,
                           .ttl = options.ttl};
    const auto least = static_cast<uint16_t>(shape.least_bytes() + kFcsBytes);
    for (const SizeShare& size : options.sizes)
        if (size.bytes < least || size.bytes > kLargestFrame)
            throw OptionError(fmt::format(
                "--size: {} bytes; with FCS, {}{} and a stamp it takes {} to {}", size.bytes,
                text.protocol, options.vlan ? ", a VLAN tag" : "", least, kLargestFrame));
}

void settle_flows(const Text& text, bool count_given, Options& options) {
    options.sets.src = named("--src", [&] { return AddressSet::parse(text.src); });
    if (text.dst_file.empty())
        options.sets.dst = named("--dst", [&] { return AddressSet::parse(text.dst); });
    else
        options.sets.dst = named(
            "--dst-file", [&] { return AddressSet::read_prefixes(text.dst_file, options.seed); });
    options.sets.src_ports = parse_range("--sport", text.src_ports);
    options.sets.dst_ports = parse_range("--dport", text.dst_ports);
    if (!count_given && !text.dst_file.empty())
        options.flows =
            static_cast<uint32_t>(std::min<uint64_t>(options.sets.dst.size(), kMostFlows));
    make_flows(options.sets, std::min<uint64_t>(options.flows, 1));  // no set is empty
    parse_order(text.order, options);
}

// Ports are opened as vethwayd would open them, on as many CPUs as there are to be lcores.
void settle_machine(const Text& text, Options& options) {
    options.config.ports.push_back(parse_port_option("tx", text.tx));
    if (!text.rx.empty()) options.config.ports.push_back(parse_port_option("rx", text.rx));
    if (text.lcores.size() > 2)
        throw OptionError("--lcores: one CPU, or two: the sender's and the sink's");
    if (text.lcores.size() == 2 && text.rx.empty())
        throw OptionError("--lcores: two need two ports, --tx and --rx");
    DataplaneConfig& dataplane = options.config.dataplane;
    dataplane.workers.cpus = text.lcores;
    if (text.lcores.empty()) dataplane.workers.count = 1;
    dataplane.mbufs = 16383;  // the rings of two ports, and bursts
    dataplane.flight_recorder = 0;
    if (text.no_huge) dataplane.hugepages = Hugepages::off;
    validate(options.config);
    options.plan = plan_start(options.config);
    // An mbuf's own header, headroom and private area; and the caches of a pool, one for each lcore
    // that there may ever be.
    constexpr size_t kEachMbuf = 512, kEachPool = size_t{4} << 20;
    size_t bytes = 2 * kEachPool;
    for (const SizeShare& size : options.sizes)
        bytes += kTxMbufs * (size.bytes + kEachMbuf) + kEachPool;
    EalOptions& eal = options.plan.eal;
    eal.memory_mib += static_cast<unsigned>(bytes >> 20) + 2;
    if (eal.hugepages && free_hugepages() * 2 < eal.memory_mib) eal.hugepages = false;
}

void add_port_options(CLI::App& app, Text& text, Options& options) {
    app.add_option(
           "--tx", text.tx,
           "The port that sends: \"veth eth0\", \"af_packet eth0\", \"af_xdp eth0\", \"memif "
           "socket=PATH,role=client\", \"null\", \"ring\", \"pcap rx=FILE,tx=FILE\", \"devargs "
           "TEXT\", each with address A/L, mac M, mtu N behind it; or {veth: …} as in the "
           "configuration file")
        ->required();
    app.add_option("--rx", text.rx, "The port that receives; not given: the same");
    app.add_option("--gateway", text.gateway,
                   "The router that frames are sent to; its MAC is asked by ARP");
    app.add_option("--dst-mac", text.dst_mac, "Of the frames; in place of a --gateway");
    app.add_option("--src-mac", text.src_mac, "Of the frames; the port's unless given");
    app.add_option("--lcores", text.lcores,
                   "CPU that sends and receives, or two: that of the sender, that of the sink")
        ->delimiter(',');
    app.add_option("--queues", options.queues,
                   "Queues of each port: for peers that send by several; all are received from")
        ->check(CLI::Range(1U, 16U));
    app.add_flag("--no-huge", text.no_huge, "Use plain memory");
}

void add_flow_options(CLI::App& app, Text& text, Options& options) {
    app.add_option("--flows", options.flows, "How many; of a --dst-file one for each prefix")
        ->check(CLI::Range(1U, kMostFlows));
    app.add_option("--order", text.order,
                   "Which flow is next: round-robin, uniform, zipf or zipf:EXPONENT");
    app.add_option("--seed", options.seed, "Of all that is drawn");
    app.add_option("--src", text.src, "Addresses: A, A-B, prefixes, with commas between");
    app.add_option("--dst", text.dst, "The same of the destinations, which take turns first");
    app.add_option("--dst-file", text.dst_file,
                   "A file of prefixes, one a line: one destination in each");
    app.add_option("--sport", text.src_ports, "PORT or FIRST-LAST (ICMP: identifier)");
    app.add_option("--dport", text.dst_ports, "PORT or FIRST-LAST (ICMP: sequence number)");
    app.add_option("--protocol", text.protocol, "udp, tcp or icmp (echo requests)");
    app.add_option("--vlan", text.vlan, "An 802.1Q tag of this VLAN")->check(CLI::Range(0U, 4094U));
    app.add_option("--ttl", options.ttl)->check(CLI::Range(1, 255));
    app.add_option("--size", text.sizes,
                   "Of frames in bytes with FCS: 64, or 64:7,594:4,1518:1, or imix, which is that");
}

void add_load_options(CLI::App& app, Text& text, Load& load) {
    app.add_option("--rate", text.rate,
                   "Frames a second: 250k, 1.5M; of a wire: 2Gbit; or max. 1000 unless given");
    app.add_option("--burst", load.pace.burst, "Frames that are sent at once")
        ->check(CLI::Range(1U, 65536U));
    app.add_option("--catch-up", load.pace.catch_up,
                   "Frames that are made up for at once when the sender was late; what is more is "
                   "reported as missed");
    app.add_option("--seconds", load.seconds, "How long; 0: until --frames are sent")
        ->check(CLI::Range(0.0, kMostSeconds));
    app.add_option("--frames", load.frames, "How many; 0: until --seconds are over");
    app.add_option("--warm-up", load.warm_up_s, "Seconds at the same rate before, not counted")
        ->check(CLI::Range(0.0, kMostSeconds));
    app.add_option("--drain", load.drain_s, "Seconds that late frames are waited for")
        ->check(CLI::Range(0.0, kMostSeconds));
    app.add_option("--then-rate", text.then_rate, "Goes on at this rate, and times the recovery …");
    app.add_option("--then-after", load.then_after_s, "… after so many of the seconds")
        ->check(CLI::Range(0.0, kMostSeconds));
}

}  // namespace

std::optional<Options> parse_options(int argc, char** argv) {
    CLI::App app(
        "vethway-gen: sends flows of stamped frames by one port and says what of them "
        "arrives at another, how late and in which order");
    app.set_version_flag("--version",
                         "vethway-gen " VETHWAY_VERSION ", " + std::string(rte_version()));
    Text text;
    Options options;
    add_port_options(app, text, options);
    add_flow_options(app, text, options);
    add_load_options(app, text, options.load);
    app.add_flag("--trials", options.trials,
                 "Read a trial's options from each line of the standard input, a JSON object with "
                 "rate, seconds, …; answer each with a line of JSON");
    app.add_option("--json", options.json, "Write all results to a file; -: to the output, alone");
    app.add_option("--show-flows", options.flows_shown, "Print the N flows with most losses");
    app.add_flag("--quiet", options.quiet, "No progress");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        if (e.get_exit_code() != 0)
            throw OptionError(std::string(e.what()) + "; see vethway-gen --help");
        app.exit(e);
        return std::nullopt;
    }
    if (text.vlan != UINT32_MAX) options.vlan = static_cast<uint16_t>(text.vlan);
    options.gateway = parse_value<Ip4>("--gateway", text.gateway, "an address like 10.0.0.1");
    options.dst_mac = parse_value<Mac>("--dst-mac", text.dst_mac, "a MAC like 02:00:00:00:00:01");
    options.src_mac = parse_value<Mac>("--src-mac", text.src_mac, "a MAC like 02:00:00:00:00:01");
    options.protocol = parse_protocol(text.protocol);
    settle_sizes(text, options);
    settle_flows(text, app.count("--flows") > 0, options);
    const double bytes = mean_size(options.sizes);
    options.load.pace.pps = named("--rate", [&] { return parse_rate(text.rate, bytes); });
    if (!text.then_rate.empty())
        options.load.then_pps =
            named("--then-rate", [&] { return parse_rate(text.then_rate, bytes); });
    if (app.count("--frames") > 0 && app.count("--seconds") == 0) options.load.seconds = 0;
    check_load(options.load);
    settle_machine(text, options);
    return options;
}

void check_load(const Load& load) {
    if (load.seconds <= 0 && load.frames == 0)
        throw OptionError("a trial needs an end: --seconds or --frames");
    if (load.then_pps > 0 && (load.seconds <= load.then_after_s || load.pace.pps == 0))
        throw OptionError(
            "--then-rate: needs a --rate before it, and --then-after within --seconds");
}

double parse_rate(std::string_view text, double frame_bytes) {
    if (text == "max") return 0;
    double value = 0;
    const char* end_of_text = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), end_of_text, value);
    std::string_view unit(end, static_cast<size_t>(end_of_text - end));
    double factor = 1;
    if (!unit.empty()) {
        factor = unit[0] == 'k' ? 1e3 : unit[0] == 'M' ? 1e6 : unit[0] == 'G' ? 1e9 : 1;
        if (factor > 1) unit.remove_prefix(1);
    }
    if (unit == "bit")
        factor /= 8 * (frame_bytes + kWireOverhead);
    else if (!unit.empty() && unit != "pps")
        factor = 0;
    const double pps = value * factor;
    if (error != std::errc() || !(pps > 0) || !std::isfinite(pps) || pps > 1e9)
        throw OptionError("expected a rate like 1000, 250k, 1.5M, 2Gbit or max, got \"" +
                          std::string(text) + '"');
    return pps;
}

}  // namespace vethway::gen
