// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "control/doctor/judge.h"

namespace vethway::doctor {

namespace {

constexpr const char* kReserved = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages";
// Of a worker whose CPU is its own the kernel's own threads take it a few times a second.
constexpr double kForcedPerSecond = 50;

bool is_slow(const std::string& governor) {
    constexpr const char* kSlow[] = {"powersave", "ondemand", "conservative", "schedutil"};
    return std::ranges::find(kSlow, governor) != std::end(kSlow);
}

// What troubles a worker on its CPU; the first thing only, each would drown the others.
bool judge_worker(const Facts& facts, const WorkerCpu& w, Findings& out) {
    const bool polls = facts.idle == Idle::poll;
    const double forced = w.spun_s < 1 ? 0 : static_cast<double>(w.forced_switches) / w.spun_s;
    if (forced > kForcedPerSecond)
        out.warn(fmt::format("the worker on CPU {} was taken off it {:.0f} times a second", w.cpu,
                             forced),
                 {"Something else runs on that CPU. Meanwhile rings fill up and packets are lost "
                  "(MISSED of show ports); measurements are void.",
                  "move the other work away, or the worker: dataplane: {workers: {cpus: [N]}}",
                  fmt::format("ps -eLo psr,pid,comm | awk '$1 == {}'", w.cpu)});
    else if (w.with_control && polls)
        out.warn(
            fmt::format("the worker on CPU {} polls, and the control thread may run there", w.cpu),
            {"The two take the CPU from each other in turns of milliseconds.",
             "write idle: adaptive, or leave a CPU to the control thread by fewer workers", ""});
    else if (is_slow(w.governor))
        out.warn(fmt::format("CPU {} of a worker has the frequency governor {}", w.cpu, w.governor),
                 {"It runs slower until load has lasted a while: rates and latencies vary.",
                  "let it run at full speed",
                  fmt::format("echo performance > "
                              "/sys/devices/system/cpu/cpu{}/cpufreq/scaling_governor",
                              w.cpu)});
    else if (!w.isolated && polls)
        out.warn(fmt::format("the worker on CPU {} polls on a CPU that others may use", w.cpu),
                 {"Whatever the kernel runs there makes it pause.",
                  "isolate the CPU by the kernel's command line, or write idle: adaptive",
                  fmt::format("isolcpus={0} nohz_full={0}", w.cpu)});
    else
        return true;
    return false;
}

}  // namespace

void judge_hugepages(const Facts& facts, Findings& out) {
    const Hugepages& h = facts.machine.hugepages;
    const bool required = h.mode == vethway::Hugepages::required;
    const std::string found =
        fmt::format("hugepages of 2 MiB: {} of {} free, {} wanted", h.free, h.total, h.wanted);
    if (h.mode == vethway::Hugepages::off)
        out.ok("hugepages are off in the configuration");
    else if (h.used)
        out.ok("hugepages are used");
    else if (facts.machine.trials.mempolicy == EPERM)
        out.add(required || h.free >= h.wanted ? Status::bad : Status::warn,
                "hugepages need get_mempolicy(2), which is refused",
                {"Docker's filter of system calls refuses it; DPDK then does not start with "
                 "hugepages.",
                 "give the container SYS_NICE, or write dataplane: {hugepages: off}",
                 "docker run --cap-add SYS_NICE …"});
    else if (h.free >= h.wanted && !facts.runs())
        out.ok(found);
    else
        out.add(required ? Status::bad : Status::warn,
                facts.runs() ? "plain memory is used: " + found + " now" : found,
                {required ? "vethwayd does not start."
                          : "It works with plain memory; lookups then miss the TLB more often.",
                 "reserve what is short, and start vethwayd anew; dataplane: {hugepages: off} ends "
                 "this",
                 fmt::format("echo {} > {}", h.total + h.wanted - std::min(h.wanted, h.free),
                             kReserved)});
}

void judge_cpus(const Facts& facts, Findings& out) {
    const MachineFacts& m = facts.machine;
    if (!m.cpu_refusal.empty()) {
        out.bad(m.cpu_refusal,
                {"vethwayd does not start.",
                 "ask for fewer workers, or give it more CPUs (docker --cpuset-cpus, "
                 "taskset)",
                 "taskset -cp $$"});
        return;
    }
    std::string well;
    for (const WorkerCpu& w : m.workers)
        if (judge_worker(facts, w, out))
            well += fmt::format("{}{}{}", well.empty() ? "" : ", ", w.cpu,
                                w.isolated ? " (isolated)" : "");
    if (!well.empty()) out.ok("CPUs for workers: " + well);
}

void judge_forwarding(const Facts& facts, Findings& out) {
    const auto twice = std::ranges::find_if(facts.ports, [&](const PortFacts& p) {
        return facts.runs() && p.interface && p.interface->forwards && !is_shielded(facts, p);
    });
    const std::string mend = "turn it off, unless something else there (Docker) needs it";
    const std::string command = "sysctl -w net.ipv4.ip_forward=0";
    if (twice != facts.ports.end())
        out.bad(
            fmt::format("the kernel forwards what port {} receives (net.ipv4.ip_forward=1)",
                        twice->name),
            {"Packets are forwarded twice, and the kernel sends its own ICMP errors about them.",
             mend, in_netns(twice->netns, command)});
    else if (facts.machine.ip_forward && wants_interfaces(facts))
        out.warn("the kernel forwards here, too (net.ipv4.ip_forward=1)",
                 {"The shield keeps what ports receive from it. Between other interfaces of this "
                  "namespace packets find a way past vethway.",
                  mend, command});
    else
        out.ok(facts.machine.ip_forward
                   ? "the kernel forwards here, too; no port is on its interfaces"
                   : "the kernel does not forward here");
}

void judge_bridge_filter(const Facts& facts, Findings& out) {
    if (!facts.machine.bridge_calls_iptables) {
        out.ok("bridges of the kernel do not ask iptables");
        return;
    }
    const auto bridged = std::ranges::find_if(facts.ports, [](const PortFacts& p) {
        return (p.peer && p.peer->netns.empty() && !p.peer->master.empty()) ||
               (p.interface && p.netns.empty() && !p.interface->master.empty());
    });
    if (facts.scope != Scope::machine && bridged == facts.ports.end())
        out.ok("bridges ask iptables (bridge-nf-call-iptables=1); no port's cable ends at one");
    else
        out.warn(
            (bridged == facts.ports.end() ? std::string() : "port " + bridged->name + ": ") +
                "bridges of the kernel ask iptables (bridge-nf-call-iptables=1)",
            {"Frames on their way through a bridge meet the FORWARD rules, which Docker sets to "
             "DROP: they vanish between the bridge's ports.",
             "turn it off, or allow the frames there",
             "sysctl -w net.bridge.bridge-nf-call-iptables=0"});
}

}  // namespace vethway::doctor
