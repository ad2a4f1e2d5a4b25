// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l2/groups.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "dataplane/l2/payload.h"
#include "dataplane/meta.h"

namespace vethway {

namespace {

// RFC 2710 3, RFC 3810 5.2: multicast listener query, report, done, and version 2's report.
constexpr auto kMldTypes = std::to_array<uint8_t>({130, 131, 132, 143});

// How hosts and routers agree about groups, which the switch does not take part in: all hear it.
bool is_igmp(std::span<const std::byte> packet) noexcept {
    const auto inner = payload_of_ip4(packet);
    return inner && inner->protocol == kProtocolIgmp;
}
bool is_mld(std::span<const std::byte> packet) noexcept {
    const auto inner = payload_of_ip6(packet);
    return inner && inner->protocol == kProtocolIcmp6 && !inner->is_later_fragment &&
           !inner->bytes.empty() &&
           std::ranges::find(kMldTypes, static_cast<uint8_t>(inner->bytes[0])) != kMldTypes.end();
}

// An IPv6 group that does not go beyond its link, such as hosts ask each other's addresses by
// (RFC 4861 7.2.1): nobody could list those.
bool stays_on_link(std::span<const std::byte> packet) noexcept {
    if (packet.size() < sizeof(Ip6Header)) return false;
    return Ip6{reinterpret_cast<const Ip6Header*>(packet.data())->dst}.stays_on_link();
}

}  // namespace

GroupReach group_reach(const Groups& groups, uint16_t vlan, rte_mbuf& m) noexcept {
    const Mac& to = ether(m).dst;
    const bool is_ip = is_ip4_group(to) || is_ip6_group(to);
    if (is_for_all(to)) return {};
    const Payload payload = payload_of(frame_bytes(m));
    if (payload.kind == PayloadKind::ip4
            ? is_igmp(payload.bytes)
            : payload.kind == PayloadKind::ip6 && is_mld(payload.bytes))
        return {};
    if (const MemberSet* wanted = groups.find(vlan, to))
        return {.floods = false, .members = *wanted | groups.routers};
    // RFC 4541 2.1.2: what is no IP multicast has no hosts that say they want it.
    if (!is_ip) return {};
    if (payload.kind == PayloadKind::ip6 && stays_on_link(payload.bytes)) return {};
    switch (groups.unknown) {
        case UnknownMulticast::flood:
            return {.floods = true, .members = groups.routers};
        case UnknownMulticast::routers:
            return {.floods = false, .members = groups.routers};
        default:
            return {.floods = false, .members = 0};
    }
}

}  // namespace vethway
