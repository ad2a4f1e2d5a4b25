// SPDX-License-Identifier: Apache-2.0
// SCTP's checksum (RFC 9260 appendix A).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace vethway {

// Goes on from `crc`, which begins as kCrc32cStart; the result's complement is the checksum, least
// significant byte first.
inline constexpr uint32_t kCrc32cStart = ~uint32_t{0};
uint32_t crc32c(uint32_t crc, std::span<const std::byte> bytes) noexcept;

}  // namespace vethway
