// SPDX-License-Identifier: Apache-2.0
// Which port leads to the root, and what that makes the others (updtRolesTree, 17.21.25).
#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "control/stp/bridge.h"

namespace vethway {

namespace {

// What the root's bridge would be by this port.
std::optional<StpVector> way_by(const StpBridge& b, const StpPort& p) {
    if (p.info_is != InfoIs::received || p.config.root_guard) return std::nullopt;
    if (p.port_priority.bridge.mac == b.id.mac) return std::nullopt;
    StpVector way = p.port_priority;
    way.cost += std::min(p.path_cost(), UINT32_MAX - way.cost);
    return way;
}

void find_root(StpBridge& b) {
    b.root_priority = {b.id, 0, b.id, 0};
    b.root_times = b.bridge_times();
    b.root_port.reset();
    uint16_t by = 0;
    for (auto& [index, p] : b.ports) {
        const auto way = way_by(b, p);
        if (!way || std::tie(*way, p.id) >= std::tie(b.root_priority, by)) continue;
        b.root_priority = *way;
        by = p.id;
        b.root_port = index;
        b.root_times = p.port_times;
        ++b.root_times.message_age_s;
    }
}

void select_role(const StpBridge& b, StpPort& p) {
    const auto choose = [&](StpRole role, bool is_mine) {
        p.selected_role = role;
        p.updt_info = is_mine;
    };
    switch (p.info_is) {
        case InfoIs::disabled:
            return choose(StpRole::disabled, false);
        case InfoIs::aged:
            return choose(StpRole::designated, true);
        case InfoIs::mine:
            return choose(StpRole::designated, p.port_priority != p.designated_priority ||
                                                   p.port_times != p.designated_times);
        case InfoIs::received:
            break;
    }
    if (b.root_port == p.index) return choose(StpRole::root, false);
    if (p.designated_priority < p.port_priority) return choose(StpRole::designated, true);
    const bool is_ours = p.port_priority.bridge.mac == b.id.mac;
    choose(is_ours ? StpRole::backup : StpRole::alternate, false);
}

void watch_root_guard(StpBridge& b, StpPort& p) {
    const bool holds = p.config.root_guard && p.selected_role == StpRole::alternate &&
                       p.port_priority.root < b.root_priority.root;
    if (holds && !p.told_root_guard)
        b.say(p, fmt::format("root guard: blocked, a better root {} is behind it",
                             p.port_priority.root.to_string()));
    if (!holds && p.told_root_guard) b.say(p, "root guard: no better root is behind it any more");
    p.told_root_guard = holds;
}

void update_roles(StpBridge& b) {
    const BridgeId root = b.root_priority.root;
    const std::optional<uint16_t> root_port = b.root_port;
    find_root(b);
    for (auto& [index, p] : b.ports) {
        p.designated_priority = {b.root_priority.root, b.root_priority.cost, b.id, p.id};
        p.designated_times = b.root_times;
        p.designated_times.hello_s = b.config.hello_s;
        select_role(b, p);
        watch_root_guard(b, p);
    }
    if (b.root_priority.root == root && b.root_port == root_port) return;
    b.events.push_back(b.root_port
                           ? fmt::format("bridge {}: root is {} by {}, cost {}", b.config.name,
                                         b.root_priority.root.to_string(),
                                         b.ports.at(*b.root_port).config.name, b.root_priority.cost)
                           : fmt::format("bridge {}: is the root", b.config.name));
}

}  // namespace

bool select_roles(StpBridge& b) {
    const bool is_due = std::ranges::any_of(b.ports, [](auto& of) { return of.second.reselect; });
    if (!is_due) return false;
    for (auto& [index, p] : b.ports) p.reselect = p.selected = false;
    update_roles(b);
    for (auto& [index, p] : b.ports) p.selected = true;
    return true;
}

}  // namespace vethway
