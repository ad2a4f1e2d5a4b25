// SPDX-License-Identifier: Apache-2.0
// What a received frame is: the other end of frame_maker.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "perf/gen/frame_maker.h"

namespace vethway::gen {

enum class Verdict : uint8_t {
    good,       // ours, and as it was sent (but for what a router changes)
    corrupted,  // ours, and damaged; the stamp may be readable, see Checked::stamp_read
    other_run,  // ours, but sent before this run began
    arp,        // for who answers it
    foreign     // not ours
};

struct Checked {
    Verdict verdict = Verdict::foreign;
    bool stamp_read = false;
    Stamp stamp{};
};

class FrameCheck {
public:
    // `frame_bytes`: the sizes that are sent, without FCS.
    FrameCheck(const FrameShape& shape, const std::vector<uint16_t>& frame_bytes);

    // A frame is ours if it is IPv4 of our protocol and of a length that we send; then header
    // checksum, stamp and the checksum over all of the payload must be right. Others are foreign:
    // damage that makes one of these of ours is a loss. Padding and VLAN tags don't matter.
    Checked check(std::span<const std::byte> frame, uint16_t run) const noexcept;

private:
    Checked check_ip4(std::span<const std::byte> packet, uint16_t run) const noexcept;

    uint8_t protocol_;
    uint16_t l4_header_bytes_;
    std::bitset<65536> lengths_;  // of IPv4 packets
};

}  // namespace vethway::gen
