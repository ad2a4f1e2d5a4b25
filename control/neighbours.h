// SPDX-License-Identifier: Apache-2.0
// The neighbour machine's timers (RFC 4861 7.3.3 as Linux applies it to ARP, net/core/neighbour.c):
// repeats requests, gives up, ages. Workers do what a packet waits for. Control thread.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "control/ports.h"

namespace vethway {

// Linux's defaults (net.ipv4.neigh.default.*).
struct NeighbourTimers {
    uint64_t reachable_ms = 30'000;    // base_reachable_time_ms
    uint64_t delay_ms = 5'000;         // delay_first_probe_time
    uint64_t retransmit_ms = 1'000;    // retrans_time_ms
    uint32_t probes = 3;               // mcast_solicit and ucast_solicit
    uint64_t failed_keep_ms = 5'000;   // how long a failure stays to be seen
    uint64_t stale_keep_ms = 600'000;  // until an unused one goes
    uint64_t crowded_keep_ms = 5'000;  // the same, of a table three quarters full (neigh_forced_gc)
};

struct NeighbourView {
    Ip4 address;
    Mac mac;
    std::string port;
    NeighbourState state;
    double age_s;  // since it was confirmed
    uint32_t held;
};

class Neighbours {
public:
    Neighbours(Dataplane& dataplane, const Ports& ports);

    void tick();  // every 100 ms
    // Makes exactly `config` the permanent ones.
    void set_permanent(const std::vector<NeighbourConfig>& config);
    // Removes all but the permanent ones, of one port or of all; how many that were.
    unsigned flush(const std::string& port = "");
    // Removes one that was learned. False when there is none.
    bool remove(const std::string& port, Ip4 address);
    // Removes what is left of ports that are gone, and drops what waited for them.
    void forget_removed_ports();
    std::vector<NeighbourView> list() const;

private:
    void age(Neighbour& n, uint64_t now);
    void probe(Neighbour& n, uint64_t now, bool broadcast);
    void fail(Neighbour& n, NeighbourLink before, uint64_t now);
    void give_up_held(Neighbour& n, Drop why, bool tell_senders);
    void add_permanent(const NeighbourConfig& entry);
    void evict(const std::vector<Neighbour*>& gone, Drop why);
    bool is_permanent(NeighbourKey key) const;

    Dataplane& dataplane_;
    const Ports& ports_;
    NeighbourTimers timers_;
    std::vector<NeighbourKey> permanent_;
    std::vector<Neighbour*> expired_;  // of this tick
    bool crowded_ = false;             // in this tick
    uint64_t hz_;
};

}  // namespace vethway
