// SPDX-License-Identifier: Apache-2.0
#include "perf/gen/flows.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace vethway::gen {

std::vector<Flow> make_flows(const FlowSets& sets, uint64_t count) {
    const uint64_t pairs = sets.dst.size() * std::min<uint64_t>(sets.src.size(), UINT32_MAX);
    const uint64_t ports = sets.src_ports.size() * sets.dst_ports.size();
    if (pairs == 0) throw OptionError("a set of addresses without an address");
    if (pairs < count && pairs * ports < count)
        throw OptionError("--flows: " + std::to_string(count) +
                          " wanted, but the sets of addresses"
                          " and ports make only " +
                          std::to_string(pairs * ports));
    std::vector<Flow> flows;
    flows.reserve(count);
    for (uint64_t i = 0; i < count; ++i) {
        uint64_t left = i;
        const auto turn = [&](uint64_t size) {
            const uint64_t at = left % size;
            left /= size;
            return at;
        };
        Flow& flow = flows.emplace_back();
        flow.dst = sets.dst.at(turn(sets.dst.size())).value;
        flow.src = sets.src.at(turn(sets.src.size())).value;
        flow.src_port = static_cast<uint16_t>(sets.src_ports.first + turn(sets.src_ports.size()));
        flow.dst_port = static_cast<uint16_t>(sets.dst_ports.first + turn(sets.dst_ports.size()));
    }
    return flows;
}

FlowOrder::FlowOrder(Kind kind, uint32_t flows, uint64_t seed, double exponent)
    : kind_(kind), flows_(flows), random_(seed) {
    if (kind_ == Kind::zipf) build_columns(exponent);
}

void FlowOrder::build_columns(double exponent) {
    std::vector<double> share(flows_);  // of its column; 1 on average
    double sum = 0;
    for (uint32_t k = 0; k < flows_; ++k) sum += share[k] = std::pow(k + 1.0, -exponent);
    for (double& s : share) s *= flows_ / sum;
    columns_.resize(flows_);
    std::vector<uint32_t> poor, rich;
    for (uint32_t k = 0; k < flows_; ++k) (share[k] < 1 ? poor : rich).push_back(k);
    while (!poor.empty() && !rich.empty()) {
        const uint32_t p = poor.back(), r = rich.back();
        poor.pop_back();
        columns_[p] = {static_cast<uint32_t>(share[p] * 0x1p32), r};
        share[r] -= 1 - share[p];
        if (share[r] < 1) {
            rich.pop_back();
            poor.push_back(r);
        }
    }
    // What is left over by rounding: whole columns.
    for (const auto* rest : {&poor, &rich})
        for (const uint32_t k : *rest) columns_[k] = {UINT32_MAX, k};
}

}  // namespace vethway::gen
