// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace vethway {

// The finalizer of MurmurHash3: every bit moves half of the result's. With a drawn seed mixed in,
// nobody outside can choose keys that share a bucket, as with a CRC they could.
constexpr uint64_t mix(uint64_t x) noexcept {
    x = (x ^ (x >> 33)) * 0xff51afd7ed558ccd;
    x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53;
    return x ^ (x >> 33);
}

}  // namespace vethway
