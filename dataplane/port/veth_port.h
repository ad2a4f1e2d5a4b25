// SPDX-License-Identifier: Apache-2.0
// Our own driver for a veth end (or any other Ethernet interface of the kernel): packet sockets, on
// which the kernel says what the sender left to the device, and is told the same (PACKET_VNET_HDR).
#pragma once

#include <memory>
#include <vector>

#include "dataplane/port/netdev.h"
#include "dataplane/port/veth_pair.h"
#include "dataplane/port/veth_rx.h"
#include "dataplane/port/veth_tx.h"

namespace vethway {

class VethPort final : public Port {
public:
    VethPort(const PortSpec& spec, const FrameBuffers& buffers);  // throws PortError

    bool is_closed_anywhere() const noexcept override { return true; }
    uint16_t rx_burst(uint16_t queue, rte_mbuf** frames, uint16_t n) noexcept override {
        return rx_[queue]->receive(frames, n);
    }
    TxResult tx_burst(uint16_t queue, rte_mbuf** frames, uint16_t n) noexcept override {
        return tx_[queue]->send(frames, n);
    }
    int rx_fd(uint16_t queue) const noexcept override { return rx_[queue]->fd(); }
    uint64_t arrival_ns(uint16_t queue) const noexcept override { return rx_[queue]->arrival_ns(); }
    PortStats stats() const noexcept override;
    std::string down_reason() const override { return netdev_.down_reason(); }
    bool is_replaced() const noexcept override { return netdev_.is_replaced(); }
    void let_go() noexcept override { netdev_.let_go(); }
    void set_mtu(uint16_t mtu) override { netdev_.set_mtu(mtu, info_); }
    bool refresh() noexcept override { return netdev_.refresh(info_); }

private:
    static std::unique_ptr<VethPair> make_pair(const PortSpec& spec);

    std::unique_ptr<VethPair> pair_;  // null: the interface is somebody else's
    Netdev netdev_;
    std::vector<std::unique_ptr<VethRx>> rx_;
    std::vector<std::unique_ptr<VethTx>> tx_;
};

}  // namespace vethway
