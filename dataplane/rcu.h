// SPDX-License-Identifier: Apache-2.0
// Publication of state that workers read, over DPDK's quiescent-state RCU (rte_rcu_qsbr): a worker
// reports a quiescent state between bursts, and is offline while it sleeps.
#pragma once

#include <rte_rcu_qsbr.h>

#include <atomic>
#include <memory>
#include <utility>

namespace vethway {

// The control thread's side of one RCU variable, with a thread id for each worker.
class Rcu {
public:
    explicit Rcu(unsigned workers);
    // Control thread: returns once every online worker has finished its burst. May take a
    // scheduler slice where threads outnumber cores: batch changes.
    void synchronize() noexcept { rte_rcu_qsbr_synchronize(get(), RTE_QSBR_THRID_INVALID); }

    // Worker: `id` below the number given to the constructor.
    void online(unsigned id) noexcept { rte_rcu_qsbr_thread_online(get(), id); }
    void offline(unsigned id) noexcept { rte_rcu_qsbr_thread_offline(get(), id); }
    void quiescent(unsigned id) noexcept { rte_rcu_qsbr_quiescent(get(), id); }
    rte_rcu_qsbr* get() const noexcept { return qsbr_.get(); }

private:
    struct Free {
        void operator()(rte_rcu_qsbr* q) const noexcept;
    };
    std::unique_ptr<rte_rcu_qsbr, Free> qsbr_;
};

// Control builds a whole T, swaps it in, and frees the old T once no worker holds it.
template <class T>
class Published {
public:
    Published(Rcu& rcu, std::unique_ptr<const T> first) noexcept
        : rcu_(rcu), current_(first.release()) {}
    ~Published() { delete current_.load(std::memory_order_relaxed); }  // after the workers joined
    Published(const Published&) = delete;
    Published& operator=(const Published&) = delete;

    // Worker: valid until this worker's next quiescent state. Control thread: until publish().
    const T& read() const noexcept { return *current_.load(std::memory_order_acquire); }
    // Control thread: the old T is gone when this returns.
    void publish(std::unique_ptr<const T> next) noexcept {
        const std::unique_ptr<const T> old(
            current_.exchange(next.release(), std::memory_order_acq_rel));
        rcu_.synchronize();
    }

private:
    Rcu& rcu_;
    std::atomic<const T*> current_;
};

}  // namespace vethway
