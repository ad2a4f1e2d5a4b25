// SPDX-License-Identifier: Apache-2.0
// vethway arping, with the options, the words and the exit status of arping(8) of iputils.
#include <iostream>
#include <memory>

#include "control/cli/arping_report.h"
#include "control/cli/probe_stream.h"

namespace vethway::cli {

namespace {

struct ArpingOptions {
    std::string to, port, from;
    uint32_t count = 0;  // 0: until interrupted
    double interval_s = 1, wait_s = 1, deadline_s = 0;
    bool detect = false, announce_request = false, announce_reply = false;
    bool first = false, broadcast = false, quiet = false;
};

Json request_of(const ArpingOptions& options) {
    const bool announces = options.announce_request || options.announce_reply;
    Json body{{"kind", "arp"},
              {"to", options.to},
              {"arp", options.detect             ? "detect"
                      : options.announce_reply   ? "announce_reply"
                      : options.announce_request ? "announce_request"
                                                 : "ask"},
              {"arp_to_all", options.broadcast},
              {"until_reply", options.first || options.detect},
              {"interval_ms", in_ms(options.interval_s)},
              {"wait_ms", announces ? 0 : in_ms(options.wait_s)}};
    if (!options.port.empty()) body["port"] = options.port;
    if (!options.from.empty()) body["from"] = options.from;
    if (options.count > 0) body["count"] = options.count;
    if (options.deadline_s > 0) body["deadline_ms"] = in_ms(options.deadline_s);
    return body;
}

int arping(const Session& session, const ArpingOptions& options) {
    const bool announces = options.announce_request || options.announce_reply;
    ArpingReport report(options.to, options.detect ? ArpingWish::conflict
                                    : announces    ? ArpingWish::announcement
                                                   : ArpingWish::answer);
    const bool quiet = options.quiet || session.json;
    stream_probes(session, request_of(options), [&](const Json& event) {
        const std::string line = report.add(event);
        if (!quiet) std::cout << line << std::flush;
    });
    if (session.json)
        std::cout << report.json().dump(2) << '\n';
    else if (!quiet)
        std::cout << report.summary();
    std::cout << std::flush;
    return report.exit_status();
}

}  // namespace

void add_arping_command(CLI::App& app, Session& session) {
    CLI::App* command =
        app.add_subcommand("arping", "Ask by ARP who has an address, or announce one of ours");
    auto o = std::make_shared<ArpingOptions>();
    command->add_option("ADDRESS", o->to)->required();
    command->add_option("-I,--port", o->port, "By which port; else the one whose link has it");
    command->add_option("-c,--count", o->count, "How many; without it, until Ctrl-C")
        ->check(CLI::Range(1U, UINT32_MAX));
    command->add_option("-i,--interval", o->interval_s, "Seconds from one to the next")
        ->check(CLI::Range(0.002, 3600.0));
    command->add_option("-W,--timeout", o->wait_s, "Seconds to wait for the last answer")
        ->check(CLI::Range(0.001, 3600.0));
    command->add_option("-w,--deadline", o->deadline_s, "Seconds until it ends, or has -c answers")
        ->check(CLI::Range(0.001, 86400.0));
    command->add_option("-s,--source", o->from, "The address of ours to ask from");
    CLI::Option* detect = command->add_flag(
        "-D,--detect", o->detect, "Has another host the address? (RFC 5227) Status 1: one has");
    CLI::Option* request = command->add_flag("-U,--announce", o->announce_request,
                                             "Announce the address, one of ours, by requests");
    CLI::Option* reply =
        command->add_flag("-A,--announce-reply", o->announce_reply, "The same, by replies");
    detect->excludes(request)->excludes(reply);
    request->excludes(reply);
    command->add_flag("-f,--first", o->first, "Until the first answer");
    command->add_flag("-b,--broadcast", o->broadcast, "Ask all, even when one has answered");
    command->add_flag("-q,--quiet", o->quiet, "Only the exit status");
    command->callback(
        [&session, o] { session.action = [&session, o] { return arping(session, *o); }; });
}

}  // namespace vethway::cli
