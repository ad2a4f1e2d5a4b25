// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ip4/ip4_source.h"

#include "dataplane/context.h"
#include "dataplane/ip4/source_check.h"

namespace vethway {

void ip4_source(Context& c, Burst& packets) noexcept {
    if (!c.snap().any_source_check) return;
    std::array<Ip4, Burst::kCapacity> sources;
    std::array<const RouteEntry*, Burst::kCapacity> back;
    const uint16_t n = packets.size();
    for (uint16_t i = 0; i < n; ++i) sources[i] = Ip4{ip4(*packets[i]).src};
    c.routes.lookup(std::span(sources).first(n), std::span(back).first(n));
    uint16_t kept = 0;
    for (uint16_t i = 0; i < n; ++i) {
        rte_mbuf* const m = packets[i];
        const uint16_t port = meta(*m).port;
        const RouteEntry& route = *back[i];
        const uint32_t leaves_by = route.hop_count > 0 ? route.hops[0].port : kNoPort;
        const bool passed = source_passes(c.snap(), port, sources[i], route);
        c.note(m, passed ? Step::source_passed : Step::source_refused,
               static_cast<uint32_t>(c.port(port).source_check()), leaves_by);
        if (passed)
            packets.data()[kept++] = m;
        else
            c.drops.add(m, Drop::rp_filter);
    }
    packets.set_size(kept);
}

}  // namespace vethway
