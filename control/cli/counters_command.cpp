// SPDX-License-Identifier: Apache-2.0
// show counters, show drops: as they are, since they were called zero, or again and again.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <iostream>
#include <memory>

#include "control/cli/baseline.h"
#include "control/cli/commands.h"
#include "control/cli/reading.h"
#include "control/cli/show.h"

namespace vethway::cli {

namespace {

using RatedText = std::string (*)(const Json& answer, const Json& rates, bool colour);

constexpr const char* kCounters = "/counters";
constexpr const char* kDrops = "/drops";
constexpr const char* kAllDrops = "/drops?all";

struct CounterOptions {
    bool zero = false, since_zero = false;
    double watch_s = 0;  // 0: once
    bool by_worker = false, all = false;
    unsigned last = 0;
    std::string port, reason;
};

// What is printed of one reading.
struct View {
    const Session& session;
    std::string path;
    RatedText text;
    bool with_zeros;  // of drops: also those that there were none of
    Json baseline;    // null: all since the start

    Json shown(const Json& now) const {
        if (baseline.is_null()) return now;
        Json out = change_between(now, baseline);
        if (!out.contains("drops") || with_zeros) return out;
        Json rows = Json::array();
        for (const Json& row : out["drops"])
            if (row["packets"] != 0) rows.push_back(row);
        out["drops"] = rows;
        return out;
    }
    // `rates`: null if they are not to be shown, empty if they are not known yet.
    int print(const Json& now, const Json& rates) const {
        Json answer = shown(now);
        if (session.json && !rates.is_null()) answer["per_second"] = rates;
        return session.print(answer, [&](const Json& a) { return text(a, rates, session.colour); });
    }
    // The same as JSON, a line of it: one of many readings.
    int print_line(const Json& now, const Json& rates) const {
        Json answer = shown(now);
        answer["per_second"] = rates;
        std::cout << answer.dump() << std::endl;
        return std::cout ? 0 : 1;
    }
};

// Waits, and says whether it was not told to end meanwhile.
bool pause_for(double seconds, const sigset_t& ends) {
    const auto whole = static_cast<time_t>(seconds);
    const timespec time{whole, static_cast<long>((seconds - static_cast<double>(whole)) * 1e9)};
    int signal;
    do signal = sigtimedwait(&ends, nullptr, &time);
    while (signal < 0 && errno == EINTR);
    return signal < 0;
}

int keep_showing(const View& view, double seconds) {
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ends, nullptr);
    const bool terminal = isatty(STDOUT_FILENO) == 1 && !view.session.json;
    Json before;
    do {
        const Json now = view.session.client().get(view.path);
        Json rates = before.is_null() ? Json() : rates_between(now, before);
        if (rates.is_null()) rates = Json::object();
        if (terminal)
            std::cout << "\033[H\033[2J";
        else if (!before.is_null() && !view.session.json)
            std::cout << '\n';
        const int status = view.session.json ? view.print_line(now, rates) : view.print(now, rates);
        if (status != 0) return status;
        before = now;
    } while (pause_for(seconds, ends));
    return 0;
}

int take_zero(const Session& session) {
    Json readings = Json::object();
    for (const char* path : {kCounters, kDrops, kAllDrops})
        readings[path] = session.client().get(path);
    const std::string file = baseline_file(session.socket);
    save_baseline(file, readings);
    return session.print({{"baseline", file}}, [](const Json&) {
        return std::string("zero is now, for show counters and show drops with --since-zero\n");
    });
}

int show_reading(const Session& session, const CounterOptions& o, const std::string& path,
                 RatedText text) {
    if (o.zero) return take_zero(session);
    View view{session, path, text, o.all, nullptr};
    if (!o.since_zero && o.watch_s > 0) return keep_showing(view, o.watch_s);
    const Json now = session.client().get(path);
    if (!o.since_zero) return view.print(now, nullptr);
    view.baseline = load_baseline(baseline_file(session.socket), path, now);
    if (o.watch_s > 0) return keep_showing(view, o.watch_s);
    return view.print(now, rates_between(now, view.baseline));
}

int last_drops(const Session& session, const CounterOptions& o) {
    std::string path = fmt::format("/drops/last?n={}", o.last);
    if (!o.port.empty()) path += "&port=" + escaped(o.port);
    if (!o.reason.empty()) path += "&reason=" + escaped(o.reason);
    return session.print(session.client().get(path),
                         [&](const Json& a) { return show_last_drops(a, session.colour); });
}

CLI::App* add_counting(CLI::App& show, const std::string& name, const std::string& help,
                       CounterOptions& o) {
    CLI::App* command = show.add_subcommand(name, help);
    CLI::Option* zero = command->add_flag(
        "--zero", o.zero,
        "Call the counters zero as they are now. The daemon's go on for everybody; yours are "
        "remembered in $XDG_RUNTIME_DIR, /run/user/UID or /tmp/vethway-UID until it is restarted");
    command
        ->add_flag("--since-zero", o.since_zero,
                   "What was counted since your last --zero, and how much that is a second")
        ->excludes(zero);
    command
        ->add_option("-w,--watch", o.watch_s,
                     "Again every so many seconds, with what happens a second; Ctrl-C ends it")
        ->option_text("[SECONDS=1]")
        ->expected(0, 1)
        ->default_str("1")
        ->check(CLI::Range(0.1, 86400.0))
        ->excludes(zero);
    return command;
}

}  // namespace

void add_counters_commands(CLI::App& show, Session& session) {
    auto drops = std::make_shared<CounterOptions>();
    CLI::App* command = add_counting(show, "drops", "Packets dropped, by port and reason", *drops);
    CLI::Option* all = command->add_flag("-a,--all", drops->all, "Every reason there is");
    CLI::Option* last =
        command
            ->add_option("--last", drops->last,
                         "The last so many that were dropped, each in the manner of tcpdump -n")
            ->option_text("N")
            ->check(CLI::Range(1, 100'000))
            ->excludes(all);
    for (const char* other : {"--zero", "--since-zero", "--watch"})
        last->excludes(command->get_option(other));
    command->add_option("--port", drops->port, "With --last: those that came in by this port")
        ->needs(last);
    command->add_option("--reason", drops->reason, "With --last: those for this reason")
        ->needs(last);
    command->callback([&session, drops] {
        session.action = [&session, drops] {
            if (drops->last > 0) return last_drops(session, *drops);
            return show_reading(session, *drops, drops->all ? kAllDrops : kDrops, show_drops);
        };
    });

    auto counters = std::make_shared<CounterOptions>();
    command = add_counting(show, "counters", "All counters of all ports", *counters);
    command->add_flag("--by-worker", counters->by_worker, "The books of each worker instead");
    command->callback([&session, counters] {
        session.action = [&session, counters] {
            return show_reading(session, *counters, kCounters,
                                counters->by_worker ? show_books : show_counters);
        };
    });
}

}  // namespace vethway::cli
