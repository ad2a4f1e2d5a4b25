// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <future>
#include <iostream>
#include <memory>
#include <optional>
#include <thread>

#include "control/cli/commands.h"
#include "control/cli/show.h"

namespace vethway::cli {

namespace {

using Clock = std::chrono::steady_clock;

struct PingOptions {
    std::string to, from;
    unsigned count = 0;  // 0: until interrupted
    double interval_s = 1, timeout_s = 1;
    unsigned size = 56, tos = 0;
    std::optional<unsigned> ttl;  // unset: ip_default_ttl
    bool dont_fragment = false;
};

volatile std::sig_atomic_t interrupted = 0;

// What came of all of them, as ping(8) sums it up.
struct Statistics {
    unsigned sent = 0, received = 0, errors = 0;
    double least_ms = 0, most_ms = 0, sum_ms = 0, sum_of_squares = 0;

    void add_reply(double ms) {
        least_ms = received == 0 ? ms : std::min(least_ms, ms);
        most_ms = std::max(most_ms, ms);
        sum_ms += ms;
        sum_of_squares += ms * ms;
        ++received;
    }
    unsigned lost_percent() const { return sent == 0 ? 0 : (sent - received) * 100 / sent; }
    double mean_ms() const { return received == 0 ? 0 : sum_ms / received; }
    double deviation_ms() const {
        if (received == 0) return 0;
        const double mean = mean_ms();
        return std::sqrt(std::max(0.0, sum_of_squares / received - mean * mean));
    }
};

Json request_of(const PingOptions& options, unsigned sequence) {
    Json body{{"to", options.to},
              {"size", options.size},
              {"tos", options.tos},
              {"df", options.dont_fragment},
              {"id", static_cast<unsigned>(getpid()) & 0xffff},
              {"sequence", sequence & 0xffff},
              {"timeout_ms", static_cast<unsigned>(options.timeout_s * 1000)}};
    if (options.ttl) body["ttl"] = *options.ttl;
    // An address looks like one; all else is a port, whose first address is taken.
    if (!options.from.empty())
        body[options.from.find_first_not_of("0123456789.") == std::string::npos ? "from" : "port"] =
            options.from;
    return body;
}

std::string line_of(const Json& answer, unsigned sequence) {
    const auto outcome = answer["outcome"].get<std::string>();
    if (outcome == "reply")
        return fmt::format("{} bytes from {}: icmp_seq={} ttl={} time={:.3f} ms\n",
                           text_of(answer["bytes"]), text_of(answer["from"]), sequence,
                           text_of(answer["ttl"]), answer["rtt_ms"].get<double>());
    if (outcome == "timeout") return fmt::format("no answer yet for icmp_seq={}\n", sequence);
    return fmt::format("From {} icmp_seq={} {}\n", text_of(answer["from"]), sequence,
                       text_of(answer["text"]));
}

std::string summary(const PingOptions& options, const Statistics& s, double took_ms) {
    std::string out =
        fmt::format("\n--- {} ping statistics ---\n{} packets transmitted, {} received, ",
                    options.to, s.sent, s.received);
    if (s.errors > 0) out += fmt::format("+{} errors, ", s.errors);
    out += fmt::format("{}% packet loss, time {:.0f}ms\n", s.lost_percent(), took_ms);
    if (s.received > 0)
        out += fmt::format("rtt min/avg/max/mdev = {:.3f}/{:.3f}/{:.3f}/{:.3f} ms\n", s.least_ms,
                           s.mean_ms(), s.most_ms, s.deviation_ms());
    return out;
}

Json json_of(const PingOptions& options, const Statistics& s, const Json& answers) {
    return {{"to", options.to},
            {"transmitted", s.sent},
            {"received", s.received},
            {"errors", s.errors},
            {"rtt_ms",
             {{"min", s.least_ms},
              {"avg", s.mean_ms()},
              {"max", s.most_ms},
              {"mdev", s.deviation_ms()}}},
            {"answers", answers}};
}

void count(Statistics& s, const Json& answer) {
    const auto outcome = answer["outcome"].get<std::string>();
    if (outcome == "not_sent") throw ClientError({answer["reason"].get<std::string>()});
    ++s.sent;
    if (outcome == "reply")
        s.add_reply(answer["rtt_ms"].get<double>());
    else if (outcome != "timeout")
        ++s.errors;
}

// A signal ends the wait: sleep_for() would go on.
void wait_until(Clock::time_point due) {
    while (interrupted == 0 && Clock::now() < due)
        std::this_thread::sleep_for(
            std::min<Clock::duration>(due - Clock::now(), std::chrono::milliseconds(50)));
}

// The answer; none where Ctrl-C comes first, and then the request goes on, on a thread of its own:
// nothing else could end its wait.
std::optional<Json> ask(const Client& client, const PingOptions& options, unsigned sequence) {
    std::packaged_task<Json()> task([client, body = request_of(options, sequence),
                                     patience_s = static_cast<int>(options.timeout_s) + 10] {
        return client.send("POST", "/ping", body, patience_s);
    });
    std::future<Json> answer = task.get_future();
    std::thread asking(std::move(task));
    while (answer.wait_for(std::chrono::milliseconds(20)) != std::future_status::ready)
        if (interrupted != 0) {
            asking.detach();
            return std::nullopt;
        }
    asking.join();
    return answer.get();
}

void print_end(const Session& session, const PingOptions& options, const Statistics& statistics,
               const Json& answers, double took_ms) {
    if (session.json)
        std::cout << json_of(options, statistics, answers).dump(2) << '\n';
    else
        std::cout << summary(options, statistics, took_ms);
    std::cout << std::flush;
}

// The exit status is that of ping(8): 0 with an answer, 1 without.
int ping(const Session& session, const PingOptions& options) {
    std::signal(SIGINT, [](int) { interrupted = 1; });
    const Client client = session.client();
    const auto interval = std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double>(options.interval_s));
    const auto began = Clock::now();
    Statistics statistics;
    Json answers = Json::array();
    std::optional<Json> answer = Json();
    if (!session.json)
        std::cout << fmt::format("PING {}: {} data bytes\n", options.to, options.size)
                  << std::flush;
    for (unsigned i = 1; options.count == 0 || i <= options.count; ++i) {
        if (i > 1) wait_until(began + (i - 1) * interval);
        if (interrupted != 0) break;
        answer = ask(client, options, i);
        if (!answer) {
            ++statistics.sent;  // as ping(8) counts what it still waits for
            break;
        }
        count(statistics, *answer);
        if (session.json)
            answers.push_back(*answer);
        else
            std::cout << line_of(*answer, i) << std::flush;
    }
    const double took_ms = std::chrono::duration<double, std::milli>(Clock::now() - began).count();
    print_end(session, options, statistics, answers, took_ms);
    const int status = statistics.received > 0 ? 0 : 1;
    if (!answer) std::_Exit(status);  // a thread still asks, with what exit() would destroy
    return status;
}

}  // namespace

void add_ping_command(CLI::App& app, Session& session) {
    CLI::App* command = app.add_subcommand("ping", "Send echo requests from the switch");
    auto o = std::make_shared<PingOptions>();
    command->add_option("ADDRESS", o->to)->required();
    command->add_option("-c,--count", o->count, "How many; without it, until Ctrl-C");
    command->add_option("-i,--interval", o->interval_s, "Seconds from one to the next")
        ->check(CLI::Range(0.01, 3600.0));
    command->add_option("-W,--timeout", o->timeout_s, "Seconds to wait for an answer")
        ->check(CLI::Range(0.01, 60.0));
    command->add_option("-s,--size", o->size, "Bytes of data")->check(CLI::Range(0, 65507));
    command->add_option("-t,--ttl", o->ttl)->check(CLI::Range(1, 255));
    command->add_option("-Q,--tos", o->tos)->check(CLI::Range(0, 255));
    command->add_option("-I,--from", o->from,
                        "An address of ours, or a port whose address to take");
    command->add_flag("-D,--df", o->dont_fragment, "Set don't fragment (ping -M do)");
    command->callback(
        [&session, o] { session.action = [&session, o] { return ping(session, *o); }; });
}

}  // namespace vethway::cli
