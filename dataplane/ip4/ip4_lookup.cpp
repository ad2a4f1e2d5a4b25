// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ip4/ip4_lookup.h"

#include "dataplane/context.h"
#include "dataplane/icmp/refuse.h"

namespace vethway {

namespace {

void dispatch(Context& c, rte_mbuf* m, const Ip4LookupOutputs& out) noexcept {
    switch (meta(*m).route->type) {
        case RouteType::forward:
            return out.forward.push(m);
        case RouteType::local:
            return out.local.push(m);
        case RouteType::broadcast:
            return c.drops.add(m, Drop::broadcast);
        case RouteType::blackhole:
            return c.drops.add(m, Drop::blackhole);
        case RouteType::none:  // the codes are those of Linux ip_error()
            return refuse(out.errors, m, Drop::no_route, kIcmpUnreachable, kIcmpNetUnreachable);
        case RouteType::unreachable:
            return refuse(out.errors, m, Drop::unreachable, kIcmpUnreachable, kIcmpHostUnreachable);
        case RouteType::prohibit:
            return refuse(out.errors, m, Drop::prohibited, kIcmpUnreachable, kIcmpAdminProhibited);
    }
}

}  // namespace

void ip4_lookup(Context& c, Burst& in, Ip4LookupOutputs out) noexcept {
    std::array<Ip4, Burst::kCapacity> destinations;
    std::array<const RouteEntry*, Burst::kCapacity> routes;
    const uint16_t n = in.size();
    for (uint16_t i = 0; i < n; ++i) destinations[i] = Ip4{ip4(*in[i]).dst};
    c.routes.lookup(std::span(destinations).first(n), std::span(routes).first(n));
    if (c.tracer.active()) [[unlikely]]
        for (uint16_t i = 0; i < n; ++i)
            c.note(in[i], Step::routed, static_cast<uint32_t>(routes[i]->type),
                   routes[i]->hop_count);
    for (uint16_t i = 0; i < n; ++i) {
        meta(*in[i]).route = routes[i];
        dispatch(c, in[i], out);
    }
    in.clear();
}

}  // namespace vethway
