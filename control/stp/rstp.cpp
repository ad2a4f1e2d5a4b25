// SPDX-License-Identifier: Apache-2.0
#include "control/stp/rstp.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "control/stp/bridge.h"

namespace vethway {

namespace {

constexpr unsigned kMostStpSteps = 100'000;  // of one run: far more than any number of ports takes
constexpr uint16_t kLeastForwardDelay = 2;  // of another's BPDU, as Linux's bridge takes none below

uint16_t id_of(uint16_t port, const RstpPortConfig& config) {
    return static_cast<uint16_t>(config.priority << 8U | (port + 1U));
}

void reselect_all(StpBridge& b) {
    for (auto& [index, p] : b.ports) {
        p.reselect = true;
        p.selected = false;
    }
}

// Until there is somebody to hear of.
void be_root(StpBridge& b) {
    b.root_priority = {b.id, 0, b.id, 0};
    b.root_times = b.bridge_times();
    b.root_port.reset();
}

void enable(StpPort& p) { p.port_enabled = p.link && !p.guarded; }

// All machines but transmission, each port once.
bool step(StpBridge& b) {
    bool moved = false;
    for (auto& [index, p] : b.ports) {
        moved |= receive(p);
        moved |= migrate_protocol(b, p);
        moved |= detect_bridge(p);
        moved |= take_information(b, p);
    }
    moved |= select_roles(b);
    for (auto& [index, p] : b.ports) {
        moved |= change_role(b, p);
        moved |= change_state(p);
        moved |= change_topology(b, p);
    }
    return moved;
}

std::vector<StpChange> changes_of(StpBridge& b) {
    std::vector<StpChange> changes;
    for (auto& [index, p] : b.ports) {
        const StpState state = p.state();
        if (p.role != p.told_role || state != p.told_state)
            b.say(p, fmt::format("{}, {}", to_string(p.role), to_string(state)));
        else if (!p.fdb_flush)
            continue;
        p.flushes += p.fdb_flush ? 1 : 0;
        changes.push_back({index, p.role, state, p.fdb_flush});
        p.told_role = p.role;
        p.told_state = state;
        p.fdb_flush = false;
    }
    return changes;
}

}  // namespace

const char* to_string(StpRole role) noexcept {
    static constexpr const char* kWords[] = {"disabled", "root", "designated", "alternate",
                                             "backup"};
    return kWords[static_cast<size_t>(role)];
}

const char* to_string(StpState state) noexcept {
    static constexpr const char* kWords[] = {"discarding", "learning", "forwarding"};
    return kWords[static_cast<size_t>(state)];
}

uint32_t path_cost_of(uint32_t speed_mbps) noexcept {
    if (speed_mbps == 0) return 2'000;
    return std::clamp<uint32_t>(20'000'000 / speed_mbps, 1, 200'000'000);
}

Rstp::Rstp(const RstpConfig& config, RstpHands& hands, Clock::time_point now)
    : hands_(hands), bridge_(std::make_unique<StpBridge>()), due_(now + std::chrono::seconds(1)) {
    bridge_->config = config;
    bridge_->id = {config.priority, config.mac};
    be_root(*bridge_);
}

Rstp::~Rstp() = default;

void Rstp::configure(const RstpConfig& config) {
    StpBridge& b = *bridge_;
    const bool anew = b.config.mac != config.mac || b.config.force_stp != config.force_stp;
    b.config = config;
    b.id = {config.priority, config.mac};
    if (anew)
        for (auto& [index, p] : b.ports) begin(b, p);
    reselect_all(b);
    run();
}

void Rstp::set_port(uint16_t port, const RstpPortConfig& config) {
    const auto [at, is_new] = bridge_->ports.try_emplace(port);
    StpPort& p = at->second;
    const RstpPortConfig before = std::exchange(p.config, config);
    p.id = id_of(port, config);
    if (is_new) {
        p.index = port;
        begin(*bridge_, p);
    } else {
        if (before.admin_edge != config.admin_edge) p.oper_edge = config.admin_edge;
        if (!config.bpdu_guard) p.guarded = false;
        enable(p);
    }
    reselect_all(*bridge_);
    run();
}

void Rstp::remove_port(uint16_t port) {
    if (bridge_->ports.erase(port) == 0) return;
    if (bridge_->ports.empty()) be_root(*bridge_);
    reselect_all(*bridge_);
    run();
}

void Rstp::link(uint16_t port, bool up, uint32_t speed_mbps) {
    const auto at = bridge_->ports.find(port);
    if (at == bridge_->ports.end()) return;
    StpPort& p = at->second;
    p.link = up;
    if (up && p.speed_mbps != speed_mbps) {
        p.speed_mbps = speed_mbps;
        p.reselect = true;
        p.selected = false;
    }
    enable(p);
    run();
}

void Rstp::bpdu_received(uint16_t port, std::span<const std::byte> frame) {
    const auto at = bridge_->ports.find(port);
    if (at == bridge_->ports.end() || !at->second.port_enabled) return;
    StpPort& p = at->second;
    const BpduReading read = read_bpdu(frame);
    if (p.config.bpdu_guard) {  // whatever it says
        p.guarded = true;
        p.guard_while = p.config.guard_recovery_s;
        bridge_->say(p,
                     fmt::format("BPDU guard: shut, a BPDU came from {}", read.from.to_string()));
        enable(p);
        return run();
    }
    if (!read.bpdu) {
        if (p.refused++ == 0)  // the first; the rest are counted
            bridge_->say(
                p, fmt::format("BPDU from {} refused: {}", read.from.to_string(), read.fault));
        return;
    }
    ++p.received;
    p.message = *read.bpdu;
    StpTimes& t = p.message.times;
    t.hello_s = std::max<uint16_t>(t.hello_s, 1);  // 17.21.12
    t.forward_delay_s = std::max(t.forward_delay_s, kLeastForwardDelay);
    const bool is_own = p.message.type != BpduType::tcn && p.message.vector.bridge == bridge_->id &&
                        p.message.vector.port == p.id;
    if (is_own && !p.own_came_back)
        bridge_->say(p, "its own BPDU came back: the link is looped, and stays blocked");
    p.own_came_back = is_own;
    const bool spoke_rstp = p.send_rstp;
    p.rcvd_bpdu = true;
    run();
    if (spoke_rstp != p.send_rstp)
        hands_.tell(fmt::format("bridge {}: {}: its neighbour speaks {}", bridge_->config.name,
                                p.config.name, p.send_rstp ? "RSTP" : "STP only"));
}

bool Rstp::recover(uint16_t port) {
    const auto at = bridge_->ports.find(port);
    if (at == bridge_->ports.end() || !at->second.guarded) return false;
    at->second.guarded = false;
    bridge_->say(at->second, "BPDU guard: open again");
    enable(at->second);
    run();
    return true;
}

bool Rstp::migrate(uint16_t port) {
    const auto at = bridge_->ports.find(port);
    if (at == bridge_->ports.end() || !bridge_->rstp_version()) return false;
    at->second.mcheck = true;
    run();
    return true;
}

void Rstp::tick(Clock::time_point now) {
    if (now < due_) return;
    constexpr auto kSecond = std::chrono::seconds(1);
    due_ = now - due_ < kSecond ? due_ + kSecond : now + kSecond;
    for (auto& [index, p] : bridge_->ports) {
        const bool was_waiting = p.guarded && p.guard_while > 0;
        count_down(p);
        if (!was_waiting || p.guard_while > 0) continue;
        p.guarded = false;
        bridge_->say(p, "BPDU guard: open again");
        enable(p);
    }
    run();
}

// States are what workers do before a BPDU says so: an agreement is a promise.
void Rstp::run() {
    StpBridge& b = *bridge_;
    unsigned steps = 0;
    while (step(b))
        if (++steps == kMostStpSteps) {
            b.events.push_back(
                fmt::format("bridge {}: the state machines find no rest", b.config.name));
            break;
        }
    const std::vector<StpChange> changes = changes_of(b);
    if (!changes.empty()) hands_.apply(changes);
    for (const std::string& event : std::exchange(b.events, {})) hands_.tell(event);
    for (auto& [index, p] : b.ports)
        while (transmit(b, p, hands_)) {
        }
}

RstpStatus Rstp::status() const {
    const StpBridge& b = *bridge_;
    RstpStatus status{.id = b.id,
                      .root = b.root_priority.root,
                      .root_cost = b.root_priority.cost,
                      .root_port = b.root_port,
                      .times = b.root_times,
                      .topology_changes = b.topology_changes,
                      .ports = {}};
    for (const auto& [index, p] : b.ports)
        status.ports.push_back({.port = index,
                                .role = p.role,
                                .state = p.state(),
                                .link = p.link,
                                .edge = p.oper_edge,
                                .point_to_point = p.config.point_to_point,
                                .speaks_stp = !p.send_rstp,
                                .guarded = p.guarded,
                                .root_guarded = p.told_root_guard,
                                .id = p.id,
                                .path_cost = p.path_cost(),
                                .designated = p.port_priority,
                                .bpdus_received = p.received,
                                .bpdus_sent = p.sent,
                                .bpdus_refused = p.refused,
                                .flushes = p.flushes});
    return status;
}

}  // namespace vethway
