// SPDX-License-Identifier: Apache-2.0
// The end of fragments' waiting (RFC 1122 3.3.2). Workers put datagrams together. Control thread.
#pragma once

#include "control/ports.h"

namespace vethway {

class Reassembly {
public:
    Reassembly(Dataplane& dataplane, const Ports& ports) : dataplane_(dataplane), ports_(ports) {}

    void configure();  // by the knobs of IPv4 that the ports have now
    void tick();       // every 100 ms
    // Drops what came by ports that are no more, and the rest of those datagrams with it.
    void forget_removed_ports();

private:
    void time_out(rte_mbuf* m);

    Dataplane& dataplane_;
    const Ports& ports_;
};

}  // namespace vethway
