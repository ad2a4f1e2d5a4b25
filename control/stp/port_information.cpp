// SPDX-License-Identifier: Apache-2.0
// What a port knows of its link: it is the bridge's own, or a neighbour's, until that grows old.
#include "control/stp/bridge.h"

namespace vethway {

namespace {

enum class InfoKind : uint8_t { superior, repeated, inferior, not_designated, other };

constexpr uint16_t kNumberMask = 0x0fff;  // of a port's identifier, without its priority

bool is_same_source(const StpVector& a, const StpVector& b) {
    return a.bridge.mac == b.bridge.mac && (a.port & kNumberMask) == (b.port & kNumberMask);
}

// 17.21.8. Better is also what the designated port itself says anew, be it worse (17.6), and what
// this port itself has said: on a link that is looped the port hears it, and is its own backup.
InfoKind kind_of(const StpPort& p) {
    const Bpdu& m = p.message;
    if (m.type == BpduType::tcn) return InfoKind::other;
    if (m.role != BpduRole::designated)
        return m.vector >= p.port_priority && m.vector.root == p.port_priority.root
                   ? InfoKind::not_designated
                   : InfoKind::other;
    if (m.vector == p.port_priority)
        return p.info_is == InfoIs::received && m.times == p.port_times ? InfoKind::repeated
                                                                        : InfoKind::superior;
    if (m.vector < p.port_priority || is_same_source(m.vector, p.port_priority))
        return InfoKind::superior;
    return InfoKind::inferior;
}

void set_tc_flags(StpPort& p) {
    p.rcvd_tc |= p.message.topology_change;
    p.rcvd_tc_ack |= p.message.topology_change_ack;
}

// 17.21.23: three hellos, unless it is too old by the next bridge.
void update_rcvd_info_while(StpPort& p) {
    const StpTimes& t = p.port_times;
    p.rcvd_info_while =
        t.message_age_s + 1 <= t.max_age_s ? static_cast<uint16_t>(3 * t.hello_s) : uint16_t{0};
}

void take_superior(StpPort& p) {
    p.agreed = p.proposing = false;
    p.proposed |= p.message.proposal;
    set_tc_flags(p);
    p.agree = p.agree && p.info_is == InfoIs::received && p.message.vector <= p.port_priority;
    p.port_priority = p.message.vector;
    p.port_times = p.message.times;
    update_rcvd_info_while(p);
    p.info_is = InfoIs::received;
    p.reselect = true;
    p.selected = false;
}

void take(const StpBridge& b, StpPort& p) {
    p.rcvd_msg = false;
    if (p.message.type == BpduType::tcn) p.rcvd_tcn = true;
    switch (kind_of(p)) {
        case InfoKind::superior:
            return take_superior(p);
        case InfoKind::repeated:
            p.proposed |= p.message.proposal;
            set_tc_flags(p);
            return update_rcvd_info_while(p);
        case InfoKind::inferior:  // recordDispute
            if (!p.message.learning) return;
            p.disputed = true;
            p.agreed = false;
            return;
        case InfoKind::not_designated:  // recordAgreement
            p.agreed = b.rstp_version() && p.config.point_to_point && p.message.agreement;
            if (p.agreed) p.proposing = false;
            return set_tc_flags(p);
        case InfoKind::other:
            return;
    }
}

// What was heard holds no more, and roles are to be selected again.
bool lose(StpPort& p, InfoIs now, StpPort::Information state) {
    p.info_is = now;
    p.reselect = true;
    p.selected = false;
    p.information = state;
    return true;
}

bool disable(StpPort& p) {
    p.rcvd_msg = p.proposing = p.proposed = p.agree = p.agreed = false;
    p.rcvd_info_while = 0;
    return lose(p, InfoIs::disabled, StpPort::Information::disabled);
}

bool age(StpPort& p) { return lose(p, InfoIs::aged, StpPort::Information::aged); }

bool update(StpPort& p) {
    p.proposing = p.proposed = false;
    // Stricter than the standard: an agreement about another root is none about this. A root that
    // has died is passed around for a while, and is better than the one that lives.
    p.agreed = p.agreed && p.info_is == InfoIs::mine && p.designated_priority <= p.port_priority &&
               p.designated_priority.root == p.port_priority.root;
    p.synced = p.synced && p.agreed;
    p.port_priority = p.designated_priority;
    p.port_times = p.designated_times;
    p.updt_info = false;
    p.info_is = InfoIs::mine;
    p.new_info = true;
    p.information = StpPort::Information::current;
    return true;
}

}  // namespace

bool take_information(StpBridge& b, StpPort& p) {
    using State = StpPort::Information;
    if (!p.port_enabled && p.info_is != InfoIs::disabled) return disable(p);
    const bool is_due = p.selected && p.updt_info;
    switch (p.information) {
        case State::disabled:
            if (p.rcvd_msg) return disable(p);
            return p.port_enabled && age(p);
        case State::aged:
            return is_due && update(p);
        case State::current:
            if (is_due) return update(p);
            if (p.updt_info) return false;
            if (p.rcvd_msg) {
                take(b, p);
                return true;
            }
            return p.info_is == InfoIs::received && p.rcvd_info_while == 0 && age(p);
    }
    return false;
}

}  // namespace vethway
