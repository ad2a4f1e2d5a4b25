// SPDX-License-Identifier: Apache-2.0
#include "control/controller.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "config/parse.h"
#include "control/plan.h"

namespace vethway {

// While routes change, old and new are in the tables together; of addresses there are two entries a
// port, of which none is two ports'.
static_assert(2 * kMaxRoutes + 4 * kMaxConfigPorts < RouteTable::kMaxEntries);
static_assert(kMaxNeighbours <= DataplaneOptions{}.max_neighbours / 2);
static_assert(kMaxConfigPorts <= RTE_MAX_ETHPORTS && kMaxConfigPorts < kMaxPorts);

Controller::Controller(Dataplane& dataplane, Machine machine, const Config& fixed)
    : dataplane_(dataplane),
      machine_(std::move(machine)),
      config_(fixed),
      ports_(dataplane),
      rib_(dataplane.routes()),
      neighbours_(dataplane, ports_),
      pinger_(dataplane, ports_, rib_) {
    config_.ports.clear();
    config_.routes.clear();
    config_.neighbours.clear();
}

Controller::~Controller() {
    dataplane_.stop();
    ports_.close_all();
}

// Whatever can fail comes before the first change.
std::vector<std::string> Controller::apply(const Config& next) {
    validate(next);
    if (auto restarts = restarts_between(config_, next); !restarts.empty())
        throw ConfigError(std::move(restarts));
    std::vector<std::string> changes = changes_between(config_, next);
    Ports::Opened opened = ports_.open_new(next.ports);
    for (const auto& [name, port] : opened)
        if (!port->info().note.empty()) spdlog::warn("port {}: {}", name, port->info().note);
    ports_.commit(next.ports, std::move(opened));
    config_ = next;
    rib_.update(config_, ports_);
    neighbours_.forget_removed_ports();
    neighbours_.set_permanent(config_.neighbours);
    return changes;
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
    pinger_.expire();
    check_links(Links::without_netdev);
}

void Controller::check_links(Links which) {
    bool changed = false;
    for (auto& [name, port] : ports_.all()) {
        if (which == Links::without_netdev && !port.device->info().netdev.empty()) continue;
        const bool up = port.device->link_up();
        if (up != port.link_up) spdlog::info("port {}: link {}", name, up ? "up" : "down");
        changed |= up != port.link_up;
        const uint16_t before = port.device->info().mtu;
        if (port.device->refresh()) {
            spdlog::info("port {}: MTU {}, was {}", name, port.mtu(), before);
            changed = true;
        }
    }
    if (which == Links::all && ports_.any_replaced()) return reopen();
    if (!changed) return;
    ports_.republish();
    rib_.update(config_, ports_);
}

// An interface has come back as another of the same name: a container that was restarted.
void Controller::reopen() {
    try {
        apply(config_);
        spdlog::info("ports: opened again what was made anew");
    } catch (const std::exception& e) {
        spdlog::error("ports: {}", e.what());
    }
}

Books Controller::books() const {
    Books sums;
    for (const Counters* c : dataplane_.all_counters()) sums.add(c->books());
    return sums;
}

}  // namespace vethway
