// SPDX-License-Identifier: Apache-2.0
#include "dataplane/rcu.h"

#include <cstdlib>
#include <new>

namespace vethway {

Rcu::Rcu(unsigned workers) {
    const size_t bytes = rte_rcu_qsbr_get_memsize(workers);  // a multiple of the cache line
    qsbr_.reset(static_cast<rte_rcu_qsbr*>(std::aligned_alloc(RTE_CACHE_LINE_SIZE, bytes)));
    if (!qsbr_) throw std::bad_alloc();
    rte_rcu_qsbr_init(qsbr_.get(), workers);
    for (unsigned id = 0; id < workers; ++id) rte_rcu_qsbr_thread_register(qsbr_.get(), id);
}

void Rcu::Free::operator()(rte_rcu_qsbr* q) const noexcept { std::free(q); }

}  // namespace vethway
