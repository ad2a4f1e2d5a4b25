// SPDX-License-Identifier: Apache-2.0
// The kernel interface that a port takes over, whatever driver moves the packets.
#pragma once

#include <optional>
#include <string>

#include "dataplane/port/kernel_link.h"
#include "dataplane/port/netns.h"
#include "dataplane/port/port.h"
#include "dataplane/port/shield.h"

namespace vethway {

// From construction to destruction nobody else's vethwayd has the interface; it is up, has the
// asked MTU and hears everything, and the kernel's stack is off it. Then all that is undone.
// Control thread.
class Netdev {
public:
    // `largest_mtu`: that the driver's buffers carry. Throws PortError.
    Netdev(const PortSpec& spec, unsigned largest_mtu);
    ~Netdev();
    Netdev(const Netdev&) = delete;
    Netdev& operator=(const Netdev&) = delete;

    unsigned ifindex() const noexcept { return link_.ifindex; }
    uint16_t mtu() const noexcept;
    void limit_mtu(unsigned largest) noexcept;  // the driver has found out that it is less
    // Fills in what is to be known of the interface; info.offloads is set. Throws PortError if it
    // is gone.
    void describe(PortInfo& info) const;
    // As Port::refresh(), set_mtu(), down_reason(), is_replaced() and let_go().
    bool refresh(PortInfo& info) const noexcept;
    void set_mtu(uint16_t mtu, PortInfo& info);
    std::string down_reason() const;
    bool is_replaced() const noexcept;
    void let_go() noexcept { claim_.release(); }
    // To open sockets in.
    NetnsScope enter() const { return {name_, netns_}; }

private:
    void check_mtu(unsigned mtu) const;

    std::string name_;  // the port's
    Fd netns_;
    KernelLink link_;  // as it was
    InterfaceClaim claim_;
    std::optional<Shield> shield_;
    unsigned largest_mtu_;
    std::optional<KernelLinkSettings> settings_;
};

}  // namespace vethway
