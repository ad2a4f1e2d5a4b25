// SPDX-License-Identifier: Apache-2.0
#include "control/reassembly.h"

#include <rte_cycles.h>

#include "dataplane/meta.h"

namespace vethway {

void Reassembly::configure() {
    dataplane_.reassembly().set_timeout(ports_.ip4()[Ip4Knob::ipfrag_time]);
}

void Reassembly::tick() {
    if (dataplane_.reassembly().held() == 0) return;
    PacketList expired = dataplane_.reassembly().take_expired(rte_rdtsc());
    while (rte_mbuf* m = expired.pop()) time_out(m);
}

// The sender is told if its first fragment came, by a worker, which has the means.
void Reassembly::time_out(rte_mbuf* m) {
    PacketMeta& packet = meta(*m);
    packet.why = Drop::fragment_timeout;
    packet.icmp_type = kIcmpTimeExceeded;
    packet.icmp_code = kIcmpReassemblyTimeExceeded;
    packet.inject = Inject::undeliverable;
    if (!ip4(*m).is_later_fragment() && dataplane_.inject(m)) return;
    dataplane_.give_up(m, Drop::fragment_timeout);
}

void Reassembly::forget_removed_ports() {
    if (dataplane_.reassembly().held() == 0) return;
    PacketList gone = dataplane_.reassembly().take_if(
        [this](rte_mbuf& m) { return ports_.find(meta(m).port) == nullptr; });
    while (rte_mbuf* m = gone.pop()) dataplane_.give_up(m, Drop::port_removed);
}

}  // namespace vethway
