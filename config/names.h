// SPDX-License-Identifier: Apache-2.0
// The words of the configuration file for enumerators, in the order of each enum.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace vethway {

inline constexpr std::array<const char*, 3> kHugepagesNames{"auto", "required", "off"};
inline constexpr std::array<const char*, 2> kIdleNames{"adaptive", "poll"};
inline constexpr std::array<const char*, 2> kMemifRoleNames{"server", "client"};
inline constexpr std::array<const char*, 5> kRouteActionNames{"forward", "blackhole", "unreachable",
                                                              "prohibit", "throw"};
inline constexpr std::array<const char*, 3> kRouteScopeNames{"global", "link", "host"};
inline constexpr std::array<const char*, 10> kDriverNames{
    "veth", "af_packet", "af_xdp", "memif", "tap", "null", "ring", "pcap", "devargs", "vlan"};
inline constexpr std::array<const char*, 2> kVlanTagNames{"802.1q", "802.1ad"};
inline constexpr std::array<const char*, 3> kMemberStateConfigNames{"forwarding", "learning",
                                                                    "blocking"};
inline constexpr std::array<const char*, 2> kLearnActionNames{"forward", "drop"};
inline constexpr std::array<const char*, 3> kStpModeNames{"off", "stp", "rstp"};
inline constexpr std::array<const char*, 3> kEdgeNames{"auto", "always", "never"};
inline constexpr std::array<const char*, 3> kLoopDetectionNames{"off", "tell", "shut"};
inline constexpr std::array<const char*, 3> kUnknownMulticastNames{"flood", "routers", "drop"};
inline constexpr std::array<const char*, 2> kLagModeNames{"lacp", "static"};
inline constexpr std::array<const char*, 2> kLacpActivityNames{"active", "passive"};
inline constexpr std::array<const char*, 2> kLacpRateNames{"slow", "fast"};

template <class Enum, size_t N>
std::optional<Enum> enum_named(const std::array<const char*, N>& names, std::string_view text) {
    for (size_t i = 0; i < N; ++i)
        if (text == names[i]) return static_cast<Enum>(i);
    return std::nullopt;
}

template <size_t N>
std::string listed(const std::array<const char*, N>& names) {
    std::string text;
    for (size_t i = 0; i < N; ++i)
        text += std::string(i == 0 ? "" : i + 1 == N ? " or " : ", ") + names[i];
    return text;
}

}  // namespace vethway
