// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ip4/ip4_straight.h"

#include <algorithm>
#include <array>

#include "dataplane/context.h"
#include "dataplane/ip4/ip4_refuse.h"
#include "dataplane/ip4/one_way.h"
#include "dataplane/ip4/source_check.h"

namespace vethway {

namespace {

using Routes = std::array<const RouteEntry*, kBurst>;

// Whether a packet is not forwarded, whatever may become of it.
bool ends_here(const RouteEntry& route, const Ip4Header& ip) noexcept {
    return ip.ttl <= 1 || (route.type != RouteType::forward && route.type != RouteType::broadcast);
}

// Of one that ends here: whether what is to be said of it is said already. TTL matters only where
// there is a way on.
bool refuses(rte_mbuf* m, const RouteEntry& route, Burst& errors) noexcept {
    note_plain(meta(*m));
    meta(*m).route = &route;
    if (route.type != RouteType::forward) return refuse_by_route(errors, m, route.type);
    refuse_ttl(errors, m);
    return true;
}

// What a sender left to the device, or that a checksum is right: egress() sees to it.
bool tells_more(rte_mbuf& m) noexcept {
    const Offload& o = meta(m).offload;
    return o.checksum != L4Checksum::unknown || o.gso != Gso::none;
}

// The reverse path filter of the port that all come by.
class SourceFilter {
public:
    SourceFilter(const Context& c, uint16_t from, std::span<rte_mbuf* const> packets) noexcept
        : snap_(c.snap()), from_(from), on_(c.port(from).source_check() != SourceCheck::off) {
        if (!on_) return;
        std::array<Ip4, kBurst> sources;
        for (size_t i = 0; i < packets.size(); ++i) sources[i] = Ip4{plain_ip4(*packets[i]).src};
        c.routes.lookup(std::span(sources).first(packets.size()),
                        std::span(back_).first(packets.size()));
    }
    bool is_on() const noexcept { return on_; }
    bool refuses(size_t i, const Ip4Header& ip) const noexcept {
        return on_ && !source_passes(snap_, from_, Ip4{ip.src}, *back_[i]);
    }

private:
    const Snapshot& snap_;
    const uint16_t from_;
    const bool on_;
    Routes back_;
};

// Addresses packets and hands them to tx, those of one next hop together.
class Straight {
public:
    Straight(Context& c, uint16_t from) noexcept : c_(c), from_(from) {
        c.adjacencies.begin_turn();
    }
    // Whether `m` is sent; else nothing has changed.
    bool sends(rte_mbuf* m, Ip4Header& ip, Ip4 to, const RouteEntry& route) noexcept {
        if (!way_.fits(c_, route, from_, ip)) return false;
        const NeighbourKey key{way_.egress(), way_.next_hop(to)};
        if (key != key_ && !turn_to(key)) [[unlikely]]
            return false;
        decrement_ttl(ip);
        reinterpret_cast<EtherHeader*>(&ip)[-1] = next_->header;
        meta(*m).egress = key.port;
        ready_[count_++] = m;
        return true;
    }
    void flush() noexcept {
        c_.tx.push(c_.snap(), key_.port, std::span(ready_).first(count_));
        count_ = 0;
    }

private:
    bool turn_to(NeighbourKey key) noexcept {
        const Adjacency* const next = c_.adjacency(key);
        if (next == nullptr) [[unlikely]]
            return false;
        if (key.port != key_.port) flush();
        key_ = key;
        next_ = next;
        return true;
    }

    Context& c_;
    const uint16_t from_;
    OneWay way_;
    NeighbourKey key_{};                   // of the packet before: 0.0.0.0 is nobody's
    const Adjacency* next_ = nullptr;      // that one's
    std::array<rte_mbuf*, kBurst> ready_;  // for its port
    size_t count_ = 0;
};

}  // namespace

uint16_t ip4_straight(Context& c, std::span<rte_mbuf*> packets, std::span<const Ip4> to,
                      Burst& errors) noexcept {
    const size_t n = packets.size();
    if (n == 0) return 0;
    const uint16_t from = meta(*packets[0]).port;
    const SourceFilter filter(c, from, packets);
    const bool offloads = c.port(from).offloads, look_closer = offloads || filter.is_on();
    Routes routes;
    c.routes.lookup(to.first(n), std::span(routes).first(n));
    Straight straight(c, from);
    size_t stay = 0, i = 0;
    for (; i < n; ++i) {
        rte_mbuf* const m = packets[i];
        Ip4Header& ip = plain_ip4(*m);
        const RouteEntry& route = *routes[i];
        bool no_source = false, more = false;
        if (look_closer) {
            no_source = filter.refuses(i, ip);
            more = offloads && tells_more(*m);
        }
        if (!no_source) [[likely]] {
            if (!more && straight.sends(m, ip, to[i], route)) [[likely]]
                continue;
            if (!ends_here(route, ip)) [[unlikely]]
                break;
            if (refuses(m, route, errors)) continue;
        }
        packets[stay++] = m;
    }
    straight.flush();
    std::ranges::copy(packets.subspan(i), packets.begin() + static_cast<ptrdiff_t>(stay));
    return static_cast<uint16_t>(stay + n - i);
}

}  // namespace vethway
