// SPDX-License-Identifier: Apache-2.0
// The machines that know of one port alone: timers, reception, which protocol its neighbour speaks,
// whether it has one, and its state.
#include <fmt/format.h>

#include "control/stp/bridge.h"

namespace vethway {

void StpBridge::say(const StpPort& p, const std::string& what) {
    events.push_back(fmt::format("bridge {}: {}: {}", config.name, p.config.name, what));
}

void begin(StpBridge& b, StpPort& p) {
    static_cast<StpVariables&>(p) = {};
    p.port_enabled = p.link && !p.guarded;
    p.designated_times = p.port_times = b.bridge_times();
    p.edge_delay_while = p.mdelay_while = kMigrateTime;
    p.send_rstp = b.rstp_version();
    p.oper_edge = p.config.admin_edge;
    p.reselect = true;          // 17.27 DISABLED
    p.sync = p.re_root = true;  // 17.29 INIT_PORT
    p.rr_while = p.designated_times.forward_delay_s;
    p.fd_while = p.designated_times.max_age_s;
    p.fdb_flush = true;  // 17.31 INACTIVE
    p.hello_when = b.config.hello_s;
}

void count_down(StpPort& p) {
    for (uint16_t* timer :
         {&p.edge_delay_while, &p.fd_while, &p.hello_when, &p.mdelay_while, &p.rb_while,
          &p.rcvd_info_while, &p.rr_while, &p.tc_while, &p.tx_count, &p.guard_while})
        if (*timer > 0) --*timer;
}

bool receive(StpPort& p) {
    if (!p.port_enabled) {
        if (!p.rcvd_bpdu && p.edge_delay_while == kMigrateTime) return false;
        p.rcvd_bpdu = p.rcvd_rstp = p.rcvd_stp = p.rcvd_msg = false;
        p.edge_delay_while = kMigrateTime;
        return true;
    }
    if (!p.rcvd_bpdu || p.rcvd_msg) return false;
    // updtBPDUVersion: an RST BPDU, or one of the old protocol (17.21.22).
    (p.message.type == BpduType::rst ? p.rcvd_rstp : p.rcvd_stp) = true;
    p.oper_edge = p.rcvd_bpdu = false;
    p.rcvd_msg = true;
    p.edge_delay_while = kMigrateTime;
    return true;
}

static bool check_rstp(const StpBridge& b, StpPort& p) {
    p.mcheck = false;
    p.send_rstp = b.rstp_version();
    p.mdelay_while = kMigrateTime;
    p.migration = StpPort::Migration::checking_rstp;
    return true;
}

bool migrate_protocol(const StpBridge& b, StpPort& p) {
    using State = StpPort::Migration;
    const auto sense = [&] {
        p.rcvd_rstp = p.rcvd_stp = false;
        p.migration = State::sensing;
        return true;
    };
    switch (p.migration) {
        case State::checking_rstp:
            if (p.mdelay_while != kMigrateTime && !p.port_enabled) return check_rstp(b, p);
            return p.mdelay_while == 0 && sense();
        case State::selecting_stp:
            return (p.mdelay_while == 0 || !p.port_enabled || p.mcheck) && sense();
        case State::sensing:
            if (!p.port_enabled || p.mcheck || (b.rstp_version() && !p.send_rstp && p.rcvd_rstp))
                return check_rstp(b, p);
            if (!p.send_rstp || !p.rcvd_stp) return false;
            p.send_rstp = false;
            p.mdelay_while = kMigrateTime;
            p.migration = State::selecting_stp;
            return true;
    }
    return false;
}

bool detect_bridge(StpPort& p) {
    const bool alone = p.edge_delay_while == 0 && p.config.auto_edge && p.send_rstp && p.proposing;
    if (!p.oper_edge && ((!p.port_enabled && p.config.admin_edge) || alone)) {
        p.oper_edge = true;
        return true;
    }
    if (p.oper_edge && !p.port_enabled && !p.config.admin_edge) {
        p.oper_edge = false;
        return true;
    }
    return false;
}

bool change_state(StpPort& p) {
    if ((p.learning && !p.learn) || (p.forwarding && !p.forward)) {
        p.learning = p.forwarding = false;
        return true;
    }
    if (!p.learning && p.learn) {
        p.learning = true;
        return true;
    }
    if (p.learning && !p.forwarding && p.forward) {
        p.forwarding = true;
        return true;
    }
    return false;
}

}  // namespace vethway
