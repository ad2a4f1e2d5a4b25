// SPDX-License-Identifier: Apache-2.0
// vethway-gen: sends stamped frames by one port and accounts for them at another.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <iostream>

#include "config/parse.h"
#include "perf/gen/options.h"
#include "perf/gen/report.h"
#include "perf/gen/tester.h"

namespace vethway::gen {
namespace {

std::atomic<bool> stop_wanted{false};
static_assert(std::atomic<bool>::is_always_lock_free);  // a signal's handler writes it

void end_by_signals() {
    struct sigaction action {};
    action.sa_handler = [](int) { stop_wanted = true; };
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaction(signal, &action, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
}

// A line that is written over once a second, where somebody looks.
class ProgressLine {
public:
    explicit ProgressLine(bool quiet) : shown_(!quiet && isatty(STDERR_FILENO) == 1) {}
    ~ProgressLine() {
        if (wrote_) std::cerr << "\r\x1b[K" << std::flush;
    }
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;

    void operator()(const Progress& p) {
        const auto now = std::chrono::steady_clock::now();
        if (!shown_ || now < next_) return;
        next_ = now + std::chrono::seconds(1);
        std::cerr << fmt::format("\r\x1b[Ksent {} (+{}), received {} (+{})", p.sent,
                                 p.sent - last_.sent, p.received, p.received - last_.received)
                  << std::flush;
        last_ = p;
        wrote_ = true;
    }

private:
    bool shown_, wrote_ = false;
    std::chrono::steady_clock::time_point next_ = std::chrono::steady_clock::now();
    Progress last_;
};

TrialResult run_one(Tester& tester, const Options& options, const Load& load) {
    ProgressLine line(options.quiet);
    return tester.run(load, [&](const Progress& p) { line(p); });
}

// A series of trials on ports that stay open: a line in, a line out.
void run_trials(Tester& tester, const Options& options) {
    const double bytes = mean_size(options.sizes);
    std::cout << nlohmann::json{{"ready", true}, {"flows", tester.flows().size()}}.dump()
              << std::endl;
    for (std::string line; !stop_wanted && std::getline(std::cin, line);) {
        if (line.empty()) continue;
        nlohmann::json out;
        try {
            const Load load = parse_trial(line, options.load, bytes);
            out = to_json(run_one(tester, options, load), tester.flows(), false);
        } catch (const OptionError& e) {
            out = {{"error", e.what()}};
        }
        std::cout << out.dump() << std::endl;
    }
}

void write_json(const Options& options, const nlohmann::json& json) {
    if (options.json == "-") {
        std::cout << json.dump(2) << std::endl;
        return;
    }
    std::ofstream file(options.json);
    file << json.dump(2) << '\n';
    if (!file.flush()) throw std::runtime_error("--json: " + options.json + " can't be written");
}

int serve(const Options& options) {
    const Eal eal(options.plan.eal, [](std::string_view text) { std::cerr << text; });
    Tester tester(options, stop_wanted);
    if (options.trials) {
        run_trials(tester, options);
        return 0;
    }
    const TrialResult result = run_one(tester, options, options.load);
    if (options.json != "-")
        std::cout << to_text(result, tester.flows(), options.flows_shown) << std::flush;
    if (!options.json.empty()) write_json(options, to_json(result, tester.flows(), true));
    return result.problem.empty() ? 0 : 1;
}

int run(int argc, char** argv) {
    end_by_signals();
    try {
        const auto options = parse_options(argc, argv);
        return options ? serve(*options) : 0;
    } catch (const OptionError& e) {
        std::cerr << "vethway-gen: " << e.what() << '\n';
        return 2;
    } catch (const std::exception& e) {
        std::cerr << "vethway-gen: " << e.what() << '\n';
        return 1;
    }
}

}  // namespace
}  // namespace vethway::gen

int main(int argc, char** argv) { return vethway::gen::run(argc, argv); }
