// SPDX-License-Identifier: Apache-2.0
// The rules of link aggregation.
#pragma once

#include <vector>

#include "config/config.h"
#include "config/problem.h"

namespace vethway {

// `uses`: what else ports are for already; what LAGs have of them is added.
void find_lag_problems(const Config& config, PortUses& uses, std::vector<Problem>& problems);

}  // namespace vethway
