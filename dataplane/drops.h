// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <span>

#include "dataplane/counters.h"
#include "dataplane/flight_recorder.h"
#include "dataplane/frame_buffers.h"
#include "dataplane/meta.h"
#include "dataplane/watch/tracer.h"

namespace vethway {

// Where packets end: counts each for its reason at its ingress port, and frees them by the batch.
// Those of one kind that follow each other are counted together, at the latest by flush().
class Drops {
public:
    // Without a recorder they are only counted.
    Drops(Counters& counters, Tracer& tracer, FlightRecorder* recorder = nullptr) noexcept
        : counters_(counters), tracer_(tracer), recorder_(recorder) {}

    void add(rte_mbuf* m, Drop why) noexcept {
        if (meta(*m).port != port_ || why != why_) begin_run(meta(*m).port, why);
        if (count_++ < room_) remember(*m);
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
        end_run();
        free_frames(std::span(pending_).first(size_));
        size_ = 0;
        now_ = 0;
    }

private:
    void begin_run(uint16_t port, Drop why) noexcept;
    void end_run() noexcept {
        if (count_ > 0) count_run();
    }
    void count_run() noexcept;
    // Out of line, as is the rest: whoever drops nothing pays nothing.
    [[gnu::noinline]] void remember(rte_mbuf& m) noexcept;

    Counters& counters_;
    Tracer& tracer_;
    FlightRecorder* recorder_;
    std::array<rte_mbuf*, 64> pending_;
    unsigned size_ = 0;
    uint64_t now_ = 0;  // when the first of these was dropped; 0: none was
    // A run: drops of one reason at one port.
    uint16_t port_ = kNoPort;  // there is no run
    Drop why_ = Drop::none;
    uint32_t count_ = 0;  // so far, not yet in the counters
    uint32_t room_ = 0;   // how many of them are recorded
    FlightRecorder::Kind* kind_ = nullptr;
};

}  // namespace vethway
