// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "control/cli/show.h"
#include "control/cli/table.h"

namespace vethway::cli {

namespace {

std::string hop_text(const Json& hop) {
    return (hop["via"].is_null() ? "" : "via " + text_of(hop["via"]) + ' ') + "port " +
           text_of(hop["port"]) + (hop.value("onlink", false) ? " onlink" : "");
}

std::string upper(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::toupper(c); });
    return text;
}

// In the manner of `ip route`.
std::string route_line(const Json& route, bool colour) {
    const auto type = route["type"].get<std::string>();
    const std::string to = route["to"] == "0.0.0.0/0" ? "default" : text_of(route["to"]);
    const Json& hops = route["next_hops"];
    const bool action =
        type == "blackhole" || type == "unreachable" || type == "prohibit" || type == "throw";
    std::string line = action ? type + ' ' + to : to;
    if (hops.size() == 1) line += ' ' + hop_text(hops[0]);
    if (route.contains("nhid") && !route["nhid"].is_null())
        line += " nhid " + text_of(route["nhid"]);
    if (!action) line += ' ' + type;
    if (!route["source"].is_null()) line += " src " + text_of(route["source"]);
    if (route["metric"] != 0) line += " metric " + text_of(route["metric"]);
    if (!route["active"].get<bool>())
        line +=
            ' ' + coloured("inactive", false, colour) + ": " + text_of(route["inactive_reason"]);
    line += '\n';
    if (hops.size() > 1)
        for (const Json& hop : hops)
            line +=
                fmt::format("    nexthop {} weight {}{}\n", hop_text(hop), text_of(hop["weight"]),
                            hop["up"].get<bool>() ? "" : ' ' + coloured("down", false, colour));
    return line;
}

// In the manner of `ip neigh`.
std::string neighbour_line(const Json& n) {
    std::string line = text_of(n["address"]) + " port " + text_of(n["port"]);
    if (!n["mac"].is_null()) line += " lladdr " + text_of(n["mac"]);
    line += ' ' + upper(text_of(n["state"]));
    if (n["state"] != "permanent") line += fmt::format(" age {:.0f} s", n["age_s"].get<double>());
    if (n["held"] != 0) line += fmt::format(" held {}", text_of(n["held"]));
    return line + '\n';
}

}  // namespace

std::string show_routes(const Json& answer, bool colour) {
    std::string out;
    for (const Json& route : answer["routes"]) out += route_line(route, colour);
    return out.empty() ? "no routes\n" : out;
}

std::string show_route_lookup(const Json& found) {
    const Json& hop = found["next_hop"];
    std::string out = text_of(found["destination"]);
    if (hop.is_null())
        out += ' ' + text_of(found["route"]["type"]);
    else
        out += fmt::format(" via {} port {} src {}", text_of(hop["address"]), text_of(hop["port"]),
                           text_of(found["source"]));
    out += "\n    route " + route_line(found["route"], false);
    if (!hop.is_null())
        out += "    neighbour " + (hop["neighbour"].is_null()
                                       ? text_of(hop["address"]) + " not known yet: ARP will ask\n"
                                       : neighbour_line(hop["neighbour"]));
    return out;
}

std::string show_neighbours(const Json& answer, bool /*colour*/) {
    std::string out;
    for (const Json& n : answer["neighbours"]) out += neighbour_line(n);
    return out.empty() ? "no neighbours\n" : out;
}

// As `ip route show cache` does.
std::string show_paths(const Json& answer, bool /*colour*/) {
    std::string out;
    for (const Json& p : answer["paths"]) {
        out += text_of(p["address"]);
        if (!p["via"].is_null()) out += " via " + text_of(p["via"]);
        if (!p["mtu"].is_null()) out += " mtu " + text_of(p["mtu"]);
        if (p["locked"] == true) out += " lock";
        out += fmt::format(" expires {:.0f}s\n", p["expires_s"].get<double>());
    }
    return out.empty() ? "nothing is known beside the routes\n" : out;
}

}  // namespace vethway::cli
