// SPDX-License-Identifier: Apache-2.0
// The rules between values, as validate() and parse_config() both apply them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/config.h"

namespace vethway {

struct Problem {
    std::string path;  // "ports[1].mac"
    std::string why;
    // Says something only if the ports were read without a problem: it may be a consequence of one.
    bool follows_from_ports = false;
};

// The path of item `i` of the list at `path`.
inline std::string indexed(const std::string& path, size_t i) {
    return path + '[' + std::to_string(i) + ']';
}

// Of who looks for problems, a class for each part of the configuration.
class ProblemFinder {
protected:
    explicit ProblemFinder(std::vector<Problem>& problems) : problems_(problems) {}
    void add(const std::string& path, const std::string& why) { problems_.push_back({path, why}); }
    void add_following(const std::string& path, const std::string& why) {
        problems_.push_back({path, why, true});
    }

    std::vector<Problem>& problems_;
};

// Which ports an xconnect, a LAG or a bridge has for itself: each is in one of these at most.
class PortUses {
public:
    explicit PortUses(const std::vector<XconnectConfig>& xconnects) {
        for (const XconnectConfig& x : xconnects)
            for (const std::string& port : {x.a, x.b}) uses_.emplace(port, "is connected through");
    }
    // The port is used as `use` says ("is a member of LAG lag1"). What is in the way; "": nothing.
    std::string take(const std::string& port, const std::string& use) {
        const auto [found, first] = uses_.emplace(port, use);
        return first ? "" : "port " + port + ' ' + found->second + " already";
    }

private:
    std::map<std::string, std::string> uses_;  // by port
};

std::vector<Problem> find_problems(const Config& config);

// What is in `ports`, or a LAG: what frames come and go by. Null: there is none of that name.
const PortConfig* wire_named(const Config& config, const std::string& name);
// The LAG that the port is a member of; null: none.
const LagConfig* lag_of_member(const Config& config, const std::string& port);

}  // namespace vethway
