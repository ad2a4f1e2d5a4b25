// SPDX-License-Identifier: Apache-2.0
#include "dataplane/classify.h"

#include <cstring>

#include "dataplane/context.h"

namespace vethway {

// In line, so that what it says is never put together in memory.
static inline FrameClass class_of(std::span<const std::byte> frame, const Mac& port_mac) noexcept {
    if (frame.size() < sizeof(EtherHeader)) return {.why = Drop::runt};
    const auto& eth = *reinterpret_cast<const EtherHeader*>(frame.data());
    const bool group = eth.dst.is_group();
    if (eth.src == port_mac) return {.why = Drop::own_source};
    if (!group && eth.dst != port_mac) return {.why = Drop::not_for_us};
    switch (eth.type) {
        case kEtherTypeIp4:
            return {.kind = FrameKind::ip4, .link_group = group};
        case kEtherTypeArp:
            return {.kind = FrameKind::arp, .link_group = group};
        case kEtherTypeVlan:
        case kEtherTypeQinq:
            return {.why = Drop::vlan_unknown};
        case kEtherTypeIp6:
            return {.why = Drop::ip6};
        default:
            return {.why = Drop::ethertype_unknown};
    }
}

FrameClass classify_frame(std::span<const std::byte> frame, const Mac& port_mac) noexcept {
    return class_of(frame, port_mac);
}

// A tag of VLAN 0 is a priority and no VLAN: the frame is taken as if it had none (IEEE
// 802.1Q 6.9).
static bool strip_priority_tag(rte_mbuf& m) noexcept {
    struct Tagged {
        EtherHeader eth;
        Be16 tag;
    };
    if (m.data_len < sizeof(Tagged) + sizeof(Be16)) return false;
    const auto& tagged = *rte_pktmbuf_mtod(&m, const Tagged*);
    if ((tagged.tag & 0x0fff) != 0) return false;
    char* const at = rte_pktmbuf_mtod(&m, char*);
    std::memmove(at + kVlanTagBytes, at, 2 * sizeof(Mac));
    return rte_pktmbuf_adj(&m, kVlanTagBytes) != nullptr;
}

void classify(Context& c, Burst& rx, ClassifyOutputs out) noexcept {
    const uint16_t ip4_before = out.ip4.size(), arp_before = out.arp.size();
    for (rte_mbuf* m : rx) {
        PacketMeta& packet = meta(*m);
        const Mac& mac = c.port(packet.port).mac;
        FrameClass is;
        do is = class_of(frame_bytes(*m), mac);
        while (is.why == Drop::vlan_unknown && strip_priority_tag(*m));
        packet.l3_offset = sizeof(EtherHeader);
        packet.link_group = is.link_group;
        if (is.kind == FrameKind::ip4) [[likely]]
            out.ip4.push(m);
        else if (is.kind == FrameKind::arp)
            out.arp.push(m);
        else
            c.drops.add(m, is.why);
    }
    if (c.tracer.active()) [[unlikely]] {
        for (uint16_t i = ip4_before; i < out.ip4.size(); ++i)
            c.note(out.ip4[i], Step::classified, kEtherTypeIp4, meta(*out.ip4[i]).link_group);
        for (uint16_t i = arp_before; i < out.arp.size(); ++i)
            c.note(out.arp[i], Step::classified, kEtherTypeArp, meta(*out.arp[i]).link_group);
    }
    rx.clear();
}

}  // namespace vethway
