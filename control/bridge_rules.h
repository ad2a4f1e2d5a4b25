// SPDX-License-Identifier: Apache-2.0
// What a bridge knows of IP, from the configuration for the workers: bindings and the guards that
// go by them, groups, whom it answers ARP for. Control thread.
#pragma once

#include <functional>
#include <string>

#include "config/config.h"
#include "dataplane/l2/domain.h"

namespace vethway {

// A port's index by its name; kNoPort: it is still to come.
using IndexOf = std::function<uint16_t(const std::string& port)>;

// Adds it to `domain`, whose members are there.
void add_bridge_rules(const BridgeConfig& bridge, const IndexOf& index_of, Domain& domain);

}  // namespace vethway
