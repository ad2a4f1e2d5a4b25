// SPDX-License-Identifier: Apache-2.0
// The bridge domains and the ports without a wire: what follows from the configuration for the
// workers, and what the control thread does for the table of stations. Control thread.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "config/config.h"
#include "control/snooping/snooper.h"
#include "dataplane/dataplane.h"

namespace vethway {

class Ports;
class ManagedPort;

// What is shown of a station.
struct StationView {
    std::string bridge, port;
    Mac mac;
    uint16_t vlan = 0;  // 0: the bridge knows none
    bool is_static = false, is_damped = false;
    double age_s = 0;  // since it was heard of
};

// Which stations; empty or 0: of any.
struct StationFilter {
    std::string bridge, port;
    uint16_t vlan = 0;
    std::optional<Mac> mac;
};

// A member's state where nothing but the configuration settles it.
MemberState first_state(MemberStateConfig state);

class Bridges {
public:
    explicit Bridges(Dataplane& dataplane) : dataplane_(dataplane) {}

    // From now on; throws nothing, as `bridges` are checked.
    void set(const std::vector<BridgeConfig>& bridges);
    const std::vector<BridgeConfig>& all() const { return bridges_; }
    const BridgeConfig* find(const std::string& bridge) const;
    uint16_t domain_of(const std::string& bridge) const;
    // The bridge that the port is a member of; null: none.
    const BridgeConfig* of_member(const std::string& port) const;

    // Link, MTU and offloads of ports without a wire, from those below.
    static void derive(Ports& ports, const std::vector<BridgeConfig>& bridges);
    // Adds domains, members and VLANs to `next`, which has the ports.
    void describe(const Ports& ports, Snapshot& next) const;
    // Before `next` is published: the state of those who become members by it.
    void prepare(const Ports& ports);
    // After it: nobody learns by what went, so what is known of it is forgotten.
    void settle(const Ports& ports);
    void tick(const Ports& ports);  // every 100 ms

    std::vector<StationView> stations(const Ports& ports, const StationFilter& filter) const;
    // The member that the station is behind, learned or static; empty: nobody knows.
    std::string place_of(const Ports& ports, const std::string& bridge, uint16_t vlan,
                         const Mac& mac) const;
    size_t flush(const Ports& ports, const StationFilter& filter);  // static ones stay
    // All that was learned behind these ports, of one bridge, whose topology has changed.
    void forget(std::span<const uint16_t> ports);
    // How often that has been.
    uint64_t topology_changes(const std::string& bridge) const;
    // What a bridge has learned of groups; nothing: it does not.
    using LearnedGroups = std::function<std::optional<SnooperStatus>(const std::string& bridge)>;
    void learn_groups_by(LearnedGroups learned) { learned_groups_ = std::move(learned); }
    uint32_t learned(const std::string& bridge) const;
    const char* state_of(const ManagedPort& port) const;

private:
    struct Known {
        uint16_t domain;
        MemberStateConfig state;
        bool spanning_tree;  // which settles its state from then on
        friend bool operator==(const Known&, const Known&) = default;
    };
    std::string bridge_of(uint16_t domain) const;
    bool matches(const FdbEntry& entry, const Ports& ports, const StationFilter& filter) const;
    bool is_current(const FdbEntry& entry) const;
    void tell_damped(const Ports& ports);
    static uint32_t tick_now();

    Dataplane& dataplane_;
    std::vector<BridgeConfig> bridges_;
    std::map<std::string, uint16_t> domains_;  // a bridge keeps its number
    std::map<uint16_t, Known> members_;        // by the port's index, as published
    std::map<uint64_t, uint16_t> static_;      // FdbKey::packed() -> port, as set
    unsigned part_ = 0;                        // of the table, to be looked at next
    uint64_t damped_ = 0;                      // so many times, when last looked at
    std::set<uint64_t> told_;                  // of stations that are damped
    std::map<uint16_t, uint64_t> changes_;     // of the topology, by domain
    LearnedGroups learned_groups_ = [](const std::string&) { return std::nullopt; };
};

}  // namespace vethway
