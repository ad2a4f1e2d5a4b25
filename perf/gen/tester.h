// SPDX-License-Identifier: Apache-2.0
// Ports, frames and lcores put together: runs one trial after the other.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "perf/gen/endpoint.h"
#include "perf/gen/options.h"
#include "perf/gen/sender.h"

namespace vethway::gen {

struct FlowResult {
    uint64_t sent = 0;
    FlowArrivals arrivals;
    uint64_t lost() const noexcept {
        return sent > arrivals.received ? sent - arrivals.received : 0;
    }
};

// Ticks are the TSC's; `hz` of them a second.
struct TrialResult {
    Load load;
    double mean_frame = 0;  // bytes with FCS
    uint64_t hz = 1;
    uint64_t sent = 0, sent_bytes = 0, received = 0;
    uint64_t reordered = 0, duplicates = 0, too_late = 0, corrupted = 0;
    uint64_t foreign = 0, other_run = 0, returned = 0;
    uint32_t furthest_behind = 0, window = 0;
    uint64_t missed = 0, tx_full = 0, no_buffer = 0, warmed_up = 0;
    double sending_s = 0, receiving_s = 0;
    double worst_lateness_us = 0, mean_lateness_us = 0;
    std::optional<double> recovery_s;  // from the change of rate until the last frame lost was sent
    PortStats tx_port, rx_port;        // what the drivers lost, in this trial
    LatencyHistogram latency;
    std::vector<FlowResult> flows;
    std::vector<FlowHistogram> flow_latency;
    std::string problem;  // why it ended early; empty: it did not

    uint64_t lost() const noexcept { return sent > received ? sent - received : 0; }
    double loss() const noexcept {
        return sent == 0 ? 0 : static_cast<double>(lost()) / static_cast<double>(sent);
    }
    double tx_pps() const noexcept {
        return sending_s > 0 ? static_cast<double>(sent) / sending_s : 0;
    }
    double rx_pps() const noexcept {
        return receiving_s > 0 ? static_cast<double>(received) / receiving_s : 0;
    }
};

struct Progress {
    uint64_t sent = 0, received = 0;
};

// Main thread, with EAL up. `stop` ends a trial before its time.
class Tester {
public:
    // Opens the ports, resolves the gateway. Throws PortError, OptionError, std::runtime_error.
    Tester(const Options& options, const std::atomic<bool>& stop);

    // `progress` is called about ten times a second.
    TrialResult run(const Load& load, const std::function<void(const Progress&)>& progress);

    // Frames sent by flow are in them, too.
    const std::vector<Flow>& flows() const noexcept { return traffic_->flows; }

private:
    struct Lcore {  // what one polls
        Tester* tester = nullptr;
        bool sends = false;
        std::vector<Endpoint*> endpoints;
    };
    static int work(void* lcore);
    void wait_for_links();
    void settle_macs(const Options& options);
    void make_traffic(const Options& options);
    TrialResult collect(const Sender& sender, const Accounting& accounting,
                        const TrialResult& before) const;
    TrialResult counters() const;

    const Options& options_;
    const std::atomic<bool>& stop_;
    Mempool ordinary_, large_;
    std::unique_ptr<Port> tx_port_, rx_port_;  // the latter null: one port does both
    FrameShape shape_;
    std::optional<FrameCheck> check_;
    std::optional<Endpoint> tx_end_, rx_end_;
    std::optional<Traffic> traffic_;
    std::vector<Lcore> lcores_;
    uint16_t next_run_;
    Sender* sender_ = nullptr;  // of the trial that runs
    std::atomic<uint64_t> drained_at_{UINT64_MAX};
    uint64_t drain_ticks_ = 0;
};

}  // namespace vethway::gen
