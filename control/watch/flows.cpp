// SPDX-License-Identifier: Apache-2.0
#include "control/watch/flows.h"

#include "dataplane/net/headers.h"

namespace vethway {

std::optional<FlowKey> flow_of(std::span<const std::byte> frame) {
    constexpr size_t kType = 12;  // of an EtherType behind two MAC addresses
    size_t at = kType;
    const auto be16 = [&](size_t i) {
        return static_cast<uint16_t>(std::to_integer<unsigned>(frame[i]) << 8 |
                                     std::to_integer<unsigned>(frame[i + 1]));
    };
    while (at + 6 <= frame.size() && (be16(at) == kEtherTypeVlan || be16(at) == kEtherTypeQinq))
        at += kVlanTagBytes;
    if (at + 2 + sizeof(Ip4Header) > frame.size() || be16(at) != kEtherTypeIp4) return std::nullopt;
    at += 2;
    const auto& ip = *reinterpret_cast<const Ip4Header*>(&frame[at]);
    FlowKey key{.src = Ip4{ip.src}, .dst = Ip4{ip.dst}, .protocol = ip.protocol};
    const bool has_ports =
        ip.protocol == kProtocolTcp || ip.protocol == kProtocolUdp || ip.protocol == kProtocolSctp;
    at += ip.header_bytes();
    if (has_ports && !ip.is_later_fragment() && at + 4 <= frame.size()) {
        key.source_port = be16(at);
        key.target_port = be16(at + 2);
    }
    return key;
}

}  // namespace vethway
