// SPDX-License-Identifier: Apache-2.0
// What the sender of a frame left to the device, and what is known of it: the kernel says so in
// struct virtio_net_hdr (include/uapi/linux/virtio_net.h), and a packet carries it here.
#pragma once

#include <cstdint>

namespace vethway {

enum class L4Checksum : uint8_t {
    unknown,  // in the frame, right or wrong
    good,     // in the frame, and somebody has verified or just computed it
    partial   // the field holds the pseudo header's sum: the rest is to be added (CHECKSUM_PARTIAL)
};

// A frame of several segments, to be cut where it leaves for a device that can't take it whole.
enum class Gso : uint8_t {
    none,
    tcp4,
    tcp6,
    udp  // UDP_L4: each segment is a datagram
};

struct Offload {
    L4Checksum checksum = L4Checksum::unknown;
    Gso gso = Gso::none;
    bool gso_ecn = false;   // TCP with CWR in the first segment only
    uint16_t gso_size = 0;  // bytes of payload in each segment but the last
    // Of a partial checksum: where what it covers begins, as an offset into the mbuf's buffer, so
    // that it stays right when a header before it comes or goes; and the field's offset from there.
    uint16_t checksum_start = 0;
    uint16_t checksum_offset = 0;

    bool is_pending() const noexcept { return checksum == L4Checksum::partial || gso != Gso::none; }
};

}  // namespace vethway
