// SPDX-License-Identifier: Apache-2.0
// Ports by pattern: what `match` stands for, as interfaces appear. Control thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/config.h"

namespace vethway {

class Adoption {
public:
    // `config` with a port in place of each of its patterns for every Ethernet interface of our
    // network namespace that fits and is no other port's, and, where they are wanted, the IPv4
    // addresses and routes that the kernel has on it. An interface that went stays a port, which is
    // down, until the pattern goes: it may come back. One that can't be a port (its addresses
    // overlap another's, there are too many) is left out, and the log says why, once.
    Config expand(const Config& config);
    // The pattern by which expand() makes a port of that interface; null: there is none.
    static const PortConfig* pattern_for(const Config& config, const std::string& interface);

private:
    struct Kept {
        PortConfig port;
        std::vector<RouteConfig> routes;
    };
    void adopt(const Config& config);
    void refuse(const std::string& interface, const std::string& why);

    std::map<std::string, Kept> kept_;            // by interface
    std::map<std::string, std::string> refused_;  // why
};

}  // namespace vethway
