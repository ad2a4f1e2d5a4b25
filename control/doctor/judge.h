// SPDX-License-Identifier: Apache-2.0
// What to make of the facts. Pure: any thread. A check is a function of the facts and a row of the
// table in judge.cpp.
#pragma once

#include <string>
#include <vector>

#include "control/doctor/facts.h"
#include "control/doctor/finding.h"

namespace vethway::doctor {

// All checks in their order: the machine's, then each port's. A port of which nothing is to be said
// gets one line that says it is well.
std::vector<Finding> judge(const Facts& facts);

// --- judge_kernel.cpp: what the kernel has, and lets us do
void judge_capabilities(const Facts& facts, Findings& out);
void judge_packet_sockets(const Facts& facts, Findings& out);
void judge_shield(const Facts& facts, Findings& out);
void judge_af_xdp(const Facts& facts, Findings& out);
void judge_memlock(const Facts& facts, Findings& out);

// --- judge_machine.cpp: memory, CPUs, and what else the kernel does with packets here
void judge_hugepages(const Facts& facts, Findings& out);
void judge_cpus(const Facts& facts, Findings& out);
void judge_forwarding(const Facts& facts, Findings& out);
void judge_bridge_filter(const Facts& facts, Findings& out);

// --- judge_port.cpp: whether packets can pass. They say nothing where all is well; what is not
// there is judged by judge_interface alone.
void judge_interface(const Facts& facts, const PortFacts& port, Findings& out);
void judge_link(const Facts& facts, const PortFacts& port, Findings& out);
void judge_mtu(const Facts& facts, const PortFacts& port, Findings& out);
void judge_offloads(const Facts& facts, const PortFacts& port, Findings& out);
void judge_tso(const Facts& facts, const PortFacts& port, Findings& out);
void judge_hearing(const Facts& facts, const PortFacts& port, Findings& out);
void judge_note(const Facts& facts, const PortFacts& port, Findings& out);  // ok, whatever it says

// --- judge_company.cpp: who else is on the port's interface
void judge_owner(const Facts& facts, const PortFacts& port, Findings& out);
void judge_addresses(const Facts& facts, const PortFacts& port, Findings& out);
void judge_ipv6(const Facts& facts, const PortFacts& port, Findings& out);
void judge_master(const Facts& facts, const PortFacts& port, Findings& out);
void judge_programs(const Facts& facts, const PortFacts& port, Findings& out);
void judge_qdisc(const Facts& facts, const PortFacts& port, Findings& out);

// --- Of the facts, what several judgements ask
// A BPF program keeps the kernel's stack off the port's interface, or will when vethwayd starts.
bool is_shielded(const Facts& facts, const PortFacts& port);
// There are ports on kernel interfaces, or it is not known which there are.
bool wants_interfaces(const Facts& facts);
bool has_capability(const MachineFacts& machine, int capability);
// The port moves frames by DPDK's own drivers, which carry no offloads.
bool is_stock(const PortFacts& port);
// "q1", or "eth0 in h1".
std::string name_of(const Peer& peer);
// As it may be pasted into a shell: a container names its end of a cable as it likes.
std::string shell_word(const std::string& text);
// `command` as it is typed here to run in that namespace.
std::string in_netns(const std::string& netns, const std::string& command);

}  // namespace vethway::doctor
