// SPDX-License-Identifier: Apache-2.0
#include "perf/gen/accounting.h"

#include <algorithm>
#include <bit>

namespace vethway::gen {

namespace {

constexpr uint64_t kWindowBits = uint64_t{1} << 26;  // 8 MiB for all flows
constexpr uint64_t kLeastWindow = 64, kMostWindow = 1 << 16;

}  // namespace

Accounting::Accounting(uint32_t flows, bool histograms)
    : flows_(flows),
      window_(static_cast<uint32_t>(std::bit_floor(
          std::clamp(kWindowBits / std::max(flows, 1U), kLeastWindow, kMostWindow)))),
      seen_(uint64_t{flows} * window_ / 64),
      flow_latency_(histograms ? flows : 0) {}

bool Accounting::test_and_set(uint32_t flow, uint32_t sequence) noexcept {
    const uint32_t bit = sequence & (window_ - 1);
    uint64_t& word = seen_[uint64_t{flow} * (window_ / 64) + bit / 64];
    const uint64_t mask = uint64_t{1} << bit % 64;
    const bool was = (word & mask) != 0;
    word |= mask;
    return was;
}

void Accounting::forget(uint32_t flow, uint32_t from, uint32_t count) noexcept {
    const uint64_t base = uint64_t{flow} * (window_ / 64);
    if (count >= window_) {
        std::fill_n(seen_.begin() + static_cast<std::ptrdiff_t>(base), window_ / 64, 0);
        return;
    }
    for (uint32_t i = 0; i < count; ++i) {
        const uint32_t bit = (from + i) & (window_ - 1);
        seen_[base + bit / 64] &= ~(uint64_t{1} << bit % 64);
    }
}

Arrival Accounting::arrived(const Stamp& stamp, uint64_t now) noexcept {
    FlowArrivals& flow = flows_[stamp.flow];
    const auto ahead = static_cast<int32_t>(stamp.sequence - flow.next);
    Arrival arrival = Arrival::in_order;
    if (ahead >= 0) {
        if (ahead > 0) last_gap_ = stamp.time;
        forget(stamp.flow, flow.next, static_cast<uint32_t>(ahead));  // those left out
        test_and_set(stamp.flow, stamp.sequence);
        flow.next = stamp.sequence + 1;
    } else {
        const uint32_t behind = flow.next - stamp.sequence;
        if (behind > window_) {
            ++flow.too_late;
            return Arrival::too_late;
        }
        if (test_and_set(stamp.flow, stamp.sequence)) {
            ++flow.duplicates;
            return Arrival::duplicate;
        }
        arrival = Arrival::reordered;
        ++flow.reordered;
        flow.furthest_behind = std::max(flow.furthest_behind, behind - 1);
    }
    ++flow.received;
    const uint64_t ticks = ticks_since(stamp, now);
    latency_.add(ticks);
    if (!flow_latency_.empty()) flow_latency_[stamp.flow].add(ticks);
    flow.latency_sum += ticks;
    flow.latency_least = std::min(flow.latency_least, ticks);
    flow.latency_most = std::max(flow.latency_most, ticks);
    return arrival;
}

}  // namespace vethway::gen
