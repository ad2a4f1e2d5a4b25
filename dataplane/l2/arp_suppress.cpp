// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l2/arp_suppress.h"

#include "dataplane/context.h"
#include "dataplane/l2/bindings.h"
#include "dataplane/l2/l2_state.h"
#include "dataplane/l2/leave.h"
#include "dataplane/l2/vlan_tag.h"
#include "dataplane/net/arp_message.h"

namespace vethway {

namespace {

constexpr uint16_t kReverseRequest = 3, kReverseReply = 4;  // RFC 903

// Null where it is none about IPv4 on Ethernet, or not whole.
const ArpHeader* arp_in(rte_mbuf& m) noexcept {
    const auto frame = frame_bytes(m);
    if (frame.size() < sizeof(EtherHeader) + sizeof(ArpHeader) || ether(m).type != kEtherTypeArp)
        return nullptr;
    const auto& arp = *reinterpret_cast<const ArpHeader*>(&ether(m) + 1);
    const bool fits = arp.protocol_type == kEtherTypeIp4 && arp.hardware_bytes == sizeof(Mac) &&
                      arp.protocol_bytes == sizeof(Be32);
    return fits ? &arp : nullptr;
}

// By a binding, or as IP on this VLAN of the bridge knows it.
std::optional<Mac> mac_of(const Context& c, const Domain& domain, const BridgePort* own,
                          uint16_t vlan, Ip4 ip) noexcept {
    if (domain.bindings != nullptr)
        if (const Binding* binding = domain.bindings->find(vlan, ip)) return binding->mac;
    if (own == nullptr) return std::nullopt;
    const Neighbour* n = c.neighbours.find({own->port, ip});
    const NeighbourLink link = n != nullptr ? n->read() : NeighbourLink{};
    return link.usable() ? std::optional(link.mac) : std::nullopt;
}

// For the station `mac`, which is behind `port`. False: there was no free mbuf.
bool answer(Context& c, rte_mbuf* asked, const Member& to, const ArpHeader& arp, const Mac& mac,
            uint16_t port) noexcept {
    constexpr size_t kSize = sizeof(EtherHeader) + sizeof(ArpHeader);
    rte_mbuf* const m = c.allocate(meta(*asked).port, kSize);
    if (m == nullptr) return false;
    ether(*m) = {.dst = arp.sender_mac, .src = mac, .type = kEtherTypeArp};
    *reinterpret_cast<ArpHeader*>(&ether(*m) + 1) =
        arp_message(kArpReply, {mac, Ip4{arp.target_ip}}, {arp.sender_mac, Ip4{arp.sender_ip}});
    m->vlan_tci = asked->vlan_tci;
    if (c.tracer.active()) {
        meta(*asked).next_hop = Ip4{arp.target_ip};
        c.note(asked, Step::arp_answered, port, m->vlan_tci & kVlanMask, Drop::none, mac);
    }
    c.originated(m, Originated::arp_reply, asked);
    leave_by_member(c, m, to);
    return true;
}

Suppressed answer_for(Context& c, rte_mbuf* m, uint16_t number, const Member& from,
                      const ArpHeader& arp, const Mac& mac) noexcept {
    const Domain& domain = c.snap().domains[number];
    const auto vlan = static_cast<uint16_t>(m->vlan_tci & kVlanMask);
    const FdbKey key{.domain = number, .vlan = vlan, .mac = mac};
    const uint16_t port = c.l2->fdb.find(key.packed());
    if (port == kNoPort || c.port(port).domain != number) return Suppressed::no;
    const Member& behind = domain.members[c.port(port).member];
    if (!behind.neigh_suppress) return Suppressed::kept;
    if (!answer(c, m, from, arp, mac, port)) return Suppressed::no;
    c.counters.bridged(from.port, Bridged::suppressed);
    return Suppressed::answered;
}

}  // namespace

Suppressed suppress_arp(Context& c, rte_mbuf* m, uint16_t number, const Member& from) noexcept {
    const ArpHeader* arp = arp_in(*m);
    if (arp == nullptr || from.neigh_suppress) return Suppressed::no;
    const Ip4 sender{arp->sender_ip}, target{arp->target_ip};
    if (target.is_loopback() || target.is_multicast()) return Suppressed::no;
    // Who is asked by its MAC is to show that it is there.
    if (arp->operation == kArpRequest && !ether(*m).dst.is_group()) return Suppressed::no;
    // Who announces or defends an address, or looks whether somebody has it (RFC 5227).
    const bool reverse = arp->operation == kReverseRequest || arp->operation == kReverseReply;
    if (!reverse && (sender.is_zero() || sender == target)) return Suppressed::kept;
    if (arp->operation != kArpRequest) return Suppressed::no;
    const Domain& domain = c.snap().domains[number];
    const auto vlan = static_cast<uint16_t>(m->vlan_tci & kVlanMask);
    const BridgePort* own = domain.own_port(vlan);
    if (own != nullptr && c.port(own->port).has_address(target)) return Suppressed::kept;
    const auto mac = mac_of(c, domain, own, vlan, target);
    return mac ? answer_for(c, m, number, from, *arp, *mac) : Suppressed::no;
}

}  // namespace vethway
