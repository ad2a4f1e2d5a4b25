// SPDX-License-Identifier: Apache-2.0
// vethway trace: what became of packets, each as a story, as they pass.
#include <csignal>
#include <iostream>
#include <memory>
#include <utility>

#include "control/cli/commands.h"
#include "control/cli/show.h"

namespace vethway::cli {

namespace {

struct TraceOptions {
    std::vector<std::string> filter;
    std::string port, reason;
    bool drops = false;
    unsigned count = 0;  // 0: until ended_by_signal
};

Json request_of(const Session& session, const TraceOptions& options) {
    Json body{{"drops", options.drops}, {"text", !session.json}, {"colour", session.colour}};
    std::string filter;
    for (const std::string& word : options.filter) filter += (filter.empty() ? "" : " ") + word;
    if (!filter.empty()) body["filter"] = filter;
    if (!options.port.empty()) body["port"] = options.port;
    if (!options.reason.empty()) body["reason"] = options.reason;
    if (options.count > 0) body["count"] = options.count;
    return body;
}

volatile std::sig_atomic_t ended_by_signal = 0;

int trace(const Session& session, const TraceOptions& options) {
    std::signal(SIGINT, [](int) { ended_by_signal = 1; });
    std::signal(SIGTERM, [](int) { ended_by_signal = 1; });
    uint64_t lost = 0, told = 0;
    bool begun = false;
    const auto on_line = [&](const std::string& line) {
        if (ended_by_signal != 0) return false;
        if (line.empty()) {
            if (!std::exchange(begun, true)) std::cerr << "vethway: tracing; Ctrl-C ends\n";
            return true;
        }
        const Json story = Json::parse(line);
        ++told;
        lost = story.value("lost", lost);
        if (session.json)
            std::cout << line << '\n';
        else
            std::cout << (told > 1 ? "\n" : "") << story["text"].get<std::string>();
        std::cout << std::flush;
        return static_cast<bool>(std::cout);
    };
    try {
        session.client().stream_lines("/trace", request_of(session, options), on_line);
    } catch (const ClientError&) {
        if (ended_by_signal == 0) throw;  // else a signal has ended the reading
    }
    if (lost > 0)
        std::cerr << "vethway: " << lost
                  << " steps were lost, more than could be told: a narrower filter helps\n";
    return 0;
}

}  // namespace

void add_trace_command(CLI::App& app, Session& session) {
    CLI::App* command =
        app.add_subcommand("trace", "What becomes of packets: each stage and what it decided by");
    auto o = std::make_shared<TraceOptions>();
    command->add_option("FILTER", o->filter,
                        "A tcpdump expression, as in: udp port 53 and host 10.1.0.2");
    command->add_option("-n,--count", o->count, "How many packets; without it, until Ctrl-C");
    command->add_option("-p,--port", o->port, "Received by this port");
    command->add_flag("-d,--drops", o->drops, "Only what is dropped");
    command->add_option("-r,--reason", o->reason, "Only what is dropped for this reason");
    command->callback(
        [&session, o] { session.action = [&session, o] { return trace(session, *o); }; });
}

}  // namespace vethway::cli
