// SPDX-License-Identifier: Apache-2.0
#include <rte_mbuf.h>

#include "dataplane/port/frame_pool.h"
#include "dataplane/port/netdev_port.h"

namespace vethway {

namespace {

constexpr unsigned kXdpHeadroom = 256;  // XDP_PACKET_HEADROOM, include/uapi/linux/bpf.h
// What the driver takes at once and keeps (fill ring), and may have in flight each way.
constexpr unsigned kMbufsHeld = 2 * XskRings::kDescriptors;

unsigned largest_mtu_in_umem(rte_mempool& pool) noexcept {
    const unsigned taken = RTE_PKTMBUF_HEADROOM + kXdpHeadroom + kFrameOverhead;
    const unsigned room = rte_pktmbuf_data_room_size(&pool);
    return room > taken ? room - taken : 0;
}

}  // namespace

AfXdpPort::AfXdpPort(const PortSpec& spec, unsigned largest) : NetdevPort(spec, largest) {}

AfXdpPort::AfXdpPort(const PortSpec& spec, rte_mempool& pool)
    : AfXdpPort(spec, largest_mtu_in_umem(pool)) {
    const NetnsScope scope = netdev_.enter();
    if (const std::string why = why_not_umem(pool); !why.empty())
        fail("AF_XDP can't use the mbuf pool: " + why);
    if (rte_mempool_avail_count(&pool) < 2 * kMbufsHeld)
        fail("AF_XDP wants " + std::to_string(2 * kMbufsHeld) + " free mbufs, the pool has " +
             std::to_string(rte_mempool_avail_count(&pool)));
    silence_bpf_libraries();
    const unsigned ifindex = netdev_.ifindex();
    if (XdpAttachment::clear_stale(name_, ifindex))
        info_.add_note("took off an XDP program that was left on " + spec.netdev);
    XdpAttachment::rehearse(name_, ifindex);
    // Veth has no "combined channels", so the driver takes one queue. busy_budget=0: an empty poll
    // costs no system call, and the kernel's own NAPI fills the ring while the worker sleeps.
    probe("net_af_xdp" + std::to_string(spec.unique) + ",iface=" + spec.netdev +
          ",start_queue=0,queue_count=1,busy_budget=0");
    start(1, XskRings::kDescriptors, std::nullopt, pool);
    sockets_ = xdp_sockets();
    attachment_ = XdpAttachment::adopt(ifindex);
    settle();
}

AfXdpPort::~AfXdpPort() {
    const NetnsScope scope = netdev_.enter();
    attachment_.release();  // first: from here no frame is redirected to the socket
    close_device();
}

PortStats AfXdpPort::stats() const noexcept {
    PortStats s = NetdevPort::stats();
    s.tx_errors = 0;  // the driver counts frames that it left to the caller, who has them still
    return s;
}

}  // namespace vethway
