// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace vethway {

// Which of several next hops a packet takes: Linux's net.ipv4.fib_multipath_*.
struct MultipathRules {
    enum class Hash : uint8_t { layer3, layer4 };
    Hash hash = Hash::layer3;  // fib_multipath_hash_policy 0 and 1
    bool use_neigh = false;    // next hops whose neighbour is known not to answer are passed over
    uint32_t seed = 0;         // so that routers one after another choose independently
};

}  // namespace vethway
