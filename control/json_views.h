// SPDX-License-Identifier: Apache-2.0
// The state as the API shows it. Control thread.
#pragma once

#include <nlohmann/json.hpp>

#include "control/controller.h"

namespace vethway {

using Json = nlohmann::ordered_json;

Json json_of(const Books& books);
Json json_of(const PingResult& result);
Json json_of(const RibRoute& route);
Json json_of(const NeighbourView& neighbour);

Json status_view(Controller& controller);
Json ports_view(Controller& controller);
Json routes_view(Controller& controller, bool all);
Json route_lookup_view(Controller& controller, Ip4 to);  // null: no route
Json neighbours_view(Controller& controller);
Json drops_view(Controller& controller, bool all);
Json counters_view(Controller& controller);
Json lcores_view(Controller& controller);

}  // namespace vethway
