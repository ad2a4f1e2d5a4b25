// SPDX-License-Identifier: Apache-2.0
// What is shown of spanning trees.
#include <fmt/format.h>

#include "config/names.h"
#include "control/json_views.h"

namespace vethway {

namespace {

std::string name_of(const Ports& ports, uint16_t index) {
    const ManagedPort* port = ports.find(index);
    return port != nullptr ? port->config.name : "?";
}

// Priority and number, as `ip -d link` and `bridge -d link` have them.
std::string id_text(uint16_t id) { return fmt::format("{:04x}", id); }

const char* hold_of(const RstpPortStatus& p) {
    if (p.guarded) return "BPDU guard";
    return p.root_guarded ? "root guard" : "";
}

Json port_view(const Ports& ports, const RstpPortStatus& p) {
    return {
        {"port", name_of(ports, p.port)},
        {"role", to_string(p.role)},
        {"state", to_string(p.state)},
        {"link", p.link ? "up" : "down"},
        {"id", id_text(p.id)},
        {"cost", p.path_cost},
        {"edge", p.edge},
        {"point_to_point", p.point_to_point},
        {"protocol", p.speaks_stp ? "stp" : "rstp"},
        {"held_by", hold_of(p)},
        {"designated",
         {{"root", p.designated.root.to_string()},
          {"cost", p.designated.cost},
          {"bridge", p.designated.bridge.to_string()},
          {"port", id_text(p.designated.port)}}},
        {"bpdus",
         {{"received", p.bpdus_received}, {"sent", p.bpdus_sent}, {"refused", p.bpdus_refused}}},
        {"flushes", p.flushes}};
}

Json tree_view(const Ports& ports, const BridgeConfig& b, const RstpStatus& tree) {
    Json members = Json::array();
    for (const RstpPortStatus& p : tree.ports) members.push_back(port_view(ports, p));
    return {{"bridge", b.port.name},
            {"mode", kStpModeNames[static_cast<size_t>(b.stp.mode)]},
            {"id", tree.id.to_string()},
            {"root", tree.root.to_string()},
            {"is_root", tree.root == tree.id},
            {"root_port", tree.root_port ? Json(name_of(ports, *tree.root_port)) : Json()},
            {"root_cost", tree.root_cost},
            {"hello_time", tree.times.hello_s},
            {"max_age", tree.times.max_age_s},
            {"forward_delay", tree.times.forward_delay_s},
            {"topology_changes", tree.topology_changes},
            {"members", members}};
}

}  // namespace

Json spanning_trees_view(Controller& controller) {
    Json out = Json::array();
    for (const BridgeConfig& b : controller.ports().bridges().all())
        if (const auto tree = controller.spanning_trees().status(b.port.name))
            out.push_back(tree_view(controller.ports(), b, *tree));
    return {{"spanning_trees", out}};
}

}  // namespace vethway
