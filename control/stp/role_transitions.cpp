// SPDX-License-Identifier: Apache-2.0
// From the role that was selected to what a port does: when it may learn and forward, and what it
// asks of its neighbour or grants it (17.29). States that lead on at once are functions here.
#include <algorithm>

#include "control/stp/bridge.h"

namespace vethway {

namespace {

using Transition = StpPort::Transition;

bool is_rerooted(const StpBridge& b, const StpPort& p) {
    return std::ranges::all_of(
        b.ports, [&](auto& of) { return of.second.index == p.index || of.second.rr_while == 0; });
}

bool is_all_synced(const StpBridge& b) {
    return std::ranges::all_of(b.ports, [](auto& of) {
        const StpPort& p = of.second;
        return p.selected && p.role == p.selected_role && (p.role == StpRole::root || p.synced);
    });
}

void set_sync(StpBridge& b) {
    for (auto& [index, p] : b.ports) p.sync = true;
}

bool enter_selected(StpPort& p) {
    p.role = p.selected_role;
    switch (p.role) {
        case StpRole::root:
            p.rr_while = p.designated_times.forward_delay_s;
            p.transition = Transition::root_port;
            break;
        case StpRole::designated:
            p.transition = Transition::designated_port;
            break;
        case StpRole::disabled:
            p.learn = p.forward = false;
            p.transition = Transition::disable_port;
            break;
        case StpRole::alternate:
        case StpRole::backup:
            p.learn = p.forward = false;
            p.transition = Transition::block_port;
            break;
    }
    return true;
}

bool agree(StpPort& p) {
    p.proposed = p.sync = false;
    p.agree = p.new_info = true;
    return true;
}
bool pass_proposal_on(StpBridge& b, StpPort& p) {
    set_sync(b);
    p.proposed = false;
    return true;
}

bool turn_root(StpBridge& b, StpPort& p) {
    p.rr_while = p.designated_times.forward_delay_s;
    if (p.proposed && !p.agree) return pass_proposal_on(b, p);
    if ((is_all_synced(b) && !p.agree) || (p.proposed && p.agree)) return agree(p);
    if (!p.forward && !p.re_root) {
        for (auto& [index, other] : b.ports) other.re_root = true;
        return true;
    }
    if (p.forward && p.re_root) {
        p.re_root = false;
        return true;
    }
    const bool may = p.fd_while == 0 || (is_rerooted(b, p) && p.rb_while == 0 && b.rstp_version());
    if (may && !p.learn) {
        p.fd_while = forward_delay(p);
        p.learn = true;
        return true;
    }
    if (may && !p.forward) {
        p.fd_while = 0;
        p.forward = true;
        return true;
    }
    return false;
}

bool turn_designated(const StpBridge& /*b*/, StpPort& p) {
    const bool must_not = (p.sync && !p.synced) || (p.re_root && p.rr_while != 0) || p.disputed;
    if (must_not && !p.oper_edge && (p.learn || p.forward)) {
        p.learn = p.forward = p.disputed = false;
        p.fd_while = forward_delay(p);
        return true;
    }
    if (!p.synced ? (!p.learning && !p.forwarding) || p.agreed || p.oper_edge : p.sync) {
        p.rr_while = 0;
        p.synced = true;
        p.sync = false;
        return true;
    }
    if (p.rr_while == 0 && p.re_root) {
        p.re_root = false;
        return true;
    }
    if (!p.forward && !p.agreed && !p.proposing && !p.oper_edge) {
        p.proposing = p.new_info = true;
        p.edge_delay_while = p.config.point_to_point ? kMigrateTime : p.designated_times.max_age_s;
        return true;
    }
    const bool may =
        (p.fd_while == 0 || p.agreed || p.oper_edge) && (p.rr_while == 0 || !p.re_root) && !p.sync;
    if (may && !p.learn) {
        p.learn = true;
        p.fd_while = forward_delay(p);
        return true;
    }
    if (may && !p.forward) {
        p.forward = true;
        p.fd_while = 0;
        p.agreed = p.send_rstp;
        return true;
    }
    return false;
}

// What holds of a port that is off the tree: DISABLED_PORT and ALTERNATE_PORT.
bool rest(StpPort& p, uint16_t fd_while) {
    if (p.fd_while == fd_while && p.synced && p.rr_while == 0 && !p.sync && !p.re_root)
        return false;
    p.fd_while = fd_while;
    p.synced = true;
    p.rr_while = 0;
    p.sync = p.re_root = false;
    return true;
}

bool turn_alternate(StpBridge& b, StpPort& p) {
    if (p.proposed && !p.agree) return pass_proposal_on(b, p);
    if ((is_all_synced(b) && !p.agree) || (p.proposed && p.agree)) {
        p.proposed = false;
        p.agree = p.new_info = true;
        return true;
    }
    const auto backup_time = static_cast<uint16_t>(2 * p.designated_times.hello_s);
    if (p.role == StpRole::backup && p.rb_while != backup_time) {
        p.rb_while = backup_time;
        return true;
    }
    return rest(p, p.designated_times.forward_delay_s);
}

bool leave_tree(StpPort& p, Transition to) {
    if (p.learning || p.forwarding) return false;
    p.transition = to;
    return true;
}

}  // namespace

bool change_role(StpBridge& b, StpPort& p) {
    if (!p.selected || p.updt_info) return false;
    if (p.selected_role != p.role) return enter_selected(p);
    switch (p.transition) {
        case Transition::disable_port:
            return leave_tree(p, Transition::disabled_port);
        case Transition::disabled_port:
            return rest(p, p.designated_times.max_age_s);
        case Transition::root_port:
            return turn_root(b, p);
        case Transition::designated_port:
            return turn_designated(b, p);
        case Transition::block_port:
            return leave_tree(p, Transition::alternate_port);
        case Transition::alternate_port:
            return turn_alternate(b, p);
    }
    return false;
}

}  // namespace vethway
