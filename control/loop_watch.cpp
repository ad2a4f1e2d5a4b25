// SPDX-License-Identifier: Apache-2.0
#include "control/loop_watch.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace vethway {

namespace {

constexpr std::chrono::seconds kBetweenRounds{1}, kBetweenLooks{1};
constexpr std::chrono::milliseconds kTick{100};
constexpr size_t kMostProbesATick = 50;
constexpr std::chrono::seconds kQuiet{5};  // and a round, without a frame of ours: the loop is gone
constexpr size_t kMostVlansTold = 8;

constexpr size_t kProbeBytes = 60;                         // the least of Ethernet, without the FCS
constexpr Mac kLoopbackAssistance{{0xcf, 0, 0, 0, 0, 0}};  // the protocol's group
constexpr uint16_t kEtherTypeLoopback = 0x9000;

std::array<std::byte, kProbeBytes> probe_frame(const Mac& from, uint16_t tpid, uint16_t vid) {
    std::array<std::byte, kProbeBytes> frame{};
    std::byte* at = frame.data();
    const auto put = [&](const auto& value) {
        std::memcpy(at, &value, sizeof value);
        at += sizeof value;
    };
    put(kLoopbackAssistance);
    put(from);
    if (vid != VlanMap::kUntagged) {
        put(Be16{tpid});
        put(Be16{vid});
    }
    put(Be16{kEtherTypeLoopback});
    put(uint16_t{0});  // bytes to skip; this and the next are little endian
    put(uint16_t{1});  // a reply
    return frame;
}

// " in VLAN 10", " in VLANs 10, 20"; nothing where VLANs are not known.
std::string in_vlans(const std::vector<uint16_t>& vlans) {
    if (vlans.empty() || vlans.front() == 0) return {};
    const auto told = std::span(vlans).first(std::min(vlans.size(), kMostVlansTold));
    std::string words =
        fmt::format(" in VLAN{} {}", vlans.size() == 1 ? "" : "s", fmt::join(told, ", "));
    if (vlans.size() > told.size())
        words += fmt::format(" and {} more", vlans.size() - told.size());
    return words;
}

}  // namespace

void LoopWatch::follow() {
    std::map<std::string, Watched> before = std::exchange(members_, {});
    round_.clear();
    sent_ = 0;
    for (const BridgeConfig& b : ports_.bridges().all()) {
        if (b.loop_detection == LoopDetection::off) continue;
        for (const MemberConfig& m : b.members) {
            const ManagedPort* port = ports_.find(m.port);
            if (port == nullptr) continue;
            auto was = before.extract(m.port);
            const bool is_new = was.empty() || was.mapped().index != port->index ||
                                was.mapped().bridge != b.port.name;
            Watched& member = members_[m.port];
            if (is_new) {
                member = {.bridge = b.port.name, .index = port->index};
                dataplane_.l2().came_back(port->index).take();  // what came before is no matter
            } else {
                member = std::move(was.mapped());
            }
            member.state = m.state;
            if (!member.shut_at) continue;
            if (b.loop_detection == LoopDetection::shut)
                dataplane_.l2().set_state(member.index, MemberState::blocking);
            else
                open(m.port, member);
        }
    }
    // Those that are watched no more.
    for (auto& [name, member] : before) {
        const ManagedPort* port = ports_.find(name);
        const BridgeConfig* bridge = ports_.bridges().of_member(name);
        if (member.shut_at && port != nullptr && port->index == member.index && bridge != nullptr)
            open(name, member);
    }
}

void LoopWatch::tick(Clock::time_point now) {
    if (members_.empty()) return;
    if (now >= due_) {
        due_ = now + kBetweenLooks;
        for (const BridgeConfig& b : ports_.bridges().all())
            if (b.loop_detection != LoopDetection::off) look_at(b, now);
    }
    probe(now);
}

void LoopWatch::hear(const BridgeConfig& bridge, const std::string& name, Watched& member,
                     Clock::time_point now) {
    const std::vector<uint16_t> heard = dataplane_.l2().came_back(member.index).take();
    if (heard.empty()) {
        const auto quiet = kQuiet + kTick * static_cast<int64_t>(round_.size() / kMostProbesATick);
        if (member.heard_at && now >= *member.heard_at + quiet) {
            member.heard_at.reset();
            member.vlans.clear();
        }
        return;
    }
    member.heard_at = now;
    std::vector<uint16_t> fresh;
    for (const uint16_t vlan : heard)
        if (member.vlans.insert(vlan).second) fresh.push_back(vlan);
    if (!fresh.empty())
        spdlog::warn("bridge {}: {}: frames of the bridge's own come back{}: there is a loop",
                     bridge.port.name, name, in_vlans(fresh));
}

void LoopWatch::look_at(const BridgeConfig& bridge, Clock::time_point now) {
    std::pair<const std::string, Watched>* to_shut = nullptr;
    for (const MemberConfig& m : bridge.members) {
        const auto found = members_.find(m.port);
        if (found == members_.end()) continue;
        Watched& member = found->second;
        hear(bridge, m.port, member, now);
        if (member.heard_at == now && !member.shut_at) to_shut = &*found;
        const bool is_over = member.shut_at && bridge.loop_recovery != 0 && !member.heard_at &&
                             now >= *member.shut_at + std::chrono::seconds(bridge.loop_recovery);
        if (is_over) open(m.port, member);
    }
    // A loop has two ends, and one of them is enough: of several the last, and one at a time.
    if (to_shut != nullptr && bridge.loop_detection == LoopDetection::shut)
        shut(to_shut->first, to_shut->second, now);
}

void LoopWatch::shut(const std::string& name, Watched& member, Clock::time_point now) {
    member.shut_at = now;
    dataplane_.l2().set_state(member.index, MemberState::blocking);
    dataplane_.rcu().synchronize();
    ports_.bridges().forget(std::array{member.index});
    spdlog::warn("bridge {}: {}: shut, because of a loop{}", member.bridge, name,
                 in_vlans({member.vlans.begin(), member.vlans.end()}));
}

void LoopWatch::open(const std::string& name, Watched& member) {
    member.shut_at.reset();
    dataplane_.l2().set_state(member.index, first_state(member.state));
    spdlog::info("bridge {}: {}: open again", member.bridge, name);
}

// --- Probes ------------------------------------------------------------------------------------
void LoopWatch::add_probes(const BridgeConfig& bridge) {
    const ManagedPort* own = ports_.find(bridge.port.name);
    const Snapshot& snap = dataplane_.snapshot();
    for (const MemberConfig& m : bridge.members) {
        const ManagedPort* port = ports_.find(m.port);
        if (own == nullptr || port == nullptr || snap.ports[port->index].domain == kNoDomain)
            continue;
        const PortState& state = snap.ports[port->index];
        const VlanMap* map = snap.domains[state.domain].members[state.member].vlans.get();
        Probe probe{.port = port->index,
                    .tpid = kEtherTypeVlan,
                    .vid = VlanMap::kUntagged,
                    .from = own->mac()};
        if (map == nullptr) {
            round_.push_back(probe);
            continue;
        }
        probe.tpid = map->tpid;
        for (const uint16_t vid : map->to_wire) {
            probe.vid = vid;
            if (vid != VlanMap::kRefused) round_.push_back(probe);
        }
    }
}

void LoopWatch::begin_round() {
    round_.clear();
    sent_ = 0;
    for (const BridgeConfig& b : ports_.bridges().all())
        if (b.loop_detection != LoopDetection::off) add_probes(b);
}

bool LoopWatch::may_probe(uint16_t index) const {
    const ManagedPort* port = ports_.find(index);
    return port != nullptr && port->up() && !is_shut(port->config.name);
}

void LoopWatch::probe(Clock::time_point now) {
    if (sent_ == round_.size()) {
        if (now < round_began_ + kBetweenRounds) return;
        round_began_ = now;
        begin_round();
    }
    for (size_t n = 0; n < kMostProbesATick && sent_ < round_.size(); ++n, ++sent_) {
        const Probe& p = round_[sent_];
        if (may_probe(p.port)) dataplane_.send_l2(p.port, probe_frame(p.from, p.tpid, p.vid));
    }
}

// --- For others --------------------------------------------------------------------------------
const LoopWatch::Watched* LoopWatch::find(const std::string& member) const {
    const auto found = members_.find(member);
    return found != members_.end() ? &found->second : nullptr;
}

bool LoopWatch::is_looped(const std::string& member) const {
    const Watched* m = find(member);
    return m != nullptr && m->heard_at;
}

std::set<uint16_t> LoopWatch::looped_vlans(const std::string& member) const {
    const Watched* m = find(member);
    return m != nullptr ? m->vlans : std::set<uint16_t>();
}

bool LoopWatch::is_shut(const std::string& member) const {
    const Watched* m = find(member);
    return m != nullptr && m->shut_at;
}

bool LoopWatch::recover(const std::string& member) {
    const auto found = members_.find(member);
    if (found == members_.end() || !found->second.shut_at) return false;
    open(member, found->second);
    return true;
}

}  // namespace vethway
