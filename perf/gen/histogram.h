// SPDX-License-Identifier: Apache-2.0
// A histogram with the same relative precision at every magnitude, as HdrHistogram has: within each
// power of two equally wide buckets. One writer; no allocation after construction.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace vethway::gen {

// Values of any unit. Exact below 2^kBits, beyond that a bucket is at most 2^-kBits of its values
// wide; what is 2^kMostBits or larger counts as the largest that is not.
template <unsigned kBits, class Count = uint64_t, unsigned kMostBits = 44>
class Histogram {
public:
    static constexpr uint64_t kPart = uint64_t{1} << kBits;
    static constexpr uint64_t kLargest = (uint64_t{1} << kMostBits) - 1;
    static constexpr size_t kBuckets = (kMostBits - kBits + 1) * kPart;

    Histogram() : counts_(kBuckets) {}

    void add(uint64_t value) noexcept {
        value = std::min(value, kLargest);
        ++counts_[bucket(value)];
        ++count_;
        sum_ += value;
        least_ = std::min(least_, value);
        most_ = std::max(most_, value);
    }
    uint64_t count() const noexcept { return count_; }
    uint64_t least() const noexcept { return count_ == 0 ? 0 : least_; }
    uint64_t most() const noexcept { return most_; }
    double mean() const noexcept {
        return count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count_);
    }
    // The least value that at least `percent` of all are not above, to the precision of its bucket:
    // of which it is the upper end, but never more than most(). 0 where there are none.
    uint64_t percentile(double percent) const noexcept {
        const double wanted = percent / 100 * static_cast<double>(count_);
        uint64_t seen = 0;
        for (size_t i = 0; i < counts_.size(); ++i) {
            seen += counts_[i];
            if (seen > 0 && static_cast<double>(seen) >= wanted) return std::min(upper(i), most_);
        }
        return most_;
    }

    static constexpr size_t bucket(uint64_t value) noexcept {
        if (value < kPart) return value;
        const auto shift = static_cast<unsigned>(std::bit_width(value)) - kBits - 1;
        return (shift + 1) * kPart + (value >> shift) - kPart;
    }
    static constexpr uint64_t upper(size_t bucket) noexcept {
        if (bucket < kPart) return bucket;
        const size_t shift = bucket / kPart - 1;
        return ((bucket % kPart + kPart + 1) << shift) - 1;
    }

private:
    std::vector<Count> counts_;
    uint64_t count_ = 0, sum_ = 0, least_ = UINT64_MAX, most_ = 0;
};

using LatencyHistogram = Histogram<7>;         // of all frames: 35 KiB, to 0.8 %
using FlowHistogram = Histogram<4, uint32_t>;  // of one flow: 2.6 KiB, to 6 %

}  // namespace vethway::gen
