// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/checksum.h"

#include <bit>

namespace vethway {

// Eight bytes at a time in memory order: RFC 1071 2(B), the sum may be byte-swapped at the end.
void ChecksumSum::add(std::span<const std::byte> bytes) noexcept {
    const std::byte* at = bytes.data();
    size_t left = bytes.size();
    uint64_t sum = 0;
    for (; left >= 8; at += 8, left -= 8) {
        uint64_t word;
        std::memcpy(&word, at, sizeof word);
        sum += (word >> 32) + (word & 0xffffffff);
    }
    uint64_t rest = 0;  // the tail, padded with zeros
    if (left > 0) std::memcpy(&rest, at, left);
    sum += (rest >> 32) + (rest & 0xffffffff);
    while (sum >> 16 != 0) sum = (sum >> 16) + (sum & 0xffff);
    const auto folded16 = static_cast<uint16_t>(sum);
    sum_ += std::endian::native == std::endian::little ? __builtin_bswap16(folded16) : folded16;
}

}  // namespace vethway
