// SPDX-License-Identifier: Apache-2.0
// Which port's link an address is on.
#pragma once

#include <array>
#include <string>
#include <unordered_map>

#include "config/config.h"

namespace vethway {

class LinkMap {
public:
    // What is on `port`'s link: a subnet of it, or where a route of scope link leads. Of two with
    // one prefix the first stays.
    void add(const Prefix4& prefix, const std::string& port) {
        by_length_.at(prefix.length).emplace(prefix.network().address.value, port);
    }
    void add_routes(const std::vector<RouteConfig>& routes);
    // By the longest prefix; null if none has it.
    const std::string* port_of(Ip4 ip) const;

private:
    std::array<std::unordered_map<uint32_t, std::string>, 33> by_length_;
};

}  // namespace vethway
