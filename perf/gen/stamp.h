// SPDX-License-Identifier: Apache-2.0
// What the generator writes into each frame, and the sink reads: which flow's which frame this is,
// and when it was sent. At the beginning of the payload, behind the UDP, TCP or ICMP header; 18
// bytes, so that it fits into the shortest UDP frame.
#pragma once

#include <rte_hash_crc.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

#include "dataplane/net/byte_order.h"

namespace vethway::gen {

inline constexpr uint64_t kStampTimeMask = (uint64_t{1} << 48) - 1;  // a day or so of TSC ticks

struct Stamp {
    uint32_t flow = 0;
    uint32_t sequence = 0;  // of the flow: 0, 1, 2, …; wraps
    uint64_t time = 0;      // TSC, its 48 lowest bits
    uint16_t run = 0;       // tells this run's frames from those of others
};

struct StampBytes {
    Be32 flow, sequence;
    Be16 time_high;
    Be32 time_low;
    Be16 run;
    Be16 check;  // CRC-32C of all before, folded: bit errors that an Internet checksum misses, too
};
inline constexpr uint16_t kStampBytes = sizeof(StampBytes);
static_assert(kStampBytes == 18);

inline uint16_t stamp_check(const std::byte* stamp) noexcept {
    uint64_t words[2];
    std::memcpy(words, stamp, sizeof words);
    const uint32_t crc = rte_hash_crc_8byte(words[1], rte_hash_crc_8byte(words[0], 0x76657468));
    return static_cast<uint16_t>(crc ^ crc >> 16);
}

// Returns the sum of what it wrote as 16-bit words, for the checksum that covers it.
inline uint32_t write_stamp(std::byte* at, const Stamp& stamp) noexcept {
    auto& to = *reinterpret_cast<StampBytes*>(at);
    const auto high = static_cast<uint16_t>(stamp.time >> 32);
    const auto low = static_cast<uint32_t>(stamp.time);
    to = {stamp.flow, stamp.sequence, high, low, stamp.run, uint16_t{0}};
    const uint16_t check = stamp_check(at);
    to.check = check;
    return (stamp.flow >> 16) + (stamp.flow & 0xffff) + (stamp.sequence >> 16) +
           (stamp.sequence & 0xffff) + high + (low >> 16) + (low & 0xffff) + stamp.run + check;
}

// Nothing where its check is wrong.
inline std::optional<Stamp> read_stamp(const std::byte* at) noexcept {
    const auto& from = *reinterpret_cast<const StampBytes*>(at);
    if (from.check != stamp_check(at)) return std::nullopt;
    return Stamp{.flow = from.flow,
                 .sequence = from.sequence,
                 .time = uint64_t{from.time_high} << 32 | from.time_low,
                 .run = from.run};
}

// Ticks from a stamp to `now`, a whole TSC.
inline uint64_t ticks_since(const Stamp& stamp, uint64_t now) noexcept {
    return (now - stamp.time) & kStampTimeMask;
}

}  // namespace vethway::gen
