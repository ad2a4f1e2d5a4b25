// SPDX-License-Identifier: Apache-2.0
// Which BPDU goes when (17.26), and what is in it (17.21.19 to 17.21.21).
#include "control/stp/bridge.h"

namespace vethway {

namespace {

BpduRole role_in_bpdu(StpRole role) {
    if (role == StpRole::root) return BpduRole::root;
    return role == StpRole::designated ? BpduRole::designated : BpduRole::alternate_or_backup;
}

// The times are designatedTimes: a bridge that is not the root tells the root's.
Bpdu make(const StpPort& p, BpduType type) {
    Bpdu bpdu{.type = type,
              .topology_change = p.tc_while != 0,
              .topology_change_ack = type == BpduType::config && p.tc_ack,
              .vector = p.designated_priority,
              .times = p.designated_times};
    if (type != BpduType::rst) return bpdu;
    bpdu.role = role_in_bpdu(p.role);
    bpdu.proposal = p.proposing;
    bpdu.agreement = p.agree;
    bpdu.learning = p.learning;
    bpdu.forwarding = p.forwarding;
    return bpdu;
}

// The old protocol has nothing to be said by a blocked port.
std::optional<BpduType> type_for(const StpPort& p) {
    if (p.send_rstp) return BpduType::rst;
    if (p.role == StpRole::root) return BpduType::tcn;
    if (p.role == StpRole::designated) return BpduType::config;
    return std::nullopt;
}

}  // namespace

bool transmit(StpBridge& b, StpPort& p, RstpHands& hands) {
    if (!p.port_enabled || p.role == StpRole::disabled) {
        p.new_info = true;  // when there is a link again
        p.tx_count = 0;
        p.hello_when = b.config.hello_s;
        return false;
    }
    if (!p.selected || p.updt_info) return false;
    if (p.hello_when == 0) {
        p.new_info |= p.role == StpRole::designated || (p.role == StpRole::root && p.tc_while != 0);
        p.hello_when = b.config.hello_s;
        return true;
    }
    if (!p.new_info || p.tx_count >= b.config.tx_hold_count) return false;
    const auto type = type_for(p);
    if (!type) return false;
    p.new_info = false;
    ++p.tx_count;
    ++p.sent;
    hands.send(p.index, write_bpdu(make(p, *type), p.config.mac));
    p.tc_ack = false;
    p.hello_when = b.config.hello_s;
    return true;
}

}  // namespace vethway
