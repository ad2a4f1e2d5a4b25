// SPDX-License-Identifier: Apache-2.0
#include "dataplane/arp/arp_input.h"

#include <cstring>

#include "dataplane/context.h"
#include "dataplane/neighbour/release.h"
#include "dataplane/net/headers.h"

namespace vethway {

namespace {

// Linux arp_process takes the number of IEEE 802 networks for Ethernet's as well (RFC 1042).
constexpr uint16_t kHardwareEthernet = 1, kHardwareIeee802 = 6;

const ArpHeader& arp_of(rte_mbuf& m) noexcept {
    return *reinterpret_cast<const ArpHeader*>(l3_bytes(m).data());
}

// The request's own mbuf becomes the reply.
void answer(Context& c, rte_mbuf* m) noexcept {
    const uint16_t index = meta(*m).port;
    const Mac own = c.port(index).mac;
    c.consumed(m, Consumed::arp_request);
    auto& eth = ether(*m);
    auto& arp = *reinterpret_cast<ArpHeader*>(&eth + 1);
    const Be32 asked = arp.target_ip;
    eth.dst = arp.sender_mac;
    eth.src = own;
    arp.hardware_type = kHardwareEthernet;
    arp.operation = kArpReply;
    arp.target_mac = arp.sender_mac;
    arp.target_ip = arp.sender_ip;
    arp.sender_mac = own;
    arp.sender_ip = asked;
    m->data_len = sizeof eth + sizeof arp;
    m->pkt_len = m->data_len;
    meta(*m).egress = index;
    c.originated(m, Originated::arp_reply, m);
    c.tx.push(c.snap(), m);
}

// A second (Linux LOCKTIME), in which the first of several answers counts; but who announces itself
// (RFC 5227 gratuitous ARP) has moved (Linux arp_is_garp).
uint64_t locktime(const Context& c, const ArpHeader& arp) noexcept {
    const bool gratuitous = arp.sender_ip == arp.target_ip &&
                            (arp.operation == kArpRequest || arp.target_mac == arp.sender_mac);
    return gratuitous ? 0 : c.hz;
}

// `n`: null where it would be added.
void note_learned(Context& c, rte_mbuf* m, const Neighbour* n) noexcept {
    if (!c.tracer.active()) return;
    const ArpHeader& arp = arp_of(*m);
    meta(*m).next_hop = Ip4{arp.sender_ip};
    const NeighbourState state = n != nullptr ? n->read().state : NeighbourState::none;
    c.note(m, Step::learned, static_cast<uint32_t>(state), 0, Drop::none, arp.sender_mac);
}

void request_input(Context& c, rte_mbuf* m, PacketList& released) noexcept {
    const ArpHeader& arp = arp_of(*m);
    const NeighbourKey sender{meta(*m).port, Ip4{arp.sender_ip}};
    // RFC 826: whoever asks us will be spoken to soon, so it is added; about others only what is
    // already known is brought up to date. A probe (RFC 5227, sender 0) teaches nothing.
    const bool ours = c.snap().is_own(Ip4{arp.target_ip});
    Neighbour* n = nullptr;
    if (!sender.ip.is_zero())
        n = ours && !c.dry ? c.neighbours.find_or_add(sender, c.now) : c.neighbours.find(sender);
    if (n != nullptr && !c.dry) {
        c.neighbours.learn_hint(*n, arp.sender_mac, c.now, ours ? 0 : locktime(c, arp));
        release_held(c, *n, released);
    }
    if (n != nullptr || (ours && !sender.ip.is_zero())) note_learned(c, m, n);
    if (ours)
        answer(c, m);
    else
        c.drops.add(m, Drop::arp_not_ours);
}

// A copy for the control thread, where it asks: of whatever speaks for the address, and of who
// probes for it as well (RFC 5227 2.1.1). Whether it does.
bool tell_if_asked(Context& c, rte_mbuf* m, Burst& punt) noexcept {
    if (c.arp_asked == nullptr || !c.arp_asked->any()) [[likely]]
        return false;
    const ArpHeader& arp = arp_of(*m);
    const Ip4 about{arp.sender_ip == 0 ? arp.target_ip : arp.sender_ip};
    if (!c.arp_asked->has(meta(*m).port, about)) return false;
    constexpr size_t kSize = sizeof(EtherHeader) + sizeof(ArpHeader);
    rte_mbuf* copy = c.allocate(meta(*m).port, kSize);
    if (copy == nullptr) return true;  // it is as if the answer had been lost
    meta(*copy).l3_offset = sizeof(EtherHeader);
    meta(*copy).link_group = meta(*m).link_group;
    std::memcpy(&ether(*copy), &ether(*m), kSize);
    c.originated(copy, Originated::arp_copy, m);
    punt.push(copy);
    return true;
}

void reply_input(Context& c, rte_mbuf* m, bool asked, PacketList& released) noexcept {
    const ArpHeader& arp = arp_of(*m);
    const uint16_t port = meta(*m).port;
    Neighbour* n = c.neighbours.find({port, Ip4{arp.sender_ip}});
    if (n == nullptr && !asked) {
        c.drops.add(m, Drop::arp_unsolicited);
        return;
    }
    if (n != nullptr && !c.dry) {
        // A broadcast reply answers nobody's question: a hint (Linux arp_process, PACKET_HOST).
        if (meta(*m).link_group)
            c.neighbours.learn_hint(*n, arp.sender_mac, c.now, locktime(c, arp));
        else
            c.neighbours.learn_proof(*n, arp.sender_mac, c.now, locktime(c, arp));
        release_held(c, *n, released);
    }
    if (n != nullptr) note_learned(c, m, n);
    c.consumed(m, Consumed::arp_reply);
    c.drops.free(m);
}

}  // namespace

Drop check_arp(std::span<const std::byte> bytes) noexcept {
    if (bytes.size() < sizeof(ArpHeader)) return Drop::arp_malformed;
    const auto& arp = *reinterpret_cast<const ArpHeader*>(bytes.data());
    if ((arp.hardware_type != kHardwareEthernet && arp.hardware_type != kHardwareIeee802) ||
        arp.protocol_type != kEtherTypeIp4 || arp.hardware_bytes != sizeof(Mac) ||
        arp.protocol_bytes != sizeof(Be32) ||
        (arp.operation != kArpRequest && arp.operation != kArpReply))
        return Drop::arp_malformed;
    const Ip4 sender{arp.sender_ip};
    if (arp.sender_mac.is_group() || arp.sender_mac.is_zero() || sender.is_loopback() ||
        sender.is_multicast() || sender.is_reserved())
        return Drop::arp_bad_sender;
    return Drop::none;
}

void arp_input(Context& c, Burst& in, ArpOutputs out) noexcept {
    for (rte_mbuf* m : in) {
        Drop why = check_arp(l3_bytes(*m));
        // Somebody with an address of ours is who a conflict is about.
        const bool asked = why == Drop::none && tell_if_asked(c, m, out.punt);
        // Where packets from ourselves may come in, we may ask ourselves (Linux arp_process, which
        // has the route's check of the source decide).
        if (why == Drop::none && c.snap().is_own(Ip4{arp_of(*m).sender_ip}) &&
            !c.port(meta(*m).port).accept_local)
            why = Drop::arp_bad_sender;
        if (why != Drop::none)
            c.drops.add(m, why);
        else if (arp_of(*m).operation == kArpRequest)
            request_input(c, m, out.released);
        else
            reply_input(c, m, asked, out.released);
    }
    in.clear();
}

}  // namespace vethway
