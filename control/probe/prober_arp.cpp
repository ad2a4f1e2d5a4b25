// SPDX-License-Identifier: Apache-2.0
// Probes by ARP (RFC 826, RFC 5227), as arping(8) of iputils sends and takes them.
#include <cstring>
#include <stdexcept>

#include "control/probe/probe_packet.h"
#include "control/probe/prober.h"
#include "dataplane/meta.h"

namespace vethway {

namespace {

bool asks(ArpForm form) { return form == ArpForm::ask || form == ArpForm::detect; }

}  // namespace

// The port of a name may be another one by now.
void Prober::listen_for_arp(Series& series, const ProbeWay& way) {
    if (!asks(series.what.arp) || series.arp_way.egress == way.egress) return;
    stop_listening(series);
    series.arp_way = {};
    if (!dataplane_.arp_asked().add(way.egress, series.what.to))
        throw std::runtime_error("too many ask by ARP already: end one of them");
    series.arp_way = way;
}

void Prober::stop_listening(const Series& series) {
    if (series.arp_way.egress != kLoopback)
        dataplane_.arp_asked().remove(series.arp_way.egress, series.what.to);
}

ProbeNews Prober::send_arp(Series& series, const Probe& probe) {
    const ProbeWay way = find_link(series.what, ports_, rib_, dataplane_.snapshot());
    listen_for_arp(series, way);
    const Mac to = series.arp_to;
    const auto frame = make_arp_probe(series.what, way.from, way.mac, to);
    rte_mbuf* m = dataplane_.allocate(way.egress, frame.size());
    if (m == nullptr) throw std::runtime_error("no free packet buffer");
    std::memcpy(rte_pktmbuf_mtod(m, std::byte*), frame.data(), frame.size());
    meta(*m).inject = Inject::frame;
    meta(*m).egress = way.egress;
    if (!hand_over(series, probe, m)) throw std::runtime_error("the worker's ring is full");
    return {.what = ProbeNews::What::sent,
            .sequence = probe.sequence,
            .arp = {.broadcast = to == Mac::broadcast()}};
}

// Of several that ask the same of one port, each hears what is meant for it: a copy is for all.
void Prober::receive_arp(rte_mbuf& m) {
    const auto& arp = *reinterpret_cast<const ArpHeader*>(l3_bytes(m).data());
    const Ip4 sender{arp.sender_ip}, target{arp.target_ip};
    for (auto& [id, series] : series_) {
        const ProbeWay& way = series.arp_way;
        if (way.egress != meta(m).port || series.sent.empty()) continue;
        const bool request = arp.operation == kArpRequest;
        const bool detect = series.what.arp == ArpForm::detect;
        // RFC 5227 2.1.1: who has the address, or is about to take it.
        const bool conflict =
            arp.sender_mac != way.mac &&
            (sender == series.what.to || (request && sender.is_zero() && target == series.what.to));
        const bool answer =
            sender == series.what.to && target == way.from && arp.target_mac == way.mac;
        if (detect ? !conflict : !answer) continue;
        if (!detect && !series.what.arp_to_all) series.arp_to = arp.sender_mac;
        series.tell({.what = ProbeNews::What::reply,
                     .sequence = static_cast<uint16_t>(series.sent.size() - 1),
                     .from = sender,
                     .rtt_ms = rtt_ms(series.sent.back(), m),
                     .arp = {.is_request = request,
                             .broadcast = meta(m).link_group,
                             .sender = arp.sender_mac,
                             .target = arp.target_mac,
                             .target_ip = target}});
    }
}

}  // namespace vethway
