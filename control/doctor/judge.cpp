// SPDX-License-Identifier: Apache-2.0
#include "control/doctor/judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "dataplane/port/shield.h"

namespace vethway::doctor {

namespace {

struct MachineCheck {
    const char* name;
    void (*judge)(const Facts&, Findings&);
};
constexpr MachineCheck kMachineChecks[] = {
    {"capabilities", judge_capabilities},
    {"packet_sockets", judge_packet_sockets},
    {"shield", judge_shield},
    {"af_xdp", judge_af_xdp},
    {"memlock", judge_memlock},
    {"hugepages", judge_hugepages},
    {"cpus", judge_cpus},
    {"forwarding", judge_forwarding},
    {"bridge_filter", judge_bridge_filter},
};

struct PortCheck {
    const char* name;
    void (*judge)(const Facts&, const PortFacts&, Findings&);
};
constexpr PortCheck kPortChecks[] = {
    {"interface", judge_interface}, {"owner", judge_owner},
    {"link", judge_link},           {"mtu", judge_mtu},
    {"offloads", judge_offloads},   {"tso", judge_tso},
    {"hearing", judge_hearing},     {"addresses", judge_addresses},
    {"ipv6", judge_ipv6},           {"master", judge_master},
    {"programs", judge_programs},   {"qdisc", judge_qdisc},
    {"note", judge_note},
};

std::string described(const PortFacts& port) {
    std::string text = port.driver.empty() ? port.kind : port.driver;
    if (!port.interface) return text;
    text += fmt::format(" on {}{}, MTU {}", port.netdev,
                        port.netns.empty() ? "" : " in " + port.netns, port.interface->link.mtu);
    if (port.peer) text += ", cable to " + name_of(*port.peer);
    return text;
}

}  // namespace

std::vector<Finding> judge(const Facts& facts) {
    Findings out;
    for (const MachineCheck& check : kMachineChecks) {
        out.begin(check.name, "machine");
        check.judge(facts, out);
    }
    for (const PortFacts& port : facts.ports) {
        const std::string subject = "port " + port.name;
        const size_t before = out.all().size();
        for (const PortCheck& check : kPortChecks) {
            out.begin(check.name, subject);
            check.judge(facts, port, out);
        }
        out.begin("port", subject);
        if (std::all_of(out.all().begin() + static_cast<std::ptrdiff_t>(before), out.all().end(),
                        [](const Finding& f) { return f.status == Status::ok; }))
            out.ok(described(port));
    }
    return out.all();
}

// By TCX, or by clsact where the kernel is older.
bool is_shielded(const Facts& facts, const PortFacts& port) {
    if (!port.wants_shield) return false;
    if (!facts.runs()) return facts.machine.trials.tc_program == 0;
    return port.interface && std::ranges::any_of(port.interface->programs, [](const Program& p) {
               return p.name.starts_with(Shield::kProgramName) ||
                      (p.place == "TCX ingress" && p.name.empty());
           });
}

bool is_stock(const PortFacts& port) { return port.kind == "af_packet" || port.kind == "af_xdp"; }

bool wants_interfaces(const Facts& facts) {
    return facts.scope == Scope::machine ||
           std::ranges::any_of(facts.ports, [](const PortFacts& p) { return !p.netdev.empty(); });
}

bool has_capability(const MachineFacts& machine, int capability) {
    return (machine.capabilities >> capability & 1) != 0;
}

std::string name_of(const Peer& peer) {
    if (peer.netns.empty()) return peer.link.name;
    return peer.link.name +
           (peer.netns == "?" ? " in another network namespace" : " in " + peer.netns);
}

std::string shell_word(const std::string& text) {
    const bool plain = std::ranges::all_of(text, [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '_' || c == '.' || c == '-';
    });
    if (plain && !text.empty()) return text;
    std::string quoted = "'";
    for (const char c : text) quoted += c == '\'' ? std::string(R"('\'')") : std::string(1, c);
    return quoted + "'";
}

std::string in_netns(const std::string& netns, const std::string& command) {
    if (netns.empty()) return command;
    if (netns == "?") return "nsenter -t PID -n " + command;
    if (netns.find('/') != std::string::npos)
        return fmt::format("nsenter --net={} {}", shell_word(netns), command);
    if (netns.find_first_not_of("0123456789") == std::string::npos)
        return fmt::format("nsenter -t {} -n {}", netns, command);
    return fmt::format("ip netns exec {} {}", shell_word(netns), command);
}

}  // namespace vethway::doctor
