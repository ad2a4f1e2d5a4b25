// SPDX-License-Identifier: Apache-2.0
#include "dataplane/watch/tracer.h"

#include <rte_cycles.h>
#include <rte_errno.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <stdexcept>
#include <string>

namespace vethway {

namespace {

constexpr uint32_t kIdBits = 25, kMostIds = (1U << kIdBits) - 1;

// The same field for all: DPDK gives it out once.
int register_mark(size_t bytes) {
    const rte_mbuf_dynfield field{
        .name = "vethway_mark", .size = bytes, .align = alignof(uint32_t), .flags = 0};
    const int offset = rte_mbuf_dynfield_register(&field);
    if (offset < 0)
        throw std::runtime_error(std::string("a field of mbufs: ") + rte_strerror(rte_errno));
    return offset;
}

// How many bytes that was: a frame may have fewer than its length says. Of one above 66 KiB,
// net_pcap has counted the segments' bytes by 16 bits (eth_pcap_rx_jumbo of pcap_ethdev.c).
uint16_t copy_beginning(const rte_mbuf& m, std::span<std::byte> out) noexcept {
    size_t done = 0;
    for (const rte_mbuf* s = &m; s != nullptr && done < out.size(); s = s->next) {
        const size_t n = std::min<size_t>(s->data_len, out.size() - done);
        std::memcpy(&out[done], rte_pktmbuf_mtod(s, const std::byte*), n);
        done += n;
    }
    return static_cast<uint16_t>(done);
}

}  // namespace

Tracer::Tracer(uint16_t worker) : worker_(worker), offset_(register_mark(sizeof(Mark))) {}

// Never 0, which means none.
uint32_t Tracer::next_id() noexcept {
    last_ = last_ % kMostIds + 1;
    return uint32_t{worker_} << kIdBits | last_;
}

bool Tracer::mark_wanted(std::span<rte_mbuf* const> frames) noexcept {
    bool any = false;
    for (unsigned left = mask_; left != 0; left &= left - 1) {
        const auto i = static_cast<size_t>(std::countr_zero(left));
        Watch& watch = *set_->watches[i];
        any |= watch.mark(frames, static_cast<uint8_t>(1U << i), watch.workers_[worker_]);
    }
    return any;
}

void Tracer::begin_story(rte_mbuf& m) noexcept {
    const uint32_t id = next_id();
    mark(m) = {.story = id, .packet = id, .parent = 0};
}

void Tracer::received(Burst& burst) noexcept {
    if (burst.empty() || !mark_wanted(burst)) return;
    any_ = true;
    for (rte_mbuf* m : burst) {
        if (meta(*m).watched == 0) continue;
        begin_story(*m);
        note(*m, Step::received, burst.size());
    }
}

void Tracer::came_in(rte_mbuf& m) noexcept {
    PacketMeta& packet = meta(m);
    const uint8_t before = packet.watched & mask_;
    rte_mbuf* const alone = &m;
    for (unsigned left = mask_ & ~before; left != 0; left &= left - 1) {
        const auto i = static_cast<size_t>(std::countr_zero(left));
        Watch& watch = *set_->watches[i];
        if (watch.looks_at_logical(packet.port))
            watch.mark(std::span(&alone, 1), static_cast<uint8_t>(1U << i),
                       watch.workers_[worker_]);
    }
    if ((packet.watched & mask_) == before) return;
    any_ = true;
    if (before == 0) begin_story(m);
}

void Tracer::born(rte_mbuf& m, rte_mbuf* parent) noexcept {
    PacketMeta& packet = meta(m);
    const uint32_t id = next_id();
    any_ = true;
    if (parent != nullptr && (meta(*parent).watched & mask_) != 0) {
        packet.watched = meta(*parent).watched;
        mark(m) = {.story = mark(*parent).story, .packet = id, .parent = mark(*parent).packet};
        return;
    }
    packet.watched = 0;
    rte_mbuf* const alone = &m;
    if (mark_wanted(std::span(&alone, 1))) mark(m) = {.story = id, .packet = id, .parent = 0};
}

void Tracer::write(uint8_t who, rte_mbuf& m, Step step, uint32_t a, uint32_t b, Drop why,
                   const Mac& mac) noexcept {
    const PacketMeta& packet = meta(m);
    const Mark& of = mark(m);
    Record record{.tsc = rte_rdtsc(),
                  .story = of.story,
                  .packet = of.packet,
                  .parent = of.parent,
                  .step = step,
                  .why = why,
                  .port = packet.port,
                  .egress = packet.egress,
                  .l3_offset = packet.l3_offset,
                  .next_hop = packet.next_hop,
                  .a = a,
                  .b = b,
                  .offload = packet.offload,
                  .mac = mac,
                  .worker = worker_,
                  .captured = 0,
                  .length = m.pkt_len};
    // Relative to the frame's first byte, as a reader has it.
    record.offload.checksum_start =
        static_cast<uint16_t>(std::max(0, int{packet.offload.checksum_start} - int{m.data_off}));
    std::array<std::byte, UINT16_MAX> several;
    for (size_t i = 0; i < WatchSet::kMax; ++i) {
        if ((who >> i & 1) == 0) continue;
        Watch& watch = *set_->watches[i];
        if ((watch.options_.steps & bit(step)) == 0) continue;
        const bool frame = (watch.options_.frame_steps & bit(step)) != 0;
        record.captured = static_cast<uint16_t>(
            frame ? std::min<uint32_t>(watch.options_.snaplen, m.pkt_len) : 0);
        std::span<const std::byte> bytes =
            frame_bytes(m).first(std::min<size_t>(record.captured, m.data_len));
        if (bytes.size() < record.captured) {
            record.captured = copy_beginning(m, std::span(several).first(record.captured));
            bytes = std::span(several).first(record.captured);
        }
        watch.workers_[worker_].ring.push(record, bytes);
    }
}

}  // namespace vethway
