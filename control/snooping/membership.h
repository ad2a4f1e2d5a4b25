// SPDX-License-Identifier: Apache-2.0
// What hosts and routers say to each other about groups, as it lies in a frame: IGMP 1 to 3
// (RFC 1112 appendix I, RFC 2236, RFC 3376), MLD 1 and 2 (RFC 2710, RFC 3810), and by what a router
// is known besides: PIM hellos (RFC 7761 4.9.2) and advertisements of multicast routers (RFC 4286).
// Any thread.
#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "dataplane/net/ip4.h"
#include "dataplane/net/ip6.h"
#include "dataplane/net/mac.h"
#include "dataplane/net/multicast_group.h"

namespace vethway {

enum class IpVersion : uint8_t { ip4, ip6 };
inline constexpr size_t kIpVersions = 2;

using IpAddress = std::variant<Ip4, Ip6>;
std::string to_string(const IpAddress& address);
Mac group_mac(const IpAddress& group) noexcept;

// Which groups do you want? Or: do you want this one?
struct MembershipQuery {
    IpVersion version = IpVersion::ip4;
    IpAddress source;  // 0.0.0.0: who asks is no router (RFC 4541 2.1.1)
    std::optional<IpAddress> group;
    std::chrono::milliseconds max_response{};  // a host answers within so long
    std::chrono::seconds interval{};           // until it asks again; 0: it does not say
    bool suppress = false;                     // RFC 3376 4.1.5: timers are to stay as they are
    friend bool operator==(const MembershipQuery&, const MembershipQuery&) = default;
};

// A host wants groups, or wants them no more. Of sources that it wants or does not want nothing is
// kept: a frame goes by its group alone.
struct MembershipReport {
    struct Record {
        IpAddress group;
        bool wants = false;
        friend bool operator==(const Record&, const Record&) = default;
    };
    std::vector<Record> records;
    friend bool operator==(const MembershipReport&, const MembershipReport&) = default;
};

struct MulticastRouterSeen {
    bool leaves = false;  // it says that it is one no more
    friend bool operator==(const MulticastRouterSeen&, const MulticastRouterSeen&) = default;
};

struct MembershipReading {
    std::variant<std::monostate, MembershipQuery, MembershipReport, MulticastRouterSeen> message;
    const char* fault = "";  // why there is none that counts
};

// Of a whole frame, from its Ethernet header on, without the tag of its VLAN.
MembershipReading read_membership(std::span<const std::byte> frame);

// A query of version 3 of IGMP or 2 of MLD, which hosts of earlier versions take for one of theirs:
// a frame of 60 bytes or more. `suppress` is not for queries of an elected querier.
std::vector<std::byte> write_query(const MembershipQuery& query, Mac from);

}  // namespace vethway
