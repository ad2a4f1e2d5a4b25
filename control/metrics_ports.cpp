// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "control/metrics.h"

namespace vethway {

namespace {

struct TotalRow {
    const char *name, *help;
    uint64_t PortTotals::*value;
};
constexpr TotalRow kTotals[] = {
    {"vethway_port_rx_packets_total", "Packets received.", &PortTotals::rx_packets},
    {"vethway_port_rx_bytes_total", "Bytes received, of Ethernet frames.", &PortTotals::rx_bytes},
    {"vethway_port_tx_packets_total", "Packets sent.", &PortTotals::tx_packets},
    {"vethway_port_tx_bytes_total", "Bytes sent, of Ethernet frames.", &PortTotals::tx_bytes},
    {"vethway_port_rx_checksum_completed_packets_total",
     "Packets whose checksum the sender left to an offload, completed here.",
     &PortTotals::checksum_completed},
    {"vethway_port_tx_checksum_completed_packets_total",
     "Packets sent whose checksum the sender had left to the device, completed by us for one that "
     "can't.",
     &PortTotals::tx_checksum_completed},
};

struct StatsRow {
    const char *name, *help;
    uint64_t PortStats::*value;
};
constexpr StatsRow kStats[] = {
    {"vethway_port_rx_missed_packets_total",
     "Packets lost before the switch saw them: the driver's ring was full.", &PortStats::rx_missed},
    {"vethway_port_rx_errors_total", "Frames that the driver refused.", &PortStats::rx_errors},
    {"vethway_port_rx_no_buffer_total", "Times that the driver had no buffer to receive into.",
     &PortStats::rx_no_buffer},
    {"vethway_port_tx_errors_total", "Frames that the driver failed to send.",
     &PortStats::tx_errors},
};

void collect_drops(const Families::Labels& port, const PortTotals& totals, Families& out) {
    for (size_t i = 1; i < kDropReasons;
         ++i) {  // all, from zero, so that rate() works from the first
        Families::Labels stage = Families::with(port, "stage", kDropInfo[i].stage);
        out.counter(
            "vethway_drop_packets_total",
            "Packets dropped, by ingress port, stage and reason (vethway explain drop REASON).",
            Families::with(std::move(stage), "reason", kDropInfo[i].name),
            static_cast<double>(totals.dropped[i]));
    }
}

template <size_t N>
void collect_kinds(const char* name, const char* help, const Families::Labels& port,
                   const std::array<uint64_t, N>& counts, const char* const (&kinds)[N],
                   Families& out) {
    for (size_t i = 0; i < N; ++i)
        out.counter(name, help, Families::with(port, "kind", kinds[i]),
                    static_cast<double>(counts[i]));
}

void collect_totals(const Families::Labels& port, const PortTotals& totals, Families& out) {
    for (const TotalRow& row : kTotals)
        out.counter(row.name, row.help, port, static_cast<double>(totals.*row.value));
    collect_drops(port, totals, out);
    collect_kinds("vethway_consumed_packets_total",
                  "Packets that ended in the switch, by ingress port and kind.", port,
                  totals.consumed, kConsumedNames, out);
    collect_kinds("vethway_originated_packets_total",
                  "Packets of the switch's own, by the port whose traffic caused them.", port,
                  totals.originated, kOriginatedNames, out);
    std::vector<std::pair<double, uint64_t>> bursts;
    for (size_t i = 0; i < kBurstBuckets; ++i)
        bursts.emplace_back(static_cast<double>(1U << i), totals.rx_bursts[i]);
    out.histogram("vethway_port_rx_burst_packets", "Packets a burst, as received.", port, bursts,
                  static_cast<double>(totals.rx_packets));
}

void collect_arp(const Families::Labels& port, const PortTotals& totals, Families& out) {
    const auto row = [&](const char* direction, const char* operation, uint64_t packets) {
        Families::Labels way = Families::with(port, "direction", direction);
        out.counter("vethway_arp_packets_total", "ARP packets taken in or sent.",
                    Families::with(std::move(way), "operation", operation),
                    static_cast<double>(packets));
    };
    const auto in = [&](Consumed c) { return totals.consumed[static_cast<size_t>(c)]; };
    const auto sent = [&](Originated o) { return totals.originated[static_cast<size_t>(o)]; };
    row("rx", "request", in(Consumed::arp_request));
    row("rx", "reply", in(Consumed::arp_reply));
    row("tx", "request", sent(Originated::arp_request));
    row("tx", "reply", sent(Originated::arp_reply));
}

}  // namespace

void collect_ports(Controller& controller, Families& out) {
    collect_totals({{"port", "lo"}}, controller.ports().totals(kLoopback), out);
    for (const auto& [name, port] : controller.ports().all()) {
        const Families::Labels label{{"port", name}};
        const PortInfo& info = port.device->info();
        out.gauge("vethway_port_info", "What the port is; always 1.",
                  {{"port", name},
                   {"port_id", std::to_string(port.index)},
                   {"driver", info.driver},
                   {"netdev", info.netdev},
                   {"mac", port.mac().to_string()}},
                  1);
        out.gauge("vethway_port_up", "Whether the port carries packets.", label, port.up() ? 1 : 0);
        out.counter("vethway_port_link_changes_total",
                    "Times that the port's link went down or came up.", label,
                    static_cast<double>(port.link_changes));
        out.gauge("vethway_port_mtu_bytes", "The largest IP packet that the port carries.", label,
                  port.mtu());
        const PortTotals totals = controller.ports().totals(port.index);
        collect_totals(label, totals, out);
        collect_arp(label, totals, out);
        const PortStats stats = port.device->stats();
        for (const StatsRow& row : kStats)
            out.counter(row.name, row.help, label, static_cast<double>(stats.*row.value));
    }
}

}  // namespace vethway
