// SPDX-License-Identifier: Apache-2.0
#include "control/port_spec.h"

#include <fmt/format.h>

namespace vethway {

namespace {

// DPDK's device arguments, as doc/guides/nics of 22.11 describes each driver's.
struct Devargs {
    unsigned unique;
    std::string operator()(const MemifConfig& p) const {
        return fmt::format("net_memif{},role={},id={},socket={},socket-abstract=no", unique,
                           p.role == MemifRole::server ? "server" : "client", p.id, p.socket);
    }
    std::string operator()(const TapConfig& p) const {
        return fmt::format("net_tap{},iface={}", unique, p.interface);
    }
    std::string operator()(const NullConfig& p) const {
        return fmt::format("net_null{}{}", unique, p.generate ? "" : ",no-rx=1");
    }
    std::string operator()(const RingConfig&) const { return fmt::format("net_ring{}", unique); }
    std::string operator()(const PcapConfig& p) const {
        return fmt::format("net_pcap{}{}{}", unique,
                           p.rx_file.empty() ? "" : ",rx_pcap=" + p.rx_file,
                           p.tx_file.empty() ? "" : ",tx_pcap=" + p.tx_file);
    }
    std::string operator()(const DevargsConfig& p) const { return p.devargs; }
    template <class Kernel>
    std::string operator()(const Kernel&) const {
        return {};  // veth, af_packet, af_xdp: the driver writes its own
    }
};

PortSpec::Kind kind_of(const PortDriver& driver) {
    if (std::holds_alternative<VethConfig>(driver)) return PortSpec::Kind::veth;
    if (std::holds_alternative<AfPacketConfig>(driver)) return PortSpec::Kind::af_packet;
    if (std::holds_alternative<AfXdpConfig>(driver)) return PortSpec::Kind::af_xdp;
    return PortSpec::Kind::ethdev;
}

// Of a driver that has no such choice, the default.
VethConfig veth_options(const PortDriver& driver) {
    const auto* p = std::get_if<VethConfig>(&driver);
    return p != nullptr ? *p : VethConfig{};
}

}  // namespace

std::string kernel_interface(const PortConfig& config) {
    if (const auto* p = std::get_if<VethConfig>(&config.driver)) return p->interface;
    if (const auto* p = std::get_if<AfPacketConfig>(&config.driver)) return p->interface;
    if (const auto* p = std::get_if<AfXdpConfig>(&config.driver)) return p->interface;
    return {};
}

std::string interface_of(const PortConfig& config) {
    if (const auto* p = std::get_if<TapConfig>(&config.driver)) return p->interface;
    const std::string netns = veth_options(config.driver).netns;
    return netns.empty() ? kernel_interface(config) : kernel_interface(config) + '@' + netns;
}

PortSpec port_spec(const PortConfig& config, unsigned workers, unsigned unique) {
    const VethConfig veth = veth_options(config.driver);
    return {.name = config.name,
            .kind = kind_of(config.driver),
            .netdev = kernel_interface(config),
            .netns = veth.netns,
            .peer = veth.create ? veth.create->name : "",
            .peer_netns = veth.create ? veth.create->netns : "",
            .shield = veth.shield,
            .qdisc_bypass = veth.qdisc_bypass,
            .devargs = std::visit(Devargs{unique}, config.driver),
            .mac = config.mac,
            .mtu = config.mtu,
            .queues = workers,
            .unique = unique};
}

}  // namespace vethway
