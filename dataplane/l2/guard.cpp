// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l2/guard.h"

#include <algorithm>

#include "dataplane/context.h"
#include "dataplane/l2/payload.h"
#include "dataplane/l2/vlan_tag.h"

namespace vethway {

namespace {

constexpr uint16_t kDhcpServer = 67, kDhcpClient = 68, kDhcp6Client = 546, kDhcp6Server = 547;
constexpr uint8_t kRouterAdvertisement = 134;  // RFC 4861 4.2

struct GuardFinding {
    GuardFault fault = GuardFault::none;
    Ip4 ip;
    Mac mac;
};

class GuardCheck {
public:
    GuardCheck(const Guard& guard, uint16_t port, uint16_t vlan,
               std::span<const std::byte> frame) noexcept
        : guard_(guard),
          port_(port),
          vlan_(vlan),
          from_(reinterpret_cast<const EtherHeader*>(frame.data())->src),
          payload_(payload_of(frame)) {}

    GuardVerdict run() const noexcept {
        if (const auto v = verdict(Drop::mac_guard, listed_mac()); refuses(v)) return v;
        if (payload_.kind == PayloadKind::unreadable)
            return verdict(any_guard(), {.fault = GuardFault::unreadable});
        if (payload_.kind == PayloadKind::arp) {
            if (guard_.arp) return verdict(Drop::arp_guard, arp());
            return guard_.source ? verdict(Drop::source_guard, arp()) : GuardVerdict{};
        }
        if (guard_.source)
            if (const auto v = verdict(Drop::source_guard, source()); refuses(v)) return v;
        if (guard_.dhcp)
            if (const auto v = verdict(Drop::dhcp_guard, server()); refuses(v)) return v;
        return guard_.ra ? verdict(Drop::ra_guard, router()) : GuardVerdict{};
    }

private:
    static bool refuses(const GuardVerdict& v) noexcept { return v.why != Drop::none; }
    static GuardVerdict verdict(Drop why, const GuardFinding& found) noexcept {
        if (found.fault == GuardFault::none || why == Drop::none) return {};
        return {why, found.fault, found.ip, found.mac};
    }
    // Of those that read more than MACs.
    Drop any_guard() const noexcept {
        return guard_.source ? Drop::source_guard
               : guard_.arp  ? Drop::arp_guard
               : guard_.dhcp ? Drop::dhcp_guard
               : guard_.ra   ? Drop::ra_guard
                             : Drop::none;
    }

    GuardFinding listed_mac() const noexcept {
        if (guard_.macs.empty() || std::ranges::binary_search(guard_.macs, from_)) return {};
        return {GuardFault::mac_not_listed, {}, from_};
    }
    GuardFinding bound_mac() const noexcept {
        const uint16_t* at = guard_.bindings->port_of(vlan_, from_);
        if (at == nullptr) return {GuardFault::mac_not_bound, {}, from_};
        if (*at != kNoPort && *at != port_) return {GuardFault::mac_elsewhere, {}, from_};
        return {};
    }
    GuardFinding bound_ip(Ip4 ip) const noexcept {
        const Binding* binding = guard_.bindings->find(vlan_, ip);
        if (binding == nullptr) return {GuardFault::ip_not_bound, ip, from_};
        if (binding->mac != from_) return {GuardFault::ip_of_another, ip, from_};
        if (!binding->is_at(port_)) return {GuardFault::ip_elsewhere, ip, from_};
        return {};
    }

    // RFC 826; its sender is also the frame's, or a switch would learn one and hosts another. A
    // probe (RFC 5227 2.1.1) has no address yet.
    GuardFinding arp() const noexcept {
        if (payload_.bytes.size() < sizeof(ArpHeader)) return {GuardFault::unreadable, {}, {}};
        const auto& arp = *reinterpret_cast<const ArpHeader*>(payload_.bytes.data());
        if (arp.protocol_type != kEtherTypeIp4 || arp.hardware_bytes != sizeof(Mac) ||
            arp.protocol_bytes != sizeof(Be32))
            return {GuardFault::unreadable, {}, {}};
        const Ip4 sender{arp.sender_ip};
        if (arp.sender_mac != from_) return {GuardFault::forged_sender, sender, arp.sender_mac};
        if (sender.is_zero() && arp.operation == kArpRequest) return bound_mac();
        return bound_ip(sender);
    }

    GuardFinding source() const noexcept {
        if (payload_.kind != PayloadKind::ip4) return bound_mac();
        const auto inner = payload_of_ip4(payload_.bytes);
        if (!inner) return {GuardFault::unreadable, {}, {}};
        const Ip4 src{reinterpret_cast<const Ip4Header*>(payload_.bytes.data())->src};
        if (!src.is_zero() || !asks_for_address(*inner)) return bound_ip(src);
        // Who has no address yet may ask for one, but for with another station's MAC.
        const GuardFinding found = bound_mac();
        return found.fault == GuardFault::mac_elsewhere ? found : GuardFinding{};
    }

    // RFC 2131 4.1: the client's port 68, the server's 67; of DHCPv6 546 and 547 (RFC 8415 7.2).
    static bool asks_for_address(const IpPayload& inner) noexcept {
        const Be16* ports = udp_ports(inner);
        return ports != nullptr && ports[0] == kDhcpClient && ports[1] == kDhcpServer;
    }
    // A client listens to what comes to its port, whatever port that is from.
    GuardFinding server() const noexcept {
        const auto inner = ip_payload();
        if (!is_ip()) return {};
        if (!inner) return {GuardFault::unreadable, {}, {}};
        if (inner->protocol != kProtocolUdp || inner->is_later_fragment) return {};
        const Be16* ports = udp_ports(*inner);
        if (ports == nullptr) return {GuardFault::unreadable, {}, {}};
        const bool is_ip4 = payload_.kind == PayloadKind::ip4;
        const bool speaks = is_ip4 ? ports[0] == kDhcpServer || ports[1] == kDhcpClient
                                   : ports[0] == kDhcp6Server || ports[1] == kDhcp6Client;
        return speaks ? GuardFinding{GuardFault::server, {}, from_} : GuardFinding{};
    }
    GuardFinding router() const noexcept {
        if (payload_.kind != PayloadKind::ip6) return {};
        const auto inner = payload_of_ip6(payload_.bytes);
        if (!inner) return {GuardFault::unreadable, {}, {}};
        if (inner->protocol != kProtocolIcmp6 || inner->is_later_fragment) return {};
        if (inner->bytes.empty()) return {GuardFault::unreadable, {}, {}};
        return inner->bytes[0] == std::byte{kRouterAdvertisement}
                   ? GuardFinding{GuardFault::router, {}, from_}
                   : GuardFinding{};
    }

    bool is_ip() const noexcept {
        return payload_.kind == PayloadKind::ip4 || payload_.kind == PayloadKind::ip6;
    }
    std::optional<IpPayload> ip_payload() const noexcept {
        return payload_.kind == PayloadKind::ip4 ? payload_of_ip4(payload_.bytes)
                                                 : payload_of_ip6(payload_.bytes);
    }
    // From and to; null where it is no UDP, or ends before: a first fragment has 8 bytes of it at
    // least (RFC 791 3.2).
    static const Be16* udp_ports(const IpPayload& inner) noexcept {
        if (inner.protocol != kProtocolUdp || inner.is_later_fragment ||
            inner.bytes.size() < 2 * sizeof(Be16))
            return nullptr;
        return reinterpret_cast<const Be16*>(inner.bytes.data());
    }

    const Guard& guard_;
    const uint16_t port_, vlan_;
    const Mac from_;
    const Payload payload_;
};

}  // namespace

GuardVerdict check_guard(const Guard& guard, uint16_t port, uint16_t vlan,
                         std::span<const std::byte> frame) noexcept {
    return GuardCheck(guard, port, vlan, frame).run();
}

Drop guard(Context& c, rte_mbuf* m, const Member& member) noexcept {
    const GuardVerdict verdict =
        check_guard(*member.guard, member.port, m->vlan_tci & kVlanMask, frame_bytes(*m));
    if (verdict.why == Drop::none) [[likely]]
        return Drop::none;
    if (c.tracer.active()) {
        meta(*m).next_hop = verdict.ip;
        c.note(m, Step::guarded, static_cast<uint32_t>(verdict.fault), m->vlan_tci & kVlanMask,
               verdict.why, verdict.mac);
    }
    return verdict.why;
}

}  // namespace vethway
