// SPDX-License-Identifier: Apache-2.0
// TCP, UDP and SCTP checksums that a host left to the device. Workers; no packet is consumed.
#pragma once

#include <rte_mbuf.h>

#include <cstddef>
#include <cstdint>

namespace vethway {

// Of `bytes` of the frame from `offset` on, over all its segments: the Internet checksum, host
// order; 0 where the bytes hold a right one.
uint16_t frame_checksum(const rte_mbuf& m, size_t offset, size_t bytes) noexcept;

// A partial checksum becomes a good one: the sum from checksum_start to the frame's end, as Linux
// skb_checksum_help() does it (and skb_crc32c_csum_help() for SCTP). Nothing happens to any other.
void complete_checksum(rte_mbuf& m) noexcept;

// A good checksum of TCP or UDP over IPv4 becomes a partial one, for a host that then need not
// verify it (skb_csum_unnecessary() of include/linux/skbuff.h). Nothing happens to any other.
void leave_checksum(rte_mbuf& m) noexcept;

}  // namespace vethway
