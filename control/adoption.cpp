// SPDX-License-Identifier: Apache-2.0
#include "control/adoption.h"

#include <fnmatch.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>

#include "config/parse.h"
#include "control/kernel_addresses.h"
#include "control/port_spec.h"

namespace vethway {

namespace {

// What is another port's: its interface, the one that it makes, or its name.
std::set<std::string> taken_by_others(const Config& config) {
    std::set<std::string> taken;
    for (const PortConfig& port : config.ports) {
        if (!port.match.empty()) continue;
        taken.insert(port.name);
        taken.insert(interface_of(port));
        const auto* veth = std::get_if<VethConfig>(&port.driver);
        if (veth != nullptr && veth->create && veth->create->netns.empty())
            taken.insert(veth->create->name);
    }
    return taken;
}

PortConfig port_for(const PortConfig& pattern, const std::string& interface) {
    PortConfig port = pattern;
    port.name = interface;
    port.match.clear();
    port.adopt_addresses = false;
    std::get<VethConfig>(port.driver).interface = interface;
    if (pattern.adopt_addresses) port.addresses = kernel_addresses(interface);
    return port;
}

}  // namespace

const PortConfig* Adoption::pattern_for(const Config& config, const std::string& interface) {
    const auto found = std::ranges::find_if(config.ports, [&](const PortConfig& p) {
        return !p.match.empty() && fnmatch(p.match.c_str(), interface.c_str(), 0) == 0;
    });
    return found == config.ports.end() ? nullptr : &*found;
}

void Adoption::refuse(const std::string& interface, const std::string& why) {
    std::string& before = refused_[interface];
    if (before != why) spdlog::warn("interface {} is not adopted: {}", interface, why);
    before = why;
}

// Brings kept_ up to what there is now.
void Adoption::adopt(const Config& config) {
    const std::set<std::string> taken = taken_by_others(config);
    std::erase_if(kept_, [&](const auto& kept) {
        return taken.contains(kept.first) || pattern_for(config, kept.first) == nullptr;
    });
    for (const std::string& interface : ethernet_interfaces()) {
        const PortConfig* pattern = pattern_for(config, interface);
        if (pattern == nullptr || taken.contains(interface)) continue;
        Kept& kept = kept_[interface];
        kept.port = port_for(*pattern, interface);
        if (pattern->adopt_addresses) kept.routes = kernel_routes(interface);
    }
}

Config Adoption::expand(const Config& config) {
    Config out = config;
    std::erase_if(out.ports, [](const PortConfig& p) { return !p.match.empty(); });
    adopt(config);
    for (const auto& [interface, kept] : kept_) {
        Config with = out;
        with.ports.push_back(kept.port);
        for (const RouteConfig& route : kept.routes)
            if (std::ranges::none_of(with.routes, [&](const RouteConfig& r) {
                    return r.to == route.to && r.metric == route.metric;
                }))
                with.routes.push_back(route);
        // Of routes and neighbours by ports that are still to come nothing can be said.
        if (const std::string why = what_is_wrong(with, PortsToCome::yes); !why.empty()) {
            refuse(interface, why);
            continue;
        }
        refused_.erase(interface);
        out = std::move(with);
    }
    return out;
}

}  // namespace vethway
