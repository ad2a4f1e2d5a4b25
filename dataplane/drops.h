// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <rte_mbuf.h>

#include <array>

#include "dataplane/counters.h"
#include "dataplane/meta.h"

namespace vethway {

// Where packets end: counts each for its reason at its ingress port, and frees them by the batch.
class Drops {
public:
    explicit Drops(Counters& counters) noexcept : counters_(counters) {}

    void add(rte_mbuf* m, Drop why) noexcept {
        counters_.dropped(meta(*m).port, why);
        free(m);
    }
    // Frees without counting: for packets that were consumed.
    void free(rte_mbuf* m) noexcept {
        pending_[size_++] = m;
        if (size_ == pending_.size()) flush();
    }
    void flush() noexcept {
        rte_pktmbuf_free_bulk(pending_.data(), size_);
        size_ = 0;
    }

private:
    Counters& counters_;
    std::array<rte_mbuf*, 64> pending_;
    unsigned size_ = 0;
};

}  // namespace vethway
