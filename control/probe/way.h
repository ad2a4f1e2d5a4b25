// SPDX-License-Identifier: Apache-2.0
// By which port a probe leaves, and from which address. Control thread.
#pragma once

#include "control/ports.h"
#include "control/probe/probe.h"
#include "control/rib.h"

namespace vethway {

struct ProbeWay {
    bool forced = false;  // by `egress` to `next_hop`; else as the workers' routes say
    bool local = false;   // to ourselves, by `lo`
    uint16_t egress = kLoopback;
    std::string port;  // its name; of several that of the first
    Mac mac;           // of the port; zero: lo
    Ip4 next_hop, from;
    uint16_t mtu = UINT16_MAX;  // of several ports the least
};

// As Linux finds it for a socket, bound to a device or not (ip_route_output_key_hash_rcu of
// net/ipv4/route.c): bound to one, only routes by it count, and without any the destination is on
// its link. Throws std::runtime_error, and its words are for whoever asked.
ProbeWay find_way(const ProbeSeries& series, const Ports& ports, const Rib& rib,
                  const Snapshot& snapshot);

// Of ARP: the port that `series.port` names, or whose link has `series.to`; and the address to ask
// from, zero for RFC 5227's probes. Throws as find_way().
ProbeWay find_link(const ProbeSeries& series, const Ports& ports, const Rib& rib,
                   const Snapshot& snapshot);

}  // namespace vethway
