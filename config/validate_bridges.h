// SPDX-License-Identifier: Apache-2.0
// The rules of bridges and VLANs' ports.
#pragma once

#include <vector>

#include "config/config.h"
#include "config/problem.h"

namespace vethway {

// `uses`: what else ports are for already; what bridges have of them is added.
void find_bridge_problems(const Config& config, PortUses& uses, std::vector<Problem>& problems);

}  // namespace vethway
