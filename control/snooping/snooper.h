// SPDX-License-Identifier: Apache-2.0
// What a bridge knows of IP multicast by listening (RFC 4541): which groups are wanted behind which
// members, where routers are, and whether anybody asks, in place of whom it asks itself where it is
// to (RFC 2236 3, RFC 3376 6.6, RFC 3810 7.6). It has no clock and no port of its own: it is told
// the time and what came, and has its hands do the rest. Control thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "control/snooping/membership.h"

namespace vethway {

struct SnooperConfig {
    std::string bridge;  // for events
    bool querier = false;
    std::chrono::seconds query_interval{125};
    // The bridge's own in each of its VLANs (0: it knows none); an IPv4 one may be 0.0.0.0, with
    // which it gives way to any other querier.
    std::map<uint16_t, Ip4> sources4;
    Ip6 source6;  // of the link
    friend bool operator==(const SnooperConfig&, const SnooperConfig&) = default;
};

struct SnoopedPort {
    std::string name;         // for events
    bool fast_leave = false;  // there is one host behind it: who leaves is not asked about
    friend bool operator==(const SnoopedPort&, const SnoopedPort&) = default;
};

class SnooperHands {
public:
    virtual ~SnooperHands() = default;
    // By one port, or by all that carry the VLAN.
    virtual void ask(uint16_t vlan, std::optional<uint16_t> port, const MembershipQuery& query) = 0;
    virtual void tell(const std::string& event) = 0;
};

// Who asks in a VLAN.
struct QuerierStatus {
    bool is_self = false;
    std::optional<IpAddress> other;  // nobody: neither
    uint16_t port = 0;               // behind which the other one is
    bool is_asked = false;           // as VlanGroups has it
};
struct SnoopedVlan {
    uint16_t vlan = 0;
    std::vector<uint16_t> routers;  // ports
    QuerierStatus queriers[kIpVersions];
    const QuerierStatus& querier(IpVersion v) const { return queriers[static_cast<size_t>(v)]; }
};
struct SnoopedGroup {
    uint16_t vlan = 0;
    IpAddress group;
    std::map<uint16_t, std::chrono::milliseconds> ports;  // and how long each is remembered
};
struct SnooperStatus {
    std::vector<SnoopedVlan> vlans;
    std::vector<SnoopedGroup> groups;  // by VLAN and address
    uint64_t queries = 0, reports = 0, router_messages = 0, faulty = 0, queries_sent = 0;
};

class Snooper {
public:
    using Clock = std::chrono::steady_clock;
    using Time = Clock::time_point;
    // As Linux's mcast_hash_max. Beyond it groups that are not known are flooded.
    static constexpr size_t kMostGroups = 4096;

    Snooper(const SnooperConfig& config, SnooperHands& hands) : hands_(hands), config_(config) {}

    void configure(const SnooperConfig& config, Time now);
    // Those that there are and have a link. What was behind others is forgotten; for who is new all
    // are asked.
    void set_ports(const std::map<uint16_t, SnoopedPort>& ports, Time now);
    // A frame in a VLAN of the bridge, without its tag.
    void received(uint16_t port, uint16_t vlan, std::span<const std::byte> frame, Time now);
    // Where stations are has changed: all is asked anew (RFC 4541 2.1.1).
    void topology_changed(Time now);
    void tick(Time now);  // every 100 ms

    // Whether status() says other things to workers than when it was last asked.
    bool take_changed() { return std::exchange(changed_, false); }
    SnooperStatus status(Time now) const;

private:
    static constexpr Time kNever = Time::max();
    // Of one IP version in one VLAN.
    struct Family {
        std::optional<IpAddress> other;  // who asks, if it is not us
        uint16_t other_port = 0;
        Time other_until{};
        std::chrono::seconds interval{};  // the other one's; 0: it does not say
        Time asked_at = kNever;           // hosts have answered by then
        Time ask_at{};                    // when we do
        unsigned startup_left = 0;        // questions that follow each other sooner
        bool is_asked = false;            // as workers know it
    };
    struct Vlan {
        Family families[kIpVersions];
        std::map<uint16_t, Time> routers;  // port -> until
    };
    struct Group {
        std::map<uint16_t, Time> ports;  // -> until
        std::map<uint16_t, Time> ask_again;
    };
    using GroupKey = std::pair<uint16_t, IpAddress>;

    Family& family(uint16_t vlan, IpVersion v) {
        return vlans_[vlan].families[static_cast<size_t>(v)];
    }
    std::chrono::milliseconds response_interval() const;
    std::chrono::milliseconds remembered(const Family& f) const;
    bool is_querier(const Family& f, Time now) const;
    IpAddress own_source(uint16_t vlan, IpVersion v) const;
    void heard_query(uint16_t port, uint16_t vlan, const MembershipQuery& q, Time now);
    void elect(uint16_t port, uint16_t vlan, const MembershipQuery& q, Time now);
    void shorten(uint16_t vlan, const MembershipQuery& q, Time now);
    void heard_router(uint16_t port, uint16_t vlan, bool leaves, Time now);
    void wanted(uint16_t port, uint16_t vlan, const IpAddress& group, Time now);
    void left(uint16_t port, uint16_t vlan, const IpAddress& group, Time now);
    void ask_about(uint16_t port, const GroupKey& key);
    void ask_all(uint16_t vlan, IpVersion v, Time now);
    void look_at_groups(Time now);
    void look_at_vlans(Time now);

    SnooperHands& hands_;
    SnooperConfig config_;
    std::map<uint16_t, SnoopedPort> ports_;
    std::map<uint16_t, Vlan> vlans_;
    std::map<GroupKey, Group> groups_;
    bool changed_ = false, told_full_ = false;
    uint64_t queries_ = 0, reports_ = 0, router_messages_ = 0, faulty_ = 0, queries_sent_ = 0;
};

}  // namespace vethway
