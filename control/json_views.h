// SPDX-License-Identifier: Apache-2.0
// The state as the API shows it. Control thread.
#pragma once

#include <nlohmann/json.hpp>

#include "control/controller.h"

namespace vethway {

using Json = nlohmann::ordered_json;

Json json_of(const Books& books);
// Of which daemon counters are, and when they were read: for who compares two readings. A restarted
// daemon is another instance.
Json reading_of(Controller& controller);
Json json_of(const RibRoute& route);
Json json_of(const NeighbourView& neighbour);
Json json_of(const PortKnobs& knobs);  // by name, as true or false, a word or a number

Json status_view(Controller& controller);
Json ports_view(Controller& controller);
Json knobs_view(Controller& controller);  // what can be set, and what is in force
Json routes_view(Controller& controller, bool all);
Json route_lookup_view(Controller& controller, Ip4 to);  // null: no route
Json neighbours_view(Controller& controller);
Json paths_view(Controller& controller);
Json lags_view(Controller& controller, const std::string& name);  // empty: all
Json bridges_view(Controller& controller);
Json spanning_trees_view(Controller& controller);
Json bindings_view(Controller& controller);
Json groups_view(Controller& controller);
Json vlans_view(Controller& controller);
Json stations_view(Controller& controller, const StationFilter& filter);
Json drops_view(Controller& controller, bool all);
struct LastDrops {
    size_t n = 20;
    std::string port;  // empty: of any
    std::optional<Drop> reason;
};
Json last_drops_view(Controller& controller, const LastDrops& wanted);  // the newest last
Json counters_view(Controller& controller);
Json lcores_view(Controller& controller);

}  // namespace vethway
