// SPDX-License-Identifier: Apache-2.0
// What the doctor makes of the facts of a port and its interface.
#include <gtest/gtest.h>

#include "tests/unit/doctor_facts.h"

namespace vethway::doctor {
namespace {

using namespace test;

TEST(DoctorPort, OneLineWhenAllIsWell) {
    const auto all = judge(healthy());
    EXPECT_EQ(all.back().subject, "port p1");
    EXPECT_EQ(all.back().what, "veth on v1, MTU 1500, cable to eth0 in h1");
    EXPECT_NE(all[all.size() - 2].subject, "port p1");
}

TEST(DoctorPort, NoInterface) {
    const auto gone = [](PortFacts& p) { p.interface.reset(), p.peer.reset(); };
    EXPECT_EQ(with_port(gone), "bad interface: no interface v1 in this network namespace\n");
    EXPECT_NE(advice_with_port(gone).means.find("comes back by itself"), std::string::npos);
    Facts f = before_start();
    gone(f.ports.front());
    EXPECT_EQ(advice_of(f).means, "vethwayd does not start.");
    EXPECT_EQ(advice_of(f).command, "ip link add v1 type veth peer name PEER");
}

TEST(DoctorPort, Link) {
    const auto down = [](PortFacts& p) {
        p.interface->link.up = p.interface->link.carrier = false;
    };
    EXPECT_EQ(with_port(down), "bad link: interface v1 is down\n");
    EXPECT_EQ(with_port(down, before_start()), "") << "vethwayd sets it up";
    const auto peer_down = [](PortFacts& p) { p.peer->link.up = false; };
    EXPECT_EQ(with_port(peer_down, before_start()),
              "bad link: the other end of the cable is down: eth0 in h1\n");
    EXPECT_EQ(advice_with_port(peer_down).command, "ip netns exec h1 ip link set eth0 up");
    EXPECT_EQ(with_port([](PortFacts& p) {
                  p.peer.reset();
                  p.interface->link.carrier = false;
              }),
              "bad link: interface v1 has no carrier\n");
    EXPECT_EQ(with_port([&](PortFacts& p) {
                  down(p);
                  p.admin_up = false;
              }),
              "");
}

TEST(DoctorPort, LinkOfOtherDevices) {
    const auto memif = [](PortFacts& p) {
        p = {.name = "m0", .kind = "memif", .driver = "net_memif"};
        p.link_up = false;
    };
    EXPECT_EQ(with_port(memif), "warn link: link down\n");
    EXPECT_EQ(with_port(memif, before_start()), "");
}

TEST(DoctorPort, MtuAtBothEnds) {
    const auto less = [](PortFacts& p) { p.peer->link.mtu = 1400; };
    EXPECT_EQ(with_port(less), "bad mtu: MTU 1500 here, 1400 at the other end, eth0 in h1\n");
    EXPECT_EQ(advice_with_port(less).command, "ip netns exec h1 ip link set eth0 mtu 1500");
    const auto wanted = [&](PortFacts& p) {
        less(p);
        p.wanted_mtu = 1400;
    };
    EXPECT_EQ(with_port(wanted, before_start()), "") << "vethwayd sets it";
    EXPECT_NE(with_port(wanted), "") << "somebody has set another since";
}

TEST(DoctorPort, CommandsMayBePasted) {
    EXPECT_EQ(advice_with_port([](PortFacts& p) {
                  p.peer->link = {.name = "$(x)'", .up = false, .mtu = 1500};
                  p.peer->netns = "";
              }).command,
              R"(ip link set '$(x)'\''' up)");
    EXPECT_EQ(advice_with_port([](PortFacts& p) {
                  p.peer->link.up = false;
                  p.peer->netns = "?";
              }).command,
              "nsenter -t PID -n ip link set eth0 up");
}

TEST(DoctorPort, OffloadsThatTheDriverDoesNotCarry) {
    const auto stock = [](PortFacts& p) { p.kind = "af_packet", p.driver = "net_af_packet"; };
    EXPECT_EQ(
        with_port(stock),
        "warn offloads: af_packet carries no offloads; those of eth0 in h1: can't be seen from "
        "here\n");
    EXPECT_EQ(advice_with_port(stock).command,
              "ip netns exec h1 ethtool -K eth0 tx off tso off gso off");
    EXPECT_EQ(
        with_port([&](PortFacts& p) {
            stock(p);
            p.peer->netns = "";
            p.peer->offloads = Offloads{.checksum = true, .tso = true};
        }),
        "warn offloads: af_packet carries no offloads; those of eth0: tx checksums on, TSO on, "
        "GSO off, GRO off\n");
    EXPECT_EQ(with_port([&](PortFacts& p) {
                  stock(p);
                  p.peer->offloads = Offloads{.gro = true};
              }),
              "");
    EXPECT_EQ(with_port([&](PortFacts& p) {
                  stock(p);
                  p.peer.reset();
                  p.interface->offloads = Offloads{.gro = true};
              }),
              "warn offloads: GRO is on at v1\n");
    EXPECT_EQ(with_port([](PortFacts& p) { p.peer->offloads = Offloads{.checksum = true}; }), "")
        << "veth carries them";
}

TEST(DoctorPort, HearingOfANic) {
    const auto nic = [](PortFacts& p) {
        p.peer.reset();
        p.interface->link.kind = "";
        p.interface->link.peer.reset();
        p.interface->link.promiscuity = 0;
    };
    EXPECT_EQ(with_port(nic), "") << "the MAC is the NIC's";
    EXPECT_EQ(with_port([&](PortFacts& p) {
                  nic(p);
                  p.mac = "02:00:00:00:00:99";
              }),
              "warn hearing: v1 is not promiscuous, and the port has a MAC of its own\n");
}

TEST(DoctorPort, TsoOfItsOwnEnd) {
    const auto off = [](PortFacts& p) { p.interface->offloads = Offloads{.checksum = true}; };
    EXPECT_EQ(with_port(off), "warn tso: TSO is off at v1\n");
    EXPECT_EQ(advice_with_port(off).command, "ethtool -K v1 tx on tso on");
    EXPECT_EQ(with_port([](PortFacts& p) { p.interface->offloads = Offloads{.tso = true}; }), "");
}

TEST(DoctorPort, InAnotherNamespace) {
    const auto gone_from = [](const char* netns) {
        return [netns](PortFacts& p) {
            p.interface.reset(), p.peer.reset();
            p.netns = netns;
        };
    };
    EXPECT_EQ(with_port(gone_from("lab")), "bad interface: no interface v1 in lab\n");
    const std::string add = "ip link add v1 type veth peer name PEER";
    EXPECT_EQ(advice_with_port(gone_from("lab")).command, "ip netns exec lab " + add);
    EXPECT_EQ(advice_with_port(gone_from("4711")).command, "nsenter -t 4711 -n " + add);
    EXPECT_EQ(advice_with_port(gone_from("/x/net")).command, "nsenter --net='/x/net' " + add);
    EXPECT_EQ(with_port([&](PortFacts& p) {
                  gone_from("lab")(p);
                  p.unseen = "no network namespace";
              }),
              "bad interface: no network namespace\n");
}

TEST(DoctorPort, OptionsOfVeth) {
    const auto makes_it = [](PortFacts& p) {
        p.interface.reset(), p.peer.reset();
        p.makes_it = true;
    };
    EXPECT_EQ(with_port(makes_it, before_start()), "");
    EXPECT_NE(with_port(makes_it), "");
    EXPECT_EQ(with_port([](PortFacts& p) {
                  p.interface->link.qdisc = "tbf";
                  p.wants_qdisc = true;
              }),
              "");
    EXPECT_EQ(with_port([](PortFacts& p) { p.wants_shield = false; }, unshielded()), "");
}

TEST(DoctorPort, NotesAreRepeated) {
    Facts f = healthy();
    f.ports.front().note = "shield by clsact";
    const auto all = judge(f);
    EXPECT_EQ(complaints(f), "");
    EXPECT_EQ(all[all.size() - 2].what, "shield by clsact");
}

}  // namespace
}  // namespace vethway::doctor
