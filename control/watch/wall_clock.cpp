// SPDX-License-Identifier: Apache-2.0
#include "control/watch/wall_clock.h"

#include <rte_cycles.h>

#include <ctime>

namespace vethway {

WallClock::WallClock() : ns_per_tick_(1e9 / static_cast<double>(rte_get_tsc_hz())) { set(); }

// Of a few readings the one that took the shortest: nothing came in between.
void WallClock::set() {
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < 4; ++i) {
        timespec now{};
        const uint64_t before = rte_rdtsc();
        clock_gettime(CLOCK_REALTIME, &now);
        const uint64_t took = rte_rdtsc() - before;
        if (took >= least) continue;
        least = took;
        tsc_ = before + took / 2;
        ns_ =
            static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
    }
}

uint64_t WallClock::ns(uint64_t tsc) const noexcept {
    const double since = static_cast<double>(static_cast<int64_t>(tsc - tsc_)) * ns_per_tick_;
    return ns_ + static_cast<uint64_t>(static_cast<int64_t>(since));
}

}  // namespace vethway
