// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ip4/flow_hash.h"

#include <cstring>
#include <utility>

#include "dataplane/net/headers.h"
#include "dataplane/net/l4_ports.h"
#include "dataplane/net/mix.h"

namespace vethway {

namespace {

struct FlowKey {
    uint32_t src = 0, dst = 0;
    uint16_t src_port = 0, dst_port = 0;
    uint8_t protocol = 0;
};

// Linux icmp_is_err: source quench and redirects, too.
bool is_error_message(uint8_t type) noexcept {
    return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

FlowKey addresses_of(const Ip4Header& ip) noexcept { return {.src = ip.src, .dst = ip.dst}; }

// Linux ip_multipath_l3_keys.
FlowKey layer3_key(std::span<const std::byte> l3) noexcept {
    const auto& ip = *reinterpret_cast<const Ip4Header*>(l3.data());
    const size_t inner = ip.header_bytes() + sizeof(IcmpHeader);
    if (ip.protocol != kProtocolIcmp || ip.is_later_fragment() ||
        l3.size() < inner + sizeof(Ip4Header) ||
        !is_error_message(static_cast<uint8_t>(l3[ip.header_bytes()])))
        return addresses_of(ip);
    return addresses_of(*reinterpret_cast<const Ip4Header*>(l3.data() + inner));
}

FlowKey layer4_key(std::span<const std::byte> l3) noexcept {
    const auto& ip = *reinterpret_cast<const Ip4Header*>(l3.data());
    FlowKey key = addresses_of(ip);
    key.protocol = ip.protocol;
    const size_t offset = ports_offset(ip.protocol);
    if (ip.is_fragment() || offset == SIZE_MAX) return key;
    const size_t at = ip.header_bytes() + offset;
    if (l3.size() < at + 4) return key;
    std::memcpy(&key.src_port, l3.data() + at, sizeof key.src_port);
    std::memcpy(&key.dst_port, l3.data() + at + 2, sizeof key.dst_port);
    return key;
}

}  // namespace

uint32_t flow_hash(std::span<const std::byte> l3, const MultipathRules& rules) noexcept {
    FlowKey key = rules.hash == MultipathRules::Hash::layer4 ? layer4_key(l3) : layer3_key(l3);
    // Linux __flow_hash_consistentify.
    if (std::pair(key.dst, key.dst_port) < std::pair(key.src, key.src_port)) {
        std::swap(key.src, key.dst);
        std::swap(key.src_port, key.dst_port);
    }
    const uint64_t ports =
        uint64_t{key.protocol} << 32 | uint64_t{key.src_port} << 16 | key.dst_port;
    const uint64_t addresses = uint64_t{key.src} << 32 | key.dst;
    return static_cast<uint32_t>(mix(mix(addresses ^ rules.seed) + ports) >> 32);
}

}  // namespace vethway
