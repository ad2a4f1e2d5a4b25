// SPDX-License-Identifier: Apache-2.0
#include "control/plan.h"

#include <gtest/gtest.h>

#include "control/machine.h"
#include "control/port_spec.h"

namespace vethway {
namespace {

using Lines = std::vector<std::string>;
using Cpus = std::vector<unsigned>;

Config two_ports() {
    Config c;
    c.ports = {{.name = "p1", .driver = VethConfig{"p1"}},
               {.name = "p2", .driver = VethConfig{"p2"}}};
    return c;
}

TEST(Changes, NoneBetweenEquals) { EXPECT_EQ(changes_between(two_ports(), two_ports()), Lines{}); }

TEST(Changes, OfEachKind) {
    Config now = two_ports(), next = two_ports();
    const Prefix4 ten{Ip4{10, 0, 0, 0}, 8}, net{Ip4{192, 0, 2, 0}, 24};
    now.routes = {{.to = ten, .next_hops = {{.via = Ip4{10, 1, 0, 2}}}},
                  {.to = net, .action = RouteAction::blackhole}};
    next.routes = {{.to = ten, .next_hops = {{.via = Ip4{10, 1, 0, 3}}}},
                   {.to = ten, .next_hops = {{.via = Ip4{10, 1, 0, 2}}}, .metric = 20}};
    now.neighbours = {{Ip4{10, 1, 0, 9}, {}, "p1"}};
    next.ports[0].mtu = 1400;
    next.ports[1].name = "p3";
    EXPECT_EQ(changes_between(now, next),
              (Lines{"port p1 changed", "port p3 added", "port p2 removed",
                     "route 10.0.0.0/8 changed", "route 10.0.0.0/8 metric 20 added",
                     "route 192.0.2.0/24 removed", "neighbour 10.1.0.9 port p1 removed"}));
}

TEST(Changes, EachPatternIsOneOfItsOwn) {
    Config now = two_ports(), next = two_ports();
    now.ports.push_back({.driver = VethConfig{}, .match = "eth*"});
    next.ports.push_back({.driver = VethConfig{}, .match = "eth*", .adopt_addresses = true});
    next.ports.push_back({.driver = VethConfig{}, .match = "v?"});
    EXPECT_EQ(changes_between(now, next),
              (Lines{R"(ports that match "eth*" changed)", R"(ports that match "v?" added)"}));
}

TEST(Restarts, OnlyForWhatIsFixedAtTheStart) {
    Config next = two_ports();
    next.ports.pop_back();
    EXPECT_EQ(restarts_between(two_ports(), next), Lines{});
    next.dataplane.mbufs = 4096;
    next.dataplane.flight_recorder = 0;
    next.dataplane.telemetry = true;
    next.control.socket = "/run/other.sock";
    EXPECT_EQ(restarts_between(two_ports(), next),
              (Lines{"dataplane.mbufs: can't change while vethwayd runs: restart it",
                     "dataplane.flight_recorder: can't change while vethwayd runs: restart it",
                     "dataplane.telemetry: can't change while vethwayd runs: restart it",
                     "control: can't change while vethwayd runs: restart it"}));
}

// --- CPUs ------------------------------------------------------------------------------------
// "workers / control"
std::string planned(const WorkersConfig& wanted, const Cpus& allowed, size_t ports) {
    const CpuPlan plan = plan_cpus(wanted, allowed, ports);
    std::string text;
    for (const unsigned cpu : plan.workers) text += std::to_string(cpu) + ' ';
    text += '/';
    for (const unsigned cpu : plan.control) text += ' ' + std::to_string(cpu);
    return text;
}

TEST(PlanCpus, AutoLeavesOneToControl) {
    EXPECT_EQ(planned({}, {0, 1}, 2), "1 / 0");
    EXPECT_EQ(planned({}, {0, 1, 2, 3}, 2), "2 3 / 0 1") << "no more workers than ports";
    EXPECT_EQ(planned({}, {0, 1}, 0), "1 / 0");
    EXPECT_EQ(planned({}, {3}, 2), "3 / 3") << "the only one is shared";
}

TEST(PlanCpus, AsWritten) {
    WorkersConfig wanted;
    wanted.count = 2;
    EXPECT_EQ(planned(wanted, {0, 1}, 1), "0 1 / 0 1");
    wanted = {};
    wanted.cpus = {5, 4};
    EXPECT_EQ(planned(wanted, {4, 5, 6}, 1), "5 4 / 6");
}

std::string refusal(const WorkersConfig& wanted, const Cpus& allowed) {
    try {
        plan_cpus(wanted, allowed, 1);
        return "no error";
    } catch (const MachineError& e) {
        return e.what();
    }
}

TEST(PlanCpusRefuses, WhatThereIsNot) {
    EXPECT_EQ(refusal({.count = 3}, {0, 1}),
              "dataplane.workers: 3 wanted, but vethwayd may run on 2 CPUs only");
    EXPECT_EQ(refusal({.cpus = {7}}, {0, 1}),
              "dataplane.workers: cpu 7 is not available to vethwayd, which may run on: 0, 1");
}

// --- Memory ----------------------------------------------------------------------------------
TEST(PlanMemory, ByPorts) {
    EXPECT_EQ(plan_memory({}, 1).mbufs, 9216U);
    EXPECT_EQ(plan_memory(two_ports(), 1).mbufs, 9216U) << "a veth port keeps none";
    Config xdp = two_ports();
    for (PortConfig& port : xdp.ports) port.driver = AfXdpConfig{port.name};
    const DataplaneOptions two = plan_memory(xdp, 1);
    EXPECT_GE(two.mbufs, 16384U) << "net_af_xdp receives nothing with fewer";
    EXPECT_LE(two.mbufs * (two.data_room + 400U), 80U << 20)
        << "of the 128 MiB there should be in all";
}

TEST(PlanMemory, LargestMtuFitsOneMbuf) {
    Config c = two_ports();
    c.ports[0].mtu = 3000;
    EXPECT_GE(plan_memory(c, 1).data_room, 3000 + 14 + 8 + 256);
    EXPECT_EQ(plan_memory(two_ports(), 1).data_room, 2048);
}

TEST(PlanMemory, AsWritten) {
    Config c = two_ports();
    c.dataplane = {.idle = Idle::poll, .mbufs = 5000, .flight_recorder = 7};
    const DataplaneOptions options = plan_memory(c, 2);
    EXPECT_EQ(options.mbufs, 5000U);
    EXPECT_EQ(options.flight_recorder, 7U);
    EXPECT_EQ(options.workers, 2U);
    EXPECT_FALSE(options.idle_sleeps);
    c.dataplane = {.spin_us = 70};
    EXPECT_TRUE(plan_memory(c, 1).idle_sleeps);
    EXPECT_EQ(plan_memory(c, 1).spin_us, 70U);
}

// --- Devargs ---------------------------------------------------------------------------------
struct DevargsCase {
    const char* name;
    PortDriver driver;
    const char* want;
};
class PortSpecOf : public testing::TestWithParam<DevargsCase> {};

TEST_P(PortSpecOf, Devargs) {
    const PortSpec spec = port_spec({.name = "p1", .driver = GetParam().driver}, 2, 7);
    EXPECT_EQ(spec.devargs, GetParam().want);
    EXPECT_EQ(spec.kind, PortSpec::Kind::ethdev);
    EXPECT_EQ(spec.queues, 2U);
}

INSTANTIATE_TEST_SUITE_P(
    Drivers, PortSpecOf,
    testing::Values(
        DevargsCase{"memif",
                    MemifConfig{.socket = "/run/m.sock", .role = MemifRole::client, .id = 3},
                    "net_memif7,role=client,id=3,socket=/run/m.sock,socket-abstract=no"},
        DevargsCase{"tap", TapConfig{"t0"}, "net_tap7,iface=t0"},
        DevargsCase{"null", NullConfig{}, "net_null7,no-rx=1"},
        DevargsCase{"null_generate", NullConfig{.generate = true}, "net_null7"},
        DevargsCase{"ring", RingConfig{}, "net_ring7"},
        DevargsCase{"pcap", PcapConfig{.rx_file = "a", .tx_file = "b"},
                    "net_pcap7,rx_pcap=a,tx_pcap=b"},
        DevargsCase{"pcap_one_way", PcapConfig{.rx_file = "a"}, "net_pcap7,rx_pcap=a"},
        DevargsCase{"devargs", DevargsConfig{"net_null0,copy=1"}, "net_null0,copy=1"}),
    [](const auto& c) { return c.param.name; });

TEST(PortSpecOf, KernelInterfaces) {
    const PortConfig veth{.name = "p1", .driver = VethConfig{"v"}};
    EXPECT_EQ(kernel_interface(veth), "v");
    EXPECT_EQ(port_spec(veth, 1, 0).kind, PortSpec::Kind::veth);
    EXPECT_EQ(port_spec(veth, 1, 0).netdev, "v");
    const PortConfig xdp{.name = "p1", .driver = AfXdpConfig{"x"}};
    EXPECT_EQ(port_spec(xdp, 1, 0).kind, PortSpec::Kind::af_xdp);
    const PortConfig packet{.name = "p1", .driver = AfPacketConfig{"y"}};
    EXPECT_EQ(port_spec(packet, 1, 0).kind, PortSpec::Kind::af_packet);
    EXPECT_EQ(kernel_interface({.name = "p1", .driver = TapConfig{"t"}}), "");
}

}  // namespace
}  // namespace vethway
