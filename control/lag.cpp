// SPDX-License-Identifier: Apache-2.0
#include "control/lag.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "control/logical_port.h"
#include "control/ports.h"

namespace vethway {

namespace {

constexpr unsigned kMostHeard = 10;  // a second
constexpr double kMostLines = 20;    // at once; and two a second
constexpr double kLinesASecond = 2;

LacpConfig lacp_config(const LagConfig& c, const Mac& system) {
    return {.name = c.port.name,
            .system = system,
            .system_priority = static_cast<uint16_t>(c.system_priority),
            .key = static_cast<uint16_t>(c.key),
            .active = c.activity == LacpActivity::active,
            .fast = c.rate == LacpRate::fast};
}

}  // namespace

void Lag::set(const LagConfig& config) {
    config_ = config;
    if (speaks_lacp()) return;
    lacp_.reset();
    told_.clear();
    for (Member& m : members_) m.agreed = false;
}

// A LAG is a system of its own, as a bond of Linux is: nothing else of this switch can have its MAC
// and key, and a switch whose LAGs are cabled to each other is no trouble.
Mac Lag::system() const {
    const ManagedPort* own = ports_.find(config_.port.name);
    return own != nullptr ? own->mac() : Mac{};
}

void Lag::look() {
    std::vector<Member> before = std::exchange(members_, {});
    for (const std::string& name : config_.members) {
        const ManagedPort* port = ports_.find(name);
        const uint16_t index = port != nullptr ? port->index : kNoPort;
        const auto known = std::ranges::find_if(
            before, [&](const Member& m) { return m.name == name && m.port == index; });
        Member member = known != before.end() ? *known : Member{.name = name, .port = index};
        member.link = port != nullptr && port->up() && config_.port.admin_up;
        members_.push_back(member);
    }
    deal_out_buckets();
}

void Lag::inform(Clock::time_point now) {
    if (!speaks_lacp()) return;
    const LacpConfig config = lacp_config(config_, system());
    if (lacp_ == nullptr)
        lacp_ = std::make_unique<Lacp>(config, static_cast<LacpHands&>(*this));
    else
        lacp_->configure(config, now);
    const std::vector<Member> members = members_;  // by what is said its own change
    for (const uint16_t port : told_)
        if (std::ranges::find(members, port, &Member::port) == members.end())
            lacp_->remove_port(port, now);
    told_.clear();
    for (const Member& m : members) {
        const ManagedPort* port = ports_.find(m.name);
        if (port == nullptr || m.port == kNoPort) continue;
        told_.push_back(m.port);
        lacp_->set_port(m.port, {.name = m.name, .mac = port->mac()}, now);
        lacp_->link(m.port, m.link, now);
    }
}

void Lag::tick(Clock::time_point now) {
    if (lacp_ != nullptr) lacp_->tick(now);
}

bool Lag::frame_received(uint16_t port, std::span<const std::byte> frame, Clock::time_point now) {
    Member* const m = member_at(port);
    if (m == nullptr || lacp_ == nullptr) return false;
    if (now - m->second_began >= std::chrono::seconds(1)) {
        m->second_began = now;
        m->heard_in_second = 0;
    }
    if (m->heard_in_second == kMostHeard) {
        ++m->unheard;
        return true;
    }
    ++m->heard_in_second;
    lacp_->frame_received(port, frame, now);
    return true;
}

Lag::Member* Lag::member_at(uint16_t port) {
    const auto found = std::ranges::find(members_, port, &Member::port);
    return found == members_.end() ? nullptr : &*found;
}

bool Lag::carries(const Member& member) const {
    return member.link && (member.agreed || !speaks_lacp());
}

uint16_t Lag::carrying() const {
    return static_cast<uint16_t>(
        std::ranges::count_if(members_, [this](const Member& m) { return carries(m); }));
}

std::optional<LacpStatus> Lag::lacp() const {
    return lacp_ != nullptr ? std::optional(lacp_->status()) : std::nullopt;
}

std::string Lag::why_not(const Member& member) const {
    if (carries(member)) return "";
    const ManagedPort* port = ports_.find(member.name);
    if (port == nullptr) return "there is no such port yet";
    if (!port->up()) return port->down_reason();
    if (!config_.port.admin_up) return "the LAG is admin down";
    const LacpStatus status = lacp_ != nullptr ? lacp_->status() : LacpStatus{};
    const auto of = std::ranges::find(status.ports, member.port, &LacpPortStatus::port);
    if (of == status.ports.end()) return "not looked at yet";
    if (of->why_not[0] != '\0') return of->why_not;
    return of->mux == LacpMux::attached ? "its partner has not agreed yet"
                                        : "waits for others that may come with it";
}

void Lag::deal_out_buckets() {
    std::vector<uint16_t> carrying;
    for (const Member& m : members_)
        if (carries(m)) carrying.push_back(m.port);
    deal_out(buckets_, carrying);
}

// What Linux calls the carrier of a bond (bond_set_carrier, min_links).
std::string Lag::down_reason() const {
    if (members_.empty()) return "it has no members";
    const uint16_t n = carrying();
    if (n > 0 && n >= config_.min_links) return "";
    std::string words = fmt::format("{} of {} members carry", n, members_.size());
    if (n > 0) words += fmt::format(", min_links is {}", config_.min_links);
    return words;
}

void Lag::derive() {
    const auto own = ports_.all().find(config_.port.name);
    if (own == ports_.all().end()) return;
    auto* const port = dynamic_cast<LogicalPort*>(own->second.device.get());
    if (port == nullptr) return;
    uint16_t mtu = kMaxMtu;
    bool any = false, offloads = false, super_frames = false;
    for (const Member& m : members_) {
        const ManagedPort* member = ports_.find(m.name);
        if (member == nullptr) continue;
        any = true;
        mtu = std::min(mtu, member->mtu());
        offloads |= member->device->info().offloads;
        super_frames |= member->device->info().super_frames;
    }
    port->take(down_reason(), any ? mtu : uint16_t{1500}, config_.port.mtu.has_value());
    port->take_offloads(offloads, super_frames, true);
}

void Lag::describe(Snapshot& next) const {
    const ManagedPort* own = ports_.find(config_.port.name);
    if (own == nullptr) return;
    next.any_l2 = true;
    next.ports[own->index].kind = PortKind::lag;
    next.ports[own->index].lag_table = std::make_shared<const LagTable>(
        LagTable{.hash = config_.hash, .carrying = carrying(), .buckets = buckets_});
    for (const Member& m : members_)
        if (m.port != kNoPort)
            next.ports[m.port].lag = {
                .lag = own->index, .carries = carries(m), .lacp = speaks_lacp()};
}

// --- Hands -----------------------------------------------------------------------------------
void Lag::apply(std::span<const LacpChange> changes) {
    for (const LacpChange& change : changes)
        if (Member* m = member_at(change.port)) m->agreed = change.carries;
    deal_out_buckets();
    ports_.publish_carriers();
}

void Lag::send(uint16_t port, std::span<const std::byte> frame) {
    dataplane_.send_l2(port, frame);  // what is lost is said again in time
}

void Lag::tell(const std::string& event) {
    const auto now = Clock::now();
    const std::chrono::duration<double> passed = now - std::exchange(last_line_, now);
    lines_ = std::max(0.0, lines_ - passed.count() * kLinesASecond);
    if (lines_ + 1 > kMostLines) {
        ++left_out_;
        return;
    }
    ++lines_;
    if (const uint64_t left_out = std::exchange(left_out_, 0); left_out > 0)
        spdlog::warn("lag {}: {} lines left out", config_.port.name, left_out);
    spdlog::info("{}", event);
}

}  // namespace vethway
