// SPDX-License-Identifier: Apache-2.0
// The variables of the state machines, by the names and the clauses of IEEE 802.1D-2004, and the
// machines themselves: each function looks at one port, makes at most one transition and says
// whether it did. Only rstp.cpp knows the order.
#pragma once

#include <map>

#include "control/stp/rstp.h"

namespace vethway {

inline constexpr uint16_t kMigrateTime = 3;  // seconds; table 17-1

enum class InfoIs : uint8_t { disabled, aged, mine, received };

// What begins anew with a port's machines.
struct StpVariables {
    bool own_came_back = false, told_root_guard = false;
    // 17.17, in seconds
    uint16_t edge_delay_while = 0, fd_while = 0, hello_when = 0, mdelay_while = 0, rb_while = 0,
             rcvd_info_while = 0, rr_while = 0, tc_while = 0, tx_count = 0;
    // 17.19
    bool agree = false, agreed = false, disputed = false, forward = false, forwarding = false,
         learn = false, learning = false, mcheck = false, new_info = true, oper_edge = false,
         port_enabled = false, proposed = false, proposing = false, rcvd_bpdu = false,
         rcvd_msg = false, rcvd_rstp = false, rcvd_stp = false, rcvd_tc = false,
         rcvd_tc_ack = false, rcvd_tcn = false, re_root = false, reselect = false, selected = false,
         send_rstp = true, sync = false, synced = false, tc_ack = false, tc_prop = false,
         updt_info = false, fdb_flush = false;
    InfoIs info_is = InfoIs::disabled;
    StpRole role = StpRole::disabled, selected_role = StpRole::disabled;
    StpVector designated_priority, port_priority;
    StpTimes designated_times, port_times;
    Bpdu message;  // the one received: msgPriority, msgTimes and its flags

    // States of the machines that need one.
    enum class Information : uint8_t { disabled, aged, current } information{};
    enum class Migration : uint8_t { checking_rstp, selecting_stp, sensing } migration{};
    enum class Transition : uint8_t {
        disable_port,
        disabled_port,
        root_port,
        designated_port,
        block_port,
        alternate_port
    } transition{};
    enum class Change : uint8_t { inactive, learning, active } change{};
};

struct StpPort : StpVariables {
    RstpPortConfig config;
    uint16_t index = 0;
    uint16_t id = 0;  // 17.19.17
    bool link = false, guarded = false;
    uint16_t guard_while = 0;  // seconds
    uint32_t speed_mbps = 0;
    uint64_t received = 0, sent = 0, refused = 0, flushes = 0;
    // Of its last StpChange.
    StpRole told_role = StpRole::disabled;
    StpState told_state = StpState::discarding;

    uint32_t path_cost() const {
        return config.path_cost != 0 ? config.path_cost : path_cost_of(speed_mbps);
    }
    StpState state() const {
        return forwarding ? StpState::forwarding
               : learning ? StpState::learning
                          : StpState::discarding;
    }
    bool is_on_tree() const { return role == StpRole::root || role == StpRole::designated; }
};

struct StpBridge {
    RstpConfig config;
    BridgeId id;
    std::map<uint16_t, StpPort> ports;
    StpVector root_priority;
    StpTimes root_times;
    std::optional<uint16_t> root_port;
    uint64_t topology_changes = 0;
    std::vector<std::string> events;  // to be told

    bool rstp_version() const { return !config.force_stp; }
    StpTimes bridge_times() const {
        return {0, config.max_age_s, config.hello_s, config.forward_delay_s};
    }
    void say(const StpPort& p, const std::string& what);
};

// 17.20
inline uint16_t forward_delay(const StpPort& p) {
    return p.send_rstp ? p.designated_times.hello_s : p.designated_times.forward_delay_s;
}

void begin(StpBridge& b, StpPort& p);
void count_down(StpPort& p);                                // 17.22
bool receive(StpPort& p);                                   // 17.23
bool migrate_protocol(const StpBridge& b, StpPort& p);      // 17.24
bool detect_bridge(StpPort& p);                             // 17.25
bool transmit(StpBridge& b, StpPort& p, RstpHands& hands);  // 17.26
bool take_information(StpBridge& b, StpPort& p);            // 17.27
bool select_roles(StpBridge& b);                            // 17.28
bool change_role(StpBridge& b, StpPort& p);                 // 17.29
bool change_state(StpPort& p);                              // 17.30
bool change_topology(StpBridge& b, StpPort& p);             // 17.31

}  // namespace vethway
