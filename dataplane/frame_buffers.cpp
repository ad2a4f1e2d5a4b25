// SPDX-License-Identifier: Apache-2.0
#include "dataplane/frame_buffers.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "dataplane/meta.h"

namespace vethway {

rte_mbuf* FrameBuffers::allocate(size_t bytes) const noexcept {
    if (bytes > kLargestFrame) return nullptr;
    rte_mbuf* m = rte_pktmbuf_alloc(bytes <= ordinary_room() ? &ordinary : &large);
    if (m == nullptr) return nullptr;
    m->pkt_len = static_cast<uint32_t>(bytes);
    m->data_len = static_cast<uint16_t>(std::min<size_t>(bytes, kLargeFrame));
    if (bytes <= kLargeFrame) [[likely]]
        return m;
    m->next = rte_pktmbuf_alloc(&ordinary);
    if (m->next == nullptr) {
        rte_pktmbuf_free(m);
        return nullptr;
    }
    m->nb_segs = 2;
    m->next->data_len = static_cast<uint16_t>(bytes - kLargeFrame);
    return m;
}

rte_mbuf* FrameBuffers::gather(rte_mbuf* m) const noexcept {
    rte_mbuf* whole = allocate(m->pkt_len);
    if (whole == nullptr) return nullptr;
    size_t offset = 0;
    for (rte_mbuf* to = whole; to != nullptr; to = to->next) {
        copy_out(*m, offset, {rte_pktmbuf_mtod(to, std::byte*), to->data_len});
        offset += to->data_len;
    }
    meta(*whole) = meta(*m);
    rte_mbuf_dynfield_copy(whole, m);  // by whom it is watched
    rte_pktmbuf_free(m);
    return whole;
}

void copy_out(const rte_mbuf& m, size_t offset, std::span<std::byte> out) noexcept {
    const auto n = static_cast<uint32_t>(out.size());
    const void* from = rte_pktmbuf_read(&m, static_cast<uint32_t>(offset), n, out.data());
    if (from != out.data() && from != nullptr) std::memcpy(out.data(), from, n);
}

void trim_frame(rte_mbuf& m, size_t bytes) noexcept {
    m.pkt_len = static_cast<uint32_t>(bytes);
    if (m.nb_segs == 1) [[likely]] {
        m.data_len = static_cast<uint16_t>(bytes);
        return;
    }
    rte_mbuf* last = &m;
    uint16_t segments = 1;
    for (; bytes > last->data_len; last = last->next, ++segments) bytes -= last->data_len;
    last->data_len = static_cast<uint16_t>(bytes);
    if (rte_mbuf* rest = std::exchange(last->next, nullptr)) rte_pktmbuf_free(rest);
    m.nb_segs = segments;
}

}  // namespace vethway
