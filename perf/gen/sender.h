// SPDX-License-Identifier: Apache-2.0
// Sends the load of a trial by one port.
#pragma once

#include <rte_mempool.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dataplane/burst.h"
#include "dataplane/counters.h"
#include "dataplane/dataplane.h"
#include "dataplane/port/port.h"
#include "perf/gen/flows.h"
#include "perf/gen/frame_maker.h"
#include "perf/gen/pacer.h"

namespace vethway::gen {

// What is to be sent. Ends by frames or by time, whichever comes first.
struct Load {
    Pace pace;
    double seconds = 1;       // 0: no limit
    uint64_t frames = 0;      // 0: no limit
    double warm_up_s = 0;     // at the same pace before, not counted
    double then_after_s = 0;  // after so much of `seconds` …
    double then_pps = 0;      // … goes on at this rate; 0: it does not change
    double drain_s = 0.5;     // how long frames are waited for after the last was sent
};

// Frames of one size, whose mbufs have their bytes in them from the beginning.
struct FramePool {
    FrameMaker maker;
    Mempool mbufs;
    uint16_t bytes = 0;
};
// Throws std::runtime_error where memory is short.
FramePool make_frame_pool(const FrameShape& shape, uint16_t bytes, uint32_t mbufs);

struct Traffic {
    std::vector<FramePool> pools;
    std::vector<uint8_t> size_order;  // indexes of pools
    std::vector<Flow> flows;
    FlowOrder order;
};

// Made for one trial. Worker: the one that has the port.
class Sender {
public:
    Sender(Port& port, Traffic& traffic, const Load& load, uint16_t run, uint16_t warm_up_run,
           uint64_t hz);
    ~Sender() { give_back(); }
    Sender(const Sender&) = delete;
    Sender& operator=(const Sender&) = delete;

    void start(uint64_t now) noexcept;
    // At most one burst.
    void step(uint64_t now) noexcept;
    void stop(uint64_t now) noexcept;  // before its time
    bool finished() const noexcept { return phase_ == Phase::done; }

    uint64_t sent() const noexcept { return sent_.value(); }
    uint64_t sent_bytes() const noexcept { return bytes_; }  // without FCS
    uint64_t warmed_up() const noexcept { return warmed_up_; }
    uint64_t tx_full() const noexcept { return tx_full_; }  // times that the port had no room
    uint64_t no_buffer() const noexcept { return no_buffer_; }
    // Of the frames that count: TSC of the first, and when there was nothing left to send.
    uint64_t started_at() const noexcept { return started_at_; }
    uint64_t ended_at() const noexcept { return ended_at_; }
    uint64_t changed_rate_at() const noexcept { return changed_at_; }
    const Pacer& pacer() const noexcept { return pacer_; }
    // Why the port refused a frame, which ends the trial; empty: it did not.
    std::string refusal() const;

private:
    enum class Phase : uint8_t { warm_up, counted, done };
    struct Pending {
        rte_mbuf* mbuf;
        uint32_t flow;
        uint8_t pool;
        uint32_t sequence;
    };
    void begin_counted(uint64_t now) noexcept;
    bool keep_time(uint64_t now) noexcept;
    void build(uint32_t n) noexcept;
    void transmit() noexcept;
    void refused(std::span<rte_mbuf* const> unsent) noexcept;
    void account(uint16_t sent) noexcept;
    void give_back() noexcept;
    void finish(uint64_t now) noexcept;
    uint64_t ticks(double seconds) const noexcept {
        return static_cast<uint64_t>(seconds * static_cast<double>(hz_));
    }

    Port& port_;
    Traffic& traffic_;
    Load load_;
    uint16_t run_, warm_up_run_;
    uint64_t hz_;
    Pacer pacer_;
    Phase phase_ = Phase::warm_up;
    uint64_t phase_end_ = 0;
    uint64_t left_ = 0;  // frames of this phase that are not yet built
    uint32_t owed_ = 0;  // frames that are due and not yet built
    size_t size_turn_ = 0;
    std::array<Pending, kBurst> pending_{};
    uint16_t pending_size_ = 0;
    Counter sent_;
    uint64_t bytes_ = 0, warmed_up_ = 0, tx_full_ = 0, no_buffer_ = 0;
    uint64_t started_at_ = 0, ended_at_ = 0, changed_at_ = 0;
    Drop refused_ = Drop::none;
    bool was_refused_ = false;
};

}  // namespace vethway::gen
