// SPDX-License-Identifier: Apache-2.0
#include "control/neighbours.h"

#include <rte_cycles.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <random>

#include "dataplane/arp/arp_request.h"
#include "dataplane/meta.h"

namespace vethway {

Neighbours::Neighbours(Dataplane& dataplane, const Ports& ports)
    : dataplane_(dataplane),
      ports_(ports),
      machine_(dataplane.neighbours(), *this, rte_get_tsc_hz(), std::random_device{}()),
      hz_(rte_get_tsc_hz()) {}

void Neighbours::configure(const NeighbourTableConfig& config) {
    machine_.configure(config);
    for (const NeighbourPortKnobs& entry : config.ports)
        if (const ManagedPort* port = ports_.find(entry.port))
            machine_.set_port(port->index, entry.knobs);
}

void Neighbours::tick() { machine_.tick(rte_rdtsc()); }

bool Neighbours::ask(NeighbourKey key, const std::optional<Mac>& whom) {
    const ManagedPort* port = ports_.find(key.port);
    if (port == nullptr || !port->up()) return true;  // nobody hears it
    rte_mbuf* m = dataplane_.allocate(key.port);
    if (m == nullptr) return false;
    const Ip4 from = dataplane_.snapshot().source_for(key.port, key.ip);
    write_arp_request(*m, key, from, port->mac(), whom.value_or(Mac::broadcast()));
    meta(*m).inject = Inject::frame;
    if (dataplane_.inject(m)) return true;
    rte_pktmbuf_free(m);
    return false;
}

// Errors go back from a worker, which has the means; without them this thread ends the packets
// itself.
void Neighbours::undeliverable(rte_mbuf* m, Drop why, bool tell_sender) {
    PacketMeta& packet = meta(*m);
    packet.why = why;
    packet.icmp_type = kIcmpUnreachable;
    packet.icmp_code = kIcmpHostUnreachable;
    packet.inject = Inject::undeliverable;
    if (!tell_sender || !dataplane_.inject(m)) dataplane_.give_up(m, why);
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
    machine_.evict(gone, Drop::neighbour_failed);
}

void Neighbours::add_permanent(const NeighbourConfig& entry) {
    NeighbourTable& table = dataplane_.neighbours();
    const NeighbourKey key{ports_.find(entry.port)->index, entry.address};
    const uint64_t now = rte_rdtsc();
    Neighbour* n = table.find_or_add_permanent(key, now);
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

bool Neighbours::is_usable_or_sought(NeighbourKey key) {
    const uint64_t now = rte_rdtsc();
    Neighbour* n = dataplane_.neighbours().find_or_add(key, now);
    if (n == nullptr) return false;  // the table is full
    const NeighbourLink link = n->read();
    const bool idle = link.state == NeighbourState::none || link.state == NeighbourState::failed;
    if (idle && n->change(link, {NeighbourState::incomplete, {}}, now)) ask(key, std::nullopt);
    return link.usable();
}

unsigned Neighbours::flush(const std::string& port) {
    std::vector<Neighbour*> gone;
    const ManagedPort* only = port.empty() ? nullptr : ports_.find(port);
    dataplane_.neighbours().for_each([&](Neighbour& n) {
        if (is_permanent(n.key)) return;
        if (port.empty() || (only != nullptr && n.key.port == only->index)) gone.push_back(&n);
    });
    const auto count = static_cast<unsigned>(gone.size());
    machine_.evict(gone, Drop::neighbour_failed);
    return count;
}

bool Neighbours::remove(const std::string& port, Ip4 address) {
    const ManagedPort* on = ports_.find(port);
    if (on == nullptr) return false;
    Neighbour* n = dataplane_.neighbours().find({on->index, address});
    if (n == nullptr || is_permanent(n->key)) return false;
    machine_.evict({n}, Drop::neighbour_failed);
    return true;
}

void Neighbours::forget_removed_ports() {
    std::vector<Neighbour*> gone;
    dataplane_.neighbours().for_each([&](Neighbour& n) {
        if (ports_.find(n.key.port) == nullptr) gone.push_back(&n);
    });
    machine_.evict(gone, Drop::port_removed);
}

void Neighbours::forget_links_that_are_down() {
    std::vector<Neighbour*> gone;
    dataplane_.neighbours().for_each([&](Neighbour& n) {
        const ManagedPort* port = ports_.find(n.key.port);
        if (port != nullptr && !port->up() && !is_permanent(n.key)) gone.push_back(&n);
    });
    machine_.evict(gone, Drop::egress_down);
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
