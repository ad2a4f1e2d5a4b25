// SPDX-License-Identifier: Apache-2.0
// The Internet checksum (RFC 1071) and its incremental form (RFC 1624). All values are host order:
// assign them to a Be16 field as they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "dataplane/net/headers.h"

namespace vethway {

// Ones' complement sum, not yet folded. A part of odd length must be the last.
class ChecksumSum {
public:
    void add(std::span<const std::byte> bytes) noexcept;
    void add16(uint16_t host) noexcept { sum_ += host; }
    void add32(uint32_t host) noexcept { sum_ += (host >> 16) + (host & 0xffff); }
    // RFC 768/793: source, destination, protocol and length of what follows the IPv4 header.
    void add_pseudo_header(const Ip4Header& ip, uint16_t l4_bytes) noexcept {
        add32(ip.src);
        add32(ip.dst);
        add16(ip.protocol);
        add16(l4_bytes);
    }
    // The sum in 16 bits; what a sender with checksum offload leaves in the checksum field.
    uint16_t folded() const noexcept {
        uint64_t s = sum_;
        while (s >> 16 != 0) s = (s >> 16) + (s & 0xffff);
        return static_cast<uint16_t>(s);
    }
    uint16_t checksum() const noexcept { return static_cast<uint16_t>(~folded()); }

private:
    uint64_t sum_ = 0;
};

inline uint16_t internet_checksum(std::span<const std::byte> bytes) noexcept {
    ChecksumSum sum;
    sum.add(bytes);
    return sum.checksum();
}

// Whether the checksum in a header without options, of 20 bytes, is right. A ones' complement sum
// of 32-bit words is as good as one of 16 bits: both are the number modulo 65535, since 2^16 is 1
// to that. It must be 0 there, which a header that begins with its version is by no zeros.
inline bool is_checksum_right(const Ip4Header& ip) noexcept {
    uint64_t sum = 0;
    for (size_t at = 0; at < sizeof ip; at += sizeof(uint32_t)) {
        uint32_t word;
        std::memcpy(&word, reinterpret_cast<const std::byte*>(&ip) + at, sizeof word);
        sum += word;
    }
    return sum % 0xffff == 0;
}

// RFC 1624 equation 3, HC' = ~(~HC + ~m + m'): the checksum after one 16-bit word changed.
constexpr uint16_t updated_checksum(uint16_t checksum, uint16_t before, uint16_t after) noexcept {
    uint32_t s = static_cast<uint16_t>(~checksum);
    s += static_cast<uint16_t>(~before);
    s += after;
    s = (s >> 16) + (s & 0xffff);
    s = (s >> 16) + (s & 0xffff);
    return static_cast<uint16_t>(~s);
}

}  // namespace vethway
