// SPDX-License-Identifier: Apache-2.0
// What a port knows of its partner, until that is silent; and when it must speak itself.
#include <fmt/format.h>

#include "control/lacp/group.h"

namespace vethway {

namespace {

constexpr unsigned kMostInSecond = 3;

// Nobody is known: it is not in sync, so that nothing is sent to whom does not speak LACP.
void record_default(LacpPort& p) {
    p.partner = {};
    p.partner.set(kLacpShortTimeout, true);
    p.actor.set(kLacpDefaulted, true);
}

void expire(LacpPort& p, LacpTime now) {
    p.partner.set(kLacpSynchronization, false);
    p.partner.set(kLacpShortTimeout, true);
    p.current_until = now + kShortTimeout;
    p.actor.set(kLacpExpired, true);
    p.receive = LacpReceive::expired;
}

// recordPDU: is what the partner says of us what we are, and will it be told when that changes?
bool is_in_sync(const LacpPort& p, const Lacpdu& pdu) {
    const bool knows_us = pdu.partner.is_same(p.actor) || !pdu.actor.has(kLacpAggregation);
    const bool is_kept_up = pdu.actor.has(kLacpActivity) ||
                            (p.actor.has(kLacpActivity) && pdu.partner.has(kLacpActivity));
    return pdu.actor.has(kLacpSynchronization) && knows_us && is_kept_up;
}

// update_NTT: it has to be told what it does not know.
bool must_be_told(const LacpPort& p, const Lacpdu& pdu) {
    constexpr uint8_t kTold =
        kLacpActivity | kLacpShortTimeout | kLacpSynchronization | kLacpAggregation;
    return !pdu.partner.is_same(p.actor) || ((pdu.partner.state ^ p.actor.state) & kTold) != 0;
}

}  // namespace

void LacpGroup::say(const LacpPort& p, const std::string& what) {
    events.push_back(fmt::format("lag {}: {}: {}", config.name, p.config.name, what));
}

void begin(const LacpGroup& g, LacpPort& p) {
    p.actor = {.system_priority = g.config.system_priority,
               .system = g.config.system,
               .key = g.config.key,
               .port_priority = p.config.priority,
               .port = static_cast<uint16_t>(p.index + 1),
               .state = kLacpAggregation};
    p.actor.set(kLacpActivity, g.config.active);
    p.actor.set(kLacpShortTimeout, g.config.fast);
    record_default(p);
    p.receive = LacpReceive::port_disabled;
    p.selected = false;
    p.why_not = "no partner has been heard of";
    p.current_until = p.periodic_at = p.churn_at = kNever;
    p.ntt = p.churned = false;
}

void take(LacpGroup& g, LacpPort& p, const Lacpdu& pdu, LacpTime now) {
    if (!pdu.actor.is_same(p.partner)) {
        p.selected = false;
        g.say(p, fmt::format("partner is {}", pdu.actor.to_string()));
    }
    p.ntt |= must_be_told(p, pdu);
    p.partner = pdu.actor;
    p.partner.set(kLacpSynchronization, is_in_sync(p, pdu));
    p.actor.set(kLacpDefaulted, false);
    p.actor.set(kLacpExpired, false);
    p.current_until = now + (p.actor.has(kLacpShortTimeout) ? kShortTimeout : kLongTimeout);
    p.receive = LacpReceive::current;
}

bool turn_receive(LacpGroup& g, LacpPort& p, LacpTime now) {
    if (!p.link) {
        if (p.receive == LacpReceive::port_disabled) return false;
        begin(g, p);
        return true;
    }
    if (p.receive == LacpReceive::port_disabled) {
        expire(p, now);
        return true;
    }
    if (now < p.current_until) return false;
    if (p.receive == LacpReceive::current) {
        g.say(p, "partner is silent");
        expire(p, now);
        return true;
    }
    if (p.receive != LacpReceive::expired) return false;
    if (!p.actor.has(kLacpDefaulted)) g.say(p, "partner is given up");
    p.selected = false;
    p.why_not = "no partner answers";
    record_default(p);
    p.actor.set(kLacpExpired, false);
    p.current_until = kNever;
    p.receive = LacpReceive::defaulted;
    return true;
}

bool turn_periodic(const LacpGroup& /*g*/, LacpPort& p, LacpTime now) {
    const bool speaks = p.link && (p.actor.has(kLacpActivity) || p.partner.has(kLacpActivity));
    if (!speaks) {
        if (p.periodic_at == kNever) return false;
        p.periodic_at = kNever;
        return true;
    }
    const bool fast = p.partner.has(kLacpShortTimeout);
    const bool is_new = p.periodic_at == kNever;
    // From slow to fast: at once, not when 30 s are over.
    const bool is_due = now >= p.periodic_at || is_new || (fast && !p.is_fast);
    if (!is_due && fast == p.is_fast) return false;
    if (is_due) p.ntt = true;
    p.periodic_at = now + (fast ? kFastPeriodic : kSlowPeriodic);
    p.is_fast = fast;
    return true;
}

bool may_send(LacpPort& p, unsigned& count, unsigned most, LacpTime now) {
    if (now - p.second_began >= kFastPeriodic) {
        p.second_began = now;
        p.sent_in_second = p.answered_in_second = 0;
    }
    if (count >= most) return false;
    ++count;
    return true;
}

void transmit(const LacpGroup& /*g*/, LacpPort& p, LacpHands& hands, LacpTime now) {
    if (!p.link) p.ntt = false;
    // Without anybody who is active nothing is said at all (5.4.13).
    if (!p.actor.has(kLacpActivity) && !p.partner.has(kLacpActivity)) p.ntt = false;
    if (!p.ntt || !may_send(p, p.sent_in_second, kMostInSecond, now)) return;
    p.ntt = false;
    ++p.sent;
    hands.send(p.index, write_lacpdu({p.actor, p.partner}, p.config.mac));
}

}  // namespace vethway
