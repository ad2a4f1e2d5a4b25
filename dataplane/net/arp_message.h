// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "dataplane/net/headers.h"
#include "dataplane/net/ip4.h"
#include "dataplane/net/mac.h"

namespace vethway {

struct ArpParty {
    Mac mac;
    Ip4 ip;
};

// About IPv4 on Ethernet (RFC 826).
inline ArpHeader arp_message(uint16_t operation, const ArpParty& sender,
                             const ArpParty& target) noexcept {
    return {.hardware_type = 1,
            .protocol_type = kEtherTypeIp4,
            .hardware_bytes = sizeof(Mac),
            .protocol_bytes = sizeof(Be32),
            .operation = operation,
            .sender_mac = sender.mac,
            .sender_ip = sender.ip.value,
            .target_mac = target.mac,
            .target_ip = target.ip.value};
}

}  // namespace vethway
