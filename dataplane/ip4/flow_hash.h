// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "dataplane/net/headers.h"

namespace vethway {

// A flow is a pair of addresses (Linux fib_multipath_hash_policy 0): fragments keep to their path.
inline uint32_t flow_hash(const Ip4Header& ip) noexcept {
    uint64_t x = uint64_t{ip.src} << 32 | ip.dst;
    x = (x ^ (x >> 33)) * 0xff51afd7ed558ccd;  // MurmurHash3's finalizer
    x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53;
    return static_cast<uint32_t>(x >> 32);
}

}  // namespace vethway
