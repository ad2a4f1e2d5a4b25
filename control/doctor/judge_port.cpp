// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "control/doctor/judge.h"

namespace vethway::doctor {

void judge_interface(const Facts& facts, const PortFacts& port, Findings& out) {
    if (port.netdev.empty() || port.interface || (port.makes_it && !facts.runs())) return;
    if (!port.unseen.empty()) {
        out.bad(port.unseen, {"Nothing can be said of the port's interface, nor can it be opened.",
                              "mend what the line says", ""});
        return;
    }
    out.bad(fmt::format("no interface {} in {}", port.netdev,
                        port.netns.empty() ? "this network namespace" : port.netns),
            {facts.runs() ? "Nothing passes the port until the interface is there again; it then "
                            "comes back by itself."
                          : "vethwayd does not start.",
             "make it, or start vethwayd in the namespace where it is (ip netns exec NS …)",
             in_netns(port.netns,
                      fmt::format("ip link add {} type veth peer name PEER", port.netdev))});
}

void judge_link(const Facts& facts, const PortFacts& port, Findings& out) {
    if (!port.admin_up) return;
    const std::string nothing = "Nothing passes the port.";
    if (port.netdev.empty()) {
        if (facts.runs() && !port.link_up)
            out.warn("link down", {nothing, "start what is at the other end", ""});
        return;
    }
    if (!port.interface) return;
    const Link& link = port.interface->link;
    if (facts.runs() && !link.up)
        out.bad(fmt::format("interface {} is down", port.netdev),
                {nothing, "somebody took it down: set it up",
                 in_netns(port.netns, fmt::format("ip link set {} up", port.netdev))});
    else if (port.peer && !port.peer->link.up)
        out.bad(fmt::format("the other end of the cable is down: {}", name_of(*port.peer)),
                {nothing, "set it up",
                 in_netns(port.peer->netns,
                          fmt::format("ip link set {} up", shell_word(port.peer->link.name)))});
    else if (link.up && !link.carrier)
        out.bad(fmt::format("interface {} has no carrier", port.netdev),
                {nothing, "set up, or plug in, what is at the other end",
                 in_netns(port.netns, fmt::format("ip -d link show {}", port.netdev))});
}

void judge_mtu(const Facts& facts, const PortFacts& port, Findings& out) {
    if (!port.interface || !port.peer) return;
    // What the file wants is set at the start; later, whatever somebody sets is followed.
    const unsigned now = port.interface->link.mtu;
    const unsigned own = facts.runs() || !port.wanted_mtu ? now : *port.wanted_mtu;
    const Link& peer = port.peer->link;
    if (own == peer.mtu) return;
    out.bad(fmt::format("MTU {} here, {} at the other end, {}", own, peer.mtu, name_of(*port.peer)),
            {"What is larger than the receiving end's is lost without a word: ping works, large "
             "transfers hang.",
             "make both alike",
             in_netns(port.peer->netns,
                      fmt::format("ip link set {} mtu {}", shell_word(peer.name), own))});
}

// What a peer leaves to offloads reaches the port undone: partial checksums, unsegmented TCP. It is
// the sending end that decides, so the port's own end matters for GRO alone.
void judge_offloads(const Facts& /*facts*/, const PortFacts& port, Findings& out) {
    if (!port.interface || !is_stock(port)) return;
    if (port.kind == "af_packet" && port.interface->offloads && port.interface->offloads->gro)
        out.warn(
            fmt::format("GRO is on at {}", port.netdev),
            {"The kernel merges segments to packets larger than the MTU, which af_packet cuts: "
             "drops by truncated.",
             "turn it off, or write veth: instead of af_packet:",
             fmt::format("ethtool -K {} gro off", port.netdev)});
    if (!port.peer) return;
    const auto& o = port.peer->offloads;
    if (o && !o->checksum && !o->tso && !o->gso) return;
    const auto on = [](bool is) { return is ? "on" : "off"; };
    const std::string state = o ? fmt::format("tx checksums {}, TSO {}, GSO {}, GRO {}",
                                              on(o->checksum), on(o->tso), on(o->gso), on(o->gro))
                                : "can't be seen from here";
    out.warn(fmt::format("{} carries no offloads; those of {}: {}", port.kind, name_of(*port.peer),
                         state),
             {"TCP through this port is slow: each checksum left to an offload is completed by the "
              "worker, each large segment is cut before the cable.",
              fmt::format("write veth: {} instead of {}:, or turn them off at the other end",
                          port.netdev, port.kind),
              in_netns(port.peer->netns, fmt::format("ethtool -K {} tx off tso off gso off",
                                                     shell_word(port.peer->link.name)))});
}

// With it on the interface takes segments whole, and the other end's receiver is given them so.
void judge_tso(const Facts& /*facts*/, const PortFacts& port, Findings& out) {
    if (!port.interface || is_stock(port) || port.interface->link.kind != "veth") return;
    if (!port.interface->offloads || port.interface->offloads->tso) return;
    out.warn(
        fmt::format("TSO is off at {}", port.netdev),
        {"TCP to this port is slow: the worker cuts each large segment to the MTU.", "turn it on",
         in_netns(port.netns, fmt::format("ethtool -K {} tx on tso on", port.netdev))});
}

// A veth hands over whatever comes; a NIC sorts out what is not for its own MAC.
void judge_hearing(const Facts& facts, const PortFacts& port, Findings& out) {
    if (!facts.runs() || !port.interface) return;
    const Link& link = port.interface->link;
    if (link.kind == "veth" || link.promiscuity > 0 || port.mac == link.mac) return;
    out.warn(fmt::format("{} is not promiscuous, and the port has a MAC of its own", port.netdev),
             {"The NIC drops what is sent to the port's MAC.",
              "make it promiscuous, or leave mac: out of the configuration",
              in_netns(port.netns, fmt::format("ip link set {} promisc on", port.netdev))});
}

void judge_note(const Facts& /*facts*/, const PortFacts& port, Findings& out) {
    if (!port.note.empty()) out.ok(port.note);
}

}  // namespace vethway::doctor
