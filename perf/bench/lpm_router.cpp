// SPDX-License-Identifier: Apache-2.0
#include "perf/bench/lpm_router.h"

#include <rte_ip.h>

#include <stdexcept>

#include "dataplane/burst.h"

namespace vethway::bench {

namespace {

constexpr uint32_t kNoHop = LpmRouter::kNextHops;

rte_ipv4_hdr& ip_of(rte_mbuf& m) noexcept {
    return *rte_pktmbuf_mtod_offset(&m, rte_ipv4_hdr*, sizeof(rte_ether_hdr));
}

}  // namespace

LpmRouter::LpmRouter(MemoryPorts& ports, bool verifies_checksums)
    : ports_(ports), verifies_(verifies_checksums) {
    const rte_lpm_config config{.max_rules = 1 << 20, .number_tbl8s = 1 << 8, .flags = 0};
    lpm_.reset(rte_lpm_create("bench", SOCKET_ID_ANY, &config));
    if (!lpm_) throw std::runtime_error("no memory for rte_lpm");
    for (NextHopHeader& hop : hops_) {
        const EtherHeader ether{kHostMacs[1], kPortMacs[1], kEtherTypeIp4};
        std::memcpy(hop.ether.data(), &ether, sizeof ether);
        hop.port = 1;
    }
}

void LpmRouter::add(const Prefix4& prefix, uint32_t hop) {
    if (rte_lpm_add(lpm_.get(), prefix.address.value, prefix.length, hop) < 0)
        throw std::runtime_error("rte_lpm_add");
}

bool LpmRouter::is_valid(const rte_mbuf& m) const noexcept {
    const rte_ipv4_hdr& ip = ip_of(const_cast<rte_mbuf&>(m));
    return ip.version_ihl == 0x45 && rte_be_to_cpu_16(ip.total_length) >= sizeof ip &&
           ip.time_to_live > 1 && (!verifies_ || rte_ipv4_cksum(&ip) == 0);
}

void LpmRouter::send(rte_mbuf* m, uint32_t hop) noexcept {
    if (hop == kNoHop || !is_valid(*m)) return rte_pktmbuf_free(m);
    rte_ipv4_hdr& ip = ip_of(*m);
    --ip.time_to_live;
    const uint32_t sum = ip.hdr_checksum + rte_cpu_to_be_16(0x0100);
    ip.hdr_checksum = static_cast<uint16_t>(sum + (sum >> 16));
    auto* const at = rte_pktmbuf_mtod(m, __m128i*);
    const __m128i own = _mm_loadu_si128(at);
    const auto ether = *reinterpret_cast<const __m128i*>(hops_[hop].ether.data());
    _mm_storeu_si128(at, _mm_blend_epi16(ether, own, 0x80));  // the IP header's first two bytes
    const uint16_t port = hops_[hop].port;
    out_[port][waiting_[port]++] = m;
}

void LpmRouter::route_four(rte_mbuf** frames) noexcept {
    const __m128i in_frame_order =
        _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    const auto dst = [&](size_t i) { return static_cast<int>(ip_of(*frames[i]).dst_addr); };
    const __m128i to =
        _mm_shuffle_epi8(_mm_set_epi32(dst(3), dst(2), dst(1), dst(0)), in_frame_order);
    uint32_t hops[4];
    rte_lpm_lookupx4(lpm_.get(), to, hops, kNoHop);
    for (size_t i = 0; i < 4; ++i) send(frames[i], hops[i]);
}

void LpmRouter::poll() noexcept {
    rte_mbuf* frames[kBurst];
    const uint16_t n = rte_eth_rx_burst(ports_.id(0), 0, frames, kBurst);
    uint16_t i = 0;
    for (; i + 4 <= n; i = static_cast<uint16_t>(i + 4)) route_four(frames + i);
    for (; i < n; ++i) {
        uint32_t hop = kNoHop;
        rte_lpm_lookup(lpm_.get(), rte_be_to_cpu_32(ip_of(*frames[i]).dst_addr), &hop);
        send(frames[i], hop);
    }
    for (size_t port = 0; port < out_.size(); ++port) {
        if (waiting_[port] == 0) continue;
        sent_ += rte_eth_tx_burst(ports_.id(port), 0, out_[port].data(), waiting_[port]);
        waiting_[port] = 0;
    }
}

}  // namespace vethway::bench
