// SPDX-License-Identifier: Apache-2.0
#include "dataplane/port/ethdev_port.h"
#include "dataplane/port/netdev_port.h"
#include "dataplane/port/port.h"
#include "dataplane/port/veth_port.h"

namespace vethway {

std::unique_ptr<Port> open_port(const PortSpec& spec, const FrameBuffers& buffers) {
    switch (spec.kind) {
        case PortSpec::Kind::ethdev:
            return std::make_unique<EthdevPort>(spec, buffers.ordinary);
        case PortSpec::Kind::af_packet:
            return std::make_unique<AfPacketPort>(spec, buffers.ordinary);
        case PortSpec::Kind::af_xdp:
            return std::make_unique<AfXdpPort>(spec, buffers.ordinary);
        case PortSpec::Kind::veth:
            return std::make_unique<VethPort>(spec, buffers);
    }
    throw PortError("port " + spec.name + ": unknown kind");
}

}  // namespace vethway
