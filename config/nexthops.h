// SPDX-License-Identifier: Apache-2.0
// What routes by the number of a next hop mean.
#pragma once

#include <unordered_map>

#include "config/config.h"

namespace vethway {

// The next hops of a configuration, which outlives it and does not change.
class Nexthops {
public:
    explicit Nexthops(const Config& config);
    const NexthopConfig* find(uint32_t id) const;  // null if there is none
    // The same route, with next hops or an action in place of `nhid`. A number that stands for
    // nothing leaves it without either.
    RouteConfig resolved(const RouteConfig& route) const;

private:
    std::unordered_map<uint32_t, const NexthopConfig*> by_id_;
};

// The scope of a route that says none: what has no gateway is on a link (iproute2).
RouteScope scope_of(const RouteConfig& route);

// Whether `route` says of its destinations that they are on the link of a port, so that they can be
// gateways of others.
bool is_on_link(const RouteConfig& route);

}  // namespace vethway
