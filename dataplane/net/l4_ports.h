// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/net/headers.h"

namespace vethway {

// Where the four bytes of both ports are behind the IP header, or of what stands for them (Linux
// proto_ports_offset); none: SIZE_MAX.
constexpr size_t ports_offset(uint8_t protocol) noexcept {
    constexpr uint8_t kDccp = 33, kEsp = 50, kAh = 51, kUdpLite = 136;
    switch (protocol) {
        case kProtocolTcp:
        case kProtocolUdp:
        case kDccp:
        case kEsp:
        case kProtocolSctp:
        case kUdpLite:
            return 0;
        case kAh:
            return 4;
        default:
            return SIZE_MAX;
    }
}

}  // namespace vethway
