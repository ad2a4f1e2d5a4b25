// SPDX-License-Identifier: Apache-2.0
// The frame that a question of `vethway explain` is about.
#pragma once

#include <cstddef>
#include <vector>

#include "dataplane/net/ip4.h"
#include "dataplane/net/mac.h"

namespace vethway {

struct ProbeFrame {
    Mac src_mac, dst_mac;
    Ip4 src, dst;
    uint8_t protocol = 1;                       // IPv4's
    uint16_t source_port = 0, target_port = 0;  // of UDP and TCP
    uint8_t tcp_flags = 0x02;                   // a SYN
    uint16_t size = 0;  // bytes of the IP packet; less than its headers need: those
    uint8_t ttl = 64, tos = 0;
    bool dont_fragment = false;
};

// Whole, with all its checksums right; of ICMP, an echo request.
std::vector<std::byte> make_frame(const ProbeFrame& probe);

}  // namespace vethway
