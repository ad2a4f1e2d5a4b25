// SPDX-License-Identifier: Apache-2.0
#include "control/cli/lab/testbed.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace vethway::cli {

namespace {

constexpr auto kReadyWithin = std::chrono::seconds(20);

// Programs are looked for beside this one first; and ours are told where the lab's vethwayd is.
void prepare_environment(const std::string& socket) {
    const std::filesystem::path here = std::filesystem::read_symlink("/proc/self/exe");
    const char* path = std::getenv("PATH");
    const std::string rest = path == nullptr ? "/usr/sbin:/usr/bin:/sbin:/bin" : path;
    setenv("PATH", (here.parent_path().string() + ':' + rest).c_str(), 1);
    setenv("VETHWAY_SOCKET", socket.c_str(), 1);
    setenv("NO_COLOR", "1", 1);
}

std::string joined(const std::vector<std::string>& lines) {
    std::string out;
    for (const std::string& line : lines) out += (out.empty() ? "" : "; ") + line;
    return out;
}

void run_or_refuse(const std::vector<std::string>& words, const std::string& shown) {
    Child child(words);
    if (const int status = child.wait(); status != 0)
        throw ClientError(
            {fmt::format("lab: {}: status {}: {}", shown, status, joined(child.lines()))});
}

bool all_up(const std::string& socket) {
    try {
        const Json answer = Client(socket).get("/ports");
        return std::ranges::all_of(answer["ports"],
                                   [](const Json& port) { return port["state"] == "up"; });
    } catch (const Unreachable&) {
        return false;
    }
}

}  // namespace

Testbed::Testbed(const Lab& lab) {
    if (geteuid() != 0) throw ClientError({"lab: run as root: it makes network namespaces"});
    std::string pattern = "/tmp/vethway-lab-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) throw ClientError({"lab: cannot write to /tmp"});
    directory_ = pattern;
    prepare_environment(path("socket"));
    try {
        make_network(lab);
        start_daemon(lab);
    } catch (...) {
        clean_up();
        throw;
    }
}

void Testbed::clean_up() {
    daemon_.reset();
    for (const std::string& name : made_) Child({"ip", "netns", "delete", name}).wait();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
}

std::string Testbed::full_name(const std::string& name) const {
    return fmt::format("vethway-lab-{}-{}", getpid(), name);
}

std::vector<std::string> Testbed::words(const LabCommand& command) const {
    return {"ip", "netns", "exec", full_name(command.where), "sh", "-c", command.text};
}

void Testbed::make_network(const Lab& lab) {
    for (const std::string& name : lab.namespaces) {
        run_or_refuse({"ip", "netns", "add", full_name(name)}, "ip netns add");
        made_.push_back(full_name(name));
        setenv(("NS_" + name).c_str(), full_name(name).c_str(), 1);  // for commands to name it
        // Without IPv6, so that no kernel speaks but of what a step is about.
        run_or_refuse(words({name,
                             "cd /proc/sys/net/ipv6/conf && echo 1 > all/disable_ipv6 && "
                             "echo 1 > default/disable_ipv6; ip link set lo up"}),
                      name + "# ip link set lo up");
    }
    for (const LabCommand& c : lab.network) run_or_refuse(words(c), c.where + "# " + c.text);
}

void Testbed::start_daemon(const Lab& lab) {
    std::ofstream(path("config.yaml"))
        << lab.config << "\ncontrol: {socket: '" << path("socket") << "'}\n";
    daemon_ =
        std::make_unique<Child>(words({"sw", "exec vethwayd --config " + path("config.yaml")}));
    const auto began = std::chrono::steady_clock::now();
    while (!all_up(path("socket"))) {
        if (!daemon_->running() || std::chrono::steady_clock::now() - began > kReadyWithin)
            throw ClientError({"lab: vethwayd did not come up: " + daemon_log()});
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

std::string Testbed::daemon_log() const { return joined(daemon_->lines()); }

}  // namespace vethway::cli
