// SPDX-License-Identifier: Apache-2.0
#include "control/probe/prober.h"

#include <fmt/format.h>
#include <rte_cycles.h>

#include <algorithm>
#include <cstring>

#include "control/probe/probe_packet.h"
#include "dataplane/meta.h"

namespace vethway {

namespace {

constexpr size_t kHeaders = sizeof(Ip4Header) + sizeof(IcmpHeader);
// Of UDP's source ports and the echoes' identifiers alike: those beyond what is registered.
constexpr uint16_t kFirstMark = 0xc000;

void copy_in(rte_mbuf& m, std::span<const std::byte> bytes) {
    for (rte_mbuf* part = &m; part != nullptr; part = part->next) {
        std::memcpy(rte_pktmbuf_mtod(part, std::byte*), bytes.data(), part->data_len);
        bytes = bytes.subspan(part->data_len);
    }
}

ProbeNews not_sent(const Probe& probe, std::string why, uint16_t mtu = 0) {
    return {.what = ProbeNews::What::not_sent,
            .sequence = probe.sequence,
            .probe_ttl = probe.ttl,
            .mtu = mtu,
            .text = std::move(why)};
}

// Whether packets that are too large for the way are cut here, though they are not to be.
bool is_locked(const PathTable& paths, Ip4 to) {
    const auto path = paths.find(to);
    return path && path->locked;
}

}  // namespace

// From where the clock happens to be, so that answers to a vethwayd before are not taken for ours.
Prober::Prober(Dataplane& dataplane, const Ports& ports, const Rib& rib, Paths& paths)
    : dataplane_(dataplane),
      ports_(ports),
      rib_(rib),
      paths_(paths),
      next_mark_(static_cast<uint16_t>(rte_rdtsc() >> 10U)),
      hz_(rte_get_tsc_hz()) {}

// There are far fewer series than marks.
uint16_t Prober::free_mark() {
    const auto used = [this](uint16_t mark) {
        return std::ranges::any_of(series_, [&](const auto& s) { return s.second.mark == mark; });
    };
    do next_mark_ = static_cast<uint16_t>((next_mark_ + 1) | kFirstMark);
    while (used(next_mark_));
    return next_mark_;
}

Prober::Opened Prober::open(const ProbeSeries& series, Tell tell) {
    const bool arp = series.kind == ProbeKind::arp;
    const Snapshot& snapshot = dataplane_.snapshot();
    const ProbeWay way =
        arp ? find_link(series, ports_, rib_, snapshot) : find_way(series, ports_, rib_, snapshot);
    Opened opened{next_id_, free_mark(), way};
    Series made{.what = series, .tell = std::move(tell), .mark = opened.mark};
    if (arp) listen_for_arp(made, way);
    series_.emplace(next_id_++, std::move(made));
    return opened;
}

void Prober::close(uint32_t id) {
    const auto found = series_.find(id);
    if (found == series_.end()) return;
    stop_listening(found->second);
    series_.erase(found);
}

void Prober::stop() {
    for (const auto& [id, series] : series_) series.tell({.what = ProbeNews::What::stopping});
    series_.clear();
}

ProbeNews Prober::send(uint32_t id, const Probe& probe) {
    const auto found = series_.find(id);
    if (found == series_.end())
        return {.what = ProbeNews::What::lost, .sequence = probe.sequence, .probe_ttl = probe.ttl};
    try {
        Series& series = found->second;
        return series.what.kind == ProbeKind::arp ? send_arp(series, probe)
                                                  : send_ip(series, probe);
    } catch (const std::runtime_error& e) {  // there was a way, and is none now
        return not_sent(probe, e.what());
    }
}

rte_mbuf* Prober::make(const Series& series, const Probe& probe, const ProbeWay& way,
                       bool may_cut) {
    const auto default_ttl = static_cast<uint8_t>(ports_.ip4()[Ip4Knob::ip_default_ttl]);
    const auto frame = make_probe(series.what, way.from, {series.mark, probe.sequence},
                                  probe.ttl == 0 ? default_ttl : probe.ttl, !may_cut);
    rte_mbuf* m = dataplane_.allocate(kLoopback, frame.size());
    if (m == nullptr) return nullptr;
    copy_in(*m, frame);
    PacketMeta& packet = meta(*m);
    packet.l3_offset = sizeof(EtherHeader);
    packet.inject = way.forced ? Inject::output_by : Inject::output;
    packet.egress = way.egress;
    packet.next_hop = way.next_hop;
    return m;
}

// False: `m` is freed.
bool Prober::hand_over(Series& series, const Probe& probe, rte_mbuf* m) {
    if (series.sent.size() <= probe.sequence) series.sent.resize(size_t{probe.sequence} + 1);
    series.sent[probe.sequence] = {.tsc = rte_rdtsc(), .ttl = probe.ttl};
    if (dataplane_.inject(m)) return true;
    rte_pktmbuf_free(m);
    series.sent[probe.sequence] = {};
    return false;
}

ProbeNews Prober::send_ip(Series& series, const Probe& probe) {
    const ProbeWay way = find_way(series.what, ports_, rib_, dataplane_.snapshot());
    const size_t size = series.what.size + kHeaders;
    const PathTable& known = dataplane_.paths();
    const uint16_t mtu = way.local ? UINT16_MAX : std::min(way.mtu, known.mtu(series.what.to));
    if (series.what.path_mtu == PathMtu::demand && size > mtu)
        return not_sent(probe, fmt::format("message too long, mtu={}", mtu), mtu);
    const bool may_cut =
        series.what.path_mtu == PathMtu::dont || size > mtu ||
        (series.what.path_mtu == PathMtu::want && is_locked(known, series.what.to));
    rte_mbuf* m = make(series, probe, way, may_cut);
    if (m == nullptr) return not_sent(probe, "no free packet buffer");
    if (!hand_over(series, probe, m)) return not_sent(probe, "the worker's ring is full");
    return {.what = ProbeNews::What::sent, .sequence = probe.sequence, .probe_ttl = probe.ttl};
}

Prober::Series* Prober::series_of(const Heard& heard) {
    for (auto& [id, series] : series_)
        if (series.mark == heard.mark && series.what.kind == heard.kind &&
            series.what.to == heard.probe_to)
            return &series;
    return nullptr;
}

double Prober::rtt_ms(const Sent& sent, rte_mbuf& m) const {
    const uint64_t received = meta(m).tsc;
    if (received <= sent.tsc) return 0;
    return static_cast<double>(received - sent.tsc) * 1e3 / static_cast<double>(hz_);
}

void Prober::receive(rte_mbuf& m) {
    const auto heard = hear(l3_bytes(m));
    if (!heard || (heard->is_too_large() && !paths_.hears_of_mtus())) return;
    Series* series = heard->is_about_reply ? nullptr : series_of(*heard);
    const bool ours =
        heard->is_about_reply ? dataplane_.snapshot().is_own(heard->probe_from) : series != nullptr;
    if (ours && heard->is_too_large()) paths_.narrow(heard->probe_to, heard->mtu);
    if (ours && heard->is_redirect())
        paths_.redirect({meta(m).port, heard->probe_to, heard->from, heard->via});
    if (series == nullptr || heard->type == kIcmpRedirect) return;
    const uint16_t first =
        heard->kind == ProbeKind::udp ? series->what.first_target_port : uint16_t{0};
    const auto sequence = static_cast<uint16_t>(heard->position - first);
    if (sequence >= series->sent.size() || series->sent[sequence].tsc == 0) return;
    Sent& sent = series->sent[sequence];
    ProbeNews news{.what = heard->is_reply ? ProbeNews::What::reply : ProbeNews::What::error,
                   .sequence = sequence,
                   .probe_ttl = sent.ttl,
                   .from = heard->from,
                   .type = heard->type,
                   .code = heard->code,
                   .ttl = heard->ttl,
                   .bytes = heard->bytes,
                   .mtu = heard->mtu,
                   .rtt_ms = rtt_ms(sent, m)};
    if (heard->is_reply) {
        news.duplicate = std::exchange(sent.answered, true);
    } else {
        news.text = icmp_error_text(*heard);
    }
    series->tell(news);
}

void Prober::take(rte_mbuf& m) {
    if (ether(m).type == kEtherTypeArp)
        receive_arp(m);
    else
        receive(m);
}

}  // namespace vethway
