// SPDX-License-Identifier: Apache-2.0
// vethway traceroute and mtr: by which routers packets of the switch go.
#include <unistd.h>

#include <array>
#include <iostream>
#include <memory>

#include "control/cli/hops.h"
#include "control/cli/probe_stream.h"

namespace vethway::cli {

namespace {

constexpr unsigned kProbeHeaders = 28;  // IPv4, and ICMP or UDP

struct HopOptions {
    std::string to, from, port;
    unsigned first_ttl = 1, max_ttl = 30, queries = 3, target_port = 33434, tos = 0;
    unsigned packet_bytes = 60;
    double wait_s = 5, interval_s = 1;
    uint32_t rounds = 0;  // 0: until interrupted
    bool icmp = false, udp = false, numeric = false, report = false, dont_fragment = false;
};

Json hops_request(const HopOptions& options, bool icmp, const char* schedule) {
    if (options.first_ttl > options.max_ttl)
        throw ClientError({"the first hop is beyond the last: -f FIRST is above -m LAST"});
    Json body{{"kind", icmp ? "echo" : "udp"},
              {"schedule", schedule},
              {"to", options.to},
              {"size", options.packet_bytes - kProbeHeaders},
              {"tos", options.tos},
              {"path_mtu", options.dont_fragment ? "do" : "dont"},
              {"first_ttl", options.first_ttl},
              {"max_ttl", options.max_ttl},
              {"wait_ms", in_ms(options.wait_s)}};
    if (!icmp) body["target_port"] = options.target_port;
    if (!options.from.empty()) body["from"] = options.from;
    if (!options.port.empty()) body["port"] = options.port;
    return body;
}

int traceroute(const Session& session, const HopOptions& options) {
    Json body = hops_request(options, options.icmp, "trace");
    body["queries"] = options.queries;
    TracerouteReport report({.to = options.to,
                             .first_ttl = options.first_ttl,
                             .max_ttl = options.max_ttl,
                             .queries = options.queries,
                             .packet_bytes = options.packet_bytes,
                             .numeric = options.numeric});
    stream_probes(session, body, [&](const Json& event) {
        const std::string lines = event["event"] == "begin" ? report.begin() : report.add(event);
        if (!session.json) std::cout << lines << std::flush;
    });
    if (session.json)
        std::cout << report.json().dump(2) << '\n';
    else
        std::cout << report.end();
    std::cout << std::flush;
    return 0;  // as the tool does: the hops are the answer
}

std::string host_name() {
    std::array<char, 256> name{};
    return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "vethway";
}

// On a terminal the table is drawn anew with every answer; else it is told once, in the end.
int mtr(const Session& session, const HopOptions& options) {
    Json body = hops_request(options, !options.udp, "rounds");
    body["interval_ms"] = in_ms(options.interval_s);
    const uint32_t rounds = options.rounds == 0 && options.report ? 10 : options.rounds;
    if (rounds > 0) body["count"] = rounds;
    const bool draws = !session.json && !options.report && isatty(STDOUT_FILENO) == 1;
    const std::string host = host_name();
    MtrReport report(options.to);
    stream_probes(session, body, [&](const Json& event) {
        report.add(event);
        if (draws) std::cout << "\033[H\033[J" << report.table(host) << std::flush;
    });
    if (session.json)
        std::cout << report.json().dump(2) << '\n';
    else if (!draws)
        std::cout << report.table(host);
    std::cout << std::flush;
    return 0;  // as the tool does: the hops are the answer
}

void add_hop_options(CLI::App& command, HopOptions& o) {
    command.add_option("ADDRESS", o.to)->required();
    command.add_option("-f,--first", o.first_ttl, "The first hop's TTL")->check(CLI::Range(1, 255));
    command.add_option("-m,--max-hops", o.max_ttl, "The last hop's TTL")->check(CLI::Range(1, 255));
    command.add_option("-p,--target-port", o.target_port, "Of UDP; the next probe has the next")
        ->check(CLI::Range(1, 60000));
    command.add_option("-Q,--tos", o.tos, "Its TOS byte")->check(CLI::Range(0, 255));
    command.add_option("-l,--size", o.packet_bytes, "Bytes of the IP packet")
        ->check(CLI::Range(kProbeHeaders, 65535U));
    command.add_option("-s,--source", o.from, "The address of ours to send from");
    command.add_flag("-n,--numeric", o.numeric, "Each address once");
}

}  // namespace

void add_traceroute_commands(CLI::App& app, Session& session) {
    auto o = std::make_shared<HopOptions>();
    CLI::App* trace = app.add_subcommand("traceroute", "By which routers packets go");
    add_hop_options(*trace, *o);
    trace->add_option("-q,--queries", o->queries, "To each hop")->check(CLI::Range(1, 10));
    trace->add_option("-w,--wait", o->wait_s, "Seconds to wait for an answer, at most")
        ->check(CLI::Range(0.01, 60.0));
    trace->add_option("-i,--port", o->port, "By which to send, whatever the routes say");
    trace->add_flag("-I,--icmp", o->icmp, "Echo requests, not UDP");
    trace->add_flag("-F,--dont-fragment", o->dont_fragment, "With don't fragment set");
    trace->callback(
        [&session, o] { session.action = [&session, o] { return traceroute(session, *o); }; });
    auto m = std::make_shared<HopOptions>();
    CLI::App* rounds =
        app.add_subcommand("mtr", "The same again and again: loss and times of each hop");
    add_hop_options(*rounds, *m);
    rounds->add_option("-c,--count", m->rounds, "Rounds; without it, until Ctrl-C")
        ->check(CLI::Range(1U, UINT32_MAX));
    rounds->add_option("-i,--interval", m->interval_s, "Seconds from round to round")
        ->check(CLI::Range(0.05, 3600.0));
    rounds->add_option("-Z,--wait", m->wait_s, "Seconds to wait for an answer")
        ->check(CLI::Range(0.01, 60.0));
    rounds->add_option("-I,--port", m->port, "By which to send, whatever the routes say");
    rounds->add_flag("-u,--udp", m->udp, "UDP, not echo requests");
    rounds->add_flag("-r,--report", m->report, "Only the table in the end, of 10 rounds or -c");
    rounds->callback(
        [&session, m] { session.action = [&session, m] { return mtr(session, *m); }; });
}

}  // namespace vethway::cli
