// SPDX-License-Identifier: Apache-2.0
// One receive queue of a veth port: a packet socket with a ring that it shares with the kernel.
#pragma once

#include <linux/if_packet.h>
#include <rte_mbuf.h>

#include <atomic>
#include <cstdint>
#include <string>

#include "dataplane/frame_buffers.h"
#include "dataplane/port/kernel_link.h"

namespace vethway {

// Frames up to the MTU lie in the ring's slots (TPACKET_V2) and are copied out of them; of a larger
// one, a sender's super-frame, the slot holds the beginning and the kernel keeps the whole for
// recvmsg (PACKET_COPY_THRESH), so that the ring need not be made of 64 KiB slots and the frame
// goes into a buffer that was used a moment ago. perf/README.md has what else was tried.
class VethRx {
public:
    // Control thread, in the interface's network namespace. `port`: for errors. Throws PortError.
    VethRx(const std::string& port, unsigned ifindex, unsigned mtu, const FrameBuffers& buffers);
    ~VethRx();
    VethRx(const VethRx&) = delete;
    VethRx& operator=(const VethRx&) = delete;

    // Control thread: shares the interface's flows with the sockets of `group`, by their hash and
    // without putting fragments together. 0 makes a group; returns its id. Throws PortError.
    uint16_t join(const std::string& port, uint16_t group);

    // Worker. As Port::rx_burst(), rx_fd() and arrival_ns().
    uint16_t receive(rte_mbuf** frames, uint16_t n) noexcept;
    int fd() const noexcept { return socket_.get(); }
    uint64_t arrival_ns() const noexcept { return arrival_ns_; }

    // Control thread.
    uint64_t missed() noexcept;  // by the kernel, for want of room
    uint64_t errors() const noexcept { return errors_.load(std::memory_order_relaxed); }
    uint64_t no_buffer() const noexcept { return no_buffer_.load(std::memory_order_relaxed); }

private:
    tpacket2_hdr& slot() const noexcept;
    rte_mbuf* take(const tpacket2_hdr& slot, uint32_t status) noexcept;
    rte_mbuf* copy_slot(const tpacket2_hdr& slot, unsigned tag_bytes) noexcept;
    rte_mbuf* fetch_whole(const tpacket2_hdr& slot, unsigned tag_bytes) noexcept;
    void discard_whole() noexcept;
    static void count(std::atomic<uint64_t>& counter) noexcept;

    Fd socket_;
    FrameBuffers buffers_;
    std::byte* ring_ = nullptr;
    uint32_t slot_bytes_, slots_, next_ = 0;
    uint64_t arrival_ns_ = 0;
    uint64_t missed_ = 0;  // reading PACKET_STATISTICS clears it
    std::atomic<uint64_t> cut_{0}, errors_{0}, no_buffer_{0};  // the worker's
};

}  // namespace vethway
