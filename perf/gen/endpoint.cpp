// SPDX-License-Identifier: Apache-2.0
#include "perf/gen/endpoint.h"

#include <rte_cycles.h>

#include <cstring>

#include "dataplane/meta.h"

namespace vethway::gen {

void Endpoint::begin(Accounting* accounting, uint16_t run) noexcept {
    accounting_ = accounting;
    run_ = run;
    first_good_ = last_good_ = 0;
}

unsigned Endpoint::poll() noexcept {
    unsigned frames = 0;
    for (uint16_t queue = 0; queue < port_.info().rx_queues; ++queue) frames += poll(queue);
    return frames;
}

unsigned Endpoint::poll(uint16_t queue) noexcept {
    const uint16_t n = port_.rx_burst(queue, burst_.data(), kBurst);
    if (n == 0) return 0;
    const uint64_t now = rte_rdtsc();
    uint64_t bytes = 0;
    for (uint16_t i = 0; i < n; ++i) rte_prefetch0(rte_pktmbuf_mtod(burst_[i], const void*));
    for (uint16_t i = 0; i < n; ++i) {
        bytes += burst_[i]->pkt_len;
        take(frame_bytes(*burst_[i]), now);
    }
    rte_pktmbuf_free_bulk(burst_.data(), n);
    counters_.frames.add(n);
    counters_.bytes.add(bytes);
    return n;
}

void Endpoint::take(std::span<const std::byte> frame, uint64_t now) noexcept {
    const Checked found = check_.check(frame, run_);
    switch (found.verdict) {
        case Verdict::good:
            if (accounting_ == nullptr || !accounting_->knows(found.stamp.flow))
                return counters_.returned.add(1);
            accounting_->arrived(found.stamp, now);
            if (first_good_ == 0) first_good_ = now;
            last_good_ = now;
            return counters_.good.add(1);
        case Verdict::corrupted:
            if (accounting_ != nullptr && found.stamp_read) accounting_->corrupted(found.stamp);
            return counters_.corrupted.add(1);
        case Verdict::other_run:
            return counters_.other_run.add(1);
        case Verdict::arp:
            return take_arp(frame);
        case Verdict::foreign:
            return counters_.foreign.add(1);
    }
}

void Endpoint::take_arp(std::span<const std::byte> frame) noexcept {
    counters_.arp.add(1);
    const ArpHeader* arp = find_arp(frame);
    if (arp == nullptr) return;
    if (arp->operation == kArpReply && asked_ && asked_->value == arp->sender_ip)
        answer_ = arp->sender_mac;
    if (const auto answer = arp_answer(frame, hosts_)) {
        counters_.arp_answered.add(1);
        send(*answer);
    }
}

void Endpoint::send(const ArpFrame& frame) noexcept {
    rte_mbuf* m = rte_pktmbuf_alloc(&pool_);
    if (m == nullptr) return;  // it is asked again
    meta(*m) = {};
    m->pkt_len = m->data_len = frame.size;
    std::memcpy(rte_pktmbuf_mtod(m, void*), frame.bytes.data(), frame.size);
    if (port_.tx_burst(0, &m, 1).sent == 0) rte_pktmbuf_free(m);
}

std::optional<Mac> Endpoint::resolve(Ip4 from, Ip4 ip, double seconds) {
    const uint64_t hz = rte_get_tsc_hz();
    const uint64_t end = rte_rdtsc() + static_cast<uint64_t>(seconds * static_cast<double>(hz));
    asked_ = ip;
    answer_.reset();
    uint64_t ask_at = 0;
    for (uint64_t now = rte_rdtsc(); !answer_ && now < end; now = rte_rdtsc()) {
        if (now >= ask_at) {
            send(arp_request(hosts_, from, ip));
            ask_at = now + hz / 5;
        }
        if (poll() == 0) rte_delay_us_sleep(100);
    }
    asked_.reset();
    return answer_;
}

}  // namespace vethway::gen
