// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace vethway {

// What time it was at a reading of the TSC.
class WallClock {
public:
    WallClock();
    void set();  // now and then, since neither of the two clocks runs as the other does
    uint64_t ns(uint64_t tsc) const noexcept;  // since 1970

private:
    uint64_t tsc_ = 0, ns_ = 0;
    double ns_per_tick_;
};

}  // namespace vethway
