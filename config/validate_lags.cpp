// SPDX-License-Identifier: Apache-2.0
#include "config/validate_lags.h"

#include <algorithm>
#include <set>

namespace vethway {

namespace {

class LagChecker : private ProblemFinder {
public:
    LagChecker(const Config& config, PortUses& uses, std::vector<Problem>& problems)
        : ProblemFinder(problems), config_(config), uses_(uses) {}

    void run() {
        if (config_.lags.size() > kMaxLags)
            add("lags", "more than " + std::to_string(kMaxLags) + " LAGs");
        for (size_t i = 0; i < config_.lags.size(); ++i)
            check_lag(config_.lags[i], indexed("lags", i));
    }

private:
    void check_lag(const LagConfig& lag, const std::string& path) {
        if (lag.members.size() > kMaxLagMembers)
            add(path + ".members", "more than " + std::to_string(kMaxLagMembers) + " members");
        for (size_t i = 0; i < lag.members.size(); ++i)
            check_member(lag, lag.members[i], indexed(path + ".members", i));
        if (lag.key < 1 || lag.key > 65535) add(path + ".key", "expected 1 to 65535");
        if (lag.system_priority > 65535) add(path + ".system_priority", "expected 0 to 65535");
        if (lag.min_links > lag.members.size() && !lag.members.empty())
            add(path + ".min_links", "more than there are members");
        // A LAG is a system of its own by its MAC; who gives two the same has one system.
        if (lag.mode == LagMode::lacp && lag.port.mac &&
            !systems_.emplace(*lag.port.mac, lag.key).second)
            add(path + ".key", "another LAG with MAC " + lag.port.mac->to_string() +
                                   " has this key: partners can't tell them apart");
    }

    void check_member(const LagConfig& lag, const std::string& name, const std::string& at) {
        const PortConfig* port = wire_named(config_, name);
        if (port == nullptr)
            add_following(at, "there is no port \"" + name + '"');
        else if (port->is_logical())
            add_following(at, "port " + name + " has no wire of its own: members are devices");
        else if (!port->addresses.empty())
            add_following(at, "port " + name + " has addresses: give them to the LAG");
        const std::string other = uses_.take(name, "is a member of LAG " + lag.port.name);
        if (!other.empty()) add(at, other);
    }

    const Config& config_;
    PortUses& uses_;
    std::set<std::pair<Mac, uint32_t>> systems_;
};

}  // namespace

const PortConfig* wire_named(const Config& config, const std::string& name) {
    const auto port = std::ranges::find(config.ports, name, &PortConfig::name);
    if (port != config.ports.end()) return &*port;
    const auto lag = std::ranges::find_if(
        config.lags, [&](const LagConfig& one) { return one.port.name == name; });
    return lag == config.lags.end() ? nullptr : &lag->port;
}

const LagConfig* lag_of_member(const Config& config, const std::string& port) {
    const auto lag = std::ranges::find_if(config.lags, [&](const LagConfig& one) {
        return std::ranges::find(one.members, port) != one.members.end();
    });
    return lag == config.lags.end() ? nullptr : &*lag;
}

void find_lag_problems(const Config& config, PortUses& uses, std::vector<Problem>& problems) {
    LagChecker(config, uses, problems).run();
}

}  // namespace vethway
