// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l2/bridge_forward.h"

#include <array>
#include <span>

#include "dataplane/l2/arp_suppress.h"
#include "dataplane/l2/groups.h"
#include "dataplane/l2/l2_state.h"
#include "dataplane/l2/vlan_tag.h"
#include "dataplane/offload/checksum.h"
#include "dataplane/rcu.h"

namespace vethway {

namespace {

// Messages about groups that the control thread hears of one member a second. Whoever sends more is
// broken or means ill, and others' would have to wait.
constexpr uint32_t kMostSnoopedPps = 1000;

// As Linux is_skb_forwardable() (net/core/dev.c): one VLAN tag is not part of the MTU, and a
// super-frame is as large as its sender's MTU makes its segments.
constexpr uint32_t most_bytes(uint16_t mtu) noexcept {
    return uint32_t{sizeof(EtherHeader)} + kVlanTagBytes + mtu;
}
bool fits(rte_mbuf& m, uint16_t mtu) noexcept {
    return m.pkt_len <= most_bytes(mtu) || meta(m).offload.gso != Gso::none;
}

// Why it can't leave by `to`; Drop::none: it can (IEEE 802.1Q 8.6.1 to 8.6.4).
Drop obstacle(const Context& c, rte_mbuf& m, const Member* from, const Member& to) noexcept {
    if (from == &to && !to.hairpin) return Drop::same_member;
    if (from != nullptr && from != &to && from->split_horizon != 0 &&
        from->split_horizon == to.split_horizon)
        return Drop::split_horizon;
    if (to.vlans != nullptr && to.vlans->to_wire[vlan_of(m)] == VlanMap::kRefused)
        return Drop::vlan_refused;
    if (c.l2->state(to.port) != MemberState::forwarding) return Drop::l2_blocked;
    const PortState& port = c.port(to.port);
    if (!port.up) return Drop::egress_down;
    return fits(m, port.mtu) ? Drop::none : Drop::bridge_mtu;
}

void to_own_port(Context& c, rte_mbuf* m, const BridgePort& own, Burst& out) noexcept {
    c.counters.bridged(meta(*m).port, Bridged::routed);
    c.comes_in_by(own.port, m, Step::to_bridge, 0, own.vlan);
    if (c.port(own.port).up) [[likely]]
        out.push(m);
    else
        c.drops.add(m, Drop::ingress_down);
}

// Of a frame that goes several ways. Null, and counted as a copy that was lost: no free mbuf.
rte_mbuf* once_more(Context& c, rte_mbuf* m, rte_mbuf* copy) noexcept {
    if (copy == nullptr) {
        c.counters.originated(meta(*m).port, Originated::flood_copy);
        c.counters.dropped(meta(*m).port, Drop::no_buffer);
        return nullptr;
    }
    c.originated(copy, Originated::flood_copy, m);
    return copy;
}

// Whom a frame is for that is for several.
struct Wanted {
    FloodKind kind;
    Suppressed suppressed;
    GroupReach reach;   // of a frame to a group
    bool told = false;  // the control thread has a copy

    bool is_by(const Member& to, size_t place) const noexcept {
        if (suppressed != Suppressed::no && to.neigh_suppress) return false;
        return (reach.members >> place & 1) != 0 ||
               (reach.floods && to.floods[static_cast<size_t>(kind)]);
    }
};

class Flood {
public:
    Flood(Context& c, const InDomain& frame, const Domain& domain, const Member* from,
          const Wanted& wanted) noexcept
        : c_(c), m_(frame.m), wanted_(wanted) {
        for (size_t i = 0; i < domain.members.size(); ++i) {
            const Member& to = domain.members[i];
            if (wanted.is_by(to, i) && obstacle(c, *m_, from, to) == Drop::none &&
                count_ < to_.size())
                to_[count_++] = &to;
        }
        // It is asked for by its address, or by all.
        if (wanted.kind != FloodKind::unknown_unicast && wanted.reach.floods) own_ = frame.own;
    }

    void run(Burst& own) noexcept {
        const bool floods = wanted_.reach.floods;
        c_.note(m_, step(), count_ + (own_ != nullptr ? 1U : 0U), vlan_of(*m_));
        if (own_ == nullptr && count_ == 0) return end_here();
        if (count_ > 0)
            c_.counters.bridged(meta(*m_).port, floods ? Bridged::flooded : Bridged::multicast);
        if (own_ != nullptr) {
            rte_mbuf* const copy = count_ == 0 ? m_ : once_more(c_, m_, c_.buffers.copy(*m_));
            if (copy != nullptr) to_own_port(c_, copy, *own_, own);
            if (count_ == 0) return;
        }
        complete_for_all();
        const auto wanted = static_cast<uint16_t>(count_ - 1);
        std::array<rte_mbuf*, kMaxMembers> copies;
        const size_t there = c_.buffers.spread(*m_, std::span(copies).first(wanted));
        for (uint16_t i = 0; i < wanted; ++i)
            if (rte_mbuf* copy = once_more(c_, m_, i < there ? copies[i] : nullptr))
                leave_by_member(c_, copy, *to_[i]);
        leave_by_member(c_, m_, *to_[wanted]);
    }

private:
    Step step() const noexcept {
        if (wanted_.reach.floods) return Step::flooded;
        return wanted_.reach.is_wanted ? Step::to_group : Step::to_routers;
    }
    void end_here() noexcept {
        if (wanted_.suppressed == Suppressed::answered) {
            c_.consumed(m_, Consumed::arp_request);
            return c_.drops.free(m_);
        }
        if (wanted_.told) {
            c_.consumed(m_, Consumed::host);
            return c_.drops.free(m_);
        }
        const bool nobody = !wanted_.reach.floods && wanted_.reach.members == 0;
        c_.drops.add(m_, nobody ? Drop::group_unknown : Drop::flood_nowhere);
    }
    // Once, in place of once for each who needs it. Super-frames are cut into packets of their own.
    void complete_for_all() noexcept {
        if (meta(*m_).offload.checksum != L4Checksum::partial || meta(*m_).offload.gso != Gso::none)
            return;
        for (uint16_t i = 0; i < count_; ++i)
            if (!c_.port(to_[i]->port).offloads) return complete_checksum(*m_);
    }

    Context& c_;
    rte_mbuf* m_;
    const Wanted wanted_;
    std::array<const Member*, kMaxMembers> to_;
    uint16_t count_ = 0;
    const BridgePort* own_ = nullptr;
};

// Whether the member has not sent too much of the kind.
bool is_within_storm_limit(Context& c, const Member* from, FloodKind kind) noexcept {
    const uint32_t pps = from != nullptr ? from->storm_pps[static_cast<size_t>(kind)] : 0;
    if (pps == 0) [[likely]]
        return true;
    StormBucket& bucket = c.l2->storm(from->port, kind);
    return c.dry ? bucket.would_take(pps, c.now, c.hz) : bucket.take(pps, c.now, c.hz);
}

}  // namespace

FloodKind flood_kind(const Mac& destination) noexcept {
    if (!destination.is_group()) return FloodKind::unknown_unicast;
    return destination == Mac::broadcast() ? FloodKind::broadcast : FloodKind::multicast;
}

void BridgeForward::find_way(const InDomain& frame) noexcept {
    rte_mbuf* const m = frame.m;
    const Mac& to = ether(*m).dst;
    if (to.is_group()) return flood(frame);
    if (frame.own != nullptr && frame.own->mac == to) return to_own_port(c_, m, *frame.own, own_);
    const uint16_t port = c_.l2->fdb.find(frame.destination);
    // A port that has left the domain may be remembered for a moment.
    if (port == kNoPort || c_.port(port).domain != number_ ||
        c_.port(port).kind == PortKind::bridge) [[unlikely]]
        return flood(frame);
    const uint16_t member = c_.port(port).member;
    const Way* const way = known_way(member, vlan_of(*m));
    if (way == nullptr || m->pkt_len > way->most_bytes) return unicast(frame, member);
    station_ = frame.destination.packed;
    way_ = way;
    take(*way, m);
}

const BridgeForward::Way* BridgeForward::known_way(uint16_t member, uint16_t vlan) const noexcept {
    return vlan == found_vlan_ && (found_ >> member & 1) != 0 ? &ways_[member] : nullptr;
}

void BridgeForward::unicast(const InDomain& frame, uint16_t member) noexcept {
    rte_mbuf* const m = frame.m;
    const Member& to = domain_.members[member];
    const uint16_t vlan = vlan_of(*m);
    meta(*m).egress = to.port;
    c_.note(m, Step::bridged, 0, vlan);
    const Drop why = obstacle(c_, *m, from_, to);
    if (why != Drop::none) [[unlikely]]
        return c_.drops.add(m, why);
    const PortState& port = c_.port(to.port);
    const bool has_tag = to.vlans != nullptr && to.vlans->to_wire[vlan] != VlanMap::kUntagged;
    const Way way{.member = &to,
                  .most_bytes = most_bytes(port.mtu),
                  .is_plain = !has_tag && port.kind == PortKind::device};
    take(way, m);
    // Who is watched goes step by step.
    if (c_.tracer.active()) [[unlikely]]
        return;
    if (vlan != found_vlan_) found_ = 0;
    found_vlan_ = vlan;
    found_ |= uint64_t{1} << member;
    ways_[member] = way;
    way_ = &ways_[member];
    station_ = frame.destination.packed;
}

void BridgeForward::flood(const InDomain& frame) noexcept {
    const FloodKind kind = flood_kind(ether(*frame.m).dst);
    if (!is_within_storm_limit(c_, from_, kind)) [[unlikely]]
        return c_.drops.add(frame.m, Drop::storm_limit);
    const Suppressed suppressed = domain_.suppresses_arp && from_ != nullptr
                                      ? suppress_arp(c_, frame.m, number_, *from_)
                                      : Suppressed::no;
    const GroupReach reach = kind == FloodKind::multicast && domain_.groups != nullptr
                                 ? group_reach(domain_.groups->read(), vlan_of(*frame.m), *frame.m)
                                 : GroupReach{};
    const bool told = reach.teaches && from_ != nullptr && tell(frame.m);
    Flood(c_, frame, domain_, from_, {kind, suppressed, reach, told}).run(own_);
}

// The control thread of what is said about groups. False: not of this one.
bool BridgeForward::tell(rte_mbuf* m) noexcept {
    if (c_.dry) return true;
    if (!c_.l2->snooped(from_->port).take(kMostSnoopedPps, c_.now, c_.hz)) {
        c_.counters.bridged(from_->port, Bridged::snoop_limited);
        return false;
    }
    rte_mbuf* const copy = c_.buffers.copy(*m);
    if (copy == nullptr) return false;  // as if it had been lost: it is said again
    complete_checksum(*copy);
    c_.originated(copy, Originated::group_copy, m);
    punt_.push(copy);
    c_.counters.bridged(from_->port, Bridged::snooped);
    return true;
}

}  // namespace vethway
