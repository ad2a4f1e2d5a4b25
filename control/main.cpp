// SPDX-License-Identifier: Apache-2.0
// vethwayd: puts the parts together and runs the control thread.
#include <fmt/format.h>
#include <rte_version.h>
#include <spdlog/spdlog.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <iostream>
#include <optional>
#include <span>
#include <sstream>

#include "config/parse.h"
#include "control/api.h"
#include "control/controller.h"
#include "control/doctor/report.h"
#include "control/event_loop.h"
#include "control/http_server.h"
#include "control/log.h"
#include "control/machine.h"
#include "control/metrics.h"
#include "control/telemetry.h"
#include "dataplane/port/link_monitor.h"

namespace vethway {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kLostHugepages = "--lost-hugepages";

struct Arguments {
    std::string config_file;
    std::string log_level = "info", log_format = "text";
    bool check = false, doctor = false, json = false;
    bool lost_hugepages = false;
    bool foreground = true;  // all there is: service managers and containers want nothing else
};

// Signals become readable on a descriptor. Blocked before any thread starts, so that none takes
// them elsewhere; and blocked signals reach even a process 1 (kernel/signal.c, sig_ignored).
class Signals {
public:
    Signals() {
        sigemptyset(&set_);
        for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set_, signal);
        pthread_sigmask(SIG_BLOCK, &set_, nullptr);
        std::signal(SIGPIPE, SIG_IGN);
        fd_ = signalfd(-1, &set_, SFD_CLOEXEC | SFD_NONBLOCK);
        if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "signalfd");
    }
    ~Signals() { close(fd_); }
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

    int fd() const { return fd_; }
    int next() const {
        signalfd_siginfo info{};
        return read(fd_, &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
    }

private:
    sigset_t set_;
    int fd_;
};

void log_dpdk(std::string_view text) {
    while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
    if (!text.empty()) spdlog::info("dpdk: {}", text);
}

void on_signal(int signal, EventLoop& loop, Controller& controller) {
    if (signal == SIGHUP) {
        // sd_notify(3): Type=notify-reload wants to know that this READY comes after that signal.
        const auto now = Clock::now().time_since_epoch();
        const auto us = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
        sd_notify(0, fmt::format("RELOADING=1\nMONOTONIC_USEC={}", us).c_str());
        try {
            controller.reload();
        } catch (const std::exception&) {
            // reload() has logged it, and runs on as before
        }
        sd_notify(0, "READY=1");
    } else if (signal != 0) {
        spdlog::info("stopping on SIG{}", sigabbrev_np(signal));
        sd_notify(0, "STOPPING=1");
        loop.stop();
    }
}

void say_telemetry(const Eal& eal) {
    if (!eal.telemetry_problem().empty())
        spdlog::warn("no DPDK telemetry: {}", eal.telemetry_problem());
    else if (!eal.telemetry_path().empty())
        spdlog::info("DPDK telemetry at {}", eal.telemetry_path());
}

void say_ready(Controller& controller, const StartPlan& plan) {
    Machine& machine = controller.machine();
    machine.start_to_ready_ms =
        std::chrono::duration<double, std::milli>(Clock::now() - machine.started).count();
    spdlog::info("ready in {:.0f} ms: {} ports, {} workers, {} ({})", machine.start_to_ready_ms,
                 controller.ports().all().size(), plan.dataplane.workers,
                 machine.hugepages ? "hugepages" : "plain memory", machine.memory_reason);
    sd_notify(0, "READY=1");
}

// The servers' threads, while there is something behind them to ask.
class Serving {
public:
    Serving(HttpServer& api, std::optional<HttpServer>& metrics) : api_(api), metrics_(metrics) {
        api_.start();
        if (metrics_) metrics_->start();
    }
    ~Serving() {
        api_.stop();
        if (metrics_) metrics_->stop();
    }
    Serving(const Serving&) = delete;
    Serving& operator=(const Serving&) = delete;

private:
    HttpServer& api_;
    std::optional<HttpServer>& metrics_;
};

// Everything is destroyed in the reverse order: servers first, so that nobody asks any more; then
// the workers stop, the ports close and give the kernel's interfaces back, and EAL ends.
void serve(const Arguments& args, const Config& config, const StartPlan& plan,
           Clock::time_point started) {
    const Signals signals;
    // Bound early: a second start ends here, before it has touched an interface.
    HttpServer api_server("control.socket",
                          HttpServer::Unix{config.control.socket, config.control.mode});
    std::optional<HttpServer> metrics_server;
    if (config.metrics.port != 0)
        metrics_server.emplace("metrics.listen",
                               HttpServer::Tcp{config.metrics.host, config.metrics.port});
    const Eal eal(plan.eal, log_dpdk);
    say_telemetry(eal);
    Dataplane dataplane(plan.dataplane);
    EventLoop loop;
    Controller controller(dataplane,
                          {.hugepages = plan.eal.hugepages,
                           .memory_reason = plan.memory_reason,
                           .config_file = args.config_file,
                           .telemetry_socket = eal.telemetry_path(),
                           .telemetry_problem = eal.telemetry_problem(),
                           .started = started},
                          config);
    LinkMonitor links;
    controller.apply(config);
    dataplane.start();

    loop.watch(signals.fd(), [&] { on_signal(signals.next(), loop, controller); });
    loop.watch(links.fd(), [&] {
        links.drain([](const LinkChange&) {});  // what changed is asked of the ports themselves
        controller.check_links(Controller::Links::all);
    });
    loop.watch(dataplane.punt_queue().fd(), [&] { controller.take_punted(); });
    loop.every(std::chrono::milliseconds(100), [&] { controller.tick(); });

    const Api api(loop, controller, api_server);
    std::optional<Telemetry> telemetry;
    if (!eal.telemetry_path().empty()) telemetry.emplace(loop, controller);
    std::optional<Metrics> metrics;
    if (metrics_server) metrics.emplace(loop, controller, *metrics_server);
    const Serving serving(api_server, metrics_server);
    say_ready(controller, plan);
    loop.run();
    controller.prober().stop();  // or the server's threads would wait for answers
}

Arguments parse(CLI::App& app, int argc, char** argv) {
    Arguments args;
    app.description("vethwayd: a software switch and router whose ports are veth ends");
    app.set_version_flag("--version",
                         "vethwayd " VETHWAY_VERSION ", " + std::string(rte_version()));
    app.add_option("-c,--config", args.config_file, "The configuration, a YAML file");
    app.add_flag("--check", args.check, "Only say whether the configuration is valid");
    CLI::Option* doctor = app.add_flag(
        "--doctor", args.doctor,
        "Only say what of this machine, and of the configuration's interfaces if there is one, is "
        "in the way");
    app.add_flag("--json", args.json, "Print JSON")->needs(doctor);
    app.add_flag("--foreground", args.foreground, "Stay in the foreground (always so)");
    app.add_option("--log-level", args.log_level, "From which level on it logs: info, unless said")
        ->check(CLI::IsMember({"debug", "info", "warn", "error"}));
    app.add_option("--log-format", args.log_format,
                   "One line an event: text, which the journal gets with its levels, or json")
        ->check(CLI::IsMember({"text", "json"}));
    app.add_flag(kLostHugepages, args.lost_hugepages)->group("");  // of start_again() alone
    app.parse(argc, argv);
    if (args.config_file.empty() && !args.doctor) throw CLI::RequiredError("--config");
    return args;
}

// As a vethwayd would find it that is started here; `vethway doctor` asks one that runs.
int examine(const Arguments& args) {
    const Config config = args.config_file.empty() ? Config{} : load_config(args.config_file);
    const doctor::Report report =
        doctor::examine(doctor::planned_subject(config, args.config_file));
    const bool colour = isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
    std::cout << (args.json
                      ? report.json().dump(2, ' ', false, Json::error_handler_t::replace) + '\n'
                      : report.text(colour))
              << std::flush;
    return report.exit_status();
}

// Why it does not start: lines for whoever started it, or events for who reads JSON.
void complain(const Arguments& args, const std::string& why, const char* prefix) {
    if (args.log_format == "text") {
        std::cerr << prefix << why << '\n';
        return;
    }
    std::istringstream lines(why);
    for (std::string line; std::getline(lines, line);) spdlog::error("{}", line);
}

// As another process under the same number, since EAL starts but once in one. Nothing is left of
// this one's: it had no ports yet, or has closed them.
[[noreturn]] void start_again(std::span<char*> args) {
    std::vector<std::string> copies(args.begin(), args.end());
    copies.emplace_back(kLostHugepages);
    std::vector<char*> argv(copies.size() + 1);
    std::ranges::transform(copies, argv.begin(), [](std::string& one) { return one.data(); });
    spdlog::default_logger()->flush();
    execv("/proc/self/exe", argv.data());
    throw std::system_error(errno, std::generic_category(), "starting again");
}

int run(int argc, char** argv) {
    const auto started = Clock::now();
    CLI::App app;
    Arguments args;
    try {
        args = parse(app, argc, argv);
    } catch (const CLI::ParseError& e) {
        if (e.get_exit_code() == 0) return app.exit(e);
        std::cerr << "vethwayd: " << e.what() << "; see vethwayd --help\n";
        return 2;
    }
    start_log(args.log_format == "json" ? LogFormat::json : LogFormat::text, args.log_level);
    take_capabilities();
    try {
        if (args.doctor) return examine(args);
        const Config config = load_config(args.config_file);
        if (args.check) {
            std::cout << args.config_file << ": ok, " << config.ports.size() << " ports, "
                      << config.routes.size() << " routes\n";
            return 0;
        }
        const StartPlan plan = plan_start(config, args.lost_hugepages);
        try {
            serve(args, config, plan, started);
        } catch (const MemoryError& e) {
            if (!plan.may_do_without_hugepages) throw;
            spdlog::warn("{}: another process has taken the hugepages; starting without", e.what());
            start_again({argv, static_cast<size_t>(argc)});
        }
    } catch (const ConfigError& e) {
        complain(args, e.what(), "");
        return 1;
    } catch (const std::exception& e) {
        complain(args, e.what(), "vethwayd: ");
        return 1;
    }
    return 0;
}

}  // namespace
}  // namespace vethway

int main(int argc, char** argv) { return vethway::run(argc, argv); }
