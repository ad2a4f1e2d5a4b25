// SPDX-License-Identifier: Apache-2.0
// Ports on an interface of the kernel, a veth end above all, by DPDK's own drivers for that.
#pragma once

#include <memory>
#include <vector>

#include "dataplane/port/ethdev_port.h"
#include "dataplane/port/shield.h"
#include "dataplane/port/xdp_attachment.h"

namespace vethway {

// What both drivers share: the interface is up, has the asked MTU and hears everything, the
// kernel's stack is off it, and all that is undone in the end.
class NetdevPort : public EthdevPort {
public:
    int rx_fd(uint16_t queue) const noexcept override {
        return queue < sockets_.size() ? sockets_[queue] : -1;
    }
    void set_mtu(uint16_t mtu) override;
    bool refresh() noexcept override;
    void add_note(const std::string& note);

protected:
    NetdevPort(const PortSpec& spec, unsigned largest_mtu);  // throws PortError
    void settle();  // after start(): what DPDK can't know of the interface

    InterfaceClaim claim_;
    unsigned ifindex_ = 0;
    std::vector<int> sockets_;  // the driver's, one a queue; it closes them
    Shield shield_;
    unsigned largest_mtu_;  // that the buffers carry

private:
    NetdevPort(const PortSpec& spec, const KernelLink& link, unsigned largest_mtu);
    void check_mtu(unsigned mtu) const;

    uint16_t own_mtu_ = 0;
};

class AfPacketPort final : public NetdevPort {
public:
    AfPacketPort(const PortSpec& spec, rte_mempool& pool);  // throws PortError
    ~AfPacketPort() override { close_device(); }
    PortStats stats() const noexcept override;

private:
    AfPacketPort(const PortSpec& spec, unsigned largest_mtu);
    void discard_strays() noexcept;

    XdpAttachment no_super_frames_;
    mutable uint64_t rx_missed_ = 0;  // reading PACKET_STATISTICS clears it
};

class AfXdpPort final : public NetdevPort {
public:
    AfXdpPort(const PortSpec& spec, rte_mempool& pool);  // throws PortError
    ~AfXdpPort() override;
    PortStats stats() const noexcept override;

private:
    // Delegated to, so that an exception after it still runs ~AfXdpPort.
    AfXdpPort(const PortSpec& spec, unsigned largest_mtu);

    XdpAttachment attachment_;
};

// Control thread: AF_XDP where it can be had, else AF_PACKET with a note why. Throws PortError.
std::unique_ptr<Port> open_veth(const PortSpec& spec, rte_mempool& pool);

}  // namespace vethway
