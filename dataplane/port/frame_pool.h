// SPDX-License-Identifier: Apache-2.0
// The mbufs that ports receive into.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>
#include <string>

namespace vethway {

struct FramePoolSpec {
    std::string name;
    unsigned mbufs = 16384;
    unsigned cache = 256;
    uint16_t private_size = 64;
    uint16_t data_room = RTE_MBUF_DEFAULT_BUF_SIZE;  // headroom included
    int socket = SOCKET_ID_ANY;
    bool for_dma = false;  // a NIC's driver reads and writes them by bus address
};

// Control thread. Like rte_pktmbuf_pool_create, but the objects follow each other without a gap,
// which net_af_xdp takes for granted: it registers populated_size * object size from the first one
// on, while rte_mempool_op_populate_helper starts a new page for every object that would cross one.
// With 4 KiB pages (--no-huge) that puts three mbufs in eight out of the kernel's sight; each is
// lost with the frame in it the first time it is used. Null with rte_errno on failure.
//
// An mbuf that crosses a page has one bus address only where IOVA is the virtual address (EAL's
// --iova-mode=va); else `for_dma` means rte_pktmbuf_pool_create, and such a pool has no net_af_xdp.
rte_mempool* create_frame_pool(const FramePoolSpec& spec);

// The pool is as net_af_xdp needs it; otherwise why not, as a clause ("… are not contiguous").
std::string why_not_umem(rte_mempool& pool);

}  // namespace vethway
