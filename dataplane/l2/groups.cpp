// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l2/groups.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "dataplane/l2/payload.h"
#include "dataplane/meta.h"

namespace vethway {

namespace {

// What a frame says about groups.
enum class GroupTalk : uint8_t {
    none,
    heard_by_all,  // which groups do you want; or: I am a router
    for_routers    // which groups a host wants, or wants no more
};

// RFC 1112 appendix I, RFC 2236 2.1, RFC 3376 4: reports of versions 1 to 3, and who leaves.
constexpr auto kIgmpReports = std::to_array<uint8_t>({0x12, 0x16, 0x17, 0x22});
// RFC 2710 3, RFC 3810 5.2: listener report, done, and version 2's report.
constexpr auto kMldReports = std::to_array<uint8_t>({131, 132, 143});
// A query; RFC 4286 4: a multicast router's advertisement, and that it ends.
constexpr auto kMldOthers = std::to_array<uint8_t>({130, 151, 153});

template <size_t kSize>
bool is_one_of(uint8_t type, const std::array<uint8_t, kSize>& types) noexcept {
    return std::ranges::find(types, type) != types.end();
}

GroupTalk talk_in_ip4(const IpPayload& inner) noexcept {
    if (inner.protocol == kProtocolPim) return GroupTalk::heard_by_all;
    if (inner.protocol != kProtocolIgmp) return GroupTalk::none;
    const bool is_report = !inner.is_later_fragment && !inner.bytes.empty() &&
                           is_one_of(static_cast<uint8_t>(inner.bytes[0]), kIgmpReports);
    return is_report ? GroupTalk::for_routers : GroupTalk::heard_by_all;
}
GroupTalk talk_in_ip6(const IpPayload& inner) noexcept {
    if (inner.is_later_fragment || inner.bytes.empty()) return GroupTalk::none;
    if (inner.protocol == kProtocolPim) return GroupTalk::heard_by_all;
    if (inner.protocol != kProtocolIcmp6) return GroupTalk::none;
    const auto type = static_cast<uint8_t>(inner.bytes[0]);
    if (is_one_of(type, kMldReports)) return GroupTalk::for_routers;
    return is_one_of(type, kMldOthers) ? GroupTalk::heard_by_all : GroupTalk::none;
}
GroupTalk talk_in(const Payload& payload) noexcept {
    if (payload.kind == PayloadKind::ip4) {
        const auto inner = payload_of_ip4(payload.bytes);
        return inner ? talk_in_ip4(*inner) : GroupTalk::none;
    }
    if (payload.kind != PayloadKind::ip6) return GroupTalk::none;
    const auto inner = payload_of_ip6(payload.bytes);
    return inner ? talk_in_ip6(*inner) : GroupTalk::none;
}

// An IPv6 group that does not go beyond its link, such as hosts ask each other's addresses by
// (RFC 4861 7.2.1): nobody could list those.
bool stays_on_link(std::span<const std::byte> packet) noexcept {
    if (packet.size() < sizeof(Ip6Header)) return false;
    return Ip6{reinterpret_cast<const Ip6Header*>(packet.data())->dst}.stays_on_link();
}

// To an IP group that is in no table.
GroupReach reach_of_unknown(const Groups& groups, bool is_asked, MemberSet routers) noexcept {
    if (groups.snoops && !is_asked) return {.floods = true, .members = routers};
    switch (groups.unknown) {
        case UnknownMulticast::flood:
            return {.floods = true, .members = routers};
        case UnknownMulticast::routers:
            return {.floods = false, .members = routers};
        default:
            return {.floods = false, .members = 0};
    }
}

}  // namespace

GroupReach group_reach(const Groups& groups, uint16_t vlan, rte_mbuf& m) noexcept {
    const Mac& to = ether(m).dst;
    const Payload payload = payload_of(frame_bytes(m));
    const VlanGroups learned = groups.snoops ? groups.learned_of(vlan) : VlanGroups{};
    const MemberSet routers = groups.routers | learned.routers;
    const GroupTalk talk = talk_in(payload);
    // RFC 4541 2.1.1: a host that heard another's report might not send its own.
    if (groups.snoops && talk == GroupTalk::for_routers)
        return {.floods = false, .members = routers, .teaches = true};
    if (talk != GroupTalk::none) return {.teaches = groups.snoops};
    if (is_for_all(to)) return {};
    if (const MemberSet* wanted = groups.find(vlan, to))
        return {.floods = false, .members = *wanted | routers, .is_wanted = true};
    // RFC 4541 2.1.2: what is no IP multicast has no hosts that say they want it.
    if (!is_ip4_group(to) && !is_ip6_group(to)) return {};
    if (payload.kind == PayloadKind::ip6 && stays_on_link(payload.bytes)) return {};
    return reach_of_unknown(groups, is_ip4_group(to) ? learned.is_asked4 : learned.is_asked6,
                            routers);
}

}  // namespace vethway
