// SPDX-License-Identifier: Apache-2.0
#include "control/snooping/snooper.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "dataplane/net/headers.h"

namespace vethway {

namespace {

using std::chrono::milliseconds, std::chrono::seconds;

// RFC 3376 8; those of RFC 3810 9 are the same.
constexpr int kRobustness = 2;
constexpr seconds kResponseInterval{10}, kLastMemberInterval{1};
constexpr milliseconds kLastMemberTime = kRobustness * kLastMemberInterval;
// Questions to all at a time, so that a bridge of 4094 VLANs does not say them all at once.
constexpr unsigned kMostAsked = 16;

IpVersion version_of(const IpAddress& a) {
    return std::holds_alternative<Ip4>(a) ? IpVersion::ip4 : IpVersion::ip6;
}
bool is_nobody(const IpAddress& a) { return a == IpAddress{Ip4{}}; }

// All hear what is sent there anyway, so that nothing has to be known.
bool is_flooded(const IpAddress& group) {
    const Ip6* ip6 = std::get_if<Ip6>(&group);
    return is_for_all(group_mac(group)) || (ip6 != nullptr && ip6->stays_on_link());
}

}  // namespace

// --- Times -------------------------------------------------------------------------------------
milliseconds Snooper::response_interval() const {
    return std::min<milliseconds>(kResponseInterval, config_.query_interval / 2);
}

// RFC 3376 8.4, of who asks.
milliseconds Snooper::remembered(const Family& f) const {
    const seconds interval =
        f.other && f.interval.count() != 0 ? f.interval : config_.query_interval;
    return kRobustness * interval + response_interval();
}

bool Snooper::is_querier(const Family& f, Time now) const {
    return config_.querier && !(f.other && f.other_until > now);
}

IpAddress Snooper::own_source(uint16_t vlan, IpVersion v) const {
    if (v == IpVersion::ip6) return config_.source6;
    const auto found = config_.sources4.find(vlan);
    return found != config_.sources4.end() ? found->second : Ip4{};
}

// --- What it is told ---------------------------------------------------------------------------
void Snooper::configure(const SnooperConfig& config, Time now) {
    const SnooperConfig before = std::exchange(config_, config);
    if (before == config_ && !vlans_.empty()) return;
    std::erase_if(vlans_, [&](const auto& v) { return !config_.sources4.contains(v.first); });
    std::erase_if(groups_,
                  [&](const auto& g) { return !config_.sources4.contains(g.first.first); });
    for (const auto& [vlan, source] : config_.sources4) {
        const bool is_new = vlans_.try_emplace(vlan).second;
        if (!is_new && before.querier == config_.querier) continue;
        for (Family& f : vlans_[vlan].families) {
            f.ask_at = now;
            f.startup_left = kRobustness;
        }
    }
    changed_ = true;
}

void Snooper::set_ports(const std::map<uint16_t, SnoopedPort>& ports, Time now) {
    const auto before = std::exchange(ports_, ports);
    // A number is used again: who has it now may be another.
    const auto stays = [&](uint16_t port) {
        const auto was = before.find(port), is = std::as_const(ports_).find(port);
        return was != before.end() && is != ports_.end() && was->second.name == is->second.name;
    };
    const auto gone = [&](const auto& one) { return !stays(one.first); };
    for (auto& [key, group] : groups_) {
        changed_ |= std::erase_if(group.ports, gone) > 0;
        std::erase_if(group.ask_again, gone);
    }
    std::erase_if(groups_, [](const auto& g) { return g.second.ports.empty(); });
    const bool has_new = std::ranges::any_of(ports_, gone);
    for (auto& [number, vlan] : vlans_) {
        changed_ |= std::erase_if(vlan.routers, gone) > 0;
        for (Family& f : vlan.families) {
            if (f.other && !stays(f.other_port)) f.other.reset();
            if (has_new) f.ask_at = now;
        }
    }
}

void Snooper::topology_changed(Time now) {
    groups_.clear();
    for (auto& [number, vlan] : vlans_) {
        vlan.routers.clear();
        for (Family& f : vlan.families) {
            f.other.reset();
            f.asked_at = kNever;
            f.is_asked = false;
            f.ask_at = now;
            f.startup_left = kRobustness;
        }
    }
    changed_ = true;
}

void Snooper::received(uint16_t port, uint16_t vlan, std::span<const std::byte> frame, Time now) {
    if (!ports_.contains(port) || !vlans_.contains(vlan)) return;
    const MembershipReading reading = read_membership(frame);
    if (const auto* query = std::get_if<MembershipQuery>(&reading.message)) {
        ++queries_;
        heard_query(port, vlan, *query, now);
    } else if (const auto* report = std::get_if<MembershipReport>(&reading.message)) {
        ++reports_;
        for (const MembershipReport::Record& r : report->records) {
            if (is_flooded(r.group)) continue;
            r.wants ? wanted(port, vlan, r.group, now) : left(port, vlan, r.group, now);
        }
    } else if (const auto* router = std::get_if<MulticastRouterSeen>(&reading.message)) {
        ++router_messages_;
        heard_router(port, vlan, router->leaves, now);
    } else if (*reading.fault != '\0') {
        ++faulty_;
    }
}

// --- Who asks ----------------------------------------------------------------------------------
void Snooper::heard_query(uint16_t port, uint16_t vlan, const MembershipQuery& q, Time now) {
    // RFC 4541 2.1.1: who asks without an address only snoops, as we do.
    if (!is_nobody(q.source)) heard_router(port, vlan, false, now);
    if (!q.group)
        elect(port, vlan, q, now);
    else if (!q.suppress)
        shorten(vlan, q, now);
}

// RFC 2236 3, RFC 3376 6.6.2: the lower address asks.
void Snooper::elect(uint16_t port, uint16_t vlan, const MembershipQuery& q, Time now) {
    Family& f = family(vlan, q.version);
    const auto is_better = [&](const IpAddress& than) {
        return is_nobody(than) || (!is_nobody(q.source) && q.source <= than);
    };
    const bool has_other = f.other && f.other_until > now;
    if (has_other ? !is_better(*f.other)
                  : config_.querier && !is_better(own_source(vlan, q.version)))
        return;
    if (config_.querier && is_nobody(q.source)) return;
    if (!has_other || f.other != q.source)
        hands_.tell(fmt::format("bridge {}: {} asks for {} groups{}, behind {}", config_.bridge,
                                to_string(q.source), q.version == IpVersion::ip4 ? "IPv4" : "IPv6",
                                vlan == 0 ? "" : fmt::format(" in VLAN {}", vlan),
                                ports_.at(port).name));
    f.other = q.source;
    f.other_port = port;
    f.interval = q.interval;
    // RFC 3376 8.5.
    const seconds interval = q.interval.count() != 0 ? q.interval : config_.query_interval;
    f.other_until = now + kRobustness * interval + response_interval() / 2;
    if (f.asked_at == kNever) f.asked_at = now + q.max_response;
}

// The querier asks who wants a group that a host has left: who wants it answers (RFC 3376 6.6.1).
void Snooper::shorten(uint16_t vlan, const MembershipQuery& q, Time now) {
    const auto found = groups_.find({vlan, *q.group});
    if (found == groups_.end()) return;
    const Time until = now + kRobustness * q.max_response;
    for (auto& [port, time] : found->second.ports) time = std::min(time, until);
}

// RFC 4541 2.1.1; as long as another querier is believed in (Linux multicast_querier_interval).
void Snooper::heard_router(uint16_t port, uint16_t vlan, bool leaves, Time now) {
    std::map<uint16_t, Time>& routers = vlans_[vlan].routers;
    if (leaves) {
        changed_ |= routers.erase(port) > 0;
        return;
    }
    const auto [at, is_new] = routers.try_emplace(port);
    at->second = now + kRobustness * config_.query_interval + response_interval() / 2;
    changed_ |= is_new;
}

// --- Who wants what ----------------------------------------------------------------------------
void Snooper::wanted(uint16_t port, uint16_t vlan, const IpAddress& group, Time now) {
    const GroupKey key{vlan, group};
    auto at = groups_.find(key);
    if (at == groups_.end()) {
        if (groups_.size() == kMostGroups) {
            if (!std::exchange(told_full_, true))
                hands_.tell(fmt::format(
                    "bridge {}: more than {} groups: those that are not known go to all members",
                    config_.bridge, kMostGroups));
            changed_ = true;
            return;
        }
        at = groups_.emplace(key, Group{}).first;
    }
    const auto [member, is_new] = at->second.ports.try_emplace(port);
    member->second = now + remembered(family(vlan, version_of(group)));
    at->second.ask_again.erase(port);
    changed_ |= is_new;
}

// RFC 2236 3, RFC 3376 6.4.2: others behind the member may want it, and are asked.
void Snooper::left(uint16_t port, uint16_t vlan, const IpAddress& group, Time now) {
    const auto found = groups_.find({vlan, group});
    if (found == groups_.end()) return;
    const auto member = found->second.ports.find(port);
    if (member == found->second.ports.end()) return;
    if (ports_.at(port).fast_leave) {
        found->second.ports.erase(member);
        found->second.ask_again.erase(port);
        changed_ = true;
        if (found->second.ports.empty()) groups_.erase(found);
        return;
    }
    const Family& f = family(vlan, version_of(group));
    if (f.other && f.other_until > now) return;  // it asks, and then shorten() looks
    member->second = std::min(member->second, now + kLastMemberTime);
    if (!config_.querier || found->second.ask_again.contains(port)) return;
    ask_about(port, found->first);
    found->second.ask_again[port] = now + kLastMemberInterval;
}

void Snooper::ask_about(uint16_t port, const GroupKey& key) {
    const auto& [vlan, group] = key;
    const IpVersion v = version_of(group);
    ++queries_sent_;
    hands_.ask(vlan, port,
               {.version = v,
                .source = own_source(vlan, v),
                .group = group,
                .max_response = kLastMemberInterval,
                .interval = config_.query_interval});
}

// --- As time goes by ---------------------------------------------------------------------------
void Snooper::ask_all(uint16_t vlan, IpVersion v, Time now) {
    Family& f = family(vlan, v);
    const milliseconds answer = response_interval();
    ++queries_sent_;
    hands_.ask(vlan, std::nullopt,
               {.version = v,
                .source = own_source(vlan, v),
                .group = std::nullopt,
                .max_response = answer,
                .interval = config_.query_interval});
    if (f.asked_at == kNever) f.asked_at = now + answer;
    // RFC 3376 8.6 and 8.7.
    f.ask_at = now + (f.startup_left > 1 ? config_.query_interval / 4 : config_.query_interval);
    if (f.startup_left > 0) --f.startup_left;
}

void Snooper::look_at_vlans(Time now) {
    unsigned asked = 0;
    for (auto& [number, vlan] : vlans_) {
        changed_ |= std::erase_if(vlan.routers, [&](const auto& r) { return r.second <= now; }) > 0;
        for (const IpVersion v : {IpVersion::ip4, IpVersion::ip6}) {
            Family& f = vlan.families[static_cast<size_t>(v)];
            if (f.other && f.other_until <= now) {
                f.other.reset();
                f.ask_at = now;
            }
            if (!f.other && !config_.querier) f.asked_at = kNever;
            if (is_querier(f, now) && f.ask_at <= now && asked < kMostAsked) {
                ask_all(number, v, now);
                ++asked;
            }
            const bool is_asked = f.asked_at <= now;
            changed_ |= std::exchange(f.is_asked, is_asked) != is_asked;
        }
    }
}

void Snooper::look_at_groups(Time now) {
    for (auto& [key, group] : groups_) {
        for (auto at = group.ask_again.begin(); at != group.ask_again.end();) {
            if (at->second > now) {
                ++at;
                continue;
            }
            ask_about(at->first, key);
            at = group.ask_again.erase(at);
        }
        changed_ |= std::erase_if(group.ports, [&](const auto& p) { return p.second <= now; }) > 0;
    }
    std::erase_if(groups_, [](const auto& g) { return g.second.ports.empty(); });
    if (told_full_ && groups_.size() < kMostGroups) {
        told_full_ = false;
        changed_ = true;
    }
}

void Snooper::tick(Time now) {
    look_at_groups(now);
    look_at_vlans(now);
}

SnooperStatus Snooper::status(Time now) const {
    SnooperStatus out{.queries = queries_,
                      .reports = reports_,
                      .router_messages = router_messages_,
                      .faulty = faulty_,
                      .queries_sent = queries_sent_};
    for (const auto& [number, vlan] : vlans_) {
        SnoopedVlan& one = out.vlans.emplace_back();
        one.vlan = number;
        for (const auto& [port, until] : vlan.routers) one.routers.push_back(port);
        for (size_t v = 0; v < kIpVersions; ++v) {
            const Family& f = vlan.families[v];
            QuerierStatus& q = one.queriers[v];
            if (f.other && f.other_until > now) {
                q.other = f.other;
                q.port = f.other_port;
            }
            q.is_self = is_querier(f, now);
            q.is_asked = f.is_asked && !told_full_;
        }
    }
    for (const auto& [key, group] : groups_) {
        SnoopedGroup& one = out.groups.emplace_back();
        one.vlan = key.first;
        one.group = key.second;
        for (const auto& [port, until] : group.ports)
            one.ports[port] =
                std::max(milliseconds(0), std::chrono::duration_cast<milliseconds>(until - now));
    }
    return out;
}

}  // namespace vethway
