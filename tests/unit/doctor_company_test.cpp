// SPDX-License-Identifier: Apache-2.0
// What the doctor makes of who else is on a port's interface.
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/unit/doctor_facts.h"

namespace vethway::doctor {
namespace {

using namespace test;

TEST(DoctorCompany, Addresses) {
    const auto left = [](PortFacts& p) { p.interface->addresses = {"10.9.0.1/24", "fe80::1/64"}; };
    const std::string says = " addresses: the kernel has the address 10.9.0.1/24 on v1\n";
    EXPECT_EQ(with_port(left), "warn" + says);
    EXPECT_EQ(with_port(left, unshielded()), "bad" + says);
    EXPECT_EQ(advice_with_port(left).command, "ip address del 10.9.0.1/24 dev v1");
    EXPECT_EQ(with_port(left, before_start()), "warn" + says);
    Facts no_tcx = before_start();
    no_tcx.machine.trials.tcx = EINVAL;
    EXPECT_EQ(with_port(left, no_tcx), "warn" + says) << "a filter then is the shield";
    EXPECT_EQ(with_port([&](PortFacts& p) { left(p), p.adopts = true; }), "");
    EXPECT_EQ(with_port([&](PortFacts& p) { left(p), p.wants_shield = false; }), "warn" + says);
}

TEST(DoctorCompany, Ipv6OfTheKernel) {
    const auto speaks = [](PortFacts& p) { p.interface->ipv6 = true; };
    EXPECT_EQ(with_port(speaks), "");
    EXPECT_EQ(with_port(speaks, unshielded()), "warn ipv6: the kernel speaks IPv6 on v1\n");
}

TEST(DoctorCompany, PartOfABridge) {
    const auto bridged = [](PortFacts& p) { p.interface->master = "br0"; };
    EXPECT_EQ(with_port(bridged), "warn master: v1 is part of br0\n");
    EXPECT_EQ(with_port(bridged, unshielded()), "bad master: v1 is part of br0\n");
}

TEST(DoctorCompany, ProgramsOfOthers) {
    const auto add = [](Program program) {
        return [program = std::move(program)](PortFacts& p) {
            p.interface->programs.push_back(program);
        };
    };
    EXPECT_EQ(with_port(add({"TCX ingress", 9, "cilium"})),
              "warn programs: somebody else's at TCX ingress of v1: cilium\n");
    EXPECT_EQ(with_port(add({"XDP", 9, "filter"}), before_start()),
              "warn programs: somebody else's at XDP of v1: filter\n");
    EXPECT_EQ(with_port(add({"XDP", 9, "vethway_try"})), "");
    const auto u32 = add({"tc ingress", 49152, "u32"});
    EXPECT_EQ(with_port(u32), "warn programs: somebody else's at tc ingress of v1: u32\n");
    EXPECT_EQ(advice_with_port(u32).command, "tc filter del dev v1 ingress pref 49152");
    Facts xdp = healthy();
    xdp.ports.front().driver = "net_af_xdp";
    EXPECT_EQ(with_port(add({"XDP", 9, "xsk_def_prog"}), xdp), "") << "its driver's own";
}

TEST(DoctorCompany, ShieldOfAnOlderKernel) {
    EXPECT_EQ(with_port([](PortFacts& p) {
                  p.interface->programs = {{"tc ingress", 1, "vethway_shield:[7]"},
                                           {"tc egress", 1, "vethway_shield:[7]"}};
              }),
              "");
}

TEST(DoctorCompany, ProgramsWithoutNames) {
    EXPECT_EQ(with_port([](PortFacts& p) {
                  p.interface->programs = {{"TCX ingress", 7, ""}, {"TCX egress", 8, ""}};
              }),
              "");
    EXPECT_EQ(with_port([](PortFacts& p) {
                  p.interface->programs = {{"TCX ingress", 7, ""}, {"TCX ingress", 8, ""}};
              }),
              "warn programs: somebody else's at TCX ingress of v1: program 8\n");
}

TEST(DoctorCompany, OwnedByARunningDaemon) {
    EXPECT_EQ(with_port(
                  [](PortFacts& p) {
                      p.interface->taken = true;
                      p.interface->programs = {{"XDP", 9, "xsk_def_prog"}};
                  },
                  before_start()),
              "warn owner: a vethwayd that runs has interface v1 now\n");
}

TEST(DoctorCompany, QueueingDiscipline) {
    const auto tbf = [](PortFacts& p) { p.interface->link.qdisc = "tbf"; };
    EXPECT_EQ(with_port(tbf), "warn qdisc: v1 has the queueing discipline tbf\n");
    EXPECT_EQ(advice_with_port(tbf).command, "tc qdisc del dev v1 root");
}

}  // namespace
}  // namespace vethway::doctor
