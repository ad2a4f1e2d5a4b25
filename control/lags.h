// SPDX-License-Identifier: Apache-2.0
// The link aggregation groups: what follows from the configuration, from links and from LACP for
// the workers. Control thread.
#pragma once

#include <list>
#include <string>
#include <vector>

#include "control/lag.h"

namespace vethway {

class Lags {
public:
    // The references outlive it.
    Lags(Dataplane& dataplane, Ports& ports) : dataplane_(dataplane), ports_(ports) {}

    // From now on; a LAG that stays goes on as it is. Throws nothing, as `lags` are checked.
    void set(const std::vector<LagConfig>& lags);
    const std::list<Lag>& all() const { return lags_; }
    // The LAG that the port is a member of; null: none.
    const LagConfig* of_member(const std::string& port) const;

    // Around Ports::publish(): before it their links are looked at, after it LACP is told of them,
    // which may publish again.
    void look();
    void inform();
    // From within it.
    void derive();
    void describe(Snapshot& next) const;

    void tick();  // every 100 ms, when what was punted has been handed over
    // A frame that a worker punted; false: it is not for a LAG.
    bool take(rte_mbuf& m);

private:
    Dataplane& dataplane_;
    Ports& ports_;
    std::list<Lag> lags_;  // each is somebody's hands, and stays where it is
};

}  // namespace vethway
