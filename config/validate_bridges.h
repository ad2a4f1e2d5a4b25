// SPDX-License-Identifier: Apache-2.0
// The rules of bridges and VLANs' ports.
#pragma once

#include <vector>

#include "config/config.h"
#include "config/problem.h"

namespace vethway {

void find_bridge_problems(const Config& config, std::vector<Problem>& problems);

}  // namespace vethway
