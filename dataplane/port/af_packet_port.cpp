// SPDX-License-Identifier: Apache-2.0
#include <linux/if_packet.h>
#include <rte_mbuf.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "dataplane/port/netdev_port.h"
#include "dataplane/port/own_sockets.h"

namespace vethway {

namespace {

// In front of a received frame in its slot, as tpacket_rcv of net/packet/af_packet.c places it:
// TPACKET_ALIGN(TPACKET2_HDRLEN + 16) less the Ethernet header.
constexpr unsigned kRxOffset = 66;
// What the driver counts as taken of a slot when it compares it with an mbuf (eth_rx_queue_setup).
constexpr unsigned kSlotHeader = TPACKET2_HDRLEN - sizeof(sockaddr_ll);
constexpr unsigned kSlots = 512;

struct RingSize {
    unsigned slot, block;
};

// The driver finds slot i at i * slot, so slots must fill a block, which is made of whole pages.
// 2048-byte slots do that in one page; larger ones are multiples of 32, 128 of them a block.
RingSize ring_size(unsigned mtu) noexcept {
    const unsigned needed = mtu + kFrameOverhead + kRxOffset;
    if (needed <= 2048) return {2048, 32 * 2048};
    const unsigned slot = (needed + 31) / 32 * 32;
    return {slot, 128 * slot};
}

unsigned largest_mtu_in_slot(rte_mempool& pool) noexcept {
    const unsigned room = rte_pktmbuf_data_room_size(&pool);
    // The tag that the kernel took off the frame is put back in the mbuf's headroom.
    const unsigned slot = (room - RTE_PKTMBUF_HEADROOM + kSlotHeader) / 32 * 32;
    const unsigned overhead = kFrameOverhead + kRxOffset;
    return slot < 2048 ? 0 : std::min(slot - overhead, unsigned{UINT16_MAX});
}

}  // namespace

AfPacketPort::AfPacketPort(const PortSpec& spec, unsigned largest) : NetdevPort(spec, largest) {}

AfPacketPort::AfPacketPort(const PortSpec& spec, rte_mempool& pool)
    : AfPacketPort(spec, largest_mtu_in_slot(pool)) {
    const NetnsScope scope = netdev_.enter();
    no_super_frames_ = XdpAttachment::pass_on_veth(spec.netdev, netdev_.ifindex());
    const RingSize ring = ring_size(netdev_.mtu());
    netdev_.limit_mtu(ring.slot - kFrameOverhead - kRxOffset);
    // qdisc_bypass is the driver's default, and what takes its frames past the shield.
    probe("net_af_packet" + std::to_string(spec.unique) + ",iface=" + spec.netdev +
          ",qpairs=" + std::to_string(std::max(1U, spec.queues)) +
          ",framesz=" + std::to_string(ring.slot) + ",blocksz=" + std::to_string(ring.block) +
          ",framecnt=" + std::to_string(kSlots) + ",qdisc_bypass=1");
    sockets_ = packet_sockets(netdev_.ifindex());
    if (sockets_.size() > spec.queues) sockets_.resize(std::max(1U, spec.queues));
    const int on = 1;
    for (const int fd : sockets_)
        setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
    start(spec.queues, kSlots, std::nullopt, pool);
    settle();
    info_.may_truncate = true;
    discard_strays();
}

AfPacketPort::~AfPacketPort() {
    const NetnsScope scope = netdev_.enter();
    close_device();
}

// Between socket() and bind() the driver's sockets hear every interface (cured in DPDK 24.11 only).
void AfPacketPort::discard_strays() noexcept {
    std::array<rte_mbuf*, 32> frames{};
    for (uint16_t q = 0; q < info_.rx_queues; ++q)
        for (unsigned seen = 0; seen < kSlots;) {
            const uint16_t n = rx_burst(q, frames.data(), frames.size());
            if (n == 0) break;
            rte_pktmbuf_free_bulk(frames.data(), n);
            seen += n;
        }
}

PortStats AfPacketPort::stats() const noexcept {
    PortStats s = NetdevPort::stats();
    for (const int fd : sockets_) {
        tpacket_stats lost{};
        socklen_t len = sizeof lost;
        if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &lost, &len) == 0)
            rx_missed_ += lost.tp_drops;
    }
    s.rx_missed = rx_missed_;
    return s;
}

}  // namespace vethway
