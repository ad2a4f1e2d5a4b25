// SPDX-License-Identifier: Apache-2.0
#include "perf/gen/sender.h"

#include <fmt/format.h>
#include <rte_cycles.h>
#include <rte_errno.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "dataplane/meta.h"

namespace vethway::gen {

FramePool make_frame_pool(const FrameShape& shape, uint16_t bytes, uint32_t mbufs) {
    FramePool pool{.maker = FrameMaker(shape, bytes), .mbufs = nullptr, .bytes = bytes};
    const auto room = static_cast<uint16_t>((RTE_PKTMBUF_HEADROOM + bytes + 63) / 64 * 64);
    const std::string name = fmt::format("gen_tx_{}", bytes);
    pool.mbufs.reset(
        rte_pktmbuf_pool_create(name.c_str(), mbufs, 256, sizeof(PacketMeta), room, SOCKET_ID_ANY));
    if (!pool.mbufs)
        throw std::runtime_error(fmt::format("no memory for {} frames of {} bytes: {}", mbufs,
                                             bytes, rte_strerror(rte_errno)));
    rte_mempool_obj_iter(
        pool.mbufs.get(),
        [](rte_mempool*, void* maker, void* object, unsigned) {
            auto* m = static_cast<rte_mbuf*>(object);
            const auto frame = static_cast<const FrameMaker*>(maker)->bytes();
            meta(*m) = {};
            std::memcpy(static_cast<std::byte*>(m->buf_addr) + RTE_PKTMBUF_HEADROOM, frame.data(),
                        frame.size());
        },
        &pool.maker);
    return pool;
}

Sender::Sender(Port& port, Traffic& traffic, const Load& load, uint16_t run, uint16_t warm_up_run,
               uint64_t hz)
    : port_(port),
      traffic_(traffic),
      load_(load),
      run_(run),
      warm_up_run_(warm_up_run),
      hz_(hz),
      pacer_(load.pace, hz) {
    for (Flow& flow : traffic_.flows) flow.next_sequence = 0;
}

void Sender::start(uint64_t now) noexcept {
    if (load_.warm_up_s <= 0) return begin_counted(now);
    left_ = UINT64_MAX;
    phase_end_ = now + ticks(load_.warm_up_s);
    pacer_.start(now);
}

void Sender::begin_counted(uint64_t now) noexcept {
    phase_ = Phase::counted;
    started_at_ = now;
    owed_ = 0;
    left_ = load_.frames > 0 ? load_.frames : UINT64_MAX;
    // So many frames as belong into the time, and not one more or less by where the clock was read.
    if (load_.pace.pps > 0 && load_.seconds > 0 && load_.then_pps == 0)
        left_ =
            std::min(left_, static_cast<uint64_t>(std::llround(load_.pace.pps * load_.seconds)));
    phase_end_ = load_.seconds > 0 ? now + ticks(load_.seconds) : UINT64_MAX;
    pacer_ = Pacer(load_.pace, hz_);
    pacer_.start(now);
}

// Whether there may still be something to send in this phase.
bool Sender::keep_time(uint64_t now) noexcept {
    if (phase_ == Phase::warm_up) {
        if (now < phase_end_) return true;
        give_back();
        begin_counted(now);
        return true;
    }
    const bool nothing_waits = owed_ == 0 && pending_size_ == 0;
    // What was due in time may still be sent a little later, unless it comes without end.
    const bool patient = load_.pace.pps > 0 && !nothing_waits && now < phase_end_ + hz_ / 100;
    if ((left_ == 0 && nothing_waits) || (now > phase_end_ && !patient)) {
        finish(now);
        return false;
    }
    if (load_.then_pps > 0 && changed_at_ == 0 && now >= started_at_ + ticks(load_.then_after_s)) {
        changed_at_ = now;
        owed_ = 0;
        pacer_.change_rate(load_.then_pps, now);
    }
    return true;
}

void Sender::step(uint64_t now) noexcept {
    if (phase_ == Phase::done || !keep_time(now)) return;
    if (pending_size_ == 0) {
        if (owed_ == 0) owed_ = static_cast<uint32_t>(std::min<uint64_t>(pacer_.due(now), left_));
        if (owed_ == 0) return;
        build(std::min<uint32_t>(owed_, kBurst));
    }
    if (pending_size_ > 0) transmit();
}

void Sender::build(uint32_t n) noexcept {
    const std::vector<uint8_t>& sizes = traffic_.size_order;
    uint32_t chosen[kBurst];
    for (uint32_t i = 0; i < n; ++i) {
        chosen[i] = traffic_.order.next();
        rte_prefetch0(&traffic_.flows[chosen[i]]);
    }
    for (uint32_t i = 0; i < n; ++i) {
        const uint8_t which = sizes[size_turn_];
        FramePool& pool = traffic_.pools[which];
        rte_mbuf* m = rte_pktmbuf_alloc(pool.mbufs.get());
        if (m == nullptr) [[unlikely]] {
            ++no_buffer_;
            return;
        }
        size_turn_ = size_turn_ + 1 == sizes.size() ? 0 : size_turn_ + 1;
        m->pkt_len = m->data_len = pool.bytes;
        Flow& flow = traffic_.flows[chosen[i]];
        pool.maker.address(rte_pktmbuf_mtod(m, std::byte*), flow);
        uint32_t sequence = 0;  // of the warm-up nobody counts
        if (phase_ == Phase::counted) sequence = static_cast<uint32_t>(flow.next_sequence++);
        pending_[pending_size_++] = {m, chosen[i], which, sequence};
        --owed_;
        --left_;
    }
}

void Sender::transmit() noexcept {
    rte_mbuf* frames[kBurst];
    const uint64_t now = rte_rdtsc();
    const uint16_t run = phase_ == Phase::counted ? run_ : warm_up_run_;
    for (uint16_t i = 0; i < pending_size_; ++i) {
        const Pending& p = pending_[i];
        traffic_.pools[p.pool].maker.stamp(
            rte_pktmbuf_mtod(p.mbuf, std::byte*), traffic_.flows[p.flow],
            {.flow = p.flow, .sequence = p.sequence, .time = now, .run = run});
        frames[i] = p.mbuf;
    }
    const TxResult done = port_.tx_burst(0, frames, pending_size_);
    if (done.refused > 0) [[unlikely]]
        return refused({frames + done.sent, static_cast<size_t>(pending_size_ - done.sent)});
    account(done.sent);
    if (pending_size_ > 0) ++tx_full_;
}

// Which the driver has put in another order: of `unsent` the first were refused.
void Sender::refused(std::span<rte_mbuf* const> unsent) noexcept {
    refused_ = meta(*unsent[0]).why;
    was_refused_ = true;
    const auto kept = std::stable_partition(
        pending_.begin(), pending_.begin() + pending_size_,
        [&](const Pending& p) { return std::ranges::find(unsent, p.mbuf) == unsent.end(); });
    account(static_cast<uint16_t>(kept - pending_.begin()));
    finish(rte_rdtsc());
}

// The driver keeps the order of what it sends (port.h), so the first are gone.
void Sender::account(uint16_t sent) noexcept {
    if (phase_ == Phase::counted) {
        for (uint16_t i = 0; i < sent; ++i) bytes_ += traffic_.pools[pending_[i].pool].bytes;
        sent_.add(sent);
    } else {
        warmed_up_ += sent;
    }
    std::copy(pending_.begin() + sent, pending_.begin() + pending_size_, pending_.begin());
    pending_size_ = static_cast<uint16_t>(pending_size_ - sent);
}

// Frames that were made and not sent never were: their numbers are the last of their flows.
void Sender::give_back() noexcept {
    for (; pending_size_ > 0; --pending_size_) {
        const Pending& p = pending_[pending_size_ - 1U];
        if (phase_ == Phase::counted) --traffic_.flows[p.flow].next_sequence;
        rte_pktmbuf_free(p.mbuf);
    }
}

void Sender::finish(uint64_t now) noexcept {
    give_back();
    phase_ = Phase::done;
    ended_at_ = now;
}

void Sender::stop(uint64_t now) noexcept {
    if (phase_ == Phase::done) return;
    if (started_at_ == 0) started_at_ = now;
    finish(now);
}

std::string Sender::refusal() const {
    if (!was_refused_) return {};
    const DropInfo& why = kDropInfo[static_cast<size_t>(refused_)];
    return fmt::format("the port refused a frame: {} ({})", why.help, why.name);
}

}  // namespace vethway::gen
