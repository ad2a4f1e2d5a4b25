// SPDX-License-Identifier: Apache-2.0
#include "control/loop_watch.h"

#include <spdlog/spdlog.h>

#include <array>
#include <cstring>
#include <utility>

namespace vethway {

namespace {

constexpr std::chrono::seconds kBetweenProbes{1};
constexpr std::chrono::seconds kQuiet{5};  // without a frame of ours: the loop is gone

constexpr size_t kProbeBytes = 60;                         // the least of Ethernet, without the FCS
constexpr Mac kLoopbackAssistance{{0xcf, 0, 0, 0, 0, 0}};  // the protocol's group
constexpr uint16_t kEtherTypeLoopback = 0x9000;

// The VLAN in whose tag a member's probe goes; nothing: without a tag. Of a trunk without untagged
// frames it is the first.
std::optional<uint16_t> tag_of(const MemberConfig& m) {
    if (!m.knows_vlans() || m.vlan || m.native) return std::nullopt;
    return m.trunk.empty() ? m.translate.front().wire : m.trunk.front().first;
}

std::array<std::byte, kProbeBytes> probe_frame(const Mac& from, const MemberConfig& m) {
    std::array<std::byte, kProbeBytes> frame{};
    std::byte* at = frame.data();
    const auto put = [&](const auto& value) {
        std::memcpy(at, &value, sizeof value);
        at += sizeof value;
    };
    put(kLoopbackAssistance);
    put(from);
    if (const auto vlan = tag_of(m)) {
        put(Be16{m.tag == VlanTagKind::dot1q ? kEtherTypeVlan : kEtherTypeQinq});
        put(Be16{*vlan});
    }
    put(Be16{kEtherTypeLoopback});
    put(uint16_t{0});  // bytes to skip; this and the next are little endian
    put(uint16_t{1});  // a reply
    return frame;
}

}  // namespace

uint64_t LoopWatch::own_frames(uint16_t port) const {
    return ports_.totals(port).dropped[static_cast<size_t>(Drop::own_source)];
}

void LoopWatch::follow() {
    std::map<std::string, Watched> before = std::exchange(members_, {});
    for (const BridgeConfig& b : ports_.bridges().all()) {
        if (b.loop_detection == LoopDetection::off) continue;
        for (const MemberConfig& m : b.members) {
            const ManagedPort* port = ports_.find(m.port);
            if (port == nullptr) continue;
            auto was = before.extract(m.port);
            const bool is_new = was.empty() || was.mapped().index != port->index ||
                                was.mapped().bridge != b.port.name;
            Watched& member = members_[m.port];
            if (is_new)
                member = {
                    .bridge = b.port.name, .index = port->index, .heard = own_frames(port->index)};
            else
                member = std::move(was.mapped());
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
    if (members_.empty() || now < due_) return;
    due_ = now + kBetweenProbes;
    for (const BridgeConfig& b : ports_.bridges().all()) {
        if (b.loop_detection == LoopDetection::off) continue;
        look_at(b, now);
        probe(b);
    }
}

void LoopWatch::look_at(const BridgeConfig& bridge, Clock::time_point now) {
    std::pair<const std::string, Watched>* to_shut = nullptr;
    for (const MemberConfig& m : bridge.members) {
        const auto found = members_.find(m.port);
        if (found == members_.end()) continue;
        Watched& member = found->second;
        const uint64_t heard = own_frames(member.index);
        if (std::exchange(member.heard, heard) != heard) {
            if (!member.heard_at)
                spdlog::warn("bridge {}: {}: frames of the bridge's own come in: there is a loop",
                             bridge.port.name, m.port);
            member.heard_at = now;
            if (!member.shut_at) to_shut = &*found;
        } else if (member.heard_at && now >= *member.heard_at + kQuiet) {
            member.heard_at.reset();
        }
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
    spdlog::warn("bridge {}: {}: shut, because of a loop", member.bridge, name);
}

void LoopWatch::open(const std::string& name, Watched& member) {
    member.shut_at.reset();
    dataplane_.l2().set_state(member.index, first_state(member.state));
    spdlog::info("bridge {}: {}: open again", member.bridge, name);
}

void LoopWatch::probe(const BridgeConfig& bridge) const {
    const ManagedPort* own = ports_.find(bridge.port.name);
    if (own == nullptr) return;
    for (const MemberConfig& m : bridge.members) {
        const ManagedPort* port = ports_.find(m.port);
        if (port != nullptr && port->up() && !is_shut(m.port))
            dataplane_.send_l2(port->index, probe_frame(own->mac(), m));
    }
}

bool LoopWatch::is_looped(const std::string& member) const {
    const auto found = members_.find(member);
    return found != members_.end() && found->second.heard_at;
}

bool LoopWatch::is_shut(const std::string& member) const {
    const auto found = members_.find(member);
    return found != members_.end() && found->second.shut_at;
}

bool LoopWatch::recover(const std::string& member) {
    const auto found = members_.find(member);
    if (found == members_.end() || !found->second.shut_at) return false;
    open(member, found->second);
    return true;
}

}  // namespace vethway
