// SPDX-License-Identifier: Apache-2.0
#include "control/controller.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "config/parse.h"
#include "control/plan.h"
#include "dataplane/l2/bridge_input.h"
#include "dataplane/meta.h"

namespace vethway {

// While routes change, old and new are in the tables together; of addresses there are two entries a
// port, of which none is two ports'.
constexpr size_t kMostPorts = kMaxConfigPorts + kMaxLags + kMaxBridges;
static_assert(2 * kMaxRoutes + 4 * kMostPorts < RouteTable::kMaxEntries);
static_assert(kMaxDpdkPorts <= RTE_MAX_ETHPORTS && kMostPorts < kMaxPorts);
static_assert(kMaxBridges == kMaxDomains && kMaxBridgeMembers == kMaxMembers);

// Between two tries that fail.
constexpr std::chrono::seconds kReopenPause{1};
// Of punted packets, so that whoever sends many does not keep the control thread from all else.
constexpr unsigned kMostPuntedAtOnce = 256;

Controller::Controller(Dataplane& dataplane, Machine machine, const Config& fixed)
    : dataplane_(dataplane),
      machine_(std::move(machine)),
      config_(fixed),
      ports_(dataplane),
      announcements_(dataplane, ports_),
      rib_(dataplane.routes()),
      neighbours_(dataplane, ports_),
      reassembly_(dataplane, ports_),
      paths_(dataplane, ports_, rib_, neighbours_),
      prober_(dataplane, ports_, rib_, paths_),
      spanning_trees_(dataplane, ports_),
      loop_watch_(dataplane, ports_),
      snooping_(dataplane, ports_) {
    config_.ip4 = {};
    config_.defaults = {};
    config_.ports.clear();
    config_.lags.clear();
    config_.xconnects.clear();
    config_.bridges.clear();
    config_.routes.clear();
    config_.nexthops.clear();
    config_.neighbours.clear();
    ports_.follow_links_by([this] {
        if (!is_applying_) follow_links();
    });
}

Controller::~Controller() {
    dataplane_.stop();
    ports_.close_all();
}

// With ports in place of patterns, and those that bridges have of their own.
Config Controller::expand(const Config& config) {
    Config effective = adoption_.expand(config);
    effective.ports = all_ports(effective);
    return effective;
}

// With those of the ports that patterns of `of` stand for that `other` writes itself: whether it is
// written or stands for itself, a port is the same one.
static Config written_out(const Config& of, const Config& effective, const Config& other) {
    const auto has = [](const std::vector<PortConfig>& ports, const std::string& name) {
        return std::ranges::find(ports, name, &PortConfig::name) != ports.end();
    };
    Config out = of;
    for (const PortConfig& port : effective.ports)
        if (has(other.ports, port.name) && !has(of.ports, port.name)) out.ports.push_back(port);
    return out;
}

// Whatever can fail comes before the first change.
std::vector<std::string> Controller::apply(const Config& next) {
    validate(next);
    if (auto restarts = restarts_between(config_, next); !restarts.empty())
        throw ConfigError(std::move(restarts));
    Config effective = expand(next);
    std::vector<std::string> changes = changes_between(written_out(config_, effective_, next),
                                                       written_out(next, effective, config_));
    Ports::Opened opened = ports_.open_new(effective.ports);
    for (const auto& [name, port] : opened)
        if (!port->info().note.empty()) spdlog::warn("port {}: {}", name, port->info().note);
    ports_.set_rules(effective.neighbour_table, effective.multipath);
    is_applying_ = true;  // links that change by it are followed behind it
    ports_.commit(effective, std::move(opened));
    is_applying_ = false;
    config_ = next;
    effective_ = std::move(effective);
    rib_.update(effective_, ports_);
    neighbours_.forget_removed_ports();
    neighbours_.forget_links_that_are_down();
    reassembly_.forget_removed_ports();
    reassembly_.configure();
    neighbours_.configure(effective_.neighbour_table);
    neighbours_.set_permanent(effective_.neighbours);
    announcements_.update();
    spanning_trees_.follow();
    loop_watch_.follow();
    snooping_.follow();
    return changes;
}

const PortConfig* Controller::adopted(const std::string& port) const {
    const auto is_it = [&](const PortConfig& p) { return p.name == port; };
    if (std::ranges::any_of(all_ports(config_), is_it)) return nullptr;
    const auto found = std::ranges::find_if(effective_.ports, is_it);
    return found != effective_.ports.end() ? &*found : nullptr;
}

std::vector<std::string> Controller::reload() {
    reload_.at = std::chrono::system_clock::now();
    try {
        auto changes = apply(load_config(machine_.config_file));
        reload_.ok = true;
        reload_.error.clear();
        reload_.succeeded_at = reload_.at;
        ++reload_.successes;
        for (const std::string& change : changes) spdlog::info("reload: {}", change);
        spdlog::info("reload: {} changes from {}", changes.size(), machine_.config_file);
        return changes;
    } catch (const std::exception& e) {
        reload_.ok = false;
        reload_.error = e.what();
        ++reload_.failures;
        spdlog::error("reload refused, running on as before: {}", e.what());
        throw;
    }
}

void Controller::tick() {
    neighbours_.tick();
    reassembly_.tick();
    paths_.tick();
    ports_.bridges().tick(ports_);
    take_punted();  // a partner that has spoken is not silent
    ports_.lags().tick();
    spanning_trees_.tick();
    loop_watch_.tick(std::chrono::steady_clock::now());
    snooping_.tick();
    check_links(Links::to_be_asked);
}

void Controller::take_punted() {
    PuntQueue& punted = dataplane_.punt_queue();
    punted.acknowledge();
    unsigned n = 0;
    while (rte_mbuf* m = n < kMostPuntedAtOnce ? punted.pop() : nullptr) {
        const auto group = reserved_group(ether(*m).dst);
        if (group == kBridgeGroup)
            spanning_trees_.take(*m);
        else if (!ports_.lags().take(*m) && !snooping_.take(*m))
            prober_.take(*m);
        rte_pktmbuf_free(m);
        ++n;
    }
    snooping_.publish();
    if (n == kMostPuntedAtOnce) punted.put_off();
}

// Which interfaces there are, and what the kernel has on them, as far as patterns ask for it.
void Controller::follow_interfaces() {
    if (!has_patterns(config_)) return;
    const Config effective = expand(config_);
    if (effective == effective_) return;
    apply_again("interfaces: taken over as they are now");
}

// What else there is does as the ports' links are.
void Controller::follow_links() {
    rib_.update(effective_, ports_);
    announcements_.update();
    neighbours_.forget_links_that_are_down();
    spanning_trees_.follow();
    snooping_.follow();
}

void Controller::check_links(Links which) {
    // Of addresses the link monitor says nothing.
    if (which == Links::all || ++ticks_ % 10 == 0) follow_interfaces();
    bool changed = false;
    for (auto& [name, port] : ports_.all()) {
        const PortInfo& info = port.device->info();
        // The kernel tells of its interfaces, but only of those in our own network namespace.
        if (which == Links::to_be_asked && !info.netdev.empty() && info.netns.empty()) continue;
        const std::string before_reason = port.link_down_reason;
        port.link_down_reason = port.device->down_reason();
        if (before_reason != port.link_down_reason) {
            changed = true;
            port.tell_link_change(before_reason);
        }
        const uint16_t before = port.device->info().mtu;
        if (port.device->refresh()) {
            changed = true;
            if (port.mtu() != before)
                spdlog::info("port {}: MTU {}, was {}", name, port.mtu(), before);
        }
    }
    if (changed) {
        ports_.republish();
        follow_links();
    }
    // A container that was restarted: its interface has come back as another of the same name.
    if (ports_.any_replaced()) apply_again("ports: opened again what was made anew");
}

void Controller::apply_again(const char* what_for) {
    const auto now = std::chrono::steady_clock::now();
    if (!reopen_error_.empty() && now < reopened_at_ + kReopenPause) return;
    reopened_at_ = now;
    try {
        apply(config_);
        reopen_error_.clear();
        spdlog::info("{}", what_for);
    } catch (const std::exception& e) {
        if (reopen_error_ != e.what()) spdlog::error("ports: {}", e.what());
        reopen_error_ = e.what();
    }
}

Books Controller::books() const {
    Books sums;
    for (const Counters* c : dataplane_.all_counters()) sums.add(c->books());
    return sums;
}

}  // namespace vethway
