// SPDX-License-Identifier: Apache-2.0
// What routers on the way have told of packets of ours that were too large for them, by Linux's
// rules (net/ipv4/route.c __ip_rt_update_pmtu) and knobs. Control thread.
#pragma once

#include <vector>

#include "control/ports.h"
#include "control/rib.h"

namespace vethway {

class PathMtus {
public:
    PathMtus(Dataplane& dataplane, const Ports& ports, const Rib& rib)
        : table_(dataplane.path_mtus()), ports_(ports), rib_(rib) {}

    // Whether anything that is said of path MTUs is to be heard (ip_no_pmtu_disc).
    bool listens() const { return ports_.ip4()[Ip4Knob::ip_no_pmtu_disc] < 2; }
    // "Fragmentation needed" about a packet of ours to that host; `mtu` as the router says it.
    void learn(Ip4 to, uint16_t mtu);

    struct Known {
        Ip4 to;
        uint16_t mtu;
        bool locked;
        double expires_s;
    };
    std::vector<Known> list() const;  // by address
    unsigned flush();                 // how many there were
    void tick();

private:
    uint16_t mtu_of_link(Ip4 to) const;

    PathMtuTable& table_;
    const Ports& ports_;
    const Rib& rib_;
};

}  // namespace vethway
