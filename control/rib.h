// SPDX-License-Identifier: Apache-2.0
// The routes there are, and of each prefix the one that is used. Control thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "control/ports.h"

namespace vethway {

enum class RouteOrigin : uint8_t { local, broadcast, connected, configured };

struct RibHop {
    std::optional<Ip4> via;
    std::string port;
    uint16_t weight = 1;
    bool onlink = false;
    bool up = false;
};

// One route; of several to a prefix at most one is active.
struct RibRoute {
    Prefix4 to;
    RouteOrigin origin = RouteOrigin::configured;
    RouteAction action = RouteAction::forward;  // of a configured one
    uint32_t metric = 0;
    std::vector<RibHop> hops;
    std::optional<Ip4> source;  // of a connected or local one: our address there; else src
    RouteScope scope = RouteScope::global;
    std::optional<uint32_t> nhid;
    bool active = false;
    std::string inactive_reason;

    // "local", "broadcast", "connected", "static", or the action's name.
    std::string type() const;
};

class Rib {
public:
    explicit Rib(RouteTable& fib) : fib_(fib) {}

    // Works out all routes anew, and changes in the FIB what differs, one prefix at a time. Throws
    // std::length_error when the FIB's limits are reached.
    void update(const Config& config, const Ports& ports);
    const std::vector<RibRoute>& routes() const { return routes_; }  // by prefix, then metric
    // The active route that a packet to `destination` takes.
    const RibRoute* lookup(Ip4 destination) const;
    // The next hop by `port` of the longest prefix that has one which is up, active or not: what a
    // socket that is bound to a device finds. Null: none.
    const RibHop* lookup_by(Ip4 destination, const std::string& port) const;

private:
    RouteTable& fib_;
    std::vector<RibRoute> routes_;
    std::map<Prefix4, RouteEntry> installed_;
};

}  // namespace vethway
