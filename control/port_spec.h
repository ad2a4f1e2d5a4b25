// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.h"
#include "dataplane/port/port.h"

namespace vethway {

// What to open for a port of the configuration; `workers` queues are wanted of each direction.
PortSpec port_spec(const PortConfig& config, unsigned workers, unsigned unique);

// The kernel interface that the port takes over; empty if it takes none.
std::string kernel_interface(const PortConfig& config);
// The same, or the one that it makes: of which there can be only one.
std::string interface_of(const PortConfig& config);

}  // namespace vethway
