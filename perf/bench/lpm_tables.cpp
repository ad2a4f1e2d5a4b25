// SPDX-License-Identifier: Apache-2.0
#include "perf/bench/lpm_tables.h"

#include <algorithm>
#include <stdexcept>

namespace vethway::bench {

LpmTables::LpmTables(std::vector<MixedRoute> table) {
    const rte_lpm_config config{.max_rules = 1, .number_tbl8s = 1, .flags = 0};
    lpm_.reset(rte_lpm_create("tables", SOCKET_ID_ANY, &config));
    if (!lpm_) throw std::runtime_error("no memory for rte_lpm");
    mib_ = static_cast<double>(sizeof(rte_lpm)) / (1 << 20);
    std::ranges::stable_sort(table, {}, [](const MixedRoute& r) { return r.prefix.length; });
    for (const auto& [prefix, hop] : table) {
        if (prefix.length > 24) throw std::runtime_error("a prefix longer than /24");
        rte_lpm_tbl_entry entry{};
        entry.next_hop = hop & 0xffffff;
        entry.valid = 1;
        entry.depth = prefix.length & 0x3f;
        std::fill_n(&lpm_->tbl24[prefix.address.value >> 8], size_t{1} << (24 - prefix.length),
                    entry);
    }
}

}  // namespace vethway::bench
