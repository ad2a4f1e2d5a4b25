// SPDX-License-Identifier: Apache-2.0
// Ports on an interface of the kernel by DPDK's own drivers for that. They can't say what a sender
// left to the device, so they make the peer do it, or it is found out by the look of the frame
// (rx_repair.h).
#pragma once

#include <memory>
#include <vector>

#include "dataplane/port/ethdev_port.h"
#include "dataplane/port/netdev.h"
#include "dataplane/port/xdp_attachment.h"

namespace vethway {

class NetdevPort : public EthdevPort {
public:
    int rx_fd(uint16_t queue) const noexcept override {
        return queue < sockets_.size() ? sockets_[queue] : -1;
    }
    void set_mtu(uint16_t mtu) override { netdev_.set_mtu(mtu, info_); }
    bool refresh() noexcept override { return netdev_.refresh(info_); }
    std::string down_reason() const override { return netdev_.down_reason(); }
    bool is_replaced() const noexcept override { return netdev_.is_replaced(); }
    void let_go() noexcept override { netdev_.let_go(); }

protected:
    NetdevPort(const PortSpec& spec, unsigned largest_mtu)  // throws PortError
        : EthdevPort(spec.name), netdev_(spec, largest_mtu) {}
    // After start(): what DPDK can't know of the interface. ethdev takes both drivers for 1500-byte
    // ones, so it is never told the MTU: the kernel is.
    void settle();

    Netdev netdev_;
    std::vector<int> sockets_;  // the driver's, one a queue; it closes them
};

class AfPacketPort final : public NetdevPort {
public:
    AfPacketPort(const PortSpec& spec, rte_mempool& pool);  // throws PortError
    ~AfPacketPort() override;
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

}  // namespace vethway
