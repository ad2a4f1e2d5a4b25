// SPDX-License-Identifier: Apache-2.0
// A port without a wire, a bridge's own, a LAG or a VLAN of another port, as the control thread
// holds it: what it has, it has of those below.
#pragma once

#include <string>

#include "config/config.h"
#include "dataplane/port/port.h"
#include "dataplane/port/stable_mac.h"

namespace vethway {

class LogicalPort final : public Port {
public:
    explicit LogicalPort(const PortConfig& config) {
        info_.driver = driver_name(config.driver);
        info_.rx_queues = info_.tx_queues = 0;
        info_.mac = stable_mac(config.name, info_.driver);
        info_.mtu = config.mtu.value_or(info_.mtu);
    }

    // Nobody has looked at the ports below it.
    bool is_new() const { return is_new_; }
    // What follows from them.
    void take(const std::string& down_reason, uint16_t mtu, bool has_own_mtu) {
        is_new_ = false;
        down_reason_ = down_reason;
        info_.own_mtu = mtu;
        if (!has_own_mtu) info_.mtu = mtu;
    }
    void take_mac(const Mac& mac) { info_.mac = mac; }
    // Whether devices below it know offloads.
    void take_offloads(bool offloads, bool super_frames, bool shares_mbufs) {
        info_.offloads = offloads;
        info_.super_frames = super_frames;
        info_.shares_mbufs = shares_mbufs;
    }

    uint16_t rx_burst(uint16_t, rte_mbuf**, uint16_t) noexcept override { return 0; }
    TxResult tx_burst(uint16_t, rte_mbuf**, uint16_t) noexcept override { return {}; }
    PortStats stats() const noexcept override { return {}; }
    std::string down_reason() const override { return down_reason_; }
    void set_mtu(uint16_t mtu) override { info_.mtu = mtu; }

private:
    bool is_new_ = true;
    std::string down_reason_ = "not looked at yet";
};

}  // namespace vethway
