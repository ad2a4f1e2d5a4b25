// SPDX-License-Identifier: Apache-2.0
// What the doctor judges: gathered whole by gather(), never changed by a judgement. Values, which
// tests write by hand.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"

namespace vethway::doctor {

// How much is known of what vethway is to do.
enum class Scope : uint8_t { daemon, file, machine };

// What the kernel said to one trial: 0 or an errno. None of them changes anything.
struct Trials {
    int tc_program = 0;       // loads a program for tc, as the shield does
    int xdp_program = 0;      // loads one for XDP
    int program_look_up = 0;  // opens a program by its number, as libxdp does
    int tcx = 0;              // attaches at TCX, to an interface that there is not
    int packet_socket = 0;
    int packet_fanout = 0;
    int packet_vnet_hdr = 0;
    int xdp_socket = 0;
    int mempolicy = 0;
};

struct Hugepages {
    size_t total = 0, free = 0, wanted = 0;  // of 2 MiB; free: what may be taken
    vethway::Hugepages mode = vethway::Hugepages::automatic;
    bool used = false;  // by the daemon that runs
};

struct WorkerCpu {
    unsigned cpu = 0;
    std::string governor;  // empty: the kernel tells none, as in most virtual machines
    bool isolated = false;
    bool with_control = false;  // the control thread may run there too
    // Of the daemon that runs: time spent on packets and on looking for some, and how often the
    // kernel took the CPU away meanwhile.
    double spun_s = 0;
    uint64_t forced_switches = 0;
};

struct MachineFacts {
    std::string kernel;         // its release
    uint64_t capabilities = 0;  // effective, bit CAP_*
    bool seccomp = false;       // system calls are filtered, as Docker does
    bool container = false;
    std::optional<uint64_t> memlock;  // bytes; none: unlimited
    Trials trials;
    Hugepages hugepages;
    bool ip_forward = false;
    bool bridge_calls_iptables = false;  // net.bridge.bridge-nf-call-iptables
    std::vector<WorkerCpu> workers;
    std::string cpu_refusal;  // why the workers that are wanted can't be had
};

struct Link {
    unsigned ifindex = 0;
    std::string name, kind;  // kind: "veth", "bridge", …; empty for a NIC
    bool up = false, carrier = false;
    unsigned mtu = 0, promiscuity = 0;
    std::string mac, qdisc;
    unsigned master = 0;           // ifindex
    std::optional<unsigned> peer;  // ifindex of the other end of a veth
    std::optional<int> peer_nsid;  // the namespace that is in; none: this one
};

struct Offloads {
    bool checksum = false, tso = false, gso = false, gro = false;
};

// What is attached to an interface: a BPF program, or a filter of tc's.
struct Program {
    std::string place;  // "XDP", "TCX ingress", "tc ingress", …
    unsigned id = 0;    // of a filter, its preference
    std::string name;   // empty: it may not be asked for; of a filter that is no program, its kind
};

struct Interface {
    Link link;
    std::string master;  // name of the bridge or bond it is part of
    std::vector<std::string> addresses;
    bool ipv6 = false;      // the kernel speaks it there
    bool forwards = false;  // the kernel forwards IPv4 that comes in there
    std::optional<Offloads> offloads;
    std::vector<Program> programs;
    bool taken = false;  // by a vethwayd
};

struct Peer {
    Link link;
    std::string netns;  // as PortFacts has it; "?": one without a name
    std::string master;
    std::optional<Offloads> offloads;  // none: in another namespace
};

struct PortFacts {
    std::string name, kind;  // kind: the key of the configuration
    std::string netdev;      // kernel interface; empty: has none
    std::string netns;       // where that lives: a name, a process's id or a path; empty: here
    std::string unseen;      // why it can't be looked for there
    bool makes_it = false;   // the port makes the interface, and the other end
    bool wants_shield = true, wants_qdisc = false;
    bool adopts = false;  // the kernel's addresses on it are meant to be there
    bool admin_up = true;
    std::optional<uint16_t> wanted_mtu;
    std::string mac;           // that the port has; empty: not known yet
    std::string driver, note;  // of the daemon that runs
    bool link_up = true;       // of the daemon that runs
    std::optional<Interface> interface;
    std::optional<Peer> peer;
};

struct Facts {
    Scope scope = Scope::machine;
    Idle idle = Idle::adaptive;
    MachineFacts machine;
    std::vector<PortFacts> ports;

    bool runs() const { return scope == Scope::daemon; }
};

}  // namespace vethway::doctor
