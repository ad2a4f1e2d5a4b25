// SPDX-License-Identifier: Apache-2.0
// The rules of what a bridge knows of IP: bindings, guards, groups.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "config/problem.h"

namespace vethway {

// Of the bridge at `path`.
void find_bridge_rule_problems(const BridgeConfig& bridge, const std::string& path,
                               std::vector<Problem>& problems);

}  // namespace vethway
