// SPDX-License-Identifier: Apache-2.0
#include "dataplane/port/veth_port.h"

#include <algorithm>

namespace vethway {

std::unique_ptr<VethPair> VethPort::make_pair(const PortSpec& spec) {
    return spec.peer.empty() ? nullptr : std::make_unique<VethPair>(spec);
}

VethPort::VethPort(const PortSpec& spec, const FrameBuffers& buffers)
    : pair_(make_pair(spec)), netdev_(spec, UINT16_MAX) {
    const NetnsScope scope = netdev_.enter();
    const unsigned queues = std::max(1U, spec.queues);
    uint16_t group = 0;
    for (unsigned q = 0; q < queues; ++q) {
        rx_.push_back(
            std::make_unique<VethRx>(spec.name, netdev_.ifindex(), netdev_.mtu(), buffers));
        if (queues > 1) group = rx_.back()->join(spec.name, group);
        tx_.push_back(std::make_unique<VethTx>(spec.name, netdev_.ifindex(), spec.qdisc_bypass));
    }
    info_.driver = "veth";
    info_.device = spec.netdev;
    info_.netns = spec.netns;
    info_.rx_queues = info_.tx_queues = static_cast<uint16_t>(queues);
    info_.offloads = true;
    info_.shares_mbufs = true;
    netdev_.describe(info_);
}

PortStats VethPort::stats() const noexcept {
    PortStats s;
    for (const auto& rx : rx_) {
        s.rx_missed += rx->missed();
        s.rx_errors += rx->errors();
        s.rx_no_buffer += rx->no_buffer();
    }
    return s;
}

}  // namespace vethway
