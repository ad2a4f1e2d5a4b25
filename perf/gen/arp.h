// SPDX-License-Identifier: Apache-2.0
// As much ARP (RFC 826) as a host needs that a router is to deliver to. Pure: bytes in, bytes out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "dataplane/net/headers.h"
#include "perf/gen/address_set.h"

namespace vethway::gen {

// Whom a port of ours plays.
struct ArpHosts {
    Mac mac;
    std::optional<uint16_t> vlan;       // in which it is spoken
    std::vector<Ip4> own;               // the port's addresses
    const AddressSet* hosts = nullptr;  // and those that the flows are from or to

    bool are(Ip4 ip) const noexcept;
};

struct ArpFrame {
    std::array<std::byte, 64> bytes{};
    uint16_t size = 0;
};

// Where the ARP message is in a frame, behind up to two tags; nullptr: there is no whole one.
const ArpHeader* find_arp(std::span<const std::byte> frame) noexcept;

// Nothing where it is no request for one of `hosts`. Probes for addresses (RFC 5227) and
// announcements are not answered: no address is defended.
std::optional<ArpFrame> arp_answer(std::span<const std::byte> frame,
                                   const ArpHosts& hosts) noexcept;
ArpFrame arp_request(const ArpHosts& hosts, Ip4 from, Ip4 target) noexcept;

}  // namespace vethway::gen
