// SPDX-License-Identifier: Apache-2.0
// What differs between two configurations, in words. Pure.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace vethway {

// "port p3 added", "route 10.9.0.0/16 removed", …: what applying `next` over `now` does.
std::vector<std::string> changes_between(const Config& now, const Config& next);

// What of `next` would need a restart; a running vethwayd refuses it whole.
std::vector<std::string> restarts_between(const Config& now, const Config& next);

}  // namespace vethway
