// SPDX-License-Identifier: Apache-2.0
// What routes by the number of a next hop mean.
#pragma once

#include "config/config.h"

namespace vethway {

// The same route, with next hops or an action in place of `nhid`. A number that stands for nothing
// leaves it without either.
RouteConfig resolved(const Config& config, const RouteConfig& route);

// The scope of a route that says none: what has no gateway is on a link (iproute2).
RouteScope scope_of(const RouteConfig& route);

// Whether `route` says of its destinations that they are on the link of a port, so that they can be
// gateways of others.
bool is_on_link(const RouteConfig& route);

}  // namespace vethway
