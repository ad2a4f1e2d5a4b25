// SPDX-License-Identifier: Apache-2.0
// What a bridge knows of IP, for the workers: bindings and the guards that go by them, groups, whom
// it answers ARP for; all from the configuration, and of groups what was learned. Control thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "config/config.h"
#include "control/snooping/snooper.h"
#include "dataplane/l2/domain.h"
#include "dataplane/l2/groups.h"
#include "dataplane/rcu.h"

namespace vethway {

// A port's index by its name; kNoPort: it is still to come.
using IndexOf = std::function<uint16_t(const std::string& port)>;

// Adds it to `domain`, whose members are there. `learned`: null where the bridge does not snoop.
void add_bridge_rules(const BridgeConfig& bridge, const IndexOf& index_of,
                      const SnooperStatus* learned, Rcu& rcu, Domain& domain);

// The groups of a bridge, by the places of the domain's members; null: all are flooded.
std::unique_ptr<const Groups> groups_of(const BridgeConfig& bridge, const IndexOf& index_of,
                                        const SnooperStatus* learned, const Domain& domain);

}  // namespace vethway
