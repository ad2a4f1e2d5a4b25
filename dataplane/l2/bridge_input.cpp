// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l2/bridge_input.h"

#include <array>

#include "dataplane/context.h"
#include "dataplane/l2/bridge_forward.h"
#include "dataplane/l2/l2_state.h"
#include "dataplane/l2/vlan_tag.h"

namespace vethway {

namespace {

// What a frame is on its way through the stage: first all are looked at, and the buckets of the
// table that they need are fetched; then each learns and goes.
struct Admitted {
    rte_mbuf* m;
    InDomain at;
    uint64_t source;  // FdbKey::packed()
};

// Finds the frame's VLAN, and takes its tag off; false: the member does not carry it.
bool enter_domain(rte_mbuf& m, const Member& member) noexcept {
    m.vlan_tci = 0;
    if (member.vlans == nullptr) return true;  // tags are payload
    const VlanMap& map = *member.vlans;
    const VlanTag* tag = find_tag(m, map.tpid);
    const uint16_t tci = tag != nullptr ? uint16_t{tag->tci} : uint16_t{0};
    const uint16_t vid = tci & kVlanMask;
    // VID 0 is a priority, and no VLAN (IEEE 802.1Q 6.9).
    const uint16_t vlan = vid == 0 ? map.untagged : map.from_wire[vid];
    if (vlan == VlanMap::kRefused) return false;
    if (tag != nullptr) pop_tag(m);
    m.vlan_tci = static_cast<uint16_t>((tci & ~kVlanMask) | vlan);
    return true;
}

// Why it may not come in; Drop::none: it may.
Drop refusal(const Context& c, rte_mbuf& m, const Domain& domain, const Member& member) noexcept {
    if (!enter_domain(m, member)) return Drop::vlan_refused;
    const Mac& from = ether(m).src;
    if (from.is_group() || from.is_zero()) return Drop::bad_source;
    const BridgePort* own = domain.own_port(m.vlan_tci & kVlanMask);
    if (from == c.port(member.port).mac || from == domain.mac ||
        (own != nullptr && own->mac == from))
        return Drop::own_source;
    return c.l2->state(member.port) == MemberState::blocking ? Drop::l2_blocked : Drop::none;
}

uint64_t key_of(uint16_t domain, const rte_mbuf& m, const Mac& mac) noexcept {
    const auto vlan = static_cast<uint16_t>(m.vlan_tci & kVlanMask);
    return FdbKey{.domain = domain, .vlan = vlan, .mac = mac}.packed();
}

constexpr Bridged kCountedAs[] = {Bridged::learned,   Bridged::learned, Bridged::moved,
                                  Bridged::damped,    Bridged::pinned,  Bridged::learn_limited,
                                  Bridged::learn_full};

// False: it was one station too many, and its frames are to be dropped.
bool learn(Context& c, const Admitted& a, uint32_t tick) noexcept {
    const Domain& domain = c.snap().domains[a.at.domain];
    const Member& member = *a.at.from;
    const Learned done = c.dry ? c.l2->fdb.would_learn(a.source, member.port, tick, member.learn)
                               : c.l2->fdb.learn(a.source, member.port, tick, member.learn);
    if (done == Learned::known) [[likely]]
        return true;
    if (!c.dry) c.counters.bridged(member.port, kCountedAs[static_cast<size_t>(done)]);
    c.note(a.m, Step::station_learned, static_cast<uint32_t>(done), a.m->vlan_tci & kVlanMask,
           Drop::none, ether(*a.m).src);
    return !domain.drops_unlearned || (done != Learned::limited && done != Learned::full);
}

class BridgeInput {
public:
    BridgeInput(Context& c, BridgeOutputs out) noexcept
        : c_(c), out_(out), tick_(static_cast<uint32_t>(c.now / (c.hz / Fdb::kTicksASecond))) {}

    void admit(rte_mbuf* m) noexcept {
        const PortState& port = c_.port(meta(*m).port);
        if (port.domain == kNoDomain) return out_.ip.push(m);
        const Domain& domain = c_.snap().domains[port.domain];
        const Member& member = domain.members[port.member];
        if (m->data_len < sizeof(EtherHeader)) return c_.drops.add(m, Drop::runt);
        const auto x = reserved_group(ether(*m).dst);
        const bool stays = x && reserved_fate(*x, domain) != ReservedFate::passes;
        const Drop why = refusal(c_, *m, domain, member);
        if (stays) [[unlikely]]
            return stay_on_link(m, *x, port.domain, why == Drop::none);
        if (why != Drop::none) [[unlikely]]
            return c_.drops.add(m, why);
        Admitted& a = admitted_[count_++];
        a = {.m = m,
             .at = {.domain = port.domain,
                    .from = &member,
                    .destination = key_of(port.domain, *m, ether(*m).dst)},
             .source = key_of(port.domain, *m, ether(*m).src)};
        c_.l2->fdb.prefetch(a.source);
        c_.l2->fdb.prefetch(a.at.destination);
    }

    void go() noexcept {
        for (const Admitted& a : std::span(admitted_).first(count_)) {
            if (a.at.from->learning && !learn(c_, a, tick_)) [[unlikely]]
                c_.drops.add(a.m, Drop::learn_limit);
            else if (c_.l2->state(a.at.from->port) != MemberState::forwarding) [[unlikely]]
                c_.drops.add(a.m, Drop::l2_blocked);
            else
                bridge_forward(c_, a.m, a.at, out_.ip);
        }
    }

private:
    // Its source is learned as any (Linux __br_handle_local_finish), but for who only pauses.
    void stay_on_link(rte_mbuf* m, unsigned x, uint16_t number, bool teaches) noexcept {
        constexpr unsigned kPause = 1;
        const Domain& domain = c_.snap().domains[number];
        const Admitted a{
            .m = m,
            .at = {.domain = number, .from = &domain.members[c_.port(meta(*m).port).member]},
            .source = key_of(number, *m, ether(*m).src)};
        if (teaches && x != kPause && a.at.from->learning) learn(c_, a, tick_);
        if (reserved_fate(x, domain) == ReservedFate::punted)
            out_.punt.push(m);
        else
            c_.drops.add(m, Drop::group_reserved);
    }

    Context& c_;
    BridgeOutputs out_;
    const uint32_t tick_;
    std::array<Admitted, Burst::kCapacity> admitted_;  // the first count_ of them
    uint16_t count_ = 0;
};

}  // namespace

std::optional<unsigned> reserved_group(const Mac& destination) noexcept {
    constexpr uint64_t kFirst = 0x0180c2000000;
    const uint64_t to = destination.to_u48();
    if ((to & ~uint64_t{0xf}) != kFirst) return std::nullopt;
    return static_cast<unsigned>(to & 0xf);
}

ReservedFate reserved_fate(unsigned x, const Domain& domain) noexcept {
    if ((domain.group_punt_mask >> x & 1) != 0) return ReservedFate::punted;
    return (domain.group_fwd_mask >> x & 1) != 0 ? ReservedFate::passes : ReservedFate::refused;
}

void bridge_input(Context& c, Burst& rx, BridgeOutputs out) noexcept {
    BridgeInput input(c, out);
    for (rte_mbuf* m : rx) input.admit(m);
    rx.clear();
    input.go();
}

}  // namespace vethway
