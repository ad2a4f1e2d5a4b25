// SPDX-License-Identifier: Apache-2.0
// The XDP program on an interface, held so that it can't outlive the process.
#pragma once

#include <string>

#include "dataplane/port/kernel_link.h"

namespace vethway {

// libxdp attaches by netlink, and such a program stays when the process is killed: the veth goes on
// paying for XDP, and its peer is left without TSO (drivers/net/veth.c, veth_xdp_set).
class XdpAttachment {
public:
    // Control thread. Takes off what a killed process left. Throws PortError if it can't be: a
    // program held by a BPF link belongs to a process that is alive. True if there was one.
    static bool clear_stale(const std::string& port, unsigned ifindex);

    // Attaches a program that passes everything, and takes it off again: finds out before the
    // driver does whether the process, the kernel and the peer's MTU allow it. The driver would
    // print, and keep 2048 mbufs. Throws PortError that says what is missing.
    static void rehearse(const std::string& port, unsigned ifindex);

    // Attaches a program that passes everything to an interface that is a veth and has none. Its
    // peer then segments itself (drivers/net/veth.c, veth_fix_features), so that a packet socket
    // hears no frame beyond the MTU. Nothing happens where the kernel won't.
    static XdpAttachment pass_on_veth(const std::string& netdev, unsigned ifindex) noexcept;

    // Attaches the program that is there now a second way, by a BPF link of our own, instead.
    // Between the two the interface has none, for some milliseconds. Nothing is changed if the
    // kernel won't have it: then netlink's attachment stays and the driver takes it off.
    static XdpAttachment adopt(unsigned ifindex) noexcept;

    void release() noexcept { link_.reset(); }
    bool by_link() const noexcept { return static_cast<bool>(link_); }

private:
    Fd link_;
};

// Control thread, once DPDK's drivers are loaded: libbpf and libxdp report ordinary events (no
// bpffs, no dispatcher) as warnings on stderr.
void silence_bpf_libraries() noexcept;

}  // namespace vethway
