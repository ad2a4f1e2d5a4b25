// SPDX-License-Identifier: Apache-2.0
// Who is on the ports' links: the neighbour machine with the dataplane as its hands, and what a
// user may do to it. Control thread.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "control/neighbour_machine.h"
#include "control/ports.h"

namespace vethway {

struct NeighbourView {
    Ip4 address;
    Mac mac;
    std::string port;
    NeighbourState state;
    double age_s;  // since it was confirmed
    uint32_t held;
};

class Neighbours final : NeighbourHands {
public:
    Neighbours(Dataplane& dataplane, const Ports& ports);

    void tick();  // every 100 ms
    // The ports that `config` names are there, or still to come.
    void configure(const NeighbourTableConfig& config);
    // Makes exactly `config` the permanent ones.
    void set_permanent(const std::vector<NeighbourConfig>& config);
    // Removes all but the permanent ones, of one port or of all; how many that were.
    unsigned flush(const std::string& port = "");
    // Removes one that was learned. False when there is none.
    bool remove(const std::string& port, Ip4 address);
    // Whether packets can be sent to it; where not it is looked for, unless it is already.
    bool is_usable_or_sought(NeighbourKey key);
    // Removes what is left of ports that are gone, and drops what waited for them.
    void forget_removed_ports();
    std::vector<NeighbourView> list() const;

    // Removes those of a port whose link went down, but the permanent ones (Linux
    // neigh_carrier_down).
    void forget_links_that_are_down();

private:
    bool ask(NeighbourKey key, const std::optional<Mac>& whom) override;
    void undeliverable(rte_mbuf* m, Drop why, bool tell_sender) override;
    void wait_for_workers() override { dataplane_.rcu().synchronize(); }

    void add_permanent(const NeighbourConfig& entry);
    bool is_permanent(NeighbourKey key) const;

    Dataplane& dataplane_;
    const Ports& ports_;
    NeighbourMachine machine_;
    std::vector<NeighbourKey> permanent_;
    uint64_t hz_;
};

}  // namespace vethway
