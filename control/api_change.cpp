// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "config/knob_text.h"
#include "config/names.h"
#include "config/parse.h"
#include "control/api.h"
#include "control/json_body.h"

namespace vethway {

namespace {

constexpr char kRequest[] = "request";  // the name of a file that there is not

// A broken rule, told to someone who has no file: not "request:1:11: ports[0].mac: why" but "mac:
// why", and "route 10.8.0.0/16: why" for "routes[0].via: why".
std::string told(std::string line, const Config& config) {
    if (line.starts_with(kRequest)) line.erase(0, line.find(": ") + 2);
    const size_t colon = line.find(": "), bracket = line.find(']');
    if (colon == std::string::npos) return line;
    std::string why = line.substr(colon + 2);
    if (bracket > colon) return why;
    const size_t digits = line.find('[') + 1;
    if (line.starts_with("routes[")) {
        const size_t i = std::stoul(line.substr(digits, bracket - digits));
        return "route " + config.routes.at(i).to.to_string() + ": " + why;
    }
    const std::string within = line.substr(bracket + 1, colon - bracket - 1);  // ".addresses[1]"
    const std::string key = within.substr(0, within.find('['));
    if ((line.starts_with("bridges[") || line.starts_with("lags[")) && !key.empty())
        return key.substr(1) + ": " + why;
    return line.starts_with("ports[") && !key.empty() ? key.substr(1) + ": " + why : why;
}

template <class Work>
auto telling(const Config& config, Work work) {
    try {
        return work();
    } catch (const ConfigError& e) {
        std::vector<std::string> lines = e.lines();
        for (std::string& line : lines) line = told(line, config);
        throw ConfigError(std::move(lines));
    }
}

// Applies an edit of the running configuration.
template <class Edit>
Json edit(Controller& controller, Edit change) {
    Config next = controller.config();
    change(next);
    return telling(next, [&] { return Json{{"changes", controller.apply(next)}}; });
}

PortConfig& port_named(Config& config, const std::string& name) {
    for (BridgeConfig& bridge : config.bridges)
        if (bridge.port.name == name) return bridge.port;
    for (LagConfig& lag : config.lags)
        if (lag.port.name == name) return lag.port;
    const auto found = std::ranges::find(config.ports, name, &PortConfig::name);
    if (found == config.ports.end()) throw ApiRefusal(404, "there is no port \"" + name + '"');
    return *found;
}

// The same, of one port. A port that a pattern stands for gets an entry of its own by it.
template <class Edit>
Json edit_port(Controller& controller, const std::string& name, Edit change) {
    const PortConfig* adopted = controller.adopted(name);
    const PortConfig* pattern =
        adopted != nullptr ? Adoption::pattern_for(controller.config(), name) : nullptr;
    if (pattern != nullptr && pattern->adopt_addresses)
        throw ApiRefusal(409, "port " + name + " is as the kernel has its interface (match \"" +
                                  pattern->match +
                                  "\", adopt: addresses): change that, by ip address add … dev " +
                                  name + ", or give the port an entry of its own in ports:");
    return edit(controller, [&](Config& next) {
        if (adopted != nullptr) next.ports.push_back(*adopted);
        change(port_named(next, name));
    });
}

NextHopConfig next_hop_of(const Json& body) {
    NextHopConfig hop{.via = address_of(body, "via"), .port = text_of(body, "port")};
    hop.weight = static_cast<uint16_t>(number_of(body, "weight", 1, 256).value_or(1));
    hop.onlink = boolean_of(body, "onlink").value_or(false);
    return hop;
}

std::vector<NextHopConfig> next_hops_of(const Json& hops) {
    if (!hops.is_array() || hops.empty())
        throw ApiRefusal(400, "next_hops: expected a list of at least one next hop");
    std::vector<NextHopConfig> all;
    for (const Json& hop : hops) {
        check_keys(hop, {"via", "port", "weight", "onlink"});
        all.push_back(next_hop_of(hop));
    }
    return all;
}

RouteConfig route_of(const Json& body) {
    check_keys(body, {"to", "via", "port", "onlink", "metric", "action", "next_hops", "nhid", "src",
                      "scope"});
    RouteConfig route;
    route.to = parse_route_prefix(required_text(body, "to"));
    route.metric = number_of(body, "metric", 0, UINT32_MAX).value_or(0);
    route.src = address_of(body, "src");
    if (const auto scope = text_of(body, "scope")) {
        route.scope = enum_named<RouteScope>(kRouteScopeNames, *scope);
        if (!route.scope) throw ApiRefusal(400, "scope: expected global, link or host");
    }
    const bool one = body.contains("via") || body.contains("port");
    const auto hops = body.find("next_hops");
    const bool nhid = body.contains("nhid");
    if (int{one} + int{hops != body.end()} + int{nhid} > 1)
        throw ApiRefusal(400,
                         "a route has via and port, or next_hops, or nhid, not several of them");
    if (const auto action = text_of(body, "action")) {
        const auto known = enum_named<RouteAction>(kRouteActionNames, *action);
        if (!known || *known == RouteAction::forward || one || nhid || hops != body.end())
            throw ApiRefusal(400,
                             "action: expected blackhole, unreachable, prohibit or throw, and no "
                             "next hop");
        route.action = *known;
    } else if (one) {
        route.next_hops.push_back(next_hop_of(body));
    } else if (hops != body.end()) {
        route.next_hops = next_hops_of(*hops);
    } else if (nhid) {
        route.nhid = number_of(body, "nhid", 1, UINT32_MAX);
    }
    return route;
}

// By its name, or by a next hop in one of its subnets.
bool uses(const RouteConfig& route, const PortConfig& port) {
    return std::ranges::any_of(route.next_hops, [&](const NextHopConfig& hop) {
        if (hop.port) return *hop.port == port.name;
        return std::ranges::any_of(port.addresses,
                                   [&](const Prefix4& a) { return a.contains(*hop.via); });
    });
}

void refuse_if_below(const Config& config, const std::string& port) {
    for (const LagConfig& lag : config.lags) {
        if (lag.port.name == port)
            throw ApiRefusal(409, port + " is a LAG: it goes with its entry of lags:");
        if (std::ranges::find(lag.members, port) != lag.members.end())
            throw ApiRefusal(409, "port " + port + " is a member of LAG " + lag.port.name +
                                      ": take it out of its members first");
    }
    for (const BridgeConfig& b : config.bridges) {
        if (b.port.name == port)
            throw ApiRefusal(409, port + " is a bridge: it goes with its entry of bridges:");
        if (std::ranges::find(b.members, port, &MemberConfig::port) != b.members.end())
            throw ApiRefusal(409, "port " + port + " is a member of bridge " + b.port.name +
                                      ": take it out of its members first");
    }
    for (const PortConfig& p : config.ports)
        if (const auto* vlan = std::get_if<VlanConfig>(&p.driver); vlan && vlan->parent == port)
            throw ApiRefusal(409,
                             "port " + p.name + " is a VLAN of port " + port + ": delete it first");
}

void refuse_if_used(const Config& config, const PortConfig& port) {
    refuse_if_below(config, port.name);
    const auto is_user = [&](const RouteConfig& r) { return uses(r, port); };
    const auto first = std::ranges::find_if(config.routes, is_user);
    if (first == config.routes.end()) return;
    const auto more = std::ranges::count_if(config.routes, is_user) - 1;
    const std::string what = "route " + first->to.to_string();
    const std::string by = " port " + port.name + ": delete ";
    throw ApiRefusal(
        409, more == 0 ? what + " uses" + by + "it first"
                       : what + " and " + std::to_string(more) + " more use" + by + "them first");
}

std::string on_port(const Controller& controller, Ip4 address) {
    for (const PortConfig& port : all_ports(controller.config()))
        for (const Prefix4& a : port.addresses)
            if (a.contains(address)) return port.name;
    throw ApiRefusal(409, address.to_string() + " is in no port's subnet: say which port");
}

// Each with its row and its new value; null in JSON: the port has none of its own any more.
using KnobChanges = std::vector<std::pair<size_t, std::optional<uint32_t>>>;

// What of `body` are knobs of a port, which are taken out of it.
KnobChanges take_knobs(Json& body) {
    KnobChanges changes;
    if (!body.is_object()) return changes;
    for (size_t i = 0; i < kKnobs<PortKnob>; ++i) {
        const KnobInfo& knob = kPortKnobs[i];
        const auto found = body.find(knob.name);
        if (found == body.end()) continue;
        std::optional<uint32_t> value;
        if (!found->is_null()) {
            const std::string text = found->is_string() ? found->get<std::string>() : found->dump();
            value = parse_knob(knob, text);
            if (!value)
                throw ApiRefusal(400, std::string(knob.name) + ": expected " + knob_choice(knob) +
                                          ", got \"" + text + '"');
        }
        changes.emplace_back(i, value);
        body.erase(found);
    }
    return changes;
}

}  // namespace

Json add_route(Controller& controller, const Json& body) {
    const RouteConfig route = route_of(body);
    return edit(controller, [&](Config& next) {
        for (const RouteConfig& r : next.routes)
            if (r.to == route.to && r.metric == route.metric)
                throw ApiRefusal(409, "a route to " + route.to.to_string() + " with metric " +
                                          std::to_string(route.metric) + " exists");
        next.routes.push_back(route);
    });
}

Json delete_route(Controller& controller, const Json& body) {
    check_keys(body, {"to", "metric"});
    const Prefix4 to = parse_route_prefix(required_text(body, "to"));
    const auto metric = number_of(body, "metric", 0, UINT32_MAX);
    return edit(controller, [&](Config& next) {
        auto found = next.routes.end();  // without a metric: the one that is used, the lowest
        for (auto r = next.routes.begin(); r != next.routes.end(); ++r)
            if (r->to == to && (!metric || r->metric == *metric) &&
                (found == next.routes.end() || r->metric < found->metric))
                found = r;
        if (found == next.routes.end())
            throw ApiRefusal(404, "there is no configured route to " + to.to_string() +
                                      (metric ? " with metric " + std::to_string(*metric) : ""));
        next.routes.erase(found);
    });
}

Json add_neighbour(Controller& controller, const Json& body) {
    check_keys(body, {"address", "mac", "port"});
    const Ip4 address = required_address(body, "address");
    const Mac mac = required_mac(body, "mac");
    const auto port = text_of(body, "port");
    const NeighbourConfig entry{
        .address = address, .mac = mac, .port = port ? *port : on_port(controller, address)};
    return edit(controller, [&](Config& next) {
        std::erase_if(next.neighbours, [&](const NeighbourConfig& n) {
            return n.address == entry.address && n.port == entry.port;  // `ip neigh replace`
        });
        next.neighbours.push_back(entry);
    });
}

Json delete_neighbour(Controller& controller, const Json& body) {
    check_keys(body, {"address", "port"});
    const Ip4 address = required_address(body, "address");
    const auto given = text_of(body, "port");
    const std::string port = given ? *given : on_port(controller, address);
    const auto same = [&](const NeighbourConfig& n) {
        return n.address == address && n.port == port;
    };
    if (std::ranges::any_of(controller.config().neighbours, same))
        return edit(controller, [&](Config& next) { std::erase_if(next.neighbours, same); });
    if (!controller.neighbours().remove(port, address))
        throw ApiRefusal(404, "there is no neighbour " + address.to_string() + " on port " + port);
    return {{"changes", {"neighbour " + address.to_string() + " port " + port + " removed"}}};
}

Json flush_neighbours(Controller& controller, const Json& body) {
    check_keys(body, {"port"});
    const auto port = text_of(body, "port");
    if (port && controller.ports().find(*port) == nullptr)
        throw ApiRefusal(404, "there is no port \"" + *port + '"');
    return {{"flushed", controller.neighbours().flush(port.value_or(""))}};
}

Json add_address(Controller& controller, const std::string& port, const Json& body) {
    check_keys(body, {"address"});
    const Prefix4 address = parse_interface_address(required_text(body, "address"));
    return edit_port(controller, port, [&](PortConfig& p) { p.addresses.push_back(address); });
}

Json delete_address(Controller& controller, const std::string& port, const Json& body) {
    check_keys(body, {"address"});
    const Prefix4 address = parse_interface_address(required_text(body, "address"));
    return edit_port(controller, port, [&](PortConfig& p) {
        if (std::erase(p.addresses, address) == 0)
            throw ApiRefusal(404, "port " + port + " does not have " + address.to_string());
    });
}

// JSON is YAML: one parser knows what a port can be.
Json add_port(Controller& controller, const Json& body) {
    const Config one = telling(Config{}, [&] {
        return parse_config(Json{{"ports", Json::array({body})}}.dump(), kRequest,
                            PortsToCome::yes);  // whose VLAN it may be is to be seen
    });
    return edit(controller, [&](Config& next) { next.ports.push_back(one.ports.at(0)); });
}

Json delete_port(Controller& controller, const std::string& port) {
    if (controller.adopted(port) != nullptr)
        throw ApiRefusal(409, "port " + port +
                                  " is there by a pattern (match) of ports:, and goes "
                                  "with that");
    return edit(controller, [&](Config& next) {
        refuse_if_used(next, port_named(next, port));
        std::erase_if(next.ports, [&](const PortConfig& p) { return p.name == port; });
        std::erase_if(next.neighbours, [&](const NeighbourConfig& n) { return n.port == port; });
        std::erase_if(next.neighbour_table.ports,
                      [&](const NeighbourPortKnobs& k) { return k.port == port; });
    });
}

Json set_port(Controller& controller, const std::string& port, const Json& all) {
    Json body = all;
    const KnobChanges knobs = take_knobs(body);
    check_keys(body, {"admin", "mtu", "mac"});
    return edit_port(controller, port, [&](PortConfig& p) {
        if (const auto admin = text_of(body, "admin")) {
            if (*admin != "up" && *admin != "down")
                throw ApiRefusal(400, "admin: expected up or down");
            p.admin_up = *admin == "up";
        }
        if (const auto mtu = number_of(body, "mtu", kMinMtu, kMaxMtu))
            p.mtu = static_cast<uint16_t>(*mtu);
        if (text_of(body, "mac")) p.mac = required_mac(body, "mac");
        for (const auto& [row, value] : knobs) p.knobs.at(row) = value;
    });
}

}  // namespace vethway
