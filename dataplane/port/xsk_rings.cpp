// SPDX-License-Identifier: Apache-2.0
#include "dataplane/port/xsk_rings.h"

#include <linux/if_xdp.h>
#include <rte_mbuf.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

namespace vethway {

namespace {

uint32_t read_index(uint32_t* index) noexcept {
    return std::atomic_ref<uint32_t>(*index).load(std::memory_order_acquire);
}

}  // namespace

XskRings::XskRings(int fd) noexcept : fd_(fd) {
    xdp_mmap_offsets at{};
    socklen_t len = sizeof at;
    if (getsockopt(fd, SOL_XDP, XDP_MMAP_OFFSETS, &at, &len) < 0) return;
    const auto map = [fd](const xdp_ring_offset& o, off_t page, uint32_t size, size_t stride) {
        Ring r;
        const size_t bytes = o.desc + size * stride;
        void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, page);
        if (p == MAP_FAILED) return r;
        r.map = static_cast<std::byte*>(p);
        r.bytes = bytes;
        r.producer = reinterpret_cast<uint32_t*>(r.map + o.producer);
        r.consumer = reinterpret_cast<uint32_t*>(r.map + o.consumer);
        r.entries = r.map + o.desc;
        r.size = size;
        r.stride = static_cast<uint32_t>(stride);
        return r;
    };
    rx_ = map(at.rx, XDP_PGOFF_RX_RING, kDescriptors, sizeof(xdp_desc));
    tx_ = map(at.tx, XDP_PGOFF_TX_RING, kDescriptors, sizeof(xdp_desc));
    fill_ = map(at.fr, static_cast<off_t>(XDP_UMEM_PGOFF_FILL_RING), 2 * kDescriptors,
                sizeof(uint64_t));
    completion_ = map(at.cr, static_cast<off_t>(XDP_UMEM_PGOFF_COMPLETION_RING), kDescriptors,
                      sizeof(uint64_t));
}

XskRings::~XskRings() {
    for (const Ring& r : {rx_, tx_, fill_, completion_})
        if (r.map != nullptr) munmap(r.map, r.bytes);
}

void XskRings::reclaim(rte_mempool& pool) noexcept {
    wait_for_transmission();
    close(fd_);
    for (const Ring& r : {rx_, tx_, fill_, completion_}) free_held(r, pool);
}

// A frame being sent is in no ring until its skb is freed. The peer's stack may hold it for a
// moment; past 50 ms we rather lose its mbuf than wait on.
void XskRings::wait_for_transmission() const noexcept {
    if (tx_.map == nullptr || completion_.map == nullptr) return;
    for (int ms = 0; ms < 50; ++ms) {
        if (read_index(tx_.consumer) == read_index(completion_.producer)) return;
        usleep(1000);
    }
}

// Entries of all four begin with an address: the offset of the mbuf's object in the umem in the
// low 48 bits, that of the data in it above (Documentation/networking/af_xdp.rst, unaligned mode).
void XskRings::free_held(const Ring& ring, rte_mempool& pool) noexcept {
    if (ring.map == nullptr) return;
    const auto page = static_cast<uintptr_t>(getpagesize());
    const auto first = reinterpret_cast<uintptr_t>(STAILQ_FIRST(&pool.mem_list)->addr);
    const uintptr_t base = first & ~(page - 1);
    const uintptr_t end =
        base + (first - base) +
        uintptr_t{pool.populated_size} * (pool.header_size + pool.elt_size + pool.trailer_size);
    const uint32_t producer = read_index(ring.producer);
    for (uint32_t i = read_index(ring.consumer); i != producer; ++i) {
        uint64_t address = 0;
        std::memcpy(&address, ring.entries + size_t{i & (ring.size - 1)} * ring.stride,
                    sizeof address);
        const uintptr_t mbuf = base + (address & XSK_UNALIGNED_BUF_ADDR_MASK) + pool.header_size;
        if (mbuf + pool.elt_size <= end) rte_pktmbuf_free(reinterpret_cast<rte_mbuf*>(mbuf));
    }
}

}  // namespace vethway
