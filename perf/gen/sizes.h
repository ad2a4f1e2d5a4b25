// SPDX-License-Identifier: Apache-2.0
// How long the frames are.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace vethway::gen {

// Ethernet's frame check sequence, which no driver shows and every measured size has (RFC
// 2544 9.1).
inline constexpr uint16_t kFcsBytes = 4;
// Preamble and the gap between two frames, as bytes of a wire.
inline constexpr uint16_t kWireOverhead = 20;

struct SizeShare {
    uint16_t bytes = 64;  // of the frame, with its FCS
    uint32_t weight = 1;
    friend bool operator==(const SizeShare&, const SizeShare&) = default;
};

// "64", "64:7,594:4,1518:1" (sizes and their weights) or "imix", which is that. Throws OptionError.
std::vector<SizeShare> parse_sizes(std::string_view text);

double mean_size(const std::vector<SizeShare>& sizes);

// The order of sizes, as indexes: weight by weight exact in every turn, and each as evenly spread
// as can be (RFC 6985 asks that the order be given, and repeat).
std::vector<uint8_t> size_order(const std::vector<SizeShare>& sizes);

}  // namespace vethway::gen
