// SPDX-License-Identifier: Apache-2.0
// Who must forget what was learned, since a port has begun to forward (17.31).
#include "control/stp/bridge.h"

namespace vethway {

namespace {

using Change = StpPort::Change;

bool is_told(const StpPort& p) { return p.rcvd_tc || p.rcvd_tcn || p.rcvd_tc_ack || p.tc_prop; }

// newTcWhile, 17.21.7
void tell_of_change(const StpBridge& b, StpPort& p) {
    if (p.tc_while != 0) return;
    if (p.send_rstp) {
        p.tc_while = static_cast<uint16_t>(b.config.hello_s + 1);
        p.new_info = true;
    } else {
        p.tc_while = static_cast<uint16_t>(b.root_times.max_age_s + b.root_times.forward_delay_s);
    }
}

// To all ports but this (setTcPropTree).
void propagate_from(StpBridge& b, const StpPort& p) {
    for (auto& [index, other] : b.ports)
        if (index != p.index) other.tc_prop = true;
}

bool forget_signs(StpPort& p) {
    p.rcvd_tc = p.rcvd_tcn = p.rcvd_tc_ack = p.tc_prop = false;
    p.change = Change::learning;
    return true;
}

bool turn_learning(StpBridge& b, StpPort& p) {
    if (p.is_on_tree() && p.forward && !p.oper_edge) {
        b.say(p, "topology change: it forwards");
        ++b.topology_changes;
        tell_of_change(b, p);
        propagate_from(b, p);
        p.new_info = true;
        p.change = Change::active;
        return true;
    }
    if (is_told(p)) return forget_signs(p);
    if (p.is_on_tree() || p.learn || p.learning) return false;
    p.fdb_flush = true;
    p.tc_while = 0;
    p.tc_ack = false;
    p.change = Change::inactive;
    return true;
}

bool turn_active(StpBridge& b, StpPort& p) {
    if (!p.is_on_tree() || p.oper_edge) return forget_signs(p);
    if (p.rcvd_tcn || p.rcvd_tc) {
        if (p.rcvd_tcn) tell_of_change(b, p);
        p.rcvd_tcn = p.rcvd_tc = false;
        if (p.role == StpRole::designated) p.tc_ack = true;
        propagate_from(b, p);
        return true;
    }
    if (p.tc_prop) {
        tell_of_change(b, p);
        p.fdb_flush = true;
        p.tc_prop = false;
        return true;
    }
    if (!p.rcvd_tc_ack) return false;
    p.tc_while = 0;
    p.rcvd_tc_ack = false;
    return true;
}

}  // namespace

bool change_topology(StpBridge& b, StpPort& p) {
    switch (p.change) {
        case Change::inactive:
            return p.learn && forget_signs(p);
        case Change::learning:
            return turn_learning(b, p);
        case Change::active:
            return turn_active(b, p);
    }
    return false;
}

}  // namespace vethway
