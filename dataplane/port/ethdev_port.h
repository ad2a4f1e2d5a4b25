// SPDX-License-Identifier: Apache-2.0
// A port on any DPDK device.
#pragma once

#include <rte_dev.h>
#include <rte_ethdev.h>

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/port/kernel_link.h"
#include "dataplane/port/port.h"
#include "dataplane/port/xsk_rings.h"

namespace vethway {

constexpr uint32_t kFrameOverhead = RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN;

// Probes, sets up and starts the device; the destructor stops, closes and removes it, so that its
// name and interface are free again.
class EthdevPort : public Port {
public:
    EthdevPort(const PortSpec& spec, rte_mempool& pool);  // spec.devargs; throws PortError
    ~EthdevPort() override { close_device(); }
    EthdevPort(const EthdevPort&) = delete;
    EthdevPort& operator=(const EthdevPort&) = delete;

    uint16_t rx_burst(uint16_t queue, rte_mbuf** frames, uint16_t n) noexcept override {
        return rte_eth_rx_burst(id_, queue, frames, n);
    }
    TxResult tx_burst(uint16_t queue, rte_mbuf** frames, uint16_t n) noexcept override {
        return {.sent = rte_eth_tx_burst(id_, queue, frames, n)};
    }
    PortStats stats() const noexcept override;
    std::string down_reason() const override;
    void set_mtu(uint16_t mtu) override;

protected:
    // What the drivers for kernel interfaces build on: first settle the interface, then these.
    explicit EthdevPort(const std::string& name) : name_(name) {}
    void probe(const std::string& devargs);
    void start(unsigned queues, uint16_t descriptors, std::optional<uint16_t> mtu,
               rte_mempool& pool);
    void close_device() noexcept;
    [[noreturn]] void fail(const std::string& what) const;
    [[noreturn]] void fail(const std::string& call, int error) const;

    const std::vector<int>& xdp_sockets() const noexcept { return xdp_sockets_; }

    std::string name_;
    uint16_t id_ = RTE_MAX_ETHPORTS;            // none
    std::optional<KernelLinkSettings> kernel_;  // of a device that has an interface

private:
    struct MtuRange {
        uint32_t least, most;
        std::string limited_by;
    };
    // Delegated to, so that an exception after it still runs ~EthdevPort.
    EthdevPort(const PortSpec& spec, const std::string& devargs);
    void find_device(const std::string& device);
    MtuRange mtu_range(const rte_eth_dev_info& dev) const;
    void check_mtu(uint16_t mtu) const;
    void configure(const rte_eth_dev_info& dev, unsigned queues, std::optional<uint16_t> mtu);
    void set_up_queues(const rte_eth_dev_info& dev, uint16_t descriptors, rte_mempool& pool);
    void choose_mac(const PortSpec& spec);
    void apply_mtu(uint16_t mtu);
    void drain() noexcept;

    rte_device* device_ = nullptr;
    rte_mempool* pool_ = nullptr;
    std::vector<int> xdp_sockets_, xdp_maps_;  // which net_af_xdp and libxdp fail to close
    // Mapped as long as the interface is there: of one that is gone the kernel maps none.
    std::deque<XskRings> xsk_rings_;
    bool started_ = false;
};

// "net_null,copy=1" -> "net_null7,copy=1": DPDK wants the name of a virtual device unique, and a
// user who gave no number doesn't care which.
std::string numbered_devargs(const std::string& devargs, unsigned unique);

}  // namespace vethway
