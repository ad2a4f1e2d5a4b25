// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace vethway {

inline constexpr uint16_t kMaxVlan = 4094;  // IEEE 802.1Q 9.6: 0 is a priority, 4095 reserved

}  // namespace vethway
