// SPDX-License-Identifier: Apache-2.0
#include "control/neighbours.h"

#include <rte_cycles.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "dataplane/arp/arp_request.h"
#include "dataplane/meta.h"

namespace vethway {

Neighbours::Neighbours(Dataplane& dataplane, const Ports& ports)
    : dataplane_(dataplane), ports_(ports), hz_(rte_get_tsc_hz()) {}

void Neighbours::tick() {
    if (dataplane_.neighbours().size() == 0) return;
    const uint64_t now = rte_rdtsc();
    crowded_ = dataplane_.neighbours().size() > dataplane_.neighbours().capacity() / 4 * 3;
    dataplane_.neighbours().for_each([&](Neighbour& n) { age(n, now); });
    evict(std::exchange(expired_, {}), Drop::neighbour_failed);
}

void Neighbours::age(Neighbour& n, uint64_t now) {
    const NeighbourLink link = n.read();
    const uint64_t changed = n.changed_tsc.load(std::memory_order_relaxed);
    const uint64_t confirmed = n.confirmed_tsc.load(std::memory_order_relaxed);
    // A worker may have touched it after `now` was read.
    const auto older = [&](uint64_t since, uint64_t ms) {
        return now > since && (now - since) * 1000 / hz_ >= ms;
    };
    if (n.probed_tsc < changed) {  // entered its state since: the worker that did so asked once
        n.probes = 1;
        n.probed_tsc = changed;
    }
    switch (link.state) {
        case NeighbourState::incomplete:
        case NeighbourState::probe:
            if (!older(n.probed_tsc, timers_.retransmit_ms)) return;
            if (n.probes >= timers_.probes) return fail(n, link, now);
            return probe(n, now, link.state == NeighbourState::incomplete);
        case NeighbourState::reachable:
            if (older(confirmed, timers_.reachable_ms))
                n.change(link, {NeighbourState::stale, link.mac}, now);
            return;
        case NeighbourState::delay:
            if (!older(changed, timers_.delay_ms)) return;
            if (!n.change(link, {NeighbourState::probe, link.mac}, now)) return;
            n.probes = 0;
            return probe(n, now, false);
        case NeighbourState::stale:
            if (older(std::max(changed, confirmed),
                      crowded_ ? timers_.crowded_keep_ms : timers_.stale_keep_ms))
                expired_.push_back(&n);
            return;
        case NeighbourState::failed:
            // A packet may have been put aside in the moment that it failed.
            if (n.held.load(std::memory_order_relaxed) != nullptr)
                give_up_held(n, Drop::neighbour_failed, true);
            if (older(changed, timers_.failed_keep_ms)) expired_.push_back(&n);
            return;
        case NeighbourState::none:
            if (older(changed, timers_.failed_keep_ms)) expired_.push_back(&n);
            return;
        case NeighbourState::permanent:
            return;
    }
}

void Neighbours::probe(Neighbour& n, uint64_t now, bool broadcast) {
    ++n.probes;
    n.probed_tsc = now;
    const ManagedPort* port = ports_.find(n.key.port);
    if (port == nullptr || !port->up()) return;
    rte_mbuf* m = dataplane_.allocate(n.key.port);
    if (m == nullptr) return;
    const Ip4 from = dataplane_.snapshot().source_for(n.key.port, n.key.ip);
    write_arp_request(*m, n.key, from, port->mac(), broadcast ? Mac::broadcast() : n.read().mac);
    meta(*m).inject = Inject::frame;
    if (!dataplane_.inject(m)) rte_pktmbuf_free(m);
}

void Neighbours::fail(Neighbour& n, NeighbourLink before, uint64_t now) {
    if (!n.change(before, {NeighbourState::failed, before.mac}, now)) return;
    n.probed_tsc = now;
    give_up_held(n, Drop::neighbour_failed, true);
}

// Errors go back from a worker, which has the means; without them this thread ends the packets
// itself.
void Neighbours::give_up_held(Neighbour& n, Drop why, bool tell_senders) {
    uint32_t count = 0;
    rte_mbuf* m = dataplane_.neighbours().take_held(n, count);
    for (rte_mbuf* next; m != nullptr; m = next) {
        PacketMeta& packet = meta(*m);
        next = packet.next_held;
        packet.why = why;
        packet.icmp_type = kIcmpUnreachable;
        packet.icmp_code = kIcmpHostUnreachable;
        packet.inject = Inject::undeliverable;
        if (tell_senders && dataplane_.inject(m)) continue;
        dataplane_.give_up(m, why);
    }
}

// A worker that found a neighbour just before it was removed may still put a packet aside: what is
// held is taken only when no worker can know the entry any more.
void Neighbours::evict(const std::vector<Neighbour*>& gone, Drop why) {
    if (gone.empty()) return;
    NeighbourTable& table = dataplane_.neighbours();
    for (Neighbour* n : gone) table.remove(*n);
    dataplane_.rcu().synchronize();
    for (Neighbour* n : gone) {
        give_up_held(*n, why, false);
        table.recycle(*n);
    }
}

bool Neighbours::is_permanent(NeighbourKey key) const {
    return std::ranges::find(permanent_, key) != permanent_.end();
}

void Neighbours::set_permanent(const std::vector<NeighbourConfig>& config) {
    permanent_.clear();
    for (const NeighbourConfig& entry : config) {
        const ManagedPort* port = ports_.find(entry.port);
        if (port == nullptr) continue;  // still to come
        permanent_.push_back({port->index, entry.address});
        add_permanent(entry);
    }
    std::vector<Neighbour*> gone;
    dataplane_.neighbours().for_each([&](Neighbour& n) {
        if (n.read().state == NeighbourState::permanent && !is_permanent(n.key)) gone.push_back(&n);
    });
    evict(gone, Drop::neighbour_failed);
}

// The configuration's are at most half of the table: there is room once those learned are
// forgotten.
void Neighbours::add_permanent(const NeighbourConfig& entry) {
    NeighbourTable& table = dataplane_.neighbours();
    const NeighbourKey key{ports_.find(entry.port)->index, entry.address};
    const uint64_t now = rte_rdtsc();
    Neighbour* n = table.find_or_add(key, now);
    if (n == nullptr && flush() > 0) n = table.find_or_add(key, now);
    if (n == nullptr)
        return spdlog::error("neighbour {} port {}: no place in the table",
                             entry.address.to_string(), entry.port);
    while (!n->change(n->read(), {NeighbourState::permanent, entry.mac}, now)) continue;
    uint32_t count = 0;
    rte_mbuf* m = table.take_held(*n, count);
    for (rte_mbuf* next; m != nullptr; m = next) {
        next = meta(*m).next_held;
        meta(*m).inject = Inject::resolve;
        if (!dataplane_.inject(m)) dataplane_.give_up(m, Drop::neighbour_queue_full);
    }
}

unsigned Neighbours::flush(const std::string& port) {
    std::vector<Neighbour*> gone;
    const ManagedPort* only = port.empty() ? nullptr : ports_.find(port);
    dataplane_.neighbours().for_each([&](Neighbour& n) {
        if (is_permanent(n.key)) return;
        if (port.empty() || (only != nullptr && n.key.port == only->index)) gone.push_back(&n);
    });
    const auto count = static_cast<unsigned>(gone.size());
    evict(gone, Drop::neighbour_failed);
    return count;
}

bool Neighbours::remove(const std::string& port, Ip4 address) {
    const ManagedPort* on = ports_.find(port);
    if (on == nullptr) return false;
    Neighbour* n = dataplane_.neighbours().find({on->index, address});
    if (n == nullptr || is_permanent(n->key)) return false;
    evict({n}, Drop::neighbour_failed);
    return true;
}

void Neighbours::forget_removed_ports() {
    std::vector<Neighbour*> gone;
    dataplane_.neighbours().for_each([&](Neighbour& n) {
        if (ports_.find(n.key.port) == nullptr) gone.push_back(&n);
    });
    evict(gone, Drop::port_removed);
}

std::vector<NeighbourView> Neighbours::list() const {
    std::vector<NeighbourView> views;
    const uint64_t now = rte_rdtsc();
    dataplane_.neighbours().for_each([&](Neighbour& n) {
        const NeighbourLink link = n.read();
        const ManagedPort* port = ports_.find(n.key.port);
        if (port == nullptr || link.state == NeighbourState::none) return;
        const uint64_t confirmed = n.confirmed_tsc.load(std::memory_order_relaxed);
        const uint64_t age = now > confirmed ? now - confirmed : 0;
        views.push_back({.address = n.key.ip,
                         .mac = link.mac,
                         .port = port->config.name,
                         .state = link.state,
                         .age_s = static_cast<double>(age) / static_cast<double>(hz_),
                         .held = n.held_count.load(std::memory_order_relaxed)});
    });
    std::ranges::sort(views, {},
                      [](const NeighbourView& v) { return std::pair(v.port, v.address); });
    return views;
}

}  // namespace vethway
