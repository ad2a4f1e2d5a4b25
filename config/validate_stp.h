// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "config/problem.h"

namespace vethway {

// What is wrong with the bridge's spanning tree and its detection of loops; `path` is the bridge's.
void find_stp_problems(const BridgeConfig& bridge, const std::string& path,
                       std::vector<Problem>& problems);

}  // namespace vethway
