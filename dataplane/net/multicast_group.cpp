// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/multicast_group.h"

namespace vethway {

std::optional<MulticastGroup> MulticastGroup::parse(std::string_view text) {
    if (const auto ip = Ip4::parse(text); ip && ip->is_multicast()) return MulticastGroup{*ip};
    if (const auto ip = Ip6::parse(text); ip && ip->is_multicast()) return MulticastGroup{*ip};
    if (const auto mac = Mac::parse(text); mac && mac->is_group()) return MulticastGroup{*mac};
    return std::nullopt;
}

std::string MulticastGroup::to_string() const {
    return std::visit([](const auto& a) { return a.to_string(); }, address);
}

Mac MulticastGroup::mac() const noexcept {
    if (const auto* ip = std::get_if<Ip4>(&address)) return group_mac(*ip);
    if (const auto* ip = std::get_if<Ip6>(&address)) return group_mac(*ip);
    const auto* mac = std::get_if<Mac>(&address);
    return mac != nullptr ? *mac : Mac{};
}

}  // namespace vethway
