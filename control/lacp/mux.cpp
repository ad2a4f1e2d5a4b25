// SPDX-License-Identifier: Apache-2.0
// Which ports are joined in the aggregator, and when frames may go by them. Collecting and
// distributing are coupled (figure 5-15): a port does both or neither.
#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "control/lacp/group.h"

namespace vethway {

namespace {

LacpPartnerId id_of(const LacpParty& p) {
    LacpPartnerId id{p.system_priority, p.system, p.key, std::nullopt};
    if (!p.has(kLacpAggregation)) id.lonely_port = p.port;
    return id;
}

// Nothing, or why it is not to be joined whatever others do.
const char* obstacle(const LacpGroup& g, const LacpPort& p) {
    if (!p.link) return "no link";
    if (p.actor.has(kLacpDefaulted))
        return p.receive == LacpReceive::defaulted ? "no partner answers"
                                                   : "no partner has been heard of";
    if (p.partner.system == g.config.system) return "it is connected to this switch itself";
    return nullptr;
}

// That of before as long as there is a port for it: a flow does not move for a better one.
void choose_partner(LacpGroup& g) {
    const LacpPort* best = nullptr;
    for (const auto& [index, p] : g.ports) {
        if (obstacle(g, p) != nullptr) continue;
        if (id_of(p.partner) == g.partner) return;
        const auto rank = [](const LacpPort& of) {
            return std::tuple(!of.partner.has(kLacpAggregation), of.config.priority, of.index);
        };
        if (best == nullptr || rank(p) < rank(*best)) best = &p;
    }
    g.partner.reset();
    if (best != nullptr) g.partner = id_of(best->partner);
}

const char* mismatch(const LacpPartnerId& wanted, const LacpPartnerId& id) {
    if (wanted.system != id.system || wanted.system_priority != id.system_priority)
        return "its partner is another system than the others'";
    if (wanted.key != id.key) return "its partner has another key than the others'";
    return "its partner can't be aggregated";
}

// All that wait have waited long enough: they come together, not one by one.
bool is_ready(const LacpGroup& g, LacpTime now) {
    return std::ranges::all_of(g.ports, [&](auto& of) {
        return of.second.mux != LacpMux::waiting || now >= of.second.wait_until;
    });
}

bool enter(LacpPort& p, LacpMux to) {
    const bool was_waiting = p.mux == LacpMux::waiting;
    p.mux = to;
    p.actor.set(kLacpSynchronization, p.is_attached());
    p.actor.set(kLacpCollecting, p.carries());
    p.actor.set(kLacpDistributing, p.carries());
    p.ntt |= to != LacpMux::waiting && !(was_waiting && to == LacpMux::detached);
    return true;
}

}  // namespace

bool select(LacpGroup& g) {
    choose_partner(g);
    bool moved = false;
    for (auto& [index, p] : g.ports) {
        const char* why_not = obstacle(g, p);
        if (why_not == nullptr && id_of(p.partner) != g.partner)
            why_not = mismatch(*g.partner, id_of(p.partner));
        // Who was let go leaves first, and comes back as a new one.
        const bool selects = why_not == nullptr && (p.selected || p.mux == LacpMux::detached);
        if (why_not != nullptr && p.why_not != why_not && p.link && !p.actor.has(kLacpDefaulted))
            g.say(p, fmt::format("not used: {}", why_not));
        p.why_not = why_not == nullptr ? "" : why_not;
        moved |= selects != p.selected;
        p.selected = selects;
    }
    return moved;
}

bool turn_mux(LacpGroup& g, LacpPort& p, LacpTime now) {
    switch (p.mux) {
        case LacpMux::detached:
            if (!p.selected) return false;
            p.wait_until = now + kAggregateWait;
            return enter(p, LacpMux::waiting);
        case LacpMux::waiting:
            if (!p.selected) return enter(p, LacpMux::detached);
            if (!is_ready(g, now)) return false;
            return enter(p, LacpMux::attached);
        case LacpMux::attached:
            if (!p.selected) return enter(p, LacpMux::detached);
            return p.partner.has(kLacpSynchronization) &&
                   enter(p, LacpMux::collecting_distributing);
        case LacpMux::collecting_distributing:
            return (!p.selected || !p.partner.has(kLacpSynchronization)) &&
                   enter(p, LacpMux::attached);
    }
    return false;
}

bool turn_churn(LacpGroup& g, LacpPort& p, LacpTime now) {
    const bool is_well = !p.link || p.actor.has(kLacpDefaulted) || p.carries();
    if (is_well) {
        const bool was_counting = p.churn_at != kNever;
        if (p.churned) g.say(p, "agrees with its partner again");
        p.churned = false;
        p.churn_at = kNever;
        return was_counting;
    }
    if (p.churn_at == kNever && !p.churned) {
        p.churn_at = now + kChurnDetection;
        return true;
    }
    if (p.churned || now < p.churn_at) return false;
    p.churned = true;
    p.churn_at = kNever;
    g.say(p, "has come to no agreement with its partner for 60 s");
    return true;
}

}  // namespace vethway
