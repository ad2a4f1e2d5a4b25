// SPDX-License-Identifier: Apache-2.0
// Keeps the kernel's own stack off an interface that the switch owns: no second ARP or ICMP answer,
// no RST, no IPv6 chatter out of it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dataplane/port/kernel_link.h"

namespace vethway {

// The mark (SO_MARK) of frames of the switch's own that go by the interface's queueing discipline,
// and so past the shield's hook.
inline constexpr int kShieldPass = 0x76657468;  // "veth"

// Control thread. Works from construction to destruction. With TCX (Linux 6.6) nothing is left even
// of a killed process; the other ways are put back by the destructor, or by the next start.
//
// Why packet sockets and XDP go on working: taps and XDP come before TCX ingress
// (net/core/dev.c, __netif_receive_skb_core), and AF_XDP's copy mode and AF_PACKET with qdisc
// bypass send by __dev_direct_xmit (ibid.), which has no egress hook; __dev_queue_xmit, the way of
// the kernel's own frames, has one.
class Shield {
public:
    enum class Method : uint8_t { tcx, clsact, sysctl };
    static constexpr const char* kProgramName = "vethway_shield";  // at TCX or clsact

    // Throws PortError. `first`: the method to try first; the kernel's refusal leads to the next.
    Shield(const std::string& port, unsigned ifindex, Method first = Method::tcx);
    ~Shield();
    Shield(const Shield&) = delete;
    Shield& operator=(const Shield&) = delete;

    // The interface is gone, whatever has its index now: there is nothing to be put back.
    void forget() noexcept;

    // "tcx", "clsact", or what was set: "sysctl: arp off, net.ipv6.conf.p1.disable_ipv6=1, …".
    const std::string& description() const noexcept { return description_; }

private:
    struct Sysctl {
        std::string path, before, after;
    };
    bool use_tcx(unsigned ifindex);
    bool use_clsact(unsigned ifindex);
    void leave_clsact() noexcept;
    void use_sysctl(const std::string& port, unsigned ifindex);
    void set(const std::string& key, const std::string& value);

    unsigned ifindex_;
    bool clsact_ = false, made_qdisc_ = false;
    Fd ingress_, egress_;  // BPF links: the kernel detaches them when the last descriptor closes
    std::unique_ptr<KernelLinkSettings> settings_;
    std::vector<Sysctl> changed_;
    std::string description_;
};

}  // namespace vethway
