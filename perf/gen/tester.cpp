// SPDX-License-Identifier: Apache-2.0
#include "perf/gen/tester.h"

#include <fmt/format.h>
#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_launch.h>

#include <algorithm>
#include <random>

#include "dataplane/meta.h"
#include "dataplane/port/frame_pool.h"

namespace vethway::gen {

namespace {

constexpr double kLinkPatience = 10, kArpPatience = 2;  // seconds
constexpr size_t kMostFlowHistograms = 4096;

// As vethwayd's, so that af_xdp has them, too.
Mempool make_pool(const char* name, uint32_t mbufs, size_t room) {
    Mempool pool(
        create_frame_pool({.name = name,
                           .mbufs = mbufs,
                           .cache = mbufs < 1024 ? 0U : 256U,
                           .private_size = sizeof(PacketMeta),
                           .data_room = static_cast<uint16_t>(room + RTE_PKTMBUF_HEADROOM)}));
    if (!pool)
        throw std::runtime_error(
            fmt::format("no memory for {} mbufs: {}", mbufs, rte_strerror(rte_errno)));
    return pool;
}

PortStats less(const PortStats& a, const PortStats& b) {
    return {.rx_missed = a.rx_missed - b.rx_missed,
            .rx_errors = a.rx_errors - b.rx_errors,
            .rx_no_buffer = a.rx_no_buffer - b.rx_no_buffer,
            .tx_errors = a.tx_errors - b.tx_errors};
}

ArpHosts hosts_at(const Port& port, const PortConfig& config, const Options& options,
                  const AddressSet& hosts) {
    ArpHosts played{.mac = config.mac.value_or(port.info().mac),
                    .vlan = options.vlan,
                    .own = {},
                    .hosts = &hosts};
    for (const Prefix4& address : config.addresses) played.own.push_back(address.address);
    return played;
}

}  // namespace

Tester::Tester(const Options& options, const std::atomic<bool>& stop)
    : options_(options),
      stop_(stop),
      ordinary_(
          make_pool("gen_rx", options.plan.dataplane.mbufs, options.plan.dataplane.data_room)),
      large_(make_pool("gen_large", options.plan.dataplane.large_mbufs, kLargeFrame)),
      next_run_(static_cast<uint16_t>(std::random_device()())) {
    const FrameBuffers buffers{*ordinary_, *large_};
    const std::vector<PortConfig>& ports = options.config.ports;
    tx_port_ = open_port(port_spec(ports[0], options.queues, 0), buffers);
    if (ports.size() > 1) rx_port_ = open_port(port_spec(ports[1], options.queues, 1), buffers);
    wait_for_links();
    shape_ = {.src = {},
              .dst = {},
              .vlan = options.vlan,
              .protocol = options.protocol,
              .ttl = options.ttl};
    std::vector<uint16_t> bytes;
    for (const SizeShare& size : options.sizes)
        bytes.push_back(static_cast<uint16_t>(size.bytes - kFcsBytes));
    check_.emplace(shape_, bytes);
    tx_end_.emplace(*tx_port_, *ordinary_, *check_,
                    hosts_at(*tx_port_, ports[0], options, options.sets.src));
    if (rx_port_)
        rx_end_.emplace(*rx_port_, *ordinary_, *check_,
                        hosts_at(*rx_port_, ports[1], options, options.sets.dst));
    settle_macs(options);
    make_traffic(options);
    const size_t lcores = options.plan.eal.worker_cpus.size();
    lcores_.resize(lcores);
    lcores_[0] = {this, true, {&*tx_end_}};
    if (rx_end_) {
        lcores_[lcores - 1].tester = this;
        lcores_[lcores - 1].endpoints.push_back(&*rx_end_);
    }
}

void Tester::wait_for_links() {
    for (const Port* port : {tx_port_.get(), rx_port_.get()}) {
        if (port == nullptr) continue;
        const uint64_t end = rte_rdtsc() + static_cast<uint64_t>(kLinkPatience) * rte_get_tsc_hz();
        while (!port->link_up() && rte_rdtsc() < end && !stop_) rte_delay_us_sleep(20'000);
        if (!port->link_up())
            throw PortError(fmt::format("port {}: no link: {}",
                                        port == tx_port_.get() ? "tx" : "rx", port->down_reason()));
    }
}

void Tester::settle_macs(const Options& options) {
    const PortConfig& tx = options.config.ports[0];
    shape_.src = options.src_mac.value_or(tx.mac.value_or(tx_port_->info().mac));
    if (options.dst_mac) {
        shape_.dst = *options.dst_mac;
    } else if (options.gateway) {
        const Ip4 from = tx.addresses.empty() ? options.sets.src.at(0) : tx.addresses[0].address;
        const auto mac = tx_end_->resolve(from, *options.gateway, kArpPatience);
        if (!mac)
            throw PortError(fmt::format("--gateway: {} did not answer ARP from {} in {:g} s",
                                        options.gateway->to_string(), from.to_string(),
                                        kArpPatience));
        shape_.dst = *mac;
    } else {
        // A wire, a switch or a port that hands back what it gets.
        shape_.dst = (rx_port_ ? *rx_port_ : *tx_port_).info().mac;
    }
}

void Tester::make_traffic(const Options& options) {
    std::vector<FramePool> pools;
    const uint16_t most_ip =
        std::min(tx_port_->info().mtu, rx_port_ ? rx_port_->info().mtu : tx_port_->info().mtu);
    for (const SizeShare& size : options.sizes) {
        const auto bytes = static_cast<uint16_t>(size.bytes - kFcsBytes);
        if (bytes - shape_.ip_offset() > most_ip)
            throw OptionError(fmt::format(
                "--size: a frame of {} bytes has an IP packet of {}, and the ports an MTU of {}",
                size.bytes, bytes - shape_.ip_offset(), most_ip));
        pools.push_back(make_frame_pool(shape_, bytes, kTxMbufs));
    }
    traffic_.emplace(
        Traffic{.pools = std::move(pools),
                .size_order = size_order(options.sizes),
                .flows = make_flows(options.sets, options.flows),
                .order = FlowOrder(options.order, options.flows, options.seed, options.zipf)});
}

int Tester::work(void* lcore) {
    const auto& self = *static_cast<const Lcore*>(lcore);
    Tester& tester = *self.tester;
    Sender* sender = self.sends ? tester.sender_ : nullptr;
    if (sender != nullptr) sender->start(rte_rdtsc());
    for (;;) {
        const uint64_t now = rte_rdtsc();
        if (sender != nullptr && !sender->finished()) {
            if (tester.stop_.load(std::memory_order_relaxed)) [[unlikely]]
                sender->stop(now);
            else
                sender->step(now);
            if (sender->finished()) tester.drained_at_ = now + tester.drain_ticks_;
        } else if (now >= tester.drained_at_.load(std::memory_order_relaxed)) {
            return 0;
        }
        for (Endpoint* end : self.endpoints) end->poll();
    }
}

TrialResult Tester::counters() const {
    TrialResult now;
    const Endpoint& sink = rx_end_ ? *rx_end_ : *tx_end_;
    now.foreign = sink.counters().foreign.value();
    now.other_run = sink.counters().other_run.value();
    now.corrupted = sink.counters().corrupted.value();
    now.returned = tx_end_->counters().returned.value();
    now.tx_port = tx_port_->stats();
    if (rx_port_) now.rx_port = rx_port_->stats();
    return now;
}

TrialResult Tester::run(const Load& load, const std::function<void(const Progress&)>& progress) {
    const uint64_t hz = rte_get_tsc_hz();
    const uint16_t run = next_run_++, warm_up_run = next_run_++;
    Accounting accounting(options_.flows, options_.flows <= kMostFlowHistograms);
    Endpoint& sink = rx_end_ ? *rx_end_ : *tx_end_;
    tx_end_->begin(nullptr, run);
    sink.begin(&accounting, run);
    Sender sender(*tx_port_, *traffic_, load, run, warm_up_run, hz);
    sender_ = &sender;
    drain_ticks_ = static_cast<uint64_t>(load.drain_s * static_cast<double>(hz));
    drained_at_ = UINT64_MAX;
    const TrialResult before = counters();
    const uint64_t good_before = sink.counters().good.value();
    for (unsigned i = 0; i < lcores_.size(); ++i)
        if (lcores_[i].tester != nullptr) rte_eal_remote_launch(work, &lcores_[i], i + 1);
    for (unsigned i = 0; i < lcores_.size(); ++i)
        while (rte_eal_get_lcore_state(i + 1) == RUNNING) {
            rte_delay_us_sleep(20'000);
            progress({sender.sent(), sink.counters().good.value() - good_before});
        }
    rte_eal_mp_wait_lcore();
    sender_ = nullptr;
    TrialResult result = collect(sender, accounting, before);
    result.load = load;
    return result;
}

TrialResult Tester::collect(const Sender& sender, const Accounting& accounting,
                            const TrialResult& before) const {
    const Endpoint& sink = rx_end_ ? *rx_end_ : *tx_end_;
    TrialResult r = counters();
    const uint64_t hz = rte_get_tsc_hz();
    const auto seconds = [hz](uint64_t ticks) {
        return static_cast<double>(ticks) / static_cast<double>(hz);
    };
    r.hz = hz;
    r.mean_frame = mean_size(options_.sizes);
    r.foreign -= before.foreign;
    r.other_run -= before.other_run;
    r.corrupted -= before.corrupted;
    r.returned -= before.returned;
    r.tx_port = less(r.tx_port, before.tx_port);
    r.rx_port = less(r.rx_port, before.rx_port);
    r.sent = sender.sent();
    r.sent_bytes = sender.sent_bytes();
    r.warmed_up = sender.warmed_up();
    r.tx_full = sender.tx_full();
    r.no_buffer = sender.no_buffer();
    r.missed = sender.pacer().missed();
    r.worst_lateness_us = 1e6 * seconds(sender.pacer().worst_lateness());
    r.mean_lateness_us = 1e6 * sender.pacer().mean_lateness() / static_cast<double>(hz);
    // The last frame has its time, too, at whose end the next would have been due.
    uint64_t sending = sender.ended_at() - sender.started_at();
    if (sender.changed_rate_at() == 0) sending = std::max(sending, sender.pacer().duration(r.sent));
    r.sending_s = seconds(sending);
    r.receiving_s = seconds(sink.last_good() - sink.first_good());
    if (sender.changed_rate_at() != 0) {
        const uint64_t changed = sender.changed_rate_at() & kStampTimeMask;
        r.recovery_s =
            accounting.last_gap() > changed ? seconds(accounting.last_gap() - changed) : 0;
    }
    r.window = accounting.window();
    r.latency = accounting.latency();
    r.flow_latency = accounting.flow_latency();
    for (size_t i = 0; i < traffic_->flows.size(); ++i) {
        const FlowArrivals& a = accounting.flows()[i];
        r.flows.push_back({traffic_->flows[i].next_sequence, a});
        r.received += a.received;
        r.reordered += a.reordered;
        r.duplicates += a.duplicates;
        r.too_late += a.too_late;
        r.furthest_behind = std::max(r.furthest_behind, a.furthest_behind);
    }
    r.problem = sender.refusal();
    return r;
}

}  // namespace vethway::gen
