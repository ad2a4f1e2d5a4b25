// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "dataplane/net/mac.h"

namespace vethway {

// An address that a device without one of its own, or with a new one at each start, keeps over
// restarts: peers' caches stay right. The arguments are in it because the two ends of a memif
// differ in nothing else.
Mac stable_mac(const std::string& port, const std::string& devargs);

}  // namespace vethway
