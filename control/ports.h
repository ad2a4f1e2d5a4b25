// SPDX-License-Identifier: Apache-2.0
// The ports there are: opens and closes devices as the configuration says, and describes them to
// the workers. Control thread.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "config/config.h"
#include "control/bridges.h"
#include "control/lags.h"
#include "dataplane/dataplane.h"

namespace vethway {

// A port's totals, over all workers and since the port was added.
struct PortTotals {
    uint64_t rx_packets = 0, rx_bytes = 0, tx_packets = 0, tx_bytes = 0;
    uint64_t checksum_completed = 0, tx_checksum_completed = 0;
    std::array<uint64_t, static_cast<size_t>(Bridged::kCount)> bridged{};
    std::array<uint64_t, kBurstBuckets> rx_bursts{};
    std::array<uint64_t, static_cast<size_t>(Consumed::kCount)> consumed{};
    std::array<uint64_t, static_cast<size_t>(Originated::kCount)> originated{};
    std::array<uint64_t, kDropReasons> dropped{};

    uint64_t all_consumed() const;
    uint64_t all_originated() const;
    uint64_t all_dropped() const;
    void add(const PortCounters& c);
    void subtract(const PortTotals& before);
};

class ManagedPort {
public:
    uint16_t index = 0;
    PortConfig config;
    std::unique_ptr<Port> device;  // null: `lo`
    std::vector<Ring> shared_tx;
    std::string link_down_reason;  // empty: the link is up
    bool link_up() const { return link_down_reason.empty(); }
    uint64_t link_changes = 0;  // from up to down, or back
    // Counts it, and tells the log; `reason_before`: what link_down_reason was.
    void tell_link_change(const std::string& reason_before);
    // What the configuration has no more is as it was before it had it.
    uint16_t wanted_mtu(const PortConfig& next) const;
    PortTotals before;  // what the index had counted when the port was added

    bool up() const { return config.admin_up && link_up(); }
    // "" when up, else "admin down" or what is wrong with the link ("no carrier").
    std::string down_reason() const;
    uint16_t mtu() const;
    Mac mac() const;
};

class Ports {
public:
    explicit Ports(Dataplane& dataplane);

    // Opens every port of `next` that is not open with the same driver settings. Throws PortError
    // and then has changed nothing; returns those opened, to be given to commit().
    using Opened = std::map<std::string, std::unique_ptr<Port>>;
    Opened open_new(const std::vector<PortConfig>& next);
    // Makes the ports of `next` those there are, publishes them, and closes those that went.
    // A port of its xconnects that is not among them is one that is still to come.
    void commit(const Config& next, Opened opened);
    // What workers do with neighbours and several next hops, from the next commit() on.
    void set_rules(const NeighbourTableConfig& neighbours, const MultipathConfig& multipath) {
        neighbour_table_ = neighbours;
        multipath_ = multipath;
    }
    // Looks at the links, and publishes what follows of them.
    void republish();
    // Publishes anew what is known of them. Returns when workers obey.
    void publish();
    // LACP has changed who carries: publishes it, and has `follower` look at what came of the
    // links. Returns when workers obey.
    void publish_carriers();
    void follow_links_by(std::function<void()> follower) { follower_ = std::move(follower); }
    void close_all();
    // Whether an interface was deleted and another of its name is there now.
    bool any_replaced() const;
    // What is in force for the port, and for the router.
    PortKnobs knobs_of(const ManagedPort& port) const;
    const Ip4Knobs& ip4() const { return ip4_; }
    const PortKnobSettings& defaults() const { return defaults_; }
    Bridges& bridges() { return bridges_; }
    const Bridges& bridges() const { return bridges_; }
    Lags& lags() { return lags_; }
    const Lags& lags() const { return lags_; }
    // The port that it is connected through to; null if none.
    const ManagedPort* other_end(const ManagedPort& port) const;

    const std::map<std::string, ManagedPort>& all() const { return ports_; }  // without `lo`
    std::map<std::string, ManagedPort>& all() { return ports_; }
    const ManagedPort* find(const std::string& name) const;
    const ManagedPort* find(uint16_t index) const;
    // The index of a port by its name; kNoPort: there is none yet.
    std::function<uint16_t(const std::string& port)> index_of() const {
        return [this](const std::string& name) {
            const ManagedPort* port = find(name);
            return port != nullptr ? port->index : kNoPort;
        };
    }
    // What the port of that index was called at a moment of the CPUs' clock; an index is used
    // again.
    std::string name_at(uint16_t index, uint64_t tsc) const;
    // Whether there is such a port, or was not long ago.
    bool knows(const std::string& name) const;
    // Of `lo`, or of a port.
    PortTotals totals(uint16_t index) const;

private:
    std::unique_ptr<Port> open(const PortConfig& config);
    uint16_t free_index() const;
    void remove(const std::string& name);
    void close_removed();
    void derive_links();
    Snapshot describe() const;

    Dataplane& dataplane_;
    std::map<std::string, ManagedPort> ports_;
    std::vector<ManagedPort> closing_;
    std::vector<XconnectConfig> xconnects_;
    Bridges bridges_;
    Lags lags_;
    std::function<void()> follower_ = [] {};
    PortKnobSettings defaults_;
    Ip4Knobs ip4_;
    NeighbourTableConfig neighbour_table_;
    MultipathConfig multipath_;
    const uint32_t drawn_hash_seed_ = std::random_device{}();
    // From when on an index was whose: what is recorded of a port outlives it.
    struct Naming {
        uint64_t since_tsc;
        uint16_t index;
        std::string name;
    };
    static constexpr size_t kMostNamings = 1024;
    std::deque<Naming> namings_;
    unsigned opened_so_far_ = 0;
};

}  // namespace vethway
