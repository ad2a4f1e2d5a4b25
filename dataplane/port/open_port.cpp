// SPDX-License-Identifier: Apache-2.0
#include "dataplane/port/ethdev_port.h"
#include "dataplane/port/port.h"
#include "dataplane/port/veth_port.h"

namespace vethway {

std::unique_ptr<Port> open_veth(const PortSpec& spec, rte_mempool& pool) {
    std::string why_not;
    try {
        return std::make_unique<AfXdpPort>(spec, pool);
    } catch (const PortError& e) {
        why_not = e.what();
    }
    auto port = std::make_unique<AfPacketPort>(spec, pool);
    port->add_note("no AF_XDP (" + why_not + "), using AF_PACKET");
    return port;
}

std::unique_ptr<Port> open_port(const PortSpec& spec, rte_mempool& pool) {
    switch (spec.kind) {
        case PortSpec::Kind::ethdev:
            return std::make_unique<EthdevPort>(spec, pool);
        case PortSpec::Kind::af_packet:
            return std::make_unique<AfPacketPort>(spec, pool);
        case PortSpec::Kind::af_xdp:
            return std::make_unique<AfXdpPort>(spec, pool);
        case PortSpec::Kind::veth:
            return open_veth(spec, pool);
    }
    throw PortError("port " + spec.name + ": unknown kind");
}

}  // namespace vethway
