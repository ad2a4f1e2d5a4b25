// SPDX-License-Identifier: Apache-2.0
// What routers on the way have told of packets of ours: that they are too large for them, or had
// better go by another gateway. By Linux's rules (net/ipv4/route.c __ip_rt_update_pmtu,
// __ip_do_redirect) and knobs. Control thread.
#pragma once

#include <span>
#include <vector>

#include "control/neighbours.h"
#include "control/ports.h"
#include "control/rib.h"

namespace vethway {

class Paths {
public:
    Paths(Dataplane& dataplane, const Ports& ports, const Rib& rib, Neighbours& neighbours)
        : dataplane_(dataplane),
          table_(dataplane.paths()),
          ports_(ports),
          rib_(rib),
          neighbours_(neighbours) {}

    // Whether anything that is said of path MTUs is to be heard (ip_no_pmtu_disc).
    bool hears_of_mtus() const { return ports_.ip4()[Ip4Knob::ip_no_pmtu_disc] < 2; }
    // "Fragmentation needed" about a packet of ours to that host; `mtu` as the router says it.
    void narrow(Ip4 to, uint16_t mtu);
    // A redirect, which came by the port of that index, about a packet of ours to that host.
    struct Redirect {
        uint16_t port;
        Ip4 to, from, via;
    };
    void redirect(const Redirect& told);

    struct Known {
        PathTable::Entry path;
        double expires_s;
    };
    std::vector<Known> list() const;  // by address
    unsigned flush();                 // how many there were
    void tick();

private:
    std::span<const NextHop> hops_to(Ip4 to) const;
    uint16_t mtu_of_link(Ip4 to) const;
    const NextHop* hop_by(const Redirect& told) const;
    bool is_credible(const Redirect& told) const;
    bool is_gateway(const std::string& port, Ip4 address) const;

    Dataplane& dataplane_;
    PathTable& table_;
    const Ports& ports_;
    const Rib& rib_;
    Neighbours& neighbours_;
};

}  // namespace vethway
