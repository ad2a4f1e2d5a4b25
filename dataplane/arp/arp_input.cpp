// SPDX-License-Identifier: Apache-2.0
#include "dataplane/arp/arp_input.h"

#include <cstring>

#include "dataplane/context.h"
#include "dataplane/ip4/source_check.h"
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

// Who asks is answered if a packet of its address would be taken (Linux arp_process asks
// ip_route_input): one of ours only with accept_local, and by the reverse path filter. A probe
// (RFC 5227, sender 0) has no address yet.
Drop check_asker(Context& c, rte_mbuf* m, uint16_t port, Ip4 sender) noexcept {
    if (sender.is_zero()) return Drop::none;
    if (c.snap().is_own(sender) && !c.port(port).knobs.is_on(PortKnob::accept_local))
        return Drop::arp_bad_sender;
    if (c.port(port).source_check() == SourceCheck::off) return Drop::none;
    const RouteEntry& back = c.routes.lookup(sender);
    if (source_passes(c.snap(), port, sender, back)) return Drop::none;
    c.note(m, Step::source_refused, static_cast<uint32_t>(c.port(port).source_check()),
           back.hop_count > 0 ? back.hops[0].port : kNoPort);
    return Drop::rp_filter;
}

bool is_somebody(Ip4 ip) noexcept {
    return !ip.is_this_network() && !ip.is_loopback() && !ip.is_multicast() && !ip.is_reserved();
}

// Whether the port answers for an address of ours (Linux arp_ignore, arp_filter). Where 3 would
// make a difference, for addresses of host scope, there are none.
bool answers_for(const Context& c, const PortState& port, uint16_t index, Ip4 sender,
                 Ip4 target) noexcept {
    const uint32_t ignore = port.knobs[PortKnob::arp_ignore];
    if (ignore == 8) return false;
    if ((ignore == 1 || ignore == 2) && !port.has_address(target)) return false;
    if (sender.is_zero()) return true;  // RFC 5227 2.1.1: a probe comes from nobody yet
    if (ignore == 2 && !port.on_link(sender, target)) return false;
    return !port.knobs.is_on(PortKnob::arp_filter) || c.routes.lookup(sender).leaves_by(index);
}

// Whether the port answers for what is behind us (Linux arp_fwd_proxy, arp_fwd_pvlan; RFC 3069 for
// the latter). At once, as if its proxy_delay were 0.
bool is_proxy_for(const Context& c, const PortState& port, uint16_t index, Ip4 sender,
                  Ip4 target) noexcept {
    if (!port.knobs.is_on(PortKnob::proxy_arp) && !port.knobs.is_on(PortKnob::proxy_arp_pvlan))
        return false;
    if (sender.is_zero() || !is_somebody(target)) return false;
    const RouteEntry& route = c.routes.lookup(target);
    if (route.type != RouteType::forward) return false;
    if (!route.leaves_by(index)) return port.knobs.is_on(PortKnob::proxy_arp);
    return port.knobs.is_on(PortKnob::proxy_arp_pvlan) && sender != target;
}

// Whether a neighbour that nobody has asked for is worth a place (Linux arp_accept).
bool is_accepted(const Context& c, uint16_t index, const ArpHeader& arp) noexcept {
    const PortState& port = c.port(index);
    const uint32_t accept = port.knobs[PortKnob::arp_accept];
    const Ip4 sender{arp.sender_ip};
    if (accept == 0 || !is_somebody(sender) || (accept == 2 && !port.on_link(sender, sender)))
        return false;
    if (arp.operation == kArpRequest && arp.sender_ip != arp.target_ip) return false;
    return c.routes.lookup(sender).type != RouteType::broadcast;
}

// Why a request gets no answer; Drop::none: it gets one.
Drop why_silent(Context& c, rte_mbuf* m, uint16_t index, Ip4 sender, Ip4 target) noexcept {
    const PortState& port = c.port(index);
    const Drop asker = check_asker(c, m, index, sender);
    if (!c.snap().is_own(target))
        return asker == Drop::none && is_proxy_for(c, port, index, sender, target)
                   ? Drop::none
                   : Drop::arp_not_ours;
    if (asker != Drop::none) return asker;
    return answers_for(c, port, index, sender, target) ? Drop::none : Drop::arp_ignored;
}

void request_input(Context& c, rte_mbuf* m, PacketList& released) noexcept {
    const ArpHeader& arp = arp_of(*m);
    const NeighbourKey sender{meta(*m).port, Ip4{arp.sender_ip}};
    const Drop why = why_silent(c, m, sender.port, sender.ip, Ip4{arp.target_ip});
    if (why == Drop::arp_ignored) return c.drops.add(m, why);
    // RFC 826: whoever asks us will be spoken to soon, so it is added; about others only what is
    // already known is brought up to date. A probe (RFC 5227, sender 0) teaches nothing.
    const bool ours = why == Drop::none;
    const bool adds = !sender.ip.is_zero() && (ours || is_accepted(c, sender.port, arp));
    Neighbour* n = nullptr;
    if (!sender.ip.is_zero())
        n = adds && !c.dry ? c.neighbours.find_or_add(sender, c.now) : c.neighbours.find(sender);
    if (n != nullptr && !c.dry) {
        c.neighbours.learn_hint(*n, arp.sender_mac, c.now, ours ? 0 : locktime(c, arp));
        release_held(c, *n, released);
    }
    if (n != nullptr || adds) note_learned(c, m, n);
    if (ours)
        answer(c, m);
    else
        c.drops.add(m, why);
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
    const NeighbourKey sender{meta(*m).port, Ip4{arp.sender_ip}};
    const bool adds = is_accepted(c, sender.port, arp);
    Neighbour* n =
        adds && !c.dry ? c.neighbours.find_or_add(sender, c.now) : c.neighbours.find(sender);
    if (n == nullptr && !asked && !(adds && c.dry)) return c.drops.add(m, Drop::arp_unsolicited);
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

// What is wrong with the message on this port; Drop::none: nothing.
Drop check_on_port(const Context& c, rte_mbuf& m) noexcept {
    const Drop why = check_arp(l3_bytes(m));
    if (why != Drop::none) return why;
    const ArpHeader& arp = arp_of(m);
    if (arp.sender_ip == arp.target_ip &&
        c.port(meta(m).port).knobs.is_on(PortKnob::drop_gratuitous_arp))
        return Drop::arp_gratuitous;
    return Drop::none;
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
        const Drop why = check_on_port(c, *m);
        // Somebody with an address of ours is who a conflict is about.
        const bool asked =
            (why == Drop::none || why == Drop::arp_gratuitous) && tell_if_asked(c, m, out.punt);
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
