// SPDX-License-Identifier: Apache-2.0
// Between what PACKET_VNET_HDR puts before a frame and meta().offload. Workers.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>

namespace vethway {

// struct virtio_net_hdr of include/uapi/linux/virtio_net.h, which is no C++; as packet sockets have
// it, in the machine's byte order.
struct VnetHeader {
    static constexpr uint8_t kNeedsChecksum = 1, kDataValid = 2;                        // flags
    static constexpr uint8_t kNone = 0, kTcp4 = 1, kTcp6 = 4, kUdpL4 = 5, kEcn = 0x80;  // gso_type
    uint8_t flags = 0, gso_type = kNone;
    uint16_t header_bytes = 0, gso_size = 0, checksum_start = 0, checksum_offset = 0;
};
static_assert(sizeof(VnetHeader) == 10);

// Sets meta(m).offload. `inserted`: bytes of VLAN tag that were put back into the frame, of which
// the header does not know. False if it says what can't be, or what we can't carry: then the frame
// is no use. What is true after it of a partial checksum: the field lies in the first segment; of a
// super-frame: its checksum is partial, and its headers lie in the first segment.
bool read_vnet_header(const VnetHeader& from, unsigned inserted, rte_mbuf& m) noexcept;

VnetHeader vnet_header(rte_mbuf& m) noexcept;

}  // namespace vethway
