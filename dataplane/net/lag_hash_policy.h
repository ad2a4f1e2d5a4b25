// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

namespace vethway {

// What makes frames of a LAG one flow: Linux bonding's xmit_hash_policy, by its names.
enum class LagHash : uint8_t { layer2, layer2_3, layer3_4 };
inline constexpr std::array<const char*, 3> kLagHashNames{"layer2", "layer2+3", "layer3+4"};

}  // namespace vethway
