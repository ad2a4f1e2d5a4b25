// SPDX-License-Identifier: Apache-2.0
// What arrived of each flow: RFC 4737's reordering and RFC 5560's duplicates, by sequence numbers.
#pragma once

#include <cstdint>
#include <vector>

#include "perf/gen/histogram.h"
#include "perf/gen/stamp.h"

namespace vethway::gen {

enum class Arrival : uint8_t {
    in_order,
    reordered,  // RFC 4737 3.3: behind one that was sent later
    duplicate,  // it has arrived before
    too_late    // so far behind the newest that nobody remembers whether it has; not counted as
                // received
};

struct FlowArrivals {
    uint64_t received = 0;    // frames that arrived whole, each once
    uint64_t reordered = 0;   // of these
    uint64_t duplicates = 0;  // arrivals of a frame that has arrived before
    uint64_t corrupted = 0;   // damaged, but the flow could be read; not received
    uint64_t too_late = 0;
    uint64_t latency_sum = 0;  // ticks, as those below
    uint64_t latency_least = UINT64_MAX, latency_most = 0;
    uint32_t furthest_behind = 0;  // of the reordered: how many were sent after it and came before
    uint32_t next = 0;             // RFC 4737's NextExp
};

// One lcore's; another may read it when that has ended.
class Accounting {
public:
    // `histograms`: one of each flow, too.
    Accounting(uint32_t flows, bool histograms);

    // A good frame that arrived at `now`.
    Arrival arrived(const Stamp& stamp, uint64_t now) noexcept;
    void corrupted(const Stamp& stamp) noexcept {
        if (stamp.flow < flows_.size()) ++flows_[stamp.flow].corrupted;
    }
    bool knows(uint32_t flow) const noexcept { return flow < flows_.size(); }

    const std::vector<FlowArrivals>& flows() const noexcept { return flows_; }
    const LatencyHistogram& latency() const noexcept { return latency_; }
    // Of each flow; empty if none are kept.
    const std::vector<FlowHistogram>& flow_latency() const noexcept { return flow_latency_; }
    // When the frame was sent whose arrival told of the last gap, on the stamps' clock: those
    // missing were sent before it. 0: there was none.
    uint64_t last_gap() const noexcept { return last_gap_; }
    // How many frames back an arrival is recognized.
    uint32_t window() const noexcept { return window_; }

private:
    bool test_and_set(uint32_t flow, uint32_t sequence) noexcept;
    void forget(uint32_t flow, uint32_t from, uint32_t count) noexcept;

    std::vector<FlowArrivals> flows_;
    uint32_t window_;             // a power of two, at least 64
    std::vector<uint64_t> seen_;  // a bit for each of the last window_ sequence numbers of a flow
    LatencyHistogram latency_;
    std::vector<FlowHistogram> flow_latency_;
    uint64_t last_gap_ = 0;
};

}  // namespace vethway::gen
