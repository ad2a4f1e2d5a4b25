// SPDX-License-Identifier: Apache-2.0
// vethway ping, with the options, the words and the exit status of ping(8) of iputils.
#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <optional>

#include "control/cli/ping_report.h"
#include "control/cli/probe_stream.h"

namespace vethway::cli {

namespace {

struct PingOptions {
    std::string to;
    std::vector<std::string> from;
    uint32_t count = 0;  // 0: until interrupted
    double interval_s = 1, wait_s = 10, deadline_s = 0;
    unsigned size = 56, tos = 0;
    std::optional<unsigned> ttl;  // unset: ip_default_ttl
    std::string path_mtu = "dont";
    bool quiet = false, outstanding = false, numeric = false;
};

Json request_of(const PingOptions& options) {
    Json body{{"kind", "echo"},
              {"to", options.to},
              {"size", options.size},
              {"tos", options.tos},
              {"path_mtu", options.path_mtu},
              {"interval_ms", in_ms(options.interval_s)},
              {"wait_ms", in_ms(options.wait_s)}};
    if (options.ttl) body["ttl"] = *options.ttl;
    if (options.count > 0) body["count"] = options.count;
    if (options.deadline_s > 0) body["deadline_ms"] = in_ms(options.deadline_s);
    for (const std::string& from : options.from) add_origin(body, from);
    return body;
}

int ping(const Session& session, const PingOptions& options) {
    const Json body = request_of(options);
    PingReport report({.to = options.to,
                       .size = options.size,
                       .shows_origin = !options.from.empty(),
                       .port = body.value("port", ""),
                       .tells_outstanding = options.outstanding,
                       .count = options.count,
                       .deadline = options.deadline_s > 0},
                      PingReport::Clock::now());
    stream_probes(session, body, [&](const Json& event) {
        const auto lines = report.add(event, PingReport::Clock::now());
        const bool first = event["event"] == "begin";
        if (!session.json && (!options.quiet || first)) std::cout << lines.out << std::flush;
        if (!options.quiet) std::cerr << lines.err;
    });
    if (session.json)
        std::cout << report.json().dump(2) << '\n';
    else
        std::cout << report.summary();
    std::cout << std::flush;
    return report.exit_status();
}

}  // namespace

void add_ping_command(CLI::App& app, Session& session) {
    CLI::App* command = app.add_subcommand("ping", "Send echo requests from the switch");
    auto o = std::make_shared<PingOptions>();
    command->add_option("ADDRESS", o->to)->required();
    command->add_option("-c,--count", o->count, "How many; without it, until Ctrl-C")
        ->check(CLI::Range(1U, UINT32_MAX));
    command->add_option("-i,--interval", o->interval_s, "Seconds from one to the next")
        ->check(CLI::Range(0.002, 3600.0));
    command->add_option("-W,--timeout", o->wait_s, "Seconds to wait for the last, without answers")
        ->check(CLI::Range(0.001, 3600.0));
    command
        ->add_option("-w,--deadline", o->deadline_s,
                     "Seconds until it ends, or has -c answers, or an error")
        ->check(CLI::Range(0.001, 86400.0));
    command->add_option("-s,--size", o->size, "Bytes of data")->check(CLI::Range(0, 65507));
    command->add_option("-t,--ttl", o->ttl, "Its TTL")->check(CLI::Range(1, 255));
    command->add_option("-Q,--tos", o->tos, "Its TOS byte")->check(CLI::Range(0, 255));
    command
        ->add_option("-I,--from", o->from,
                     "A port, by which to send whatever the routes say, or an address of ours")
        ->expected(1)
        ->take_all();
    command
        ->add_option("-M,--pmtudisc", o->path_mtu,
                     "May it be fragmented? do: never, want: if it is known to be too large, dont")
        ->check(CLI::IsMember({"do", "want", "dont"}));
    command->add_flag("-O,--outstanding", o->outstanding, "Tell of what is not answered in time");
    command->add_flag("-q,--quiet", o->quiet, "Only the first line and the summary");
    command->add_flag("-n,--numeric", o->numeric, "Addresses, no names (always so)");
    command->callback(
        [&session, o] { session.action = [&session, o] { return ping(session, *o); }; });
}

}  // namespace vethway::cli
