// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ip4/ip4_lookup.h"

#include <algorithm>

#include "dataplane/context.h"
#include "dataplane/ip4/ip4_refuse.h"

namespace vethway {

namespace {

// Of 255.255.255.255 and 224.0.0.1, which are all hosts on the link and have no route: of what is
// above 224.0.0.0, ip4_input has let only them pass.
constexpr RouteEntry kLinkGroup{.type = RouteType::broadcast};
bool is_link_group(Ip4 ip) noexcept { return ip.value >> 29 == 7; }

// A source route goes before the header, in which the next stop is not yet.
Ip4 destination_of(rte_mbuf& m) noexcept {
    return meta(m).options.to_stop ? meta(m).next_hop : Ip4{ip4(m).dst};
}

// Linux ip_route_input_slow(): forwarded, or for us like for all who hear it.
void dispatch_broadcast(Context& c, rte_mbuf* m, const Ip4LookupOutputs& out) noexcept {
    const bool to_a_subnet = meta(*m).route->hop_count > 0;
    if (to_a_subnet && c.port(meta(*m).port).knobs.is_on(PortKnob::bc_forwarding))
        return out.forward.push(m);
    if (!c.snap().ip4.is_on(Ip4Knob::icmp_echo_ignore_broadcasts)) return out.local.push(m);
    c.drops.add(m, Drop::broadcast);
}

void dispatch(Context& c, rte_mbuf* m, const Ip4LookupOutputs& out) noexcept {
    switch (meta(*m).route->type) {
        case RouteType::forward:
            return out.forward.push(m);
        case RouteType::local:
            return out.local.push(m);
        case RouteType::broadcast:
            return dispatch_broadcast(c, m, out);
        case RouteType::blackhole:
            return c.drops.add(m, Drop::blackhole);
        case RouteType::none:
        case RouteType::unreachable:
        case RouteType::prohibit:
            refuse_by_route(out.errors, m, meta(*m).route->type);
    }
}

}  // namespace

void ip4_lookup(Context& c, Burst& in, Ip4LookupOutputs out) noexcept {
    if (in.empty()) return;
    std::array<Ip4, Burst::kCapacity> to;
    std::array<const RouteEntry*, Burst::kCapacity> found;
    const uint16_t n = in.size();
    for (uint16_t i = 0; i < n; ++i) to[i] = destination_of(*in[i]);
    const auto destinations = std::span<const Ip4>(to).first(n);
    const auto routes = std::span(found).first(n);
    c.routes.lookup(destinations, routes);
    if (c.tracer.active()) [[unlikely]]
        for (uint16_t i = 0; i < n; ++i)
            c.note(in[i], Step::routed, static_cast<uint32_t>(routes[i]->type),
                   routes[i]->hop_count);
    for (uint16_t i = 0; i < n; ++i) {
        rte_mbuf* const m = in[i];
        const RouteEntry* const route = is_link_group(to[i]) ? &kLinkGroup : routes[i];
        meta(*m).route = route;
        if (route->type == RouteType::forward) [[likely]]
            out.forward.push(m);
        else
            dispatch(c, m, out);
    }
    in.clear();
}

}  // namespace vethway
