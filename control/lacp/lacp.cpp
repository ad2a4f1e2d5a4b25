// SPDX-License-Identifier: Apache-2.0
#include "control/lacp/lacp.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "control/lacp/group.h"

namespace vethway {

namespace {

constexpr unsigned kMostLacpSteps = 100'000;  // of one run: far more than any number of ports takes
constexpr unsigned kMostMarkers = 10;         // a second; annex 43B: of all slow protocols
constexpr std::chrono::seconds kLate{1};

bool step(LacpGroup& g, LacpTime now) {
    bool moved = false;
    for (auto& [index, p] : g.ports) moved |= turn_receive(g, p, now);
    for (auto& [index, p] : g.ports) moved |= turn_mux(g, p, now);  // who was let go leaves
    moved |= select(g);
    for (auto& [index, p] : g.ports) {
        moved |= turn_mux(g, p, now);
        moved |= turn_periodic(g, p, now);
        moved |= turn_churn(g, p, now);
    }
    return moved;
}

std::vector<LacpChange> changes_of(LacpGroup& g) {
    std::vector<LacpChange> changes;
    for (auto& [index, p] : g.ports) {
        if (p.is_attached() == p.told_attached && p.carries() == p.told_carries) continue;
        if (p.carries() != p.told_carries)
            g.say(p, p.carries() ? "carries frames" : "carries no frames any more");
        changes.push_back({index, p.is_attached(), p.carries()});
        p.told_attached = p.is_attached();
        p.told_carries = p.carries();
    }
    return changes;
}

// When it may send again what it was not let send.
LacpTime held_until(const LacpPort& p) { return p.ntt ? p.second_began + kFastPeriodic : kNever; }

}  // namespace

const char* to_string(LacpReceive state) noexcept {
    static constexpr const char* kWords[] = {"port disabled", "expired", "defaulted", "current"};
    return kWords[static_cast<size_t>(state)];
}

const char* to_string(LacpMux state) noexcept {
    static constexpr const char* kWords[] = {"detached", "waiting", "attached",
                                             "collecting and distributing"};
    return kWords[static_cast<size_t>(state)];
}

Lacp::Lacp(const LacpConfig& config, LacpHands& hands)
    : hands_(hands), group_(std::make_unique<LacpGroup>()) {
    group_->config = config;
}

Lacp::~Lacp() = default;

void Lacp::configure(const LacpConfig& config, Clock::time_point now) {
    const LacpConfig before = std::exchange(group_->config, config);
    const bool anew = before.system != config.system || before.key != config.key ||
                      before.system_priority != config.system_priority;
    for (auto& [index, p] : group_->ports) {
        if (anew) begin(*group_, p);
        p.actor.set(kLacpActivity, config.active);
        p.actor.set(kLacpShortTimeout, config.fast);
        p.ntt |= before.active != config.active || before.fast != config.fast;
    }
    run(now);
}

void Lacp::set_port(uint16_t port, const LacpPortConfig& config, Clock::time_point now) {
    const auto [at, is_new] = group_->ports.try_emplace(port);
    LacpPort& p = at->second;
    if (!is_new && p.config == config) return;
    p.index = port;
    p.config = config;
    begin(*group_, p);
    run(now);
}

void Lacp::remove_port(uint16_t port, Clock::time_point now) {
    if (group_->ports.erase(port) != 0) run(now);
}

void Lacp::link(uint16_t port, bool up, Clock::time_point now) {
    const auto at = group_->ports.find(port);
    if (at == group_->ports.end()) return;
    at->second.link = up;
    run(now);
}

void Lacp::frame_received(uint16_t port, std::span<const std::byte> frame, Clock::time_point now) {
    const auto at = group_->ports.find(port);
    if (at == group_->ports.end() || !at->second.link) return;
    LacpPort& p = at->second;
    const SlowReading read = read_slow(frame);
    if (const auto* marker = std::get_if<Marker>(&read.pdu)) {
        if (marker->is_response || !may_send(p, p.answered_in_second, kMostMarkers, now)) return;
        Marker answer = *marker;
        answer.is_response = true;
        ++p.markers_answered;
        return hands_.send(port, write_marker(answer, p.config.mac));
    }
    const auto* pdu = std::get_if<Lacpdu>(&read.pdu);
    if (pdu == nullptr) {
        if (p.refused++ == 0)  // the first; the rest are counted
            hands_.tell(fmt::format("lag {}: {}: frame from {} refused: {}", group_->config.name,
                                    p.config.name, read.from.to_string(), read.fault));
        return;
    }
    ++p.received;
    take(*group_, p, *pdu, now);
    run(now);
}

void Lacp::tick(Clock::time_point now) {
    const Clock::time_point was_due = due();
    if (now < was_due) return;
    if (now - was_due > kLate)
        for (auto& [index, p] : group_->ports)
            if (p.current_until != kNever) p.current_until += now - was_due;
    run(now);
}

Lacp::Clock::time_point Lacp::due() const {
    Clock::time_point next = kNever;
    std::optional<LacpTime> wait;  // for the last of those that come together
    for (const auto& [index, p] : group_->ports) {
        next = std::min({next, p.current_until, p.periodic_at, p.churn_at, held_until(p)});
        if (p.mux == LacpMux::waiting) wait = std::max(wait.value_or(p.wait_until), p.wait_until);
    }
    return std::min(next, wait.value_or(kNever));
}

// States are what workers do before an LACPDU says so.
void Lacp::run(Clock::time_point now) {
    LacpGroup& g = *group_;
    unsigned steps = 0;
    while (step(g, now))
        if (++steps == kMostLacpSteps) {
            g.events.push_back(
                fmt::format("lag {}: the state machines find no rest", g.config.name));
            break;
        }
    const std::vector<LacpChange> changes = changes_of(g);
    if (!changes.empty()) hands_.apply(changes);
    for (const std::string& event : std::exchange(g.events, {})) hands_.tell(event);
    for (auto& [index, p] : g.ports) transmit(g, p, hands_, now);
}

LacpStatus Lacp::status() const {
    LacpStatus status;
    if (group_->partner)
        status.partner = LacpParty{.system_priority = group_->partner->system_priority,
                                   .system = group_->partner->system,
                                   .key = group_->partner->key};
    for (const auto& [index, p] : group_->ports) {
        status.carrying = static_cast<uint16_t>(status.carrying + (p.carries() ? 1 : 0));
        status.ports.push_back({.port = index,
                                .link = p.link,
                                .selected = p.selected,
                                .churned = p.churned,
                                .receive = p.receive,
                                .mux = p.mux,
                                .actor = p.actor,
                                .partner = p.partner,
                                .why_not = p.why_not,
                                .received = p.received,
                                .sent = p.sent,
                                .refused = p.refused,
                                .markers_answered = p.markers_answered});
    }
    return status;
}

}  // namespace vethway
