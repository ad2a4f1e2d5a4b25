// SPDX-License-Identifier: Apache-2.0
#include "control/paths.h"

#include <rte_cycles.h>

#include <algorithm>

namespace vethway {

namespace {

constexpr uint64_t kRedirectExpires = 300;  // s: net.ipv4.route.gc_timeout

uint64_t in_seconds(uint64_t seconds) { return rte_rdtsc() + seconds * rte_get_tsc_hz(); }

}  // namespace

std::span<const NextHop> Paths::hops_to(Ip4 to) const {
    const RouteEntry& route = dataplane_.routes().lookup(to);
    if (route.type != RouteType::forward) return {};
    return std::span(route.hops).first(route.hop_count);
}

// Of several next hops the least; 0 where there is no way.
uint16_t Paths::mtu_of_link(Ip4 to) const {
    uint16_t least = 0;
    for (const NextHop& hop : hops_to(to)) {
        const uint16_t mtu = dataplane_.snapshot().ports[hop.port].mtu;
        if (least == 0 || mtu < least) least = mtu;
    }
    return least;
}

void Paths::narrow(Ip4 to, uint16_t mtu) {
    const Ip4Knobs& knobs = ports_.ip4();
    // Whoever wants no path MTUs still must not send what is too large.
    if (knobs.is_on(Ip4Knob::ip_no_pmtu_disc)) mtu = 0;
    const uint16_t known = std::min(mtu_of_link(to), table_.mtu(to));
    if (known == 0 || known < mtu) return;
    const auto least = static_cast<uint16_t>(knobs[Ip4Knob::min_pmtu]);
    PathTable::Entry path = table_.find(to).value_or(PathTable::Entry{.to = to});
    path.locked = mtu < least;
    path.mtu = path.locked ? std::min(known, least) : mtu;
    path.expires = in_seconds(knobs[Ip4Knob::mtu_expires]);
    table_.set(path);
}

// Linux ip_fib_check_default.
bool Paths::is_gateway(const std::string& port, Ip4 address) const {
    return std::ranges::any_of(rib_.routes(), [&](const RibRoute& route) {
        return std::ranges::any_of(route.hops, [&](const RibHop& hop) {
            return hop.up && hop.port == port && hop.via == address;
        });
    });
}

// Only the gateway that is used now has a say: the next hop that it is, or that it took the place
// of.
const NextHop* Paths::hop_by(const Redirect& told) const {
    for (const NextHop& hop : hops_to(told.to)) {
        if (hop.via.is_zero()) continue;
        const Ip4 better = table_.via(told.to, hop.port);
        if ((better.is_zero() ? hop.via : better) == told.from) return &hop;
    }
    return nullptr;
}

bool Paths::is_credible(const Redirect& told) const {
    const ManagedPort* port = ports_.find(told.port);
    if (port == nullptr || told.via == told.from || !told.via.is_host()) return false;
    const PortState& state = dataplane_.snapshot().ports[told.port];
    if (!state.knobs.is_on(PortKnob::shared_media))
        return state.on_link(told.via, told.from) &&
               (!state.knobs.is_on(PortKnob::secure_redirects) ||
                is_gateway(port->config.name, told.via));
    const RouteType type = dataplane_.routes().lookup(told.via).type;
    return type != RouteType::local && type != RouteType::broadcast;
}

// The next redirect counts, if the new gateway has to be found first.
void Paths::redirect(const Redirect& told) {
    const NextHop* const hop = hop_by(told);
    if (hop == nullptr || !is_credible(told)) return;
    if (!neighbours_.is_usable_or_sought({hop->port, told.via})) return;
    PathTable::Entry path = table_.find(told.to).value_or(PathTable::Entry{.to = told.to});
    path.via = told.via;
    path.via_port = hop->port;
    path.expires = in_seconds(kRedirectExpires);
    table_.set(path);
}

std::vector<Paths::Known> Paths::list() const {
    std::vector<Known> all;
    const uint64_t now = rte_rdtsc();
    const auto hz = static_cast<double>(rte_get_tsc_hz());
    table_.for_each([&](const PathTable::Entry& e) {
        const uint64_t left = e.expires > now ? e.expires - now : 0;
        all.push_back({e, static_cast<double>(left) / hz});
    });
    std::ranges::sort(all, {}, [](const Known& k) { return k.path.to; });
    return all;
}

unsigned Paths::flush() {
    return table_.remove_if([](const PathTable::Entry&) { return true; });
}

void Paths::tick() {
    const uint64_t now = rte_rdtsc();
    table_.remove_if([now](const PathTable::Entry& e) { return e.expires <= now; });
}

}  // namespace vethway
