// SPDX-License-Identifier: Apache-2.0
// The neighbour machine's timers and its garbage collection, as Linux has them (RFC 4861 7.3.3;
// net/core/neighbour.c: neigh_timer_handler, neigh_periodic_work, neigh_forced_gc): repeats
// requests, gives up, ages, makes room. Workers do what a packet waits for. Control thread.
#pragma once

#include <map>
#include <optional>
#include <random>
#include <vector>

#include "config/config.h"
#include "dataplane/drop.h"
#include "dataplane/neighbour/neighbour_table.h"

namespace vethway {

// What the machine has others do.
class NeighbourHands {
public:
    virtual ~NeighbourHands() = default;
    // Sends a request to all, or to `whom`. False: it can't be sent now, try again.
    virtual bool ask(NeighbourKey key, const std::optional<Mac>& whom) = 0;
    // Ends `m`, which waited in vain; `tell_sender`: with an ICMP error.
    virtual void undeliverable(rte_mbuf* m, Drop why, bool tell_sender) = 0;
    // Returns when no worker knows any more what was removed from the table.
    virtual void wait_for_workers() = 0;
};

class NeighbourMachine {
public:
    // Times are in TSC of `hz`. `seed`: of the random part of base_reachable_time_ms.
    NeighbourMachine(NeighbourTable& table, NeighbourHands& hands, uint64_t hz, uint32_t seed)
        : table_(table), hands_(hands), hz_(hz), random_(seed) {}

    void configure(const NeighbourTableConfig& config);
    // Ports that are not set have what all have.
    void set_port(uint16_t index, const NeighbourPortConfig& config);
    // Looks at all; to be called ten times a second.
    void tick(uint64_t now);
    // Removes `gone`, and ends what waited for them.
    void evict(const std::vector<Neighbour*>& gone, Drop why);

    uint64_t forced_gc_runs() const noexcept { return forced_gc_runs_; }

private:
    struct PortTimes {
        NeighbourPortConfig config;
        uint64_t reachable_ms = 0;  // drawn
    };
    uint64_t draw_reachable_ms(const NeighbourPortConfig& c);
    PortTimes& times_of(const Neighbour& n);
    bool older(uint64_t now, uint64_t since, uint64_t ms) const noexcept;
    void turn(Neighbour& n, uint64_t now);
    void turn_reachable(Neighbour& n, NeighbourLink link, uint64_t now);
    void probe(Neighbour& n, NeighbourLink link, uint64_t now);
    void fail(Neighbour& n, NeighbourLink link, uint64_t now);
    void give_up_held(Neighbour& n, Drop why, bool tell_senders);
    void collect_periodically(uint64_t now);
    void collect_by_force(uint64_t now);

    NeighbourTable& table_;
    NeighbourHands& hands_;
    const uint64_t hz_;
    std::mt19937 random_;
    NeighbourTableConfig config_;
    PortTimes all_;
    std::map<uint16_t, PortTimes> ports_;
    uint64_t drawn_tsc_ = 0, collected_tsc_ = 0;
    std::optional<uint64_t> forced_tsc_;
    uint64_t forced_gc_runs_ = 0;
};

}  // namespace vethway
