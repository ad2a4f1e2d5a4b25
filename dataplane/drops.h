// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <rte_cycles.h>
#include <rte_mbuf.h>

#include <array>

#include "dataplane/counters.h"
#include "dataplane/flight_recorder.h"
#include "dataplane/meta.h"
#include "dataplane/watch/tracer.h"

namespace vethway {

// Keeps the beginning of a packet that is dropped at `now` (TSC). Out of line: whoever drops
// nothing pays nothing.
[[gnu::noinline]] void remember(FlightRecorder& recorder, rte_mbuf& m, Drop why,
                                uint64_t now) noexcept;

// Where packets end: counts each for its reason at its ingress port, and frees them by the batch.
class Drops {
public:
    // Without a recorder they are only counted.
    Drops(Counters& counters, Tracer& tracer, FlightRecorder* recorder = nullptr) noexcept
        : counters_(counters), tracer_(tracer), recorder_(recorder) {}

    void add(rte_mbuf* m, Drop why) noexcept {
        counters_.dropped(meta(*m).port, why);
        if (recorder_ != nullptr) {
            if (now_ == 0) now_ = rte_rdtsc();
            remember(*recorder_, *m, why, now_);
        }
        if (tracer_.active()) [[unlikely]]
            tracer_.note(*m, Step::dropped, 0, 0, why);
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
        now_ = 0;
    }

private:
    Counters& counters_;
    Tracer& tracer_;
    FlightRecorder* recorder_;
    std::array<rte_mbuf*, 64> pending_;
    unsigned size_ = 0;
    uint64_t now_ = 0;  // when the first of these was dropped; 0: none was
};

}  // namespace vethway
