// SPDX-License-Identifier: Apache-2.0
// Features are tried and not concluded from the kernel's version: distributions carry them back,
// and containers forbid what the kernel has.
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

#include "control/doctor/gather.h"
#include "dataplane/port/kernel_link.h"
#include "dataplane/port/tcx.h"

namespace vethway::doctor {

namespace {

constexpr int kAfXdp = 44;          // AF_XDP, include/linux/socket.h
constexpr int kNoSuch = INT32_MAX;  // an interface or a program that there is not
constexpr const char* kName = "vethway_try";

int error_of(bool works) noexcept { return works ? 0 : errno; }

// r0 = 0; exit. Attached nowhere.
Fd load(bpf_prog_type type) noexcept {
    std::array<bpf_insn, 2> code{};
    code[0].code = BPF_ALU64 | BPF_MOV | BPF_K;
    code[1].code = BPF_JMP | BPF_EXIT;
    return Fd(bpf_prog_load(type, kName, "Apache-2.0", code.data(), code.size(), nullptr));
}

// A kernel that knows TCX looks for the interface, others refuse the word (EINVAL).
int try_tcx(const Fd& program) noexcept {
    const Fd link(bpf_link_create(program.get(), kNoSuch, kTcxIngress, nullptr));
    return link || errno == ENODEV ? 0 : errno;
}

void try_bpf(Trials& t) noexcept {
    const Fd program = load(BPF_PROG_TYPE_SCHED_CLS);
    t.tc_program = error_of(static_cast<bool>(program));
    t.tcx = program ? try_tcx(program) : t.tc_program;
    t.xdp_program = error_of(static_cast<bool>(load(BPF_PROG_TYPE_XDP)));
    const Fd none(bpf_prog_get_fd_by_id(kNoSuch));
    t.program_look_up = none || errno == ENOENT ? 0 : errno;
}

void try_sockets(Trials& t) noexcept {
    const Fd packet(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
    t.packet_socket = error_of(static_cast<bool>(packet));
    if (packet) {
        int value = 0;
        socklen_t size = sizeof value;
        t.packet_fanout =
            error_of(getsockopt(packet.get(), SOL_PACKET, PACKET_FANOUT, &value, &size) == 0);
        value = 1;
        t.packet_vnet_hdr = error_of(
            setsockopt(packet.get(), SOL_PACKET, PACKET_VNET_HDR, &value, sizeof value) == 0);
    } else {
        t.packet_fanout = t.packet_vnet_hdr = t.packet_socket;
    }
    t.xdp_socket = error_of(static_cast<bool>(Fd(socket(kAfXdp, SOCK_RAW | SOCK_CLOEXEC, 0))));
}

}  // namespace

Trials try_kernel() {
    Trials t;
    try_bpf(t);
    try_sockets(t);
    // A kernel without NUMA has none (ENOSYS), and DPDK then does without.
    int mode = 0;
    const bool has = syscall(SYS_get_mempolicy, &mode, nullptr, 0, nullptr, 0) == 0;
    t.mempolicy = has || errno == ENOSYS ? 0 : errno;
    return t;
}

}  // namespace vethway::doctor
