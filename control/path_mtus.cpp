// SPDX-License-Identifier: Apache-2.0
#include "control/path_mtus.h"

#include <rte_cycles.h>

#include <algorithm>

namespace vethway {

// Of several next hops the least; 0 where there is no way.
uint16_t PathMtus::mtu_of_link(Ip4 to) const {
    const RibRoute* route = rib_.lookup(to);
    if (route == nullptr) return 0;
    uint16_t least = 0;
    for (const RibHop& hop : route->hops) {
        const ManagedPort* port = hop.up ? ports_.find(hop.port) : nullptr;
        if (port != nullptr && (least == 0 || port->mtu() < least)) least = port->mtu();
    }
    return least;
}

void PathMtus::learn(Ip4 to, uint16_t mtu) {
    const Ip4Knobs& knobs = ports_.ip4();
    // Whoever wants no path MTUs still must not send what is too large.
    if (knobs.is_on(Ip4Knob::ip_no_pmtu_disc)) mtu = 0;
    const uint16_t known = std::min(mtu_of_link(to), table_.lookup(to));
    if (known == 0 || known < mtu) return;
    const auto least = static_cast<uint16_t>(knobs[Ip4Knob::min_pmtu]);
    const bool locked = mtu < least;
    if (locked) mtu = std::min(known, least);
    table_.set(
        {to, mtu, locked, rte_rdtsc() + uint64_t{knobs[Ip4Knob::mtu_expires]} * rte_get_tsc_hz()});
}

std::vector<PathMtus::Known> PathMtus::list() const {
    std::vector<Known> all;
    const uint64_t now = rte_rdtsc();
    const auto hz = static_cast<double>(rte_get_tsc_hz());
    table_.for_each([&](const PathMtuTable::Entry& e) {
        const uint64_t left = e.expires > now ? e.expires - now : 0;
        all.push_back({e.to, e.mtu, e.locked, static_cast<double>(left) / hz});
    });
    std::ranges::sort(all, {}, &Known::to);
    return all;
}

unsigned PathMtus::flush() {
    return table_.remove_if([](const PathMtuTable::Entry&) { return true; });
}

void PathMtus::tick() {
    const uint64_t now = rte_rdtsc();
    table_.remove_if([now](const PathMtuTable::Entry& e) { return e.expires <= now; });
}

}  // namespace vethway
