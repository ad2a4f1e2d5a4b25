// SPDX-License-Identifier: Apache-2.0
// A trial's result, for readers and for programs. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "perf/gen/tester.h"

namespace vethway::gen {

// The percentiles that both show.
inline constexpr double kPercentiles[] = {50, 75, 90, 95, 99, 99.9, 99.99};

// Times are in microseconds where the key says so. `flows`: one object for each flow, too.
nlohmann::json to_json(const TrialResult& result, const std::vector<Flow>& flows, bool with_flows);
// `flows_shown`: so many of those that lost most.
std::string to_text(const TrialResult& result, const std::vector<Flow>& flows,
                    uint32_t flows_shown);

}  // namespace vethway::gen
