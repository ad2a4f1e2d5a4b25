// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "control/doctor/judge.h"

namespace vethway::doctor {

namespace {

bool is_link_local(const std::string& address) { return address.starts_with("fe80:"); }

// Queueing disciplines that an interface has without anybody's doing.
bool is_plain(const std::string& qdisc) {
    constexpr const char* kPlain[] = {"",           "noqueue", "noop",     "mq",
                                      "pfifo_fast", "fq",      "fq_codel", "pfifo"};
    return std::ranges::find(kPlain, qdisc) != std::end(kPlain);
}

// Of the daemon that runs: its driver's or its shield's. Where names can't be read, the first at
// each place is.
bool is_ours(const Facts& facts, const PortFacts& port, const Program& p,
             std::set<std::string>& seen) {
    const bool first = seen.insert(p.place).second;
    if (p.name.starts_with("vethway")) return true;
    if (!facts.runs()) return false;
    return (p.name.empty() && first) || (p.place == "XDP" && port.driver == "net_af_xdp");
}

// The command that takes it off. A program at TCX is held by who attached it.
std::string removal(const PortFacts& port, const Program& p) {
    if (p.place == "XDP") return fmt::format("ip link set dev {} xdp off", port.netdev);
    if (p.place.starts_with("tc "))
        return fmt::format("tc filter del dev {} {} pref {}", port.netdev, p.place.substr(3), p.id);
    return fmt::format("bpftool net show dev {}", port.netdev);
}

}  // namespace

void judge_owner(const Facts& facts, const PortFacts& port, Findings& out) {
    if (facts.runs() || !port.interface || !port.interface->taken) return;
    out.warn(
        fmt::format("a vethwayd that runs has interface {} now", port.netdev),
        {"A second one can't take it; and what is said here of the interface is what the first "
         "has made of it.",
         "ask the one that runs (--socket PATH, if it has its own)", "vethway doctor"});
}

void judge_addresses(const Facts& facts, const PortFacts& port, Findings& out) {
    if (!port.interface) return;
    std::vector<std::string> found, commands;
    for (const std::string& address : port.interface->addresses)
        if (!is_link_local(address)) {
            found.push_back(address);
            commands.push_back(in_netns(
                port.netns, fmt::format("ip address del {} dev {}", address, port.netdev)));
        }
    const bool shielded = is_shielded(facts, port);
    if (found.empty() || (port.adopts && shielded)) return;
    out.add(
        shielded || !port.wants_shield ? Status::warn : Status::bad,
        fmt::format("the kernel has the address {} on {}", fmt::join(found, ", "), port.netdev),
        {shielded ? "The shield keeps the kernel from answering for it; but it still sends what "
                    "is for that subnet into this interface, where nothing of the kernel's gets "
                    "out."
                  : "The kernel answers for it beside vethway: second replies, and resets of "
                    "connections.",
         port.wants_shield ? "take it off; addresses of vethway's belong into its configuration"
                           : "leave it if shield: false is for that; else take it off",
         fmt::format("{}", fmt::join(commands, " && "))});
}

void judge_ipv6(const Facts& facts, const PortFacts& port, Findings& out) {
    if (!facts.runs() || !port.interface || !port.interface->ipv6) return;
    if (!port.wants_shield || is_shielded(facts, port)) return;
    out.warn(
        fmt::format("the kernel speaks IPv6 on {}", port.netdev),
        {"It sends router solicitations and the like out of the port, with the interface's MAC.",
         "turn it off there",
         in_netns(port.netns,
                  fmt::format("sysctl -w net.ipv6.conf.{}.disable_ipv6=1", port.netdev))});
}

void judge_master(const Facts& facts, const PortFacts& port, Findings& out) {
    if (!port.interface || port.interface->master.empty()) return;
    const bool shielded = is_shielded(facts, port);
    out.add(
        shielded ? Status::warn : Status::bad,
        fmt::format("{} is part of {}", port.netdev, port.interface->master),
        {shielded ? "The shield keeps its frames from there: that bridge or bond has a dead member."
                  : "Its frames go to the bridge or bond as well: they are forwarded twice, and "
                    "loops are possible.",
         "take it out", fmt::format("ip link set {} nomaster", port.netdev)});
}

// A vethwayd that has the interface has programs there, which it tells from others' itself.
void judge_programs(const Facts& facts, const PortFacts& port, Findings& out) {
    if (!port.interface || (port.interface->taken && !facts.runs())) return;
    std::set<std::string> seen;
    for (const Program& p : port.interface->programs) {
        if (is_ours(facts, port, p, seen)) continue;
        const bool xdp = p.place == "XDP";
        out.warn(fmt::format("somebody else's at {} of {}: {}", p.place, port.netdev,
                             p.name.empty() ? fmt::format("program {}", p.id) : p.name),
                 {xdp ? "It sees each frame before the port does, and may keep it. An AF_XDP port "
                        "can't be opened while a process holds it."
                      : "It may answer, redirect or change what the port also receives or sends.",
                  "take it off, if nobody needs it", in_netns(port.netns, removal(port, p))});
    }
}

void judge_qdisc(const Facts& /*facts*/, const PortFacts& port, Findings& out) {
    if (!port.interface || port.wants_qdisc || is_plain(port.interface->link.qdisc)) return;
    const std::string by_peer =
        port.peer ? "shape at the other end, " + name_of(*port.peer) + ", and take it off here"
                  : "take it off";
    out.warn(
        fmt::format("{} has the queueing discipline {}", port.netdev, port.interface->link.qdisc),
        {"What the port sends goes past it: delays, losses and rates set there do nothing.",
         is_stock(port) ? by_peer : by_peer + "; or write veth: {qdisc_bypass: false}",
         in_netns(port.netns, fmt::format("tc qdisc del dev {} root", port.netdev))});
}

}  // namespace vethway::doctor
