// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l2/bridge_input.h"

#include <rte_byteorder.h>

#include <array>
#include <cstring>
#include <span>

#include "dataplane/context.h"
#include "dataplane/l2/bridge_forward.h"
#include "dataplane/l2/guard.h"
#include "dataplane/l2/l2_state.h"
#include "dataplane/l2/vlan_tag.h"

namespace vethway {

namespace {

// What a frame is on its way through the stage: first all are looked at, and the buckets of the
// table that they need are fetched; then each learns and goes.
struct Admitted {
    InDomain frame;
    Fdb::Probe source;
};

// Addresses as Mac::to_u48() has them, by one load: from the beginning of either on a whole
// Ethernet header has eight bytes.
constexpr uint64_t kGroupBit = uint64_t{1} << 40;
uint64_t address_at(rte_mbuf& m, size_t offset) noexcept {
    uint64_t word;
    std::memcpy(&word, rte_pktmbuf_mtod_offset(&m, const std::byte*, offset), sizeof word);
    return rte_be_to_cpu_64(word) >> 16;
}

constexpr bool is_reserved(uint64_t destination) noexcept {
    return (destination & ~uint64_t{0xf}) == 0x0180c2000000;
}

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

constexpr Bridged kCountedAs[] = {Bridged::learned,   Bridged::learned, Bridged::moved,
                                  Bridged::damped,    Bridged::pinned,  Bridged::learn_limited,
                                  Bridged::learn_full};

// What came by one member, of a burst.
class BridgeInput {
public:
    BridgeInput(Context& c, const PortState& port, BridgeOutputs out) noexcept
        : c_(c),
          out_(out),
          domain_(c.snap().domains[port.domain]),
          member_(domain_.members[port.member]),
          number_(port.domain),
          state_(c.l2->state(member_.port)),
          port_mac_(port.mac.to_u48()),
          bridge_mac_(domain_.mac.to_u48()),
          tick_(static_cast<uint32_t>(c.now / (c.hz / Fdb::kTicksASecond))),
          forward_(c, port.domain, &member_, out.ip, out.punt) {}

    void admit(rte_mbuf* m) noexcept {
        if (m->data_len < sizeof(EtherHeader)) [[unlikely]]
            return c_.drops.add(m, Drop::runt);
        const bool is_carried = enter_domain(*m, member_);
        const uint64_t to = address_at(*m, offsetof(EtherHeader, dst));
        const uint64_t from = address_at(*m, offsetof(EtherHeader, src));
        const BridgePort* own = domain_.own_port(vlan_of(*m));
        Drop why = is_carried ? refusal(from, own) : Drop::vlan_refused;
        if (member_.guard != nullptr && why == Drop::none) [[unlikely]]
            why = guard(c_, m, member_);
        const uint64_t within = FdbKey{.domain = number_, .vlan = vlan_of(*m), .mac = {}}.packed();
        if (is_reserved(to) && reserved_fate(to & 0xf, domain_) != ReservedFate::passes)
            [[unlikely]]
            return stay_on_link(m, to & 0xf, within | from, why == Drop::none);
        if (why != Drop::none) [[unlikely]] {
            if (why == Drop::own_source && !c_.dry) c_.l2->came_back(member_.port).add(vlan_of(*m));
            return c_.drops.add(m, why);
        }
        admitted_[count_++] = {
            .frame = {.m = m, .destination = probe(last_to_, within | to), .own = own},
            .source = probe(last_from_, within | from)};
    }

    void go() noexcept {
        for (const auto& [frame, source] : std::span(admitted_).first(count_)) {
            if (member_.learning && !learn(frame.m, source)) [[unlikely]]
                c_.drops.add(frame.m, Drop::learn_limit);
            else if (state_ != MemberState::forwarding) [[unlikely]]
                c_.drops.add(frame.m, Drop::l2_blocked);
            else
                forward_.send(frame);
        }
    }

private:
    // Why it may not come in; Drop::none: it may.
    Drop refusal(uint64_t from, const BridgePort* own) const noexcept {
        if ((from & kGroupBit) != 0 || from == 0) return Drop::bad_source;
        if (from == port_mac_ || from == bridge_mac_ ||
            (own != nullptr && own->mac.to_u48() == from))
            return Drop::own_source;
        return state_ == MemberState::blocking ? Drop::l2_blocked : Drop::none;
    }

    // Frames that follow each other are often of one station, and to one.
    const Fdb::Probe& probe(Fdb::Probe& last, uint64_t packed) const noexcept {
        if (last.packed != packed) {
            last = c_.l2->fdb.probe(packed);
            c_.l2->fdb.prefetch(last);
        }
        return last;
    }

    // False: it was one station too many, and its frames are to be dropped.
    bool learn(rte_mbuf* m, const Fdb::Probe& source) noexcept {
        if (source.packed == known_) return true;
        if (!c_.l2->fdb.is_fresh(source, member_.port, tick_) && !learn_anew(m, source))
            return false;
        known_ = source.packed;
        return true;
    }
    bool learn_anew(rte_mbuf* m, const Fdb::Probe& source) noexcept {
        Fdb& fdb = c_.l2->fdb;
        const Learned done = c_.dry ? fdb.would_learn(source, member_.port, tick_, member_.learn)
                                    : fdb.learn(source, member_.port, tick_, member_.learn);
        if (done == Learned::known) return true;
        if (done == Learned::moved) forward_.forget();
        if (!c_.dry) c_.counters.bridged(member_.port, kCountedAs[static_cast<size_t>(done)]);
        c_.note(m, Step::station_learned, static_cast<uint32_t>(done), vlan_of(*m), Drop::none,
                ether(*m).src);
        return !domain_.drops_unlearned || (done != Learned::limited && done != Learned::full);
    }

    // Its source is learned as any (Linux __br_handle_local_finish), but for who only pauses.
    void stay_on_link(rte_mbuf* m, unsigned x, uint64_t source, bool teaches) noexcept {
        constexpr unsigned kPause = 1;
        if (teaches && x != kPause && member_.learning) learn(m, c_.l2->fdb.probe(source));
        if (reserved_fate(x, domain_) == ReservedFate::punted)
            out_.punt.push(m);
        else
            c_.drops.add(m, Drop::group_reserved);
    }

    Context& c_;
    BridgeOutputs out_;
    const Domain& domain_;
    const Member& member_;
    const uint16_t number_;
    const MemberState state_;
    const uint64_t port_mac_, bridge_mac_;
    const uint32_t tick_;
    BridgeForward forward_;
    Fdb::Probe last_to_ = Fdb::kNobody, last_from_ = Fdb::kNobody;
    uint64_t known_ = Fdb::kNobody.packed;  // last heard of, and nothing is to be learned of it
    uint16_t count_ = 0;
    std::array<Admitted, Burst::kCapacity> admitted_;  // the first count_ of them
};

}  // namespace

std::optional<unsigned> reserved_group(const Mac& destination) noexcept {
    const uint64_t to = destination.to_u48();
    return is_reserved(to) ? std::optional(static_cast<unsigned>(to & 0xf)) : std::nullopt;
}

ReservedFate reserved_fate(unsigned x, const Domain& domain) noexcept {
    if ((domain.group_punt_mask >> x & 1) != 0) return ReservedFate::punted;
    return (domain.group_fwd_mask >> x & 1) != 0 ? ReservedFate::passes : ReservedFate::refused;
}

void bridge_input(Context& c, Burst& rx, BridgeOutputs out) noexcept {
    // A burst is of one port, unless that has VLANs' ports above it.
    for (rte_mbuf** at = rx.begin(); at != rx.end();) {
        const uint16_t port = meta(**at).port;
        if (c.port(port).domain == kNoDomain) {
            out.ip.push(*at++);
            continue;
        }
        BridgeInput input(c, c.port(port), out);
        do input.admit(*at++);
        while (at != rx.end() && meta(**at).port == port);
        input.go();
    }
    rx.clear();
}

}  // namespace vethway
