// SPDX-License-Identifier: Apache-2.0
#include "perf/gen/pacer.h"

#include <algorithm>
#include <cmath>

namespace vethway::gen {

Pacer::Pacer(const Pace& pace, uint64_t hz) noexcept
    : hz_(hz), burst_(std::max(pace.burst, 1U)), catch_up_(std::max(pace.catch_up, burst_)) {
    set_rate(pace.pps);
}

void Pacer::set_rate(double pps) noexcept {
    pps_ = pps;
    if (pps_ == 0) return;
    const double ticks = static_cast<double>(hz_) * burst_ / pps_;
    whole_ = static_cast<uint64_t>(ticks);
    part_ = static_cast<uint64_t>(
        std::floor((ticks - static_cast<double>(whole_)) * static_cast<double>(kParts)));
}

void Pacer::start(uint64_t now) noexcept {
    due_ = now;
    due_part_ = 0;
}

void Pacer::change_rate(double pps, uint64_t now) noexcept {
    set_rate(pps);
    start(now);
}

void Pacer::advance(uint64_t bursts) noexcept {
    // In steps that the product of part_ can't overflow in.
    for (; bursts > 0;) {
        const uint64_t step = std::min(bursts, kParts >> 1);
        due_part_ += part_ * step;
        due_ += whole_ * step + (due_part_ >> 32);
        due_part_ &= kParts - 1;
        bursts -= step;
    }
}

uint32_t Pacer::due(uint64_t now) noexcept {
    if (pps_ == 0) {
        ++bursts_;
        return burst_;
    }
    if (now < due_) return 0;
    const uint64_t lateness = now - due_;
    worst_lateness_ = std::max(worst_lateness_, lateness);
    lateness_sum_ += lateness;
    ++bursts_;
    const uint64_t most = catch_up_ / burst_;
    uint64_t bursts = 0;
    for (; bursts < most && due_ <= now; ++bursts) advance(1);
    if (due_ <= now) {
        // Whoever is so late would make a burst of its own; what it can't make up is given up.
        const double distance = static_cast<double>(hz_) * burst_ / pps_;
        const auto behind = static_cast<uint64_t>(static_cast<double>(now - due_) / distance) + 1;
        advance(behind);
        missed_ += behind * burst_;
    }
    return static_cast<uint32_t>(bursts * burst_);
}

uint64_t Pacer::duration(uint64_t frames) const noexcept {
    if (pps_ == 0) return 0;
    return static_cast<uint64_t>(static_cast<double>(frames) * static_cast<double>(hz_) / pps_);
}

}  // namespace vethway::gen
