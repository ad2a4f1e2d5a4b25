// SPDX-License-Identifier: Apache-2.0
// The rules of link aggregation.
#pragma once

#include <vector>

#include "config/config.h"
#include "config/problem.h"

namespace vethway {

void find_lag_problems(const Config& config, std::vector<Problem>& problems);

}  // namespace vethway
