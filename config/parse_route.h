// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "config/config.h"

namespace vethway {

class Field;
std::optional<RouteConfig> parse_route(const Field& f);
// Of what could not be read the id is 0, which is none.
NexthopConfig parse_nexthop(const Field& f);
MultipathConfig parse_multipath(const Field& f);

}  // namespace vethway
