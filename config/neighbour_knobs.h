// SPDX-License-Identifier: Apache-2.0
// The knobs of the neighbour machine, each once: name, place and bounds. Bounds are wide enough for
// whatever makes sense; a time below the 100 ms of the control thread's clock does not.
#pragma once

#include <array>
#include <cstdint>

#include "config/config.h"

namespace vethway {

template <class Owner>
struct Knob {
    const char* name;
    uint32_t Owner::*value;
    uint32_t least, most;
};

inline constexpr uint32_t kDayS = 86'400, kMaxGcThresh = 131'072;

// clang-format off
inline constexpr std::array<Knob<NeighbourPortConfig>, 10> kNeighbourPortKnobs{{
    {"base_reachable_time_ms", &NeighbourPortConfig::base_reachable_time_ms, 100, 1000 * kDayS},
    {"delay_first_probe_time", &NeighbourPortConfig::delay_first_probe_time, 0, kDayS},
    {"retrans_time_ms",        &NeighbourPortConfig::retrans_time_ms, 100, 1000 * kDayS},
    {"gc_stale_time",          &NeighbourPortConfig::gc_stale_time, 0, 365 * kDayS},
    {"ucast_solicit",          &NeighbourPortConfig::ucast_solicit, 0, 100},
    {"app_solicit",            &NeighbourPortConfig::app_solicit, 0, 100},
    {"mcast_solicit",          &NeighbourPortConfig::mcast_solicit, 0, 100},
    {"mcast_resolicit",        &NeighbourPortConfig::mcast_resolicit, 0, 100},
    {"unres_qlen_bytes",       &NeighbourPortConfig::unres_qlen_bytes, 0, 1U << 30},
    {"unres_qlen",             &NeighbourPortConfig::unres_qlen, 0, 65'535},
}};
inline constexpr std::array<Knob<NeighbourTableConfig>, 3> kNeighbourTableKnobs{{
    {"gc_thresh1", &NeighbourTableConfig::gc_thresh1, 0, kMaxGcThresh},
    {"gc_thresh2", &NeighbourTableConfig::gc_thresh2, 0, kMaxGcThresh},
    {"gc_thresh3", &NeighbourTableConfig::gc_thresh3, 1, kMaxGcThresh},
}};
// clang-format on
inline constexpr uint32_t kMinGcInterval = 1, kMaxGcInterval = kDayS;

}  // namespace vethway
