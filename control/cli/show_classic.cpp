// SPDX-License-Identifier: Apache-2.0
// Tables in the manner of net-tools: route -n and arp -n.
#include <arpa/inet.h>

#include "control/cli/show.h"
#include "control/cli/table.h"

namespace vethway::cli {

namespace {

struct Destination {
    std::string address, mask;
    bool host = false;
};

// Of a prefix as the API writes it.
Destination destination_of(const std::string& prefix) {
    const size_t slash = prefix.find('/');
    const int length = slash == std::string::npos ? 32 : std::stoi(prefix.substr(slash + 1));
    const in_addr mask{htonl(length == 0 ? 0 : ~uint32_t{0} << (32 - length))};
    char text[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &mask, text, sizeof text);
    return {prefix.substr(0, slash), text, length == 32};
}

// A row for each next hop, as route(8) shows them.
void add_route(Table& table, const Json& route) {
    const Destination to = destination_of(text_of(route["to"]));
    const std::string metric = text_of(route["metric"]);
    const Json& hops = route["next_hops"];
    if (hops.empty())  // blackhole, unreachable, prohibit
        table.add({to.address, "-", to.mask, to.host ? "!H" : "!", metric, "-"});
    for (const Json& hop : hops) {
        const bool gateway = !hop["via"].is_null();
        const bool up = hop["up"].get<bool>();
        table.add({to.address, gateway ? text_of(hop["via"]) : "0.0.0.0", to.mask,
                   std::string(up ? "U" : "") + (gateway ? "G" : "") + (to.host ? "H" : ""), metric,
                   text_of(hop["port"])});
    }
}

}  // namespace

std::string show_classic_routes(const Json& answer, bool /*colour*/) {
    Table table({"Destination", "Gateway", "Genmask", "Flags", "Metric", "Port"});
    for (const Json& route : answer["routes"]) add_route(table, route);
    return table.text();
}

std::string show_classic_neighbours(const Json& answer, bool /*colour*/) {
    Table table({"Address", "HWtype", "HWaddress", "Flags", "Port"});
    for (const Json& n : answer["neighbours"]) {
        const bool known = !n["mac"].is_null();
        const bool permanent = n["state"] == "permanent";
        table.add({text_of(n["address"]), known ? "ether" : "",
                   known ? text_of(n["mac"]) : "(incomplete)",
                   known ? (permanent ? "CM" : "C") : "", text_of(n["port"])});
    }
    return table.text();
}

}  // namespace vethway::cli
