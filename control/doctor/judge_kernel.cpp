// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <linux/capability.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "control/doctor/judge.h"

namespace vethway::doctor {

namespace {

struct Capability {
    int number;
    const char* name;
};
// Those that something of vethway's is for. By number, as CapEff has them: older headers lack some.
constexpr int kCapBpf = 39;
constexpr Capability kCapabilities[] = {
    {CAP_NET_ADMIN, "NET_ADMIN"}, {CAP_NET_RAW, "NET_RAW"},   {kCapBpf, "BPF"},
    {CAP_SYS_ADMIN, "SYS_ADMIN"}, {CAP_IPC_LOCK, "IPC_LOCK"}, {CAP_SYS_NICE, "SYS_NICE"}};

Advice lacking(const std::string& means, const MachineFacts& machine, const std::string& name) {
    if (machine.container)
        return {means, "give the container the capability",
                fmt::format("docker run --cap-add {} …", name)};
    return {means, "run vethwayd as root, or with the capability",
            fmt::format("systemd-run -p AmbientCapabilities=CAP_{} vethwayd --config FILE", name)};
}

bool has_port_of(const Facts& facts, const std::string& kind) {
    return std::ranges::any_of(facts.ports, [&](const PortFacts& p) { return p.kind == kind; });
}

bool is_refusal(int error) { return error == EPERM || error == EACCES; }

}  // namespace

void judge_capabilities(const Facts& facts, Findings& out) {
    const MachineFacts& m = facts.machine;
    std::string has, lacks;
    for (const Capability& c : kCapabilities) {
        std::string& list = has_capability(m, c.number) ? has : lacks;
        list += (list.empty() ? "" : ", ") + std::string(c.name);
    }
    const bool admin = has_capability(m, CAP_NET_ADMIN), raw = has_capability(m, CAP_NET_RAW);
    const Status missing = wants_interfaces(facts) ? Status::bad : Status::ok;
    if (!admin)
        out.add(missing, "no capability NET_ADMIN",
                lacking("No port on a kernel interface can be opened: it can't be set up, given an "
                        "MTU, or kept from the kernel.",
                        m, "NET_ADMIN"));
    if (!raw)
        out.add(missing, "no capability NET_RAW",
                lacking("No port on a kernel interface can be opened: neither AF_PACKET nor AF_XDP "
                        "gives a socket.",
                        m, "NET_RAW"));
    if (admin && raw) out.ok("capabilities " + has + (lacks.empty() ? "" : "; not " + lacks));
}

void judge_packet_sockets(const Facts& facts, Findings& out) {
    const Trials& t = facts.machine.trials;
    if (is_refusal(t.packet_socket)) return;  // NET_RAW: said already
    const Status status = wants_interfaces(facts) ? Status::bad : Status::ok;
    if (t.packet_socket != 0)
        out.add(status, fmt::format("no AF_PACKET sockets: {}", std::strerror(t.packet_socket)),
                {"veth: and af_packet: ports can't be opened.",
                 "load the module, or run a kernel with CONFIG_PACKET", "modprobe af_packet"});
    else if (t.packet_fanout != 0)
        out.add(status,
                fmt::format("AF_PACKET without PACKET_FANOUT: {}", std::strerror(t.packet_fanout)),
                {"Its frames can't be shared between queues, and DPDK's driver wants that.",
                 "run a kernel that has it (every one since 3.1), or a container runtime that "
                 "does not filter it",
                 ""});
    else if (t.packet_vnet_hdr != 0)
        out.add(
            status,
            fmt::format("AF_PACKET without PACKET_VNET_HDR: {}", std::strerror(t.packet_vnet_hdr)),
            {"veth: ports can't be opened.", "run a kernel that has it (every one since 2.6.27)",
             ""});
    else
        out.ok("AF_PACKET with fanout and virtio headers");
}

void judge_shield(const Facts& facts, Findings& out) {
    const MachineFacts& m = facts.machine;
    const std::string means =
        "The kernel's stack is kept off the ports by settings instead of a BPF program: ARP and "
        "IPv6 are turned off on the interface, but the kernel still answers IPv4 packets to its "
        "own "
        "addresses, and after kill -9 the settings stay.";
    const Status status = wants_interfaces(facts) ? Status::warn : Status::ok;
    if (is_refusal(m.trials.tc_program)) {
        Advice advice = lacking(means, m, "SYS_ADMIN");
        if (m.seccomp)
            advice.mend += "; Docker's filter of system calls, too, allows bpf(2) with it";
        out.add(status, "BPF programs may not be loaded (needs BPF and NET_ADMIN, or SYS_ADMIN)",
                advice);
    } else if (m.trials.tc_program != 0) {
        out.add(status,
                fmt::format("no BPF programs for tc: {}", std::strerror(m.trials.tc_program)),
                {means, "run a kernel with CONFIG_BPF_SYSCALL and CONFIG_NET_CLS_ACT", ""});
    } else if (m.trials.tcx != 0) {
        out.ok(fmt::format("BPF, but no TCX in Linux {}: shields are filters of tc's", m.kernel));
    } else {
        out.ok("BPF and TCX: the kernel's stack can be kept off the ports");
    }
}

void judge_af_xdp(const Facts& facts, Findings& out) {
    const MachineFacts& m = facts.machine;
    const Trials& t = m.trials;
    std::string why;
    Advice advice{"af_xdp: ports can't be opened.", "", ""};
    if (is_refusal(t.xdp_socket)) {
        why = "needs NET_RAW";
        advice = lacking(advice.means, m, "NET_RAW");
    } else if (t.xdp_socket != 0) {
        why = fmt::format("Linux {} has no AF_XDP sockets", m.kernel);
        advice.mend = "run a kernel with CONFIG_XDP_SOCKETS, or write veth: instead";
    } else if (t.xdp_program != 0) {
        why = fmt::format("an XDP program can't be loaded: {}", std::strerror(t.xdp_program));
        advice = lacking(advice.means, m, "SYS_ADMIN");
    } else if (t.program_look_up != 0) {
        why = "libxdp needs SYS_ADMIN";
        advice = lacking(advice.means, m, "SYS_ADMIN");
    }
    if (why.empty())
        out.ok("AF_XDP can be had");
    else if (has_port_of(facts, "af_xdp"))
        out.bad("no AF_XDP: " + why, advice);
    else if (facts.scope == Scope::machine)
        out.warn("no AF_XDP: " + why, advice);
    else
        out.ok("no AF_XDP: " + why + "; no port asks for it alone");
}

// DPDK's AF_PACKET driver locks its rings, 2 MiB a queue at an MTU of 1500 and one queue a worker;
// an AF_XDP port pins the mbuf pool. Ours locks nothing.
void judge_memlock(const Facts& facts, Findings& out) {
    const MachineFacts& m = facts.machine;
    constexpr uint64_t kMiB = uint64_t{1} << 20;
    if (has_capability(m, CAP_IPC_LOCK) || !m.memlock) {
        out.ok("memory may be locked");
        return;
    }
    const uint64_t pool = m.hugepages.wanted * 2 * kMiB;
    uint64_t wanted = facts.scope == Scope::machine ? pool : 0;
    for (const PortFacts& p : facts.ports)
        if (p.kind == "af_xdp")
            wanted += pool;
        else if (p.kind == "af_packet")
            wanted += std::max<size_t>(m.workers.size(), 1) * 2 * kMiB;
    const std::string what = fmt::format("RLIMIT_MEMLOCK is {} KiB, about {} MiB are wanted",
                                         *m.memlock / 1024, wanted / kMiB);
    if (*m.memlock >= wanted) {
        out.ok(what);
        return;
    }
    Advice advice =
        lacking("The rings that ports share with the kernel may be refused.", m, "IPC_LOCK");
    advice.mend += ", or raise the limit (ulimit -l unlimited)";
    if (m.container) advice.command = "docker run --ulimit memlock=-1 …";
    // What runs has got its memory.
    out.add(facts.scope == Scope::file ? Status::bad : Status::warn, what, advice);
}

}  // namespace vethway::doctor
