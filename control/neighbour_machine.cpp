// SPDX-License-Identifier: Apache-2.0
#include "control/neighbour_machine.h"

#include <algorithm>

#include "dataplane/meta.h"

namespace vethway {

namespace {

constexpr uint64_t kRedrawMs = 300'000;  // neigh_periodic_work: last_rand + 300 * HZ
constexpr uint64_t kForcedAgeMs = 5'000;

// Requests until it is given up (neigh_max_probes). Linux counts an unknown neighbour's turns from
// ucast_solicit on, as it has no address to ask at.
uint32_t most_probes(const NeighbourPortConfig& c, NeighbourState state) {
    return c.ucast_solicit + c.app_solicit +
           (state == NeighbourState::probe ? c.mcast_resolicit : c.mcast_solicit);
}

}  // namespace

uint64_t NeighbourMachine::draw_reachable_ms(const NeighbourPortConfig& c) {
    return c.base_reachable_time_ms / 2 + random_() % c.base_reachable_time_ms;
}

void NeighbourMachine::configure(const NeighbourTableConfig& config) {
    config_ = config;
    ports_.clear();
    all_ = {config.all, draw_reachable_ms(config.all)};
    table_.set_thresholds({.gc_thresh1 = config.gc_thresh1,
                           .gc_thresh2 = config.gc_thresh2,
                           .gc_thresh3 = config.gc_thresh3});
}

void NeighbourMachine::set_port(uint16_t index, const NeighbourPortConfig& config) {
    ports_[index] = {config, draw_reachable_ms(config)};
}

NeighbourMachine::PortTimes& NeighbourMachine::times_of(const Neighbour& n) {
    const auto found = ports_.find(n.key.port);
    return found == ports_.end() ? all_ : found->second;
}

// A worker may have touched it after `now` was read.
bool NeighbourMachine::older(uint64_t now, uint64_t since, uint64_t ms) const noexcept {
    return now > since && (now - since) / (hz_ / 1000) >= ms;
}

void NeighbourMachine::tick(uint64_t now) {
    if (older(now, drawn_tsc_, kRedrawMs)) {
        if (drawn_tsc_ != 0) {
            all_.reachable_ms = draw_reachable_ms(all_.config);
            for (auto& [index, port] : ports_) port.reachable_ms = draw_reachable_ms(port.config);
        }
        drawn_tsc_ = now;
    }
    table_.for_each([&](Neighbour& n) { turn(n, now); });
    collect_periodically(now);
    collect_by_force(now);
}

void NeighbourMachine::turn(Neighbour& n, uint64_t now) {
    const NeighbourLink link = n.read();
    const uint64_t changed = n.changed_tsc.load(std::memory_order_relaxed);
    const NeighbourPortConfig& c = times_of(n).config;
    if (n.probed_tsc < changed) {  // a worker has it looked for since: it had the first turn
        n.probes = c.ucast_solicit + 1;
        n.probed_tsc = changed;
    }
    switch (link.state) {
        case NeighbourState::incomplete:
        case NeighbourState::probe:
            if (!older(now, n.probed_tsc, c.retrans_time_ms)) return;
            if (n.probes >= most_probes(c, link.state)) return fail(n, link, now);
            return probe(n, link, now);
        case NeighbourState::reachable:
            return turn_reachable(n, link, now);
        case NeighbourState::delay:
            if (!older(now, changed, uint64_t{c.delay_first_probe_time} * 1000)) return;
            if (!n.change(link, {NeighbourState::probe, link.mac}, now)) return;
            n.probes = 0;
            n.probed_tsc = now;
            return most_probes(c, NeighbourState::probe) > 0
                       ? probe(n, {NeighbourState::probe, link.mac}, now)
                       : fail(n, {NeighbourState::probe, link.mac}, now);
        case NeighbourState::failed:
            // A packet may have been put aside in the moment that it failed.
            if (n.held.load(std::memory_order_relaxed) != nullptr)
                give_up_held(n, Drop::neighbour_failed, true);
            return;
        case NeighbourState::none:
        case NeighbourState::stale:
        case NeighbourState::permanent:
            return;
    }
}

// One in use is not left to become stale, which could be forgotten, but asked soon.
void NeighbourMachine::turn_reachable(Neighbour& n, NeighbourLink link, uint64_t now) {
    const PortTimes& times = times_of(n);
    if (!older(now, n.confirmed_tsc.load(std::memory_order_relaxed), times.reachable_ms)) return;
    const bool in_use = !older(now, n.used_tsc.load(std::memory_order_relaxed),
                               uint64_t{times.config.delay_first_probe_time} * 1000);
    n.change(link, {in_use ? NeighbourState::delay : NeighbourState::stale, link.mac}, now);
}

// Whom a turn asks: first the known address, then nobody (app_solicit), then all (arp_solicit).
void NeighbourMachine::probe(Neighbour& n, NeighbourLink link, uint64_t now) {
    const NeighbourPortConfig& c = times_of(n).config;
    const bool to_mac = n.probes < c.ucast_solicit;
    const bool to_nobody = !to_mac && n.probes < c.ucast_solicit + c.app_solicit;
    if (!to_nobody && !hands_.ask(n.key, to_mac ? std::optional(link.mac) : std::nullopt)) return;
    ++n.probes;
    n.probed_tsc = now;
}

void NeighbourMachine::fail(Neighbour& n, NeighbourLink link, uint64_t now) {
    if (!n.change(link, {NeighbourState::failed, link.mac}, now)) return;
    // As of now a worker may begin anew, at a time that is a little before `now`.
    n.probes = times_of(n).config.ucast_solicit + 1;
    n.probed_tsc = now;
    give_up_held(n, Drop::neighbour_failed, true);
}

void NeighbourMachine::give_up_held(Neighbour& n, Drop why, bool tell_senders) {
    uint32_t count = 0;
    rte_mbuf* m = table_.take_held(n, count);
    for (rte_mbuf* next; m != nullptr; m = next) {
        next = meta(*m).next_held;
        hands_.undeliverable(m, why, tell_senders);
    }
}

// A worker that found a neighbour just before it was removed may still put a packet aside: what is
// held is taken only when no worker can know the entry any more.
void NeighbourMachine::evict(const std::vector<Neighbour*>& gone, Drop why) {
    if (gone.empty()) return;
    for (Neighbour* n : gone) table_.remove(*n);
    hands_.wait_for_workers();
    for (Neighbour* n : gone) {
        give_up_held(*n, why, false);
        table_.recycle(*n);
    }
}

// Those that failed, and those not used for gc_stale_time.
void NeighbourMachine::collect_periodically(uint64_t now) {
    const uint64_t interval_ms = config_.gc_interval ? uint64_t{*config_.gc_interval} * 1000
                                                     : config_.all.base_reachable_time_ms / 2;
    if (!older(now, collected_tsc_, interval_ms)) return;
    collected_tsc_ = now;
    if (table_.size() < table_.thresholds().gc_thresh1) return;
    std::vector<Neighbour*> gone;
    table_.for_each([&](Neighbour& n) {
        const NeighbourState state = n.read().state;
        if (state != NeighbourState::none && state != NeighbourState::stale &&
            state != NeighbourState::failed)
            return;
        const uint64_t used = std::max(n.used_tsc.load(std::memory_order_relaxed),
                                       n.confirmed_tsc.load(std::memory_order_relaxed));
        if (state == NeighbourState::failed ||
            older(now, used, uint64_t{times_of(n).config.gc_stale_time} * 1000))
            gone.push_back(&n);
    });
    evict(gone, Drop::neighbour_failed);
}

// When more than gc_thresh2 are wanted: once in 5 s, at gc_thresh3 always. Linux collects when it
// adds one, which workers can't do: so room is made ahead, and where there is none yet an addition
// is refused for a tick.
void NeighbourMachine::collect_by_force(uint64_t now) {
    const NeighbourThresholds t = table_.thresholds();
    const bool full = table_.is_full();
    if (!table_.take_pressed() && !full) return;
    if (!full && forced_tsc_ && !older(now, *forced_tsc_, kForcedAgeMs)) return;
    forced_tsc_ = now;
    ++forced_gc_runs_;
    std::vector<Neighbour*> gone;
    table_.for_each([&](Neighbour& n) {
        const NeighbourState state = n.read().state;
        const bool idle = state == NeighbourState::none || state == NeighbourState::stale;
        if (state == NeighbourState::failed ||
            (idle && older(now, n.changed_tsc.load(std::memory_order_relaxed), kForcedAgeMs)))
            gone.push_back(&n);
    });
    // The longest unchanged first, until there are gc_thresh2.
    std::ranges::sort(gone, {}, [](const Neighbour* n) { return n->changed_tsc.load(); });
    const size_t most = table_.size() > t.gc_thresh2 ? table_.size() - t.gc_thresh2 : 0;
    gone.resize(std::min(gone.size(), most));
    evict(gone, Drop::neighbour_failed);
}

}  // namespace vethway
