// SPDX-License-Identifier: Apache-2.0
// One port of the tester as it receives: takes what comes, accounts for it, answers ARP.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "dataplane/burst.h"
#include "dataplane/counters.h"
#include "dataplane/port/port.h"
#include "perf/gen/accounting.h"
#include "perf/gen/arp.h"
#include "perf/gen/frame_check.h"

namespace vethway::gen {

// One writer, the lcore that polls; anybody reads.
struct EndpointCounters {
    Counter frames, bytes;  // all that came
    Counter good, corrupted, other_run, foreign, arp;
    Counter returned;  // good ones at a port that is not the sink
    Counter arp_answered;
};

class Endpoint {
public:
    // `pool`: for frames that it sends itself.
    Endpoint(Port& port, rte_mempool& pool, const FrameCheck& check, ArpHosts hosts)
        : port_(port), pool_(pool), check_(check), hosts_(std::move(hosts)) {}

    // Before a trial: where it accounts, or nowhere; and what its frames are marked with.
    void begin(Accounting* accounting, uint16_t run) noexcept;
    // Worker: the one that has the port, with all its queues. How many frames came.
    unsigned poll() noexcept;

    // Before any worker runs: the MAC of `ip`, asked from `from`; nothing within `seconds`.
    std::optional<Mac> resolve(Ip4 from, Ip4 ip, double seconds);

    Port& port() noexcept { return port_; }
    const EndpointCounters& counters() const noexcept { return counters_; }
    // TSC of the first and the last good frame of this trial; 0: there was none.
    uint64_t first_good() const noexcept { return first_good_; }
    uint64_t last_good() const noexcept { return last_good_; }

private:
    unsigned poll(uint16_t queue) noexcept;
    void take(std::span<const std::byte> frame, uint64_t now) noexcept;
    void take_arp(std::span<const std::byte> frame) noexcept;
    void send(const ArpFrame& frame) noexcept;

    Port& port_;
    rte_mempool& pool_;
    const FrameCheck& check_;
    ArpHosts hosts_;
    Accounting* accounting_ = nullptr;
    uint16_t run_ = 0;
    EndpointCounters counters_;
    uint64_t first_good_ = 0, last_good_ = 0;
    std::optional<Ip4> asked_;
    std::optional<Mac> answer_;
    std::array<rte_mbuf*, kBurst> burst_{};
};

}  // namespace vethway::gen
