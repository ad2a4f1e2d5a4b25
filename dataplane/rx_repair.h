// SPDX-License-Identifier: Apache-2.0
// The first stage, on ports whose driver loses what the kernel knew of a frame: refuses frames that
// were cut, and completes checksums that the sender left to an offload that never came.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace vethway {

struct Context;
class Burst;

enum class Repair : uint8_t { untouched, completed, truncated };

// `frame` is a whole Ethernet frame; anything but IPv4 is left alone. A TCP or UDP checksum field
// that holds the sum of the pseudo header, not complemented, is what Linux leaves for the device to
// finish (CHECKSUM_PARTIAL, include/linux/skbuff.h); finishing a valid checksum that happens to
// look like it gives the same value, so a good packet is never harmed. SCTP leaves 0 for its
// CRC32c.
Repair repair_frame(std::span<std::byte> frame, bool partial_checksums, bool may_truncate) noexcept;

// Drops what was truncated from `rx`, repairs the rest in place.
void rx_repair(Context& c, Burst& rx) noexcept;

}  // namespace vethway
