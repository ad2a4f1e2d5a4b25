// SPDX-License-Identifier: Apache-2.0
#include "perf/gen/arp.h"

#include <algorithm>

namespace vethway::gen {

namespace {

constexpr uint16_t kLeastArpFrame = 60;  // IEEE 802.3, without FCS

ArpFrame make_frame(const ArpHosts& hosts, const Mac& dst, const ArpHeader& arp) noexcept {
    ArpFrame out;
    auto& ether = *reinterpret_cast<EtherHeader*>(out.bytes.data());
    ether = {dst, hosts.mac, hosts.vlan ? kEtherTypeVlan : kEtherTypeArp};
    size_t at = sizeof ether;
    if (hosts.vlan) {
        auto* tag = reinterpret_cast<Be16*>(&out.bytes[at]);
        tag[0] = *hosts.vlan;
        tag[1] = kEtherTypeArp;
        at += kVlanTagBytes;
    }
    *reinterpret_cast<ArpHeader*>(&out.bytes[at]) = arp;
    out.size = static_cast<uint16_t>(kLeastArpFrame + (hosts.vlan ? kVlanTagBytes : 0));
    return out;
}

}  // namespace

bool ArpHosts::are(Ip4 ip) const noexcept {
    return std::ranges::find(own, ip) != own.end() || (hosts != nullptr && hosts->contains(ip));
}

const ArpHeader* find_arp(std::span<const std::byte> frame) noexcept {
    if (frame.size() < sizeof(EtherHeader)) return nullptr;
    uint16_t type = reinterpret_cast<const EtherHeader*>(frame.data())->type;
    size_t at = sizeof(EtherHeader);
    for (; type == kEtherTypeVlan && at + kVlanTagBytes <= frame.size(); at += kVlanTagBytes)
        type = *reinterpret_cast<const Be16*>(&frame[at + 2]);
    if (type != kEtherTypeArp || at + sizeof(ArpHeader) > frame.size()) return nullptr;
    const auto* arp = reinterpret_cast<const ArpHeader*>(&frame[at]);
    const bool known = arp->hardware_type == 1 && arp->protocol_type == kEtherTypeIp4 &&
                       arp->hardware_bytes == 6 && arp->protocol_bytes == 4;
    return known ? arp : nullptr;
}

std::optional<ArpFrame> arp_answer(std::span<const std::byte> frame,
                                   const ArpHosts& hosts) noexcept {
    const ArpHeader* asked = find_arp(frame);
    if (asked == nullptr || asked->operation != kArpRequest) return std::nullopt;
    const Ip4 sender{asked->sender_ip}, target{asked->target_ip};
    if (sender.is_zero() || sender == target || !hosts.are(target)) return std::nullopt;
    return make_frame(hosts, asked->sender_mac,
                      {uint16_t{1}, kEtherTypeIp4, 6, 4, kArpReply, hosts.mac, target.value,
                       asked->sender_mac, sender.value});
}

ArpFrame arp_request(const ArpHosts& hosts, Ip4 from, Ip4 target) noexcept {
    return make_frame(hosts, Mac::broadcast(),
                      {uint16_t{1}, kEtherTypeIp4, 6, 4, kArpRequest, hosts.mac, from.value, Mac{},
                       target.value});
}

}  // namespace vethway::gen
