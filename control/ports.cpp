// SPDX-License-Identifier: Apache-2.0
#include "control/ports.h"

#include <rte_cycles.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "control/logical_port.h"
#include "control/port_spec.h"

namespace vethway {

namespace {

template <class To, class From>
void add_each(To& to, const From& from) {
    for (size_t i = 0; i < to.size(); ++i) to[i] += from[i].value();
}
template <class Array>
void subtract_each(Array& from, const Array& what) {
    for (size_t i = 0; i < from.size(); ++i) from[i] -= what[i];
}
template <class Array>
uint64_t sum(const Array& values) {
    return std::accumulate(values.begin(), values.end(), uint64_t{0});
}

MultipathRules multipath_rules(const MultipathConfig& c, uint32_t drawn_seed) {
    return {.hash = c.fib_multipath_hash_policy == 0 ? MultipathRules::Hash::layer3
                                                     : MultipathRules::Hash::layer4,
            .use_neigh = c.fib_multipath_use_neigh,
            .seed = c.fib_multipath_hash_seed != 0 ? c.fib_multipath_hash_seed : drawn_seed};
}

NeighbourLimits neighbour_limits(const NeighbourPortConfig& c) {
    using First = NeighbourLimits::First;
    return {.unres_qlen = c.unres_qlen,
            .unres_qlen_bytes = c.unres_qlen_bytes,
            .first = c.app_solicit > 0     ? First::waits
                     : c.mcast_solicit > 0 ? First::asks
                                           : First::fails};
}

}  // namespace

uint64_t PortTotals::all_consumed() const { return sum(consumed); }
uint64_t PortTotals::all_originated() const { return sum(originated); }
uint64_t PortTotals::all_dropped() const { return sum(dropped); }

void PortTotals::add(const PortCounters& c) {
    rx_packets += c.rx_packets.value() + c.passed_in_packets.value();
    rx_bytes += c.rx_bytes.value() + c.passed_in_bytes.value();
    tx_packets += c.tx_packets.value() + c.passed_out_packets.value();
    tx_bytes += c.tx_bytes.value() + c.passed_out_bytes.value();
    add_each(bridged, c.bridged);
    checksum_completed += c.checksum_completed.value();
    tx_checksum_completed += c.tx_checksum_completed.value();
    add_each(rx_bursts, c.rx_bursts);
    add_each(consumed, c.consumed);
    add_each(originated, c.originated);
    add_each(dropped, c.dropped);
}

void PortTotals::subtract(const PortTotals& b) {
    rx_packets -= b.rx_packets;
    rx_bytes -= b.rx_bytes;
    tx_packets -= b.tx_packets;
    tx_bytes -= b.tx_bytes;
    checksum_completed -= b.checksum_completed;
    tx_checksum_completed -= b.tx_checksum_completed;
    subtract_each(bridged, b.bridged);
    subtract_each(rx_bursts, b.rx_bursts);
    subtract_each(consumed, b.consumed);
    subtract_each(originated, b.originated);
    subtract_each(dropped, b.dropped);
}

std::string ManagedPort::down_reason() const {
    if (!config.admin_up) return "admin down";
    return link_down_reason;
}

void ManagedPort::tell_link_change(const std::string& reason_before) {
    link_changes += reason_before.empty() != link_up();
    spdlog::info("port {}: link {}{}", config.name, link_up() ? "up" : "down: ", link_down_reason);
}

uint16_t ManagedPort::mtu() const { return device->info().mtu; }
uint16_t ManagedPort::wanted_mtu(const PortConfig& next) const {
    if (next.mtu) return *next.mtu;
    return config.mtu ? device->info().own_mtu : device->info().mtu;
}
Mac ManagedPort::mac() const { return config.mac.value_or(device->info().mac); }

Ports::Ports(Dataplane& dataplane)
    : dataplane_(dataplane), bridges_(dataplane), lags_(dataplane, *this) {}

std::unique_ptr<Port> Ports::open(const PortConfig& config) {
    if (config.is_logical()) return std::make_unique<LogicalPort>(config);
    const std::string interface = interface_of(config);
    for (const auto& [name, port] : ports_)
        if (!interface.empty() && interface_of(port.config) == interface &&
            !port.device->is_replaced())
            throw PortError("port " + config.name + ": interface " + interface +
                            " is still taken by port " + name +
                            ": remove that port first, then add this one");
    return open_port(port_spec(config, dataplane_.workers(), opened_so_far_++),
                     dataplane_.buffers());
}

bool Ports::any_replaced() const {
    return std::ranges::any_of(ports_,
                               [](const auto& p) { return p.second.device->is_replaced(); });
}

const ManagedPort* Ports::other_end(const ManagedPort& port) const {
    const uint16_t index = dataplane_.snapshot().ports[port.index].xconnect;
    return index == kNoPort ? nullptr : find(index);
}

// The new MTUs of ports that stay are part of what can fail; they are put back if anything does.
Ports::Opened Ports::open_new(const std::vector<PortConfig>& next) {
    Opened opened;
    std::vector<std::pair<Port*, uint16_t>> mtus_before;
    try {
        for (const PortConfig& config : next) {
            const auto found = ports_.find(config.name);
            const bool replaced = found != ports_.end() && found->second.device->is_replaced();
            if (found == ports_.end() || found->second.config.driver != config.driver || replaced) {
                if (replaced) found->second.device->let_go();
                opened[config.name] = open(config);
                continue;
            }
            Port& device = *found->second.device;
            const uint16_t before = device.info().mtu, wanted = found->second.wanted_mtu(config);
            if (wanted == before) continue;
            device.set_mtu(wanted);
            mtus_before.emplace_back(&device, before);
        }
    } catch (...) {
        for (const auto& [device, mtu] : mtus_before) device->set_mtu(mtu);
        throw;
    }
    return opened;
}

uint16_t Ports::free_index() const {
    std::set<uint16_t> taken{kLoopback};
    for (const auto& [name, port] : ports_) taken.insert(port.index);
    for (const ManagedPort& port : closing_) taken.insert(port.index);
    uint16_t index = 0;
    while (taken.contains(index)) ++index;
    return index;
}

void Ports::remove(const std::string& name) {
    const auto found = ports_.find(name);
    closing_.push_back(std::move(found->second));
    ports_.erase(found);
}

void Ports::commit(const Config& next, Opened opened) {
    xconnects_ = next.xconnects;
    lags_.set(next.lags);
    bridges_.set(next.bridges);
    defaults_ = next.defaults;
    ip4_ = Ip4Knobs{next.ip4};
    std::set<std::string> staying;
    for (const PortConfig& config : next.ports)
        if (!opened.contains(config.name)) staying.insert(config.name);
    std::vector<std::string> going;
    for (const auto& [name, port] : ports_)
        if (!staying.contains(name)) going.push_back(name);
    std::map<std::string, PortTotals> past;  // of ports that are opened anew: their counters go on
    for (const std::string& name : going) {
        past[name] = totals(ports_.at(name).index);
        remove(name);
    }

    for (const PortConfig& config : next.ports) {
        const auto device = opened.find(config.name);
        if (device != opened.end()) {
            ManagedPort port;
            port.index = free_index();
            port.before = totals(port.index);
            port.before.subtract(past[config.name]);
            port.shared_tx =
                dataplane_.make_shared_tx(port.index, device->second->info().tx_queues);
            port.device = std::move(device->second);
            namings_.push_back({rte_rdtsc(), port.index, config.name});
            if (namings_.size() > kMostNamings) namings_.pop_front();
            ports_.emplace(config.name, std::move(port));
        }
        ports_.at(config.name).config = config;
    }
    republish();
    for (ManagedPort& port : closing_)
        for (const Ring& ring : port.shared_tx)
            for (void* m; rte_ring_dequeue(ring.get(), &m) == 0;)
                dataplane_.give_up(static_cast<rte_mbuf*>(m), Drop::port_removed);
    close_removed();
}

void Ports::republish() {
    for (auto& [name, port] : ports_)
        if (!port.config.is_logical()) port.link_down_reason = port.device->down_reason();
    lags_.look();
    publish();
    lags_.inform();
}

// Links of ports without a wire follow those of the ports below them.
void Ports::derive_links() {
    std::vector<std::pair<ManagedPort*, std::string>> known;
    for (auto& [name, port] : ports_)
        if (const auto* logical = dynamic_cast<LogicalPort*>(port.device.get());
            logical != nullptr && !logical->is_new())
            known.emplace_back(&port, port.link_down_reason);
    lags_.derive();
    Bridges::derive(*this, bridges_.all());
    for (const auto& [port, before] : known)
        if (port->link_down_reason != before) port->tell_link_change(before);
}

void Ports::publish() {
    derive_links();
    bridges_.prepare(*this);
    dataplane_.publish(describe());
    bridges_.settle(*this);
}

void Ports::publish_carriers() {
    publish();
    follower_();
}

void Ports::close_all() {
    for (auto& [name, port] : ports_) closing_.push_back(std::move(port));
    ports_.clear();
    close_removed();
}

void Ports::close_removed() {
    std::vector<std::unique_ptr<Port>> devices;
    for (ManagedPort& port : closing_) devices.push_back(std::move(port.device));
    close_ports(std::move(devices));
    closing_.clear();
}

// Queues go round the workers, so that each has its share of the ports and of a port's queues.
Snapshot Ports::describe() const {
    Snapshot next;
    next.ip4 = ip4_;
    size_t size = dataplane_.snapshot().ports.size();  // an index once given stays valid to look at
    for (const auto& [name, port] : ports_) size = std::max<size_t>(size, port.index + 1U);
    next.ports.resize(size);
    next.ports[kLoopback] = dataplane_.snapshot().ports[kLoopback];
    next.rx.resize(dataplane_.workers());
    unsigned queues = 0;
    for (const auto& [name, port] : ports_) {
        const PortInfo& info = port.device->info();
        PortState& state = next.ports[port.index];
        state.device = port.device.get();
        state.up = port.up();
        state.partial_checksums = info.partial_checksums;
        state.may_truncate = info.may_truncate;
        state.offloads = info.offloads;
        state.super_frames = info.super_frames;
        state.shares_mbufs = info.shares_mbufs;
        state.knobs = knobs_of(port);
        state.neighbour_limits = neighbour_limits(neighbour_table_.of(name));
        state.mtu = port.mtu();
        state.tx_queues = info.tx_queues;
        state.mac = port.mac();
        state.addresses = port.config.addresses;
        for (const Ring& ring : port.shared_tx) state.shared_tx.push_back(ring.get());
        next.any_source_check |= state.source_check() != SourceCheck::off;
        if (port.config.admin_up)
            for (const Prefix4& a : port.config.addresses) next.own.add(a.address);
        for (uint16_t q = 0; q < info.rx_queues; ++q)
            next.rx[queues++ % dataplane_.workers()].push_back({port.index, q});
    }
    for (const XconnectConfig& x : xconnects_) {
        const ManagedPort *a = find(x.a), *b = find(x.b);
        if (a == nullptr || b == nullptr) continue;  // still to come
        next.ports[a->index].xconnect = b->index;
        next.ports[b->index].xconnect = a->index;
        next.any_xconnect = true;
    }
    lags_.describe(next);
    bridges_.describe(*this, next);
    next.multipath = multipath_rules(multipath_, drawn_hash_seed_);
    return next;
}

PortKnobs Ports::knobs_of(const ManagedPort& port) const { return {port.config.knobs, defaults_}; }

const ManagedPort* Ports::find(const std::string& name) const {
    const auto found = ports_.find(name);
    return found == ports_.end() ? nullptr : &found->second;
}

const ManagedPort* Ports::find(uint16_t index) const {
    for (const auto& [name, port] : ports_)
        if (port.index == index) return &port;
    return nullptr;
}

std::string Ports::name_at(uint16_t index, uint64_t tsc) const {
    if (index == kLoopback) return "lo";
    const auto is_it = [&](const Naming& n) { return n.index == index && n.since_tsc <= tsc; };
    const auto found = std::find_if(namings_.rbegin(), namings_.rend(), is_it);
    return found == namings_.rend() ? "?" : found->name;
}

bool Ports::knows(const std::string& name) const {
    return name == "lo" || std::ranges::find(namings_, name, &Naming::name) != namings_.end();
}

PortTotals Ports::totals(uint16_t index) const {
    PortTotals totals;
    for (const Counters* counters : dataplane_.all_counters()) totals.add(counters->ports[index]);
    if (const ManagedPort* port = find(index)) totals.subtract(port->before);
    return totals;
}

}  // namespace vethway
