// SPDX-License-Identifier: Apache-2.0
#include "control/announcements.h"

#include <algorithm>

#include "dataplane/arp/arp_request.h"
#include "dataplane/meta.h"

namespace vethway {

void Announcements::update() {
    std::map<std::string, Known> now;
    for (const auto& [name, port] : ports_.all()) {
        if (!port.up()) continue;
        const auto before = known_.find(name);
        const bool known = before != known_.end() && before->second.mac == port.mac();
        const bool notify = ports_.knobs_of(port).is_on(PortKnob::arp_notify);
        for (const Prefix4& a : port.config.addresses) {
            const bool is_new = !known || std::ranges::find(before->second.addresses, a) ==
                                              before->second.addresses.end();
            if (notify && is_new) announce(port, a.address);
        }
        now[name] = {port.mac(), port.config.addresses};
    }
    known_ = std::move(now);
}

// A request for the address itself, to all (Linux inetdev_send_gratuitous_arp).
void Announcements::announce(const ManagedPort& port, Ip4 address) {
    rte_mbuf* m = dataplane_.allocate(port.index);
    if (m == nullptr) return;
    write_arp_request(*m, {port.index, address}, address, port.mac(), Mac::broadcast());
    meta(*m).inject = Inject::frame;
    if (!dataplane_.inject(m)) rte_pktmbuf_free(m);
}

}  // namespace vethway
