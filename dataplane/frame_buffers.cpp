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

// Where a partial checksum begins is an offset into a buffer, which is another one now.
static void move_offload(rte_mbuf& to, const rte_mbuf& from) noexcept {
    Offload& o = meta(to).offload;
    if (o.is_pending())
        o.checksum_start = static_cast<uint16_t>(o.checksum_start + to.data_off - from.data_off);
}

// All that goes with a frame but its bytes.
static void copy_meta(rte_mbuf& to, const rte_mbuf& from) noexcept {
    meta(to) = meta(const_cast<rte_mbuf&>(from));
    to.vlan_tci = from.vlan_tci;
    rte_mbuf_dynfield_copy(&to, &from);  // by whom it is watched
    move_offload(to, from);
}

rte_mbuf* FrameBuffers::copy(const rte_mbuf& m) const noexcept {
    rte_mbuf* whole = allocate(m.pkt_len);
    if (whole == nullptr) return nullptr;
    size_t offset = 0;
    for (rte_mbuf* to = whole; to != nullptr; to = to->next) {
        copy_out(m, offset, {rte_pktmbuf_mtod(to, std::byte*), to->data_len});
        offset += to->data_len;
    }
    copy_meta(*whole, m);
    return whole;
}

rte_mbuf* FrameBuffers::gather(rte_mbuf* m) const noexcept {
    rte_mbuf* whole = copy(*m);
    if (whole != nullptr) rte_pktmbuf_free(m);
    return whole;
}

rte_mbuf* FrameBuffers::share(rte_mbuf& m) const noexcept {
    rte_mbuf* clone = rte_pktmbuf_clone(&m, &ordinary);
    if (clone != nullptr) meta(*clone) = meta(m);
    return clone;
}

// Of what is this small, a copy is cheaper than a second mbuf; of larger frames it is more than all
// headers that are not absurd.
static constexpr uint16_t kHeaders = 256;

// All or none, in one go.
static bool copy_small(rte_mempool& pool, const rte_mbuf& m, std::span<rte_mbuf*> out) noexcept {
    const auto n = static_cast<unsigned>(out.size());
    if (rte_pktmbuf_alloc_bulk(&pool, out.data(), n) != 0) return false;
    const void* const bytes = rte_pktmbuf_mtod(&m, const void*);
    for (rte_mbuf* copy : out) {
        copy->pkt_len = m.pkt_len;
        copy->data_len = m.data_len;
        std::memcpy(rte_pktmbuf_mtod(copy, void*), bytes, m.data_len);
        copy_meta(*copy, m);
    }
    return true;
}

size_t FrameBuffers::spread(rte_mbuf& m, std::span<rte_mbuf*> out) const noexcept {
    const bool is_small =
        m.nb_segs == 1 && m.pkt_len <= std::min<size_t>(kHeaders, ordinary_room());
    if (is_small && copy_small(ordinary, m, out)) return out.size();
    size_t n = 0;
    while (n < out.size() && (out[n] = is_small ? copy(m) : share(m)) != nullptr) ++n;
    return n;
}

rte_mbuf* FrameBuffers::with_own_headers(rte_mbuf* m) const noexcept {
    if (!is_shared(*m)) return m;
    if (m->pkt_len <= kHeaders) return gather(m);
    const uint16_t n = std::min<uint16_t>(kHeaders, static_cast<uint16_t>(m->data_len - 1));
    rte_mbuf* headers = allocate(n);
    if (headers == nullptr) return nullptr;
    copy_out(*m, 0, {rte_pktmbuf_mtod(headers, std::byte*), n});
    copy_meta(*headers, *m);
    headers->pkt_len = m->pkt_len;
    headers->nb_segs = static_cast<uint16_t>(m->nb_segs + 1);
    headers->next = m;
    // This reference to the bytes begins behind them; the others have offsets of their own.
    m->data_off = static_cast<uint16_t>(m->data_off + n);
    m->data_len = static_cast<uint16_t>(m->data_len - n);
    return headers;
}

void free_frames(std::span<rte_mbuf*> frames) noexcept {
    if (frames.empty()) return;
    rte_mempool* const pool = frames[0]->pool;
    size_t n = 0;
    for (rte_mbuf* m : frames)
        if (m->pool == pool && m->nb_segs == 1 && !is_shared(*m)) [[likely]]
            frames[n++] = m;
        else
            rte_pktmbuf_free(m);
    rte_mempool_put_bulk(pool, reinterpret_cast<void**>(frames.data()), static_cast<unsigned>(n));
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
