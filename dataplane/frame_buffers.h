// SPDX-License-Identifier: Apache-2.0
// The mbufs that packets live in: many of ordinary size, and some for the frames of up to 64 KiB
// that a host hands to its veth when it leaves segmentation to the device.
#pragma once

#include <rte_mbuf.h>

#include <cstddef>
#include <span>

namespace vethway {

// An mbuf's lengths are 16 bits wide. What is larger, and 65535 bytes of IP may be, has its end in
// a second, ordinary mbuf.
inline constexpr uint16_t kLargeFrame = UINT16_MAX - RTE_PKTMBUF_HEADROOM;
inline constexpr size_t kLargestFrame = UINT16_MAX + 14 + 2 * 4;  // IP, Ethernet, two VLAN tags

// Worker and control thread. The pools outlive it.
struct FrameBuffers {
    rte_mempool& ordinary;
    rte_mempool& large;

    size_t ordinary_room() const noexcept {
        return rte_pktmbuf_data_room_size(&ordinary) - size_t{RTE_PKTMBUF_HEADROOM};
    }
    // A frame of `bytes` bytes, undefined as yet, in one segment up to kLargeFrame; null when the
    // pool is empty, or for more than kLargestFrame.
    rte_mbuf* allocate(size_t bytes) const noexcept;
    // The same frame in as few segments as can be; `m` is freed. Null: see allocate(), and `m`
    // stays the caller's.
    rte_mbuf* gather(rte_mbuf* m) const noexcept;

    // The same frame once more, with a meta() of its own. share(): of the same bytes, which nobody
    // may change from then on. Null when the pool is empty.
    rte_mbuf* copy(const rte_mbuf& m) const noexcept;
    rte_mbuf* share(rte_mbuf& m) const noexcept;
    // The same many times: of a small frame the bytes are copied, which costs less than to share
    // them, else shared. How many there are, from the beginning of `out`: with fewer than wanted,
    // the pool is empty.
    size_t spread(rte_mbuf& m, std::span<rte_mbuf*> out) const noexcept;
    // `m`, or in its place an mbuf whose headers may be changed: they are copied, what is behind
    // them stays shared. Null when the pool is empty: `m` stays the caller's.
    rte_mbuf* with_own_headers(rte_mbuf* m) const noexcept;
};

// As rte_pktmbuf_free_bulk(), of whose 42 instructions a frame most need 22: those that nobody
// shares, of one mbuf and one pool, go back together. Changes `frames`.
void free_frames(std::span<rte_mbuf*> frames) noexcept;

// Whether others have its bytes as well.
inline bool is_shared(const rte_mbuf& m) noexcept {
    return rte_mbuf_refcnt_read(&m) > 1 || !RTE_MBUF_DIRECT(&m);
}

// `out` is filled with the frame's bytes from `offset` on, which must be there.
void copy_out(const rte_mbuf& m, size_t offset, std::span<std::byte> out) noexcept;
// Makes the frame `bytes` long, which it has at least.
void trim_frame(rte_mbuf& m, size_t bytes) noexcept;

}  // namespace vethway
