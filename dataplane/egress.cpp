// SPDX-License-Identifier: Apache-2.0
#include "dataplane/egress.h"

#include "dataplane/offload/checksum.h"
#include "dataplane/offload/segment.h"
#include "dataplane/packet_list.h"

namespace vethway {

namespace {

// An interface's gso_max_size unless somebody has changed it, of the frame with its Ethernet
// header; beyond, the kernel would have to cut it, and past the qdisc it does not
// (__dev_direct_xmit of net/core/dev.c).
constexpr uint32_t kLargestGso = 65535;

void send_segments(Context& c, rte_mbuf* m) noexcept {
    PacketList segments;
    segment(c, m, segments);
    while (rte_mbuf* s = segments.pop()) egress(c, s);
}

}  // namespace

void egress_offloaded(Context& c, rte_mbuf* m) noexcept {
    const PacketMeta& packet = meta(*m);
    const PortState& to = c.port(packet.egress);
    if (packet.offload.gso != Gso::none && !(to.super_frames && m->pkt_len <= kLargestGso))
        [[unlikely]]
        return send_segments(c, m);
    if (to.offloads) {
        if (!is_shared(*m)) leave_checksum(*m);
    } else if (packet.offload.checksum == L4Checksum::partial) [[unlikely]] {
        rte_mbuf* const own = c.buffers.with_own_headers(m);
        if (own == nullptr) return c.drops.add(m, Drop::no_buffer);
        m = own;
        complete_checksum(*m);
        c.counters.ports[meta(*m).egress].tx_checksum_completed.add(1);
        c.note(m, Step::checksum_done);
    }
    c.tx.push(c.snap(), m);
}

}  // namespace vethway
