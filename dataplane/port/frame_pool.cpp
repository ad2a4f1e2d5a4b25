// SPDX-License-Identifier: Apache-2.0
#include "dataplane/port/frame_pool.h"

#include <linux/capability.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf_pool_ops.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

namespace vethway {

namespace {

// The populate step left the bus address unset (RTE_MEMPOOL_F_NO_IOVA_CONTIG); in IOVA-as-VA mode
// it is the address itself.
void init_mbuf(rte_mempool* pool, void* arg, void* object, unsigned i) {
    rte_pktmbuf_init(pool, arg, object, i);
    auto* m = static_cast<rte_mbuf*>(object);
    if (rte_eal_iova_mode() == RTE_IOVA_VA) m->buf_iova = reinterpret_cast<rte_iova_t>(m->buf_addr);
}

void furthest_end(rte_mempool* pool, void* end, void* object, unsigned /*i*/) {
    auto& furthest = *static_cast<uintptr_t*>(end);
    furthest = std::max(furthest, reinterpret_cast<uintptr_t>(object) + pool->elt_size);
}

// net/xdp/xdp_umem.c, xdp_umem_account_pages.
std::string why_not_pinned(size_t bytes) {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    __user_cap_data_struct caps[2]{};
    const bool asked = syscall(SYS_capget, &header, caps) == 0;
    if (!asked || (caps[0].effective & (1U << CAP_IPC_LOCK)) != 0) return {};
    rlimit limit{};
    if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0 || limit.rlim_cur >= bytes) return {};
    return "it has " + std::to_string(bytes >> 20) +
           " MiB to lock in memory, the limit (ulimit -l) " + "is " +
           std::to_string(limit.rlim_cur >> 20) + " MiB and CAP_IPC_LOCK is missing";
}

rte_mempool* stock_pool(const FramePoolSpec& s) {
    return rte_pktmbuf_pool_create(s.name.c_str(), s.mbufs, s.cache, s.private_size, s.data_room,
                                   s.socket);
}

}  // namespace

rte_mempool* create_frame_pool(const FramePoolSpec& s) {
    if (s.for_dma && rte_eal_iova_mode() != RTE_IOVA_VA) return stock_pool(s);
    const unsigned element = static_cast<unsigned>(sizeof(rte_mbuf)) + s.private_size + s.data_room;
    rte_mempool* pool = rte_mempool_create_empty(s.name.c_str(), s.mbufs, element, s.cache,
                                                 sizeof(rte_pktmbuf_pool_private), s.socket,
                                                 RTE_MEMPOOL_F_NO_IOVA_CONTIG);
    if (pool == nullptr) return nullptr;
    rte_pktmbuf_pool_private layout{};
    layout.mbuf_data_room_size = s.data_room;
    layout.mbuf_priv_size = s.private_size;
    int rc = rte_mempool_set_ops_byname(pool, rte_mbuf_best_mempool_ops(), nullptr);
    if (rc == 0) {
        rte_pktmbuf_pool_init(pool, &layout);
        rc = rte_mempool_populate_default(pool);
    }
    if (rc < 0) {
        rte_mempool_free(pool);
        rte_errno = -rc;
        return nullptr;
    }
    rte_mempool_obj_iter(pool, init_mbuf, nullptr);
    return pool;
}

// Mirrors get_base_addr and xdp_umem_configure of drivers/net/af_xdp/rte_eth_af_xdp.c.
std::string why_not_umem(rte_mempool& pool) {
    const auto page = static_cast<uintptr_t>(getpagesize());
    const uint32_t object = rte_mempool_calc_obj_size(pool.elt_size, pool.flags, nullptr);
    // net/xdp/xdp_umem.c, xdp_umem_reg: a chunk is no larger than a page.
    if (object > page)
        return "its mbufs of " + std::to_string(object) + " bytes are larger than a page";
    if (pool.nb_mem_chunks != 1)
        return "its mbufs lie in " + std::to_string(pool.nb_mem_chunks) + " pieces of memory";
    const auto begin = reinterpret_cast<uintptr_t>(STAILQ_FIRST(&pool.mem_list)->addr);
    uintptr_t end = 0;
    rte_mempool_obj_iter(&pool, furthest_end, &end);
    if (end > begin + uintptr_t{pool.populated_size} * object)
        return "its mbufs are not contiguous (see create_frame_pool)";
    return why_not_pinned(size_t{pool.populated_size} * object);
}

}  // namespace vethway
