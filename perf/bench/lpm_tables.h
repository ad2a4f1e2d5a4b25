// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <rte_lpm.h>

#include <memory>
#include <vector>

#include "perf/bench/table_mix.h"

namespace vethway::bench {

// An rte_lpm that holds `table`, of prefixes up to /24. Its tables are public, and written here as
// rte_lpm_add() leaves them: that looks through all rules of a length for each that it adds, which
// for a million takes minutes.
class LpmTables {
public:
    explicit LpmTables(std::vector<MixedRoute> table);
    rte_lpm* get() const noexcept { return lpm_.get(); }
    double mib() const noexcept { return mib_; }

private:
    struct Free {
        void operator()(rte_lpm* lpm) const noexcept { rte_lpm_free(lpm); }
    };
    std::unique_ptr<rte_lpm, Free> lpm_;
    double mib_;
};

}  // namespace vethway::bench
