// SPDX-License-Identifier: Apache-2.0
// Takes back the mbufs that net_af_xdp leaves in the kernel's rings when it closes.
#pragma once

#include <rte_mempool.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace vethway {

// eth_dev_close of DPDK 22.11 frees neither what is in the rings (2048 mbufs and more each time)
// nor the umem: it compares `--refcnt - 1` with 0, so that the socket stays open and bound to its
// queue, and the next bind of it fails with EBUSY. We map the rings ourselves at the start, and
// when the driver is gone close the descriptor and free what they hold.
class XskRings {
public:
    // ETH_AF_XDP_DFLT_NUM_DESCS, and the fill ring twice that
    // (drivers/net/af_xdp/rte_eth_af_xdp.c).
    static constexpr uint16_t kDescriptors = 2048;

    // Control thread. `fd`: the driver's socket, with rings of the driver's sizes.
    explicit XskRings(int fd) noexcept;
    ~XskRings();
    XskRings(const XskRings&) = delete;
    XskRings& operator=(const XskRings&) = delete;

    // Control thread, the driver closed and no program redirecting to the socket any more. Closes
    // the socket. `pool`: the one that the driver registered as umem.
    void reclaim(rte_mempool& pool) noexcept;

private:
    struct Ring {
        std::byte* map = nullptr;
        size_t bytes = 0;
        uint32_t* producer = nullptr;
        uint32_t* consumer = nullptr;
        const std::byte* entries = nullptr;
        uint32_t size = 0, stride = 0;
    };
    void wait_for_transmission() const noexcept;
    static void free_held(const Ring& ring, rte_mempool& pool) noexcept;

    int fd_;
    Ring rx_, tx_, fill_, completion_;
};

}  // namespace vethway
