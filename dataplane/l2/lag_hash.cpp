// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l2/lag_hash.h"

#include <cstring>

#include "dataplane/l2/skip_tags.h"
#include "dataplane/net/headers.h"
#include "dataplane/net/l4_ports.h"
#include "dataplane/net/mix.h"

namespace vethway {

namespace {

class Hash {
public:
    void add(uint64_t word) noexcept { sum_ = mix(sum_ + word); }
    void add(const Mac& mac) noexcept { add(mac.to_u48()); }
    void add(const std::array<uint8_t, 16>& ip6) noexcept {
        uint64_t halves[2];
        std::memcpy(halves, ip6.data(), sizeof halves);
        add(halves[0]);
        add(halves[1]);
    }
    uint32_t value() const noexcept { return static_cast<uint32_t>(sum_ >> 32); }

private:
    uint64_t sum_ = 0x9e3779b97f4a7c15;
};

constexpr int kMostTags = 4;

void add_ports(Hash& hash, std::span<const std::byte> ip, size_t header,
               uint8_t protocol) noexcept {
    const size_t offset = ports_offset(protocol);
    if (offset == SIZE_MAX || ip.size() < header + offset + sizeof(uint32_t)) return;
    uint32_t ports;
    std::memcpy(&ports, &ip[header + offset], sizeof ports);
    hash.add(ports);
}

// False: it is no IP packet.
bool add_ip(Hash& hash, const TypedBytes& p, bool with_ports) noexcept {
    if (p.type == kEtherTypeIp4 && p.bytes.size() >= sizeof(Ip4Header)) {
        const auto& ip = *reinterpret_cast<const Ip4Header*>(p.bytes.data());
        hash.add(uint64_t{ip.src} << 32 | ip.dst);
        if (with_ports && !ip.is_fragment())
            add_ports(hash, p.bytes, ip.header_bytes(), ip.protocol);
        return true;
    }
    if (p.type == kEtherTypeIp6 && p.bytes.size() >= sizeof(Ip6Header)) {
        const auto& ip = *reinterpret_cast<const Ip6Header*>(p.bytes.data());
        hash.add(ip.src);
        hash.add(ip.dst);
        // Behind an extension header, a fragment's too, there are none for us.
        if (with_ports) add_ports(hash, p.bytes, sizeof ip, ip.next_header);
        return true;
    }
    return false;
}

}  // namespace

uint32_t lag_hash(std::span<const std::byte> frame, LagHash by) noexcept {
    if (frame.size() < sizeof(EtherHeader)) return 0;
    const auto& ether = *reinterpret_cast<const EtherHeader*>(frame.data());
    int tags = kMostTags;
    const TypedBytes content = skip_tags({ether.type, frame.subspan(sizeof ether)}, tags);
    Hash hash;
    if (by == LagHash::layer3_4 && add_ip(hash, content, true)) return hash.value();
    hash.add(ether.dst);
    hash.add(ether.src);
    hash.add(content.type);
    if (by == LagHash::layer2_3) add_ip(hash, content, false);
    return hash.value();
}

}  // namespace vethway
