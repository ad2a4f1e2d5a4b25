// SPDX-License-Identifier: Apache-2.0
// What the API says, as text for people. Pure functions of its JSON.
#pragma once

#include <string>

#include "control/cli/client.h"

namespace vethway::cli {

std::string show_status(const Json& status, bool colour);
std::string show_ports(const Json& ports, bool colour);
std::string show_knobs(const Json& knobs, bool colour);
std::string show_routes(const Json& routes, bool colour);
std::string show_route_lookup(const Json& found);
std::string show_neighbours(const Json& neighbours, bool colour);
std::string show_paths(const Json& paths, bool colour);
std::string show_classic_routes(const Json& routes, bool colour);          // as route -n does
std::string show_classic_neighbours(const Json& neighbours, bool colour);  // as arp -n does
// With rates (reading.h), unless they are null.
std::string show_drops(const Json& drops, const Json& rates, bool colour);
std::string show_counters(const Json& counters, const Json& rates, bool colour);
std::string show_books(const Json& counters, const Json& rates, bool colour);  // of each worker
std::string show_last_drops(const Json& answer, bool colour);
std::string show_reason(const Json& reason);
std::string show_lags(const Json& lags, bool colour);
std::string show_bridges(const Json& bridges, bool colour);
std::string show_stp(const Json& trees, bool colour);
std::string show_vlans(const Json& vlans, bool colour);
std::string show_bindings(const Json& bindings, bool colour);
std::string show_groups(const Json& groups, bool colour);
std::string show_fdb(const Json& stations, bool colour);
std::string show_lcores(const Json& lcores, bool colour);
std::string show_changes(const Json& answer);

// The books of all of them together, and whether they balance.
std::string accounting_line(const Json& accounting, bool colour);

// A JSON number or string as it stands.
std::string text_of(const Json& value);

}  // namespace vethway::cli
