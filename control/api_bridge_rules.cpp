// SPDX-License-Identifier: Apache-2.0
// What a bridge knows of IP, changed while it runs: bindings and groups.
#include <algorithm>

#include "control/api_edit.h"
#include "control/json_body.h"

namespace vethway {

namespace {

uint16_t vlan_of(const Json& body) {
    return static_cast<uint16_t>(number_of(body, "vlan", 1, kMaxVlan).value_or(0));
}

// By its name, or by a member; where neither is said, the only one there is.
BridgeConfig& bridge_of(Config& config, const Json& body) {
    if (const auto name = text_of(body, "bridge")) {
        for (BridgeConfig& b : config.bridges)
            if (b.port.name == *name) return b;
        throw ApiRefusal(404, "there is no bridge \"" + *name + '"');
    }
    if (const auto port = text_of(body, "port")) return bridge_with(config, *port);
    if (config.bridges.empty()) throw ApiRefusal(404, "there is no bridge");
    if (config.bridges.size() > 1)
        throw ApiRefusal(409, "there are several bridges: say which, by bridge NAME");
    return config.bridges.front();
}

// "what [port p1] [vlan 10]"
std::string words_of(std::string what, const std::string& port, uint16_t vlan) {
    if (!port.empty()) what += " port " + port;
    if (vlan != 0) what += " vlan " + std::to_string(vlan);
    return what;
}

// The one entry that is meant: where no VLAN is said, whichever it is in, if that is one only.
template <class Entry, class IsIt>
auto only_entry(std::vector<Entry>& entries, uint16_t vlan, const std::string& words, IsIt is_it) {
    const auto fits = [&](const Entry& e) { return is_it(e) && (vlan == 0 || e.vlan == vlan); };
    const auto found = std::ranges::find_if(entries, fits);
    if (found == entries.end()) throw ApiRefusal(404, "there is no " + words);
    if (std::ranges::count_if(entries, fits) > 1)
        throw ApiRefusal(409, "there is a " + words + " in several VLANs: say which, by vlan N");
    return found;
}

MulticastGroup group_of(const Json& body) {
    const std::string text = required_text(body, "group");
    if (const auto group = MulticastGroup::parse(text)) return *group;
    throw ApiRefusal(400,
                     "group: expected a group like 239.1.2.3, ff05::1:3 or "
                     "01:00:5e:01:02:03, got \"" +
                         text + '"');
}

}  // namespace

Json add_binding(Controller& controller, const Json& body) {
    check_keys(body, {"address", "mac", "bridge", "port", "vlan"});
    const BindingConfig binding{.address = required_address(body, "address"),
                                .mac = required_mac(body, "mac"),
                                .port = text_of(body, "port").value_or(""),
                                .vlan = vlan_of(body)};
    const std::string what =
        "binding " + binding.address.to_string() + ' ' + binding.mac.to_string();
    return edit_entry(controller, words_of(what, binding.port, binding.vlan), [&](Config& next) {
        std::vector<BindingConfig>& all = bridge_of(next, body).bindings;
        const bool replaced = std::erase_if(all, [&](const BindingConfig& b) {
                                  return b.address == binding.address && b.vlan == binding.vlan;
                              }) > 0;
        all.push_back(binding);
        return replaced ? "replaced" : "added";
    });
}

Json delete_binding(Controller& controller, const Json& body) {
    check_keys(body, {"address", "bridge", "port", "vlan"});
    const Ip4 address = required_address(body, "address");
    const auto port = text_of(body, "port");
    const uint16_t vlan = vlan_of(body);
    const std::string words = words_of("binding " + address.to_string(), port.value_or(""), vlan);
    return edit_entry(controller, words, [&](Config& next) {
        std::vector<BindingConfig>& all = bridge_of(next, body).bindings;
        all.erase(only_entry(all, vlan, words, [&](const BindingConfig& b) {
            return b.address == address && (!port || b.port == *port);
        }));
        return "removed";
    });
}

Json add_to_group(Controller& controller, const Json& body) {
    check_keys(body, {"group", "bridge", "port", "vlan"});
    const MulticastGroup group = group_of(body);
    const std::string port = required_text(body, "port");
    const uint16_t vlan = vlan_of(body);
    const std::string words = words_of("group " + group.to_string(), port, vlan);
    return edit_entry(controller, words, [&](Config& next) {
        std::vector<GroupConfig>& all = bridge_of(next, body).groups;
        const auto found = std::ranges::find_if(
            all, [&](const GroupConfig& g) { return g.group == group && g.vlan == vlan; });
        if (found == all.end())
            all.push_back({.group = group, .ports = {port}, .vlan = vlan});
        else
            found->ports.push_back(port);
        return "added";
    });
}

Json delete_from_group(Controller& controller, const Json& body) {
    check_keys(body, {"group", "bridge", "port", "vlan"});
    const MulticastGroup group = group_of(body);
    const auto port = text_of(body, "port");
    const uint16_t vlan = vlan_of(body);
    const std::string words = words_of("group " + group.to_string(), port.value_or(""), vlan);
    return edit_entry(controller, words, [&](Config& next) {
        std::vector<GroupConfig>& all = bridge_of(next, body).groups;
        const auto found = only_entry(all, vlan, words, [&](const GroupConfig& g) {
            return g.group == group &&
                   (!port || std::ranges::find(g.ports, *port) != g.ports.end());
        });
        if (port) std::erase(found->ports, *port);
        if (!port || found->ports.empty()) all.erase(found);  // with its last member it goes
        return "removed";
    });
}

}  // namespace vethway
