// SPDX-License-Identifier: Apache-2.0
// Gratuitous ARP: a port that has come up tells its link which addresses are there, and one that is
// up tells of a new address (Linux arp_notify; RFC 5227 2.3). Control thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "control/ports.h"
#include "dataplane/dataplane.h"

namespace vethway {

class Announcements {
public:
    Announcements(Dataplane& dataplane, const Ports& ports)
        : dataplane_(dataplane), ports_(ports) {}

    // After the workers were told what ports there are: announces what is new since the last time,
    // on the ports that have arp_notify.
    void update();

private:
    void announce(const ManagedPort& port, Ip4 address);

    Dataplane& dataplane_;
    const Ports& ports_;
    // What stands behind an address on a link; none of a port that is down.
    struct Known {
        Mac mac;
        std::vector<Prefix4> addresses;
    };
    std::map<std::string, Known> known_;
};

}  // namespace vethway
