// SPDX-License-Identifier: Apache-2.0
#include "perf/gen/sizes.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <string>

#include "perf/gen/address_set.h"

namespace vethway::gen {

namespace {

constexpr std::string_view kSimpleImix = "64:7,594:4,1518:1";
constexpr uint32_t kMostWeight = 4096;  // of all together: a turn of the order
constexpr size_t kMostSizes = 16;

bool read_number(std::string_view text, uint32_t most, uint32_t& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc() && end == text.data() + text.size() && out > 0 && out <= most;
}

SizeShare parse_share(std::string_view text) {
    const size_t colon = std::min(text.find(':'), text.size());
    uint32_t bytes = 0, weight = 1;
    if (!read_number(text.substr(0, colon), UINT16_MAX, bytes) ||
        (colon < text.size() && !read_number(text.substr(colon + 1), kMostWeight, weight)))
        throw OptionError("expected a size in bytes, or SIZE:WEIGHT, got \"" + std::string(text) +
                          '"');
    return {static_cast<uint16_t>(bytes), weight};
}

}  // namespace

std::vector<SizeShare> parse_sizes(std::string_view text) {
    if (text == "imix") text = kSimpleImix;
    std::vector<SizeShare> sizes;
    uint32_t weights = 0;
    for (size_t at = 0; at <= text.size();) {
        const size_t comma = std::min(text.find(',', at), text.size());
        weights += sizes.emplace_back(parse_share(text.substr(at, comma - at))).weight;
        at = comma + 1;
    }
    if (sizes.size() > kMostSizes || weights > kMostWeight)
        throw OptionError("at most 16 sizes, and weights that sum up to 4096");
    return sizes;
}

double mean_size(const std::vector<SizeShare>& sizes) {
    double bytes = 0, weights = 0;
    for (const SizeShare& s : sizes) {
        bytes += static_cast<double>(s.bytes) * s.weight;
        weights += s.weight;
    }
    return bytes / weights;
}

// Smooth weighted round robin: each gains its weight, the richest goes next and pays all of them.
std::vector<uint8_t> size_order(const std::vector<SizeShare>& sizes) {
    std::vector<int64_t> credit(sizes.size());
    int64_t all = 0;
    for (const SizeShare& s : sizes) all += s.weight;
    std::vector<uint8_t> order;
    for (int64_t i = 0; i < all; ++i) {
        for (size_t k = 0; k < sizes.size(); ++k) credit[k] += sizes[k].weight;
        const auto richest = std::ranges::max_element(credit);
        *richest -= all;
        order.push_back(static_cast<uint8_t>(richest - credit.begin()));
    }
    return order;
}

}  // namespace vethway::gen
