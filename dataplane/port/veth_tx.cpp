// SPDX-License-Identifier: Apache-2.0
#include "dataplane/port/veth_tx.h"

#include <linux/if_packet.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "dataplane/meta.h"
#include "dataplane/offload/vnet_header.h"
#include "dataplane/port/packet_socket.h"
#include "dataplane/port/shield.h"

namespace vethway {

namespace {

constexpr uint16_t kMessages = 64;
constexpr size_t kParts = 4;           // the VnetHeader, and a frame's segments (shares_mbufs)
constexpr int kSendBuffer = 16 << 20;  // bytes that the other end has not taken yet

Drop reason(int error) noexcept {
    switch (error) {
        case ENOBUFS:  // the other end's backlog is full (drivers/net/veth.c, veth_xmit)
            return Drop::tx_ring_full;
        case ENETDOWN:
        case ENXIO:
        case ENODEV:
            return Drop::egress_down;
        default:
            return Drop::tx_refused;
    }
}

}  // namespace

// What sendmmsg reads, kept so that a burst only fills it in.
struct VethTx::Batch {
    std::array<mmsghdr, kMessages> messages{};
    std::array<std::array<iovec, kParts>, kMessages> parts{};
    std::array<VnetHeader, kMessages> headers{};

    Batch() {
        for (size_t i = 0; i < kMessages; ++i) {
            parts[i][0] = {&headers[i], sizeof headers[i]};
            messages[i].msg_hdr.msg_iov = parts[i].data();
        }
    }
    void fill(size_t i, rte_mbuf& m) noexcept {
        headers[i] = vnet_header(m);
        parts[i][1] = {rte_pktmbuf_mtod(&m, void*), m.data_len};
        messages[i].msg_hdr.msg_iovlen = m.nb_segs + size_t{1};
        if (m.nb_segs == 1) [[likely]]
            return;
        size_t part = 2;
        for (rte_mbuf* s = m.next; s != nullptr; s = s->next)
            parts[i][part++] = {rte_pktmbuf_mtod(s, void*), s->data_len};
    }
};

VethTx::VethTx(const std::string& port, unsigned ifindex, bool qdisc_bypass)
    : socket_(open_packet_socket(port)), batch_(std::make_unique<Batch>()) {
    const int fd = socket_.get(), on = 1, bypass = qdisc_bypass ? 1 : 0;
    set_option(port, fd, PACKET_VNET_HDR, on, "PACKET_VNET_HDR");
    set_option(port, fd, PACKET_QDISC_BYPASS, bypass, "PACKET_QDISC_BYPASS");
    // By the qdisc frames meet the shield, which knows them by this.
    if (!qdisc_bypass && setsockopt(fd, SOL_SOCKET, SO_MARK, &kShieldPass, sizeof kShieldPass) < 0)
        throw_errno(port, "SO_MARK (needs CAP_NET_ADMIN)");
    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &kSendBuffer, sizeof kSendBuffer);
    bind_packet_socket(port, fd, ifindex, 0);
}

VethTx::~VethTx() = default;

TxResult VethTx::send(rte_mbuf** frames, uint16_t n) noexcept {
    n = std::min(n, kMessages);
    std::array<rte_mbuf*, kMessages> refused;
    TxResult result;
    for (uint16_t i = 0; i < n; ++i) batch_->fill(i, *frames[i]);
    uint16_t done = 0;
    while (done < n) {
        const int sent = sendmmsg(socket_.get(), &batch_->messages[done],
                                  static_cast<unsigned>(n - done), MSG_DONTWAIT);
        if (sent > 0) {
            for (int i = 0; i < sent; ++i) frames[result.sent++] = frames[done++];
            continue;
        }
        if (errno == EINTR) continue;
        if (errno == EAGAIN) break;  // the socket's buffer is full
        meta(*frames[done]).why = reason(errno);
        refused[result.refused++] = frames[done++];
    }
    std::copy_n(refused.begin(), result.refused, frames + result.sent);
    rte_pktmbuf_free_bulk(frames, result.sent);
    return result;
}

}  // namespace vethway
