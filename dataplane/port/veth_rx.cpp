// SPDX-License-Identifier: Apache-2.0
#include "dataplane/port/veth_rx.h"

#include <linux/if_ether.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>

#include "dataplane/meta.h"
#include "dataplane/offload/vnet_header.h"
#include "dataplane/port/packet_socket.h"
#include "dataplane/port/port.h"

namespace vethway {

namespace {

constexpr unsigned kRingBytes = 2U << 20, kBlockBytes = 32768;
constexpr unsigned kLeastSlot = 2048, kMostSlot = 16384, kLeastSlots = 256;
// In front of a frame in its slot (net/packet/af_packet.c, tpacket_rcv): the header, aligned, at
// least 16 bytes for the link's header, and the VnetHeader.
constexpr unsigned kSlotOverhead = TPACKET2_HDRLEN + 2 * TPACKET_ALIGNMENT + sizeof(VnetHeader);
constexpr unsigned kAroundPacket = 14 + 2 * 4;  // Ethernet, two VLAN tags
constexpr int kReceiveBuffer = 16 << 20;        // of super-frames that wait beside the ring
// A burst of super-frames is no more than what a core's cache keeps until they are sent.
constexpr uint32_t kBurstBytes = 256 << 10;
// Linux 4.20 and 5.0 (include/uapi/linux/if_packet.h).
constexpr uint32_t kFanoutUniqueId = 0x2000, kFanoutIgnoreOutgoing = 0x4000;

uint32_t slot_bytes(unsigned mtu) noexcept {
    const unsigned wanted = std::bit_ceil(mtu + kAroundPacket + kSlotOverhead);
    return std::clamp(wanted, kLeastSlot, kMostSlot);
}

// The slot's status is the hand-over between kernel and us.
uint32_t load_status(tpacket2_hdr& slot) noexcept {
    return std::atomic_ref(slot.tp_status).load(std::memory_order_acquire);
}
void give_back(tpacket2_hdr& slot) noexcept {
    std::atomic_ref(slot.tp_status).store(TP_STATUS_KERNEL, std::memory_order_release);
}

// The kernel has taken the tag off the frame; it goes where it was, between addresses and type.
struct Tag {
    Be16 tpid, tci;
};
constexpr size_t kAddresses = 2 * sizeof(Mac);

Tag tag_of(const tpacket2_hdr& slot) noexcept {
    const bool has_tpid = (slot.tp_status & TP_STATUS_VLAN_TPID_VALID) != 0;
    return {has_tpid ? slot.tp_vlan_tpid : kEtherTypeVlan, slot.tp_vlan_tci};
}

}  // namespace

VethRx::VethRx(const std::string& port, unsigned ifindex, unsigned mtu, const FrameBuffers& buffers)
    : socket_(open_packet_socket(port)),
      buffers_(buffers),
      slot_bytes_(slot_bytes(mtu)),
      slots_(std::max(kLeastSlots, kRingBytes / slot_bytes_)) {
    const int fd = socket_.get(), on = 1, version = TPACKET_V2;
    set_option(port, fd, PACKET_VERSION, version, "PACKET_VERSION");
    set_option(port, fd, PACKET_VNET_HDR, on, "PACKET_VNET_HDR");
    set_option(port, fd, PACKET_COPY_THRESH, on, "PACKET_COPY_THRESH");
    set_option(port, fd, PACKET_IGNORE_OUTGOING, on, "PACKET_IGNORE_OUTGOING");
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer);
    const tpacket_req request{.tp_block_size = kBlockBytes,
                              .tp_block_nr = slots_ * slot_bytes_ / kBlockBytes,
                              .tp_frame_size = slot_bytes_,
                              .tp_frame_nr = slots_};
    set_option(port, fd, PACKET_RX_RING, request, "PACKET_RX_RING");
    void* ring = mmap(nullptr, size_t{slots_} * slot_bytes_, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_POPULATE, fd, 0);
    if (ring == MAP_FAILED) throw_errno(port, "mmap of its ring");
    ring_ = static_cast<std::byte*>(ring);
    try {
        // The socket hears nothing before, so nothing of other interfaces.
        bind_packet_socket(port, fd, ifindex, ETH_P_ALL);
    } catch (...) {
        munmap(ring_, size_t{slots_} * slot_bytes_);
        throw;
    }
}

VethRx::~VethRx() { munmap(ring_, size_t{slots_} * slot_bytes_); }

uint16_t VethRx::join(const std::string& port, uint16_t group) {
    const uint32_t flags =
        kFanoutIgnoreOutgoing | PACKET_FANOUT_HASH | (group == 0 ? kFanoutUniqueId : 0);
    uint32_t fanout = flags << 16 | group;
    set_option(port, socket_.get(), PACKET_FANOUT, fanout, "PACKET_FANOUT");
    socklen_t size = sizeof fanout;
    if (getsockopt(socket_.get(), SOL_PACKET, PACKET_FANOUT, &fanout, &size) < 0)
        throw_errno(port, "PACKET_FANOUT");
    return static_cast<uint16_t>(fanout);
}

void VethRx::count(std::atomic<uint64_t>& counter) noexcept {
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

tpacket2_hdr& VethRx::slot() const noexcept {
    return *reinterpret_cast<tpacket2_hdr*>(ring_ + size_t{next_} * slot_bytes_);
}

uint16_t VethRx::receive(rte_mbuf** frames, uint16_t n) noexcept {
    uint16_t got = 0;
    uint32_t bytes = 0;
    for (; got < n && bytes < kBurstBytes; next_ = next_ + 1 == slots_ ? 0 : next_ + 1) {
        tpacket2_hdr& from = slot();
        const uint32_t status = load_status(from);
        if ((status & TP_STATUS_USER) == 0) break;
        if (got == 0) arrival_ns_ = from.tp_sec * uint64_t{1'000'000'000} + from.tp_nsec;
        if (rte_mbuf* m = take(from, status)) {
            bytes += m->pkt_len;
            frames[got++] = m;
        }
        give_back(from);
    }
    return got;
}

rte_mbuf* VethRx::take(const tpacket2_hdr& slot, uint32_t status) noexcept {
    const unsigned tag_bytes = (status & TP_STATUS_VLAN_VALID) != 0 ? kVlanTagBytes : 0;
    if ((status & TP_STATUS_COPY) != 0) return fetch_whole(slot, tag_bytes);
    if (slot.tp_snaplen < slot.tp_len) {  // no room beside the ring for the whole
        count(cut_);
        return nullptr;
    }
    return copy_slot(slot, tag_bytes);
}

rte_mbuf* VethRx::copy_slot(const tpacket2_hdr& slot, unsigned tag_bytes) noexcept {
    const auto* frame = reinterpret_cast<const std::byte*>(&slot) + slot.tp_mac;
    if (slot.tp_len < sizeof(EtherHeader)) {
        count(errors_);
        return nullptr;
    }
    rte_mbuf* m = buffers_.allocate(slot.tp_len + tag_bytes);
    if (m == nullptr) {
        count(no_buffer_);
        return nullptr;
    }
    auto* to = rte_pktmbuf_mtod(m, std::byte*);
    if (tag_bytes == 0) [[likely]] {
        std::memcpy(to, frame, slot.tp_len);
    } else {
        const Tag tag = tag_of(slot);
        std::memcpy(to, frame, kAddresses);
        std::memcpy(to + kAddresses, &tag, sizeof tag);
        std::memcpy(to + kAddresses + sizeof tag, frame + kAddresses, slot.tp_len - kAddresses);
    }
    VnetHeader header;
    std::memcpy(&header, frame - sizeof header, sizeof header);
    if (read_vnet_header(header, tag_bytes, *m)) [[likely]]
        return m;
    count(errors_);
    rte_pktmbuf_free(m);
    return nullptr;
}

rte_mbuf* VethRx::fetch_whole(const tpacket2_hdr& slot, unsigned tag_bytes) noexcept {
    rte_mbuf* m = buffers_.allocate(slot.tp_len + tag_bytes);
    if (m == nullptr) {
        count(slot.tp_len + tag_bytes > kLargestFrame ? errors_ : no_buffer_);
        discard_whole();
        return nullptr;
    }
    VnetHeader header;
    auto* to = rte_pktmbuf_mtod(m, std::byte*);
    const size_t skipped = kAddresses + tag_bytes;
    std::array<iovec, 4> parts{iovec{&header, sizeof header}, iovec{to, kAddresses},
                               iovec{to + skipped, m->data_len - skipped}, iovec{}};
    if (m->next != nullptr) parts[3] = {rte_pktmbuf_mtod(m->next, void*), m->next->data_len};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = m->next != nullptr ? 4 : 3;
    const ssize_t got = recvmsg(socket_.get(), &message, MSG_DONTWAIT);
    if (tag_bytes != 0) {
        const Tag tag = tag_of(slot);
        std::memcpy(to + kAddresses, &tag, sizeof tag);
    }
    if (got == static_cast<ssize_t>(sizeof header + slot.tp_len) &&
        (message.msg_flags & MSG_TRUNC) == 0 && read_vnet_header(header, tag_bytes, *m)) [[likely]]
        return m;
    count(errors_);
    rte_pktmbuf_free(m);
    return nullptr;
}

// The next whole frame would else be taken for that of another slot.
void VethRx::discard_whole() noexcept {
    char byte;
    [[maybe_unused]] const ssize_t got = recv(socket_.get(), &byte, sizeof byte, MSG_DONTWAIT);
}

uint64_t VethRx::missed() noexcept {
    tpacket_stats lost{};
    socklen_t size = sizeof lost;
    if (getsockopt(socket_.get(), SOL_PACKET, PACKET_STATISTICS, &lost, &size) == 0)
        missed_ += lost.tp_drops;
    return missed_ + cut_.load(std::memory_order_relaxed);
}

}  // namespace vethway
