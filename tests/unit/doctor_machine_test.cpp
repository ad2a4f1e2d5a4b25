// SPDX-License-Identifier: Apache-2.0
// What the doctor makes of a machine's facts, and how it is told.
#include <gtest/gtest.h>
#include <linux/capability.h>

#include <cerrno>

#include "control/doctor/report.h"
#include "tests/unit/doctor_facts.h"

namespace vethway::doctor {
namespace {

using namespace test;

void lose(Facts& f, int capability) { f.machine.capabilities &= ~(uint64_t{1} << capability); }

TEST(DoctorMachine, NothingToSay) {
    EXPECT_EQ(complaints(healthy()), "");
    EXPECT_EQ(complaints(before_start()), "");
}

TEST(DoctorMachine, WithoutNetAdminNoPortOpens) {
    const auto lost = [](Facts& f) { lose(f, CAP_NET_ADMIN); };
    EXPECT_EQ(with(lost), "bad capabilities: no capability NET_ADMIN\n");
    Facts f = healthy();
    lost(f);
    EXPECT_NE(advice_of(f).command.find("CAP_NET_ADMIN"), std::string::npos);
    f.machine.container = true;
    EXPECT_EQ(advice_of(f).command, "docker run --cap-add NET_ADMIN …");
    f.ports.front().netdev = "";  // a memif, say
    EXPECT_EQ(complaints(f), "") << "nothing needs it";
}

TEST(DoctorMachine, WithoutNetRawOneComplaint) {
    EXPECT_EQ(with([](Facts& f) {
                  lose(f, CAP_NET_RAW);
                  f.machine.trials.packet_socket = f.machine.trials.xdp_socket = EPERM;
                  f.machine.trials.packet_fanout = f.machine.trials.packet_vnet_hdr = EPERM;
              }),
              "bad capabilities: no capability NET_RAW\n");
}

TEST(DoctorMachine, PacketSockets) {
    EXPECT_EQ(
        with([](Facts& f) { f.machine.trials.packet_socket = EAFNOSUPPORT; }),
        "bad packet_sockets: no AF_PACKET sockets: Address family not supported by protocol\n");
    EXPECT_EQ(with([](Facts& f) { f.machine.trials.packet_vnet_hdr = ENOPROTOOPT; }),
              "bad packet_sockets: AF_PACKET without PACKET_VNET_HDR: Protocol not available\n");
}

TEST(DoctorMachine, ShieldByProgramOrBySettings) {
    const auto refused = [](Facts& f) {
        f.machine.trials.tc_program = f.machine.trials.tcx = EPERM;
    };
    EXPECT_EQ(with(refused, before_start()),
              "warn shield: BPF programs may not be loaded (needs BPF and NET_ADMIN, or "
              "SYS_ADMIN)\n");
    EXPECT_EQ(with([](Facts& f) { f.machine.trials.tcx = EINVAL; }, before_start()), "")
        << "then by a filter";
}

TEST(DoctorMachine, AfXdpMattersToWhoWantsIt) {
    const auto no_look_up = [](Facts& f) { f.machine.trials.program_look_up = EPERM; };
    EXPECT_EQ(with(no_look_up), "");
    Facts wants = before_start();
    wants.ports.front().kind = "af_xdp";
    wants.ports.front().peer->offloads = Offloads{};
    EXPECT_EQ(with(no_look_up, wants), "bad af_xdp: no AF_XDP: libxdp needs SYS_ADMIN\n");
    Facts machine = before_start();
    machine.scope = Scope::machine;
    machine.ports.clear();
    EXPECT_EQ(with(no_look_up, machine), "warn af_xdp: no AF_XDP: libxdp needs SYS_ADMIN\n");
    EXPECT_EQ(with([](Facts& f) { f.machine.trials.xdp_socket = EAFNOSUPPORT; }, wants),
              "bad af_xdp: no AF_XDP: Linux 6.1.0 has no AF_XDP sockets\n");
}

TEST(DoctorMachine, LockedMemory) {
    Facts f = before_start();
    f.ports.front().peer->offloads = Offloads{};
    f.machine.memlock = 64 << 10;
    EXPECT_EQ(complaints(f), "") << "IPC_LOCK";
    lose(f, CAP_IPC_LOCK);
    EXPECT_EQ(complaints(f), "") << "veth: locks nothing";
    f.ports.front().kind = "af_packet";
    EXPECT_EQ(complaints(f), "bad memlock: RLIMIT_MEMLOCK is 64 KiB, about 2 MiB are wanted\n");
    f.machine.memlock = 8 << 20;
    EXPECT_EQ(complaints(f), "");
    f.ports.front().kind = "af_xdp";
    EXPECT_EQ(complaints(f), "bad memlock: RLIMIT_MEMLOCK is 8192 KiB, about 80 MiB are wanted\n");
    f.machine.memlock.reset();
    EXPECT_EQ(complaints(f), "") << "unlimited";
}

TEST(DoctorMachine, Hugepages) {
    Facts f = before_start();
    f.machine.hugepages = {.total = 10, .free = 4, .wanted = 40};
    EXPECT_EQ(complaints(f), "warn hugepages: hugepages of 2 MiB: 4 of 10 free, 40 wanted\n");
    EXPECT_EQ(advice_of(f).command,
              "echo 46 > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages");
    f.machine.hugepages.mode = vethway::Hugepages::required;
    EXPECT_EQ(complaints(f), "bad hugepages: hugepages of 2 MiB: 4 of 10 free, 40 wanted\n");
    f.machine.hugepages.mode = vethway::Hugepages::off;
    EXPECT_EQ(complaints(f), "");
}

TEST(DoctorMachine, HugepagesThatAContainerMayNotPlace) {
    Facts f = before_start();
    f.machine.trials.mempolicy = EPERM;
    EXPECT_EQ(complaints(f), "bad hugepages: hugepages need get_mempolicy(2), which is refused\n");
    EXPECT_EQ(advice_of(f).command, "docker run --cap-add SYS_NICE …");
    f.machine.hugepages.free = 0;
    EXPECT_EQ(complaints(f).substr(0, 5), "warn ") << "none would be taken";
    f.machine.hugepages.mode = vethway::Hugepages::off;
    EXPECT_EQ(complaints(f), "");
}

TEST(DoctorMachine, CpusOfWorkers) {
    const auto worker = [](WorkerCpu w, Idle idle = Idle::adaptive) {
        Facts f = healthy();
        f.idle = idle;
        f.machine.workers = {std::move(w)};
        return complaints(f);
    };
    EXPECT_EQ(worker({.cpu = 1, .governor = "performance", .with_control = true}), "");
    EXPECT_EQ(worker({.cpu = 1, .governor = "powersave"}),
              "warn cpus: CPU 1 of a worker has the frequency governor powersave\n");
    EXPECT_EQ(worker({.cpu = 1}, Idle::poll),
              "warn cpus: the worker on CPU 1 polls on a CPU that others may use\n");
    EXPECT_EQ(worker({.cpu = 1, .isolated = true}, Idle::poll), "");
    EXPECT_EQ(worker({.cpu = 0, .with_control = true}, Idle::poll),
              "warn cpus: the worker on CPU 0 polls, and the control thread may run there\n");
    EXPECT_EQ(worker({.cpu = 1, .spun_s = 2, .forced_switches = 500}),
              "warn cpus: the worker on CPU 1 was taken off it 250 times a second\n");
    EXPECT_EQ(worker({.cpu = 1, .spun_s = 0.5, .forced_switches = 500}), "") << "too soon to say";
    EXPECT_EQ(with([](Facts& f) { f.machine.cpu_refusal = "dataplane.workers: 9 wanted"; }),
              "bad cpus: dataplane.workers: 9 wanted\n");
}

TEST(DoctorMachine, KernelForwardsToo) {
    const auto on = [](Facts& f) {
        f.machine.ip_forward = true;
        f.ports.front().interface->forwards = true;
    };
    const std::string shielded =
        "warn forwarding: the kernel forwards here, too (net.ipv4.ip_forward=1)\n";
    EXPECT_EQ(with(on), shielded);
    EXPECT_EQ(with(on, before_start()), shielded);
    Facts bare = healthy();
    bare.ports.front().interface->programs.clear();
    bare.ports.front().interface->ipv6 = false;
    EXPECT_EQ(
        with(on, bare),
        "bad forwarding: the kernel forwards what port p1 receives (net.ipv4.ip_forward=1)\n");
}

TEST(DoctorMachine, BridgesThatAskIptables) {
    Facts f = healthy();
    f.machine.bridge_calls_iptables = true;
    EXPECT_EQ(complaints(f), "") << "no cable ends at a bridge";
    f.ports.front().peer->netns = "";
    f.ports.front().peer->master = "br0";
    EXPECT_EQ(complaints(f),
              "warn bridge_filter: port p1: bridges of the kernel ask iptables "
              "(bridge-nf-call-iptables=1)\n");
}

// --- The report ------------------------------------------------------------------------------
Report report_of(const Facts& facts) { return {facts.scope, "v.yaml", judge(facts)}; }

TEST(DoctorReport, StatusIsTheWorst) {
    Facts f = healthy();
    EXPECT_EQ(report_of(f).exit_status(), 0);
    EXPECT_EQ(report_of(f).json()["status"], "ok");
    f.machine.ip_forward = true;
    EXPECT_EQ(report_of(f).exit_status(), 0) << "a warning is no failure";
    EXPECT_EQ(report_of(f).json()["status"], "warn");
    lose(f, CAP_NET_RAW);
    const Report report = report_of(f);
    EXPECT_EQ(report.exit_status(), 1);
    EXPECT_EQ(report.json()["status"], "bad");
    EXPECT_EQ(report.json()["counts"]["bad"], 1);
    EXPECT_EQ(report.json()["findings"].size(), report.findings.size());
}

TEST(DoctorReport, TextIsAlignedAndWrapped) {
    const Report report{
        Scope::file,
        "v.yaml",
        {{Status::ok, "a", "machine", "well", {"not", "shown", ""}},
         {Status::bad,
          "b",
          "port uplink",
          "ill",
          {std::string(50, 'x') + ' ' + std::string(40, 'y'), "do it", "ip link"}}}};
    EXPECT_EQ(report.text(false),
              "what vethwayd would find here with v.yaml; none was asked\n"
              "ok    machine      well\n"
              "bad   port uplink  ill\n"
              "                   means  " +
                  std::string(50, 'x') + "\n" + "                          " +
                  std::string(40, 'y') + "\n" +
                  "                   mend   do it\n"
                  "                   run    ip link\n"
                  "1 ok, 0 warn, 1 bad\n");
    EXPECT_NE(report.text(true).find("\033[31mbad \033[0m"), std::string::npos);
}

}  // namespace
}  // namespace vethway::doctor
