// SPDX-License-Identifier: Apache-2.0
#include "control/snooping.h"

#include <spdlog/spdlog.h>

#include <utility>
#include <vector>

#include "control/bridge_rules.h"
#include "dataplane/l2/vlan_tag.h"
#include "dataplane/meta.h"

namespace vethway {

namespace {

// Of the link, by the MAC (RFC 4291 appendix A).
Ip6 link_local(const Mac& mac) {
    constexpr uint8_t kUniversal = 2;
    const auto& m = mac.bytes;
    return {{0xfe, 0x80, 0, 0, 0, 0, 0, 0, static_cast<uint8_t>(m[0] ^ kUniversal), m[1], m[2],
             0xff, 0xfe, m[3], m[4], m[5]}};
}

Ip4 first_address(const ManagedPort* port) {
    const bool has_one = port != nullptr && !port->config.addresses.empty();
    return has_one ? port->config.addresses.front().address : Ip4{};
}

void add_vlans(const MemberConfig& m, std::map<uint16_t, Ip4>& vlans) {
    if (m.vlan) vlans.try_emplace(*m.vlan);
    if (m.native) vlans.try_emplace(*m.native);
    for (const VlanTranslation& t : m.translate) vlans.try_emplace(t.vlan);
    for (const VlanRange& range : m.trunk)
        for (uint32_t v = range.first; v <= range.last; ++v)
            vlans.try_emplace(static_cast<uint16_t>(v));
}

// Its VLANs, and the addresses that it has in them.
std::map<uint16_t, Ip4> sources_of(const BridgeConfig& b, const Ports& ports) {
    std::map<uint16_t, Ip4> sources;
    if (!b.knows_vlans()) {
        sources[0] = first_address(ports.find(b.port.name));
        return sources;
    }
    for (const MemberConfig& m : b.members) add_vlans(m, sources);
    for (const auto& [name, port] : ports.all()) {
        const auto* vlan = std::get_if<VlanConfig>(&port.config.driver);
        if (vlan != nullptr && vlan->parent == b.port.name)
            sources[vlan->vlan] = first_address(&port);
    }
    return sources;
}

std::vector<std::byte> tagged(std::vector<std::byte> frame, uint16_t tpid, uint16_t vid) {
    const VlanTag tag{.tpid = tpid, .tci = vid};
    const auto bytes = std::as_bytes(std::span(&tag, 1));
    frame.insert(frame.begin() + 2 * sizeof(Mac), bytes.begin(), bytes.end());
    return frame;
}

SnooperConfig config_of(const BridgeConfig& b, const ManagedPort& own, const Ports& ports) {
    return {.bridge = b.port.name,
            .querier = b.multicast_querier,
            .query_interval = std::chrono::seconds(b.multicast_query_interval),
            .sources4 = sources_of(b, ports),
            .source6 = link_local(own.mac())};
}

}  // namespace

class Snooping::Listener final : public SnooperHands {
public:
    Listener(Dataplane& dataplane, const SnooperConfig& config)
        : dataplane_(dataplane), snooper_(config, *this) {}
    Snooper& snooper() { return snooper_; }
    void set_mac(const Mac& mac) { mac_ = mac; }
    void set_members(const std::map<uint16_t, SnoopedPort>& members) {
        snooper_.set_ports(members, Snooper::Clock::now());
        members_.clear();
        for (const auto& [port, member] : members) members_.push_back(port);
    }
    // Whether it differs from when it was last asked.
    bool changes_topology(uint64_t count) { return std::exchange(topology_, count) != count; }

    void ask(uint16_t vlan, std::optional<uint16_t> port, const MembershipQuery& query) override {
        const std::vector<std::byte> frame = write_query(query, mac_);
        if (port) return send(*port, vlan, frame);
        for (const uint16_t member : members_) send(member, vlan, frame);
    }
    void tell(const std::string& event) override { spdlog::info("{}", event); }

private:
    // A member that does not carry the VLAN, or does not forward, gets nothing.
    void send(uint16_t port, uint16_t vlan, const std::vector<std::byte>& frame) {
        const Snapshot& snap = dataplane_.snapshot();
        const PortState& state = snap.ports[port];
        if (state.domain == kNoDomain || dataplane_.l2().state(port) != MemberState::forwarding)
            return;
        const VlanMap* map = snap.domains[state.domain].members[state.member].vlans.get();
        if (map == nullptr || map->to_wire[vlan] == VlanMap::kUntagged) {
            dataplane_.send_l2(port, frame);
        } else if (map->to_wire[vlan] != VlanMap::kRefused) {
            dataplane_.send_l2(port, tagged(frame, map->tpid, map->to_wire[vlan]));
        }
    }

    Dataplane& dataplane_;
    Mac mac_;
    std::vector<uint16_t> members_;
    uint64_t topology_ = 0;
    Snooper snooper_;
};

Snooping::Snooping(Dataplane& dataplane, Ports& ports) : dataplane_(dataplane), ports_(ports) {
    ports_.bridges().learn_groups_by([this](const std::string& bridge) { return status(bridge); });
}
Snooping::~Snooping() = default;

void Snooping::follow() {
    std::erase_if(listeners_, [&](const auto& one) {
        const BridgeConfig* bridge = ports_.bridges().find(one.first);
        return bridge == nullptr || !bridge->multicast_snooping;
    });
    for (const BridgeConfig& b : ports_.bridges().all()) {
        const ManagedPort* own = ports_.find(b.port.name);
        if (!b.multicast_snooping || own == nullptr) continue;
        std::map<uint16_t, SnoopedPort> members;
        for (const MemberConfig& m : b.members)
            if (const ManagedPort* port = ports_.find(m.port); port != nullptr && port->up())
                members[port->index] = {m.port, m.multicast_fast_leave};
        const SnooperConfig config = config_of(b, *own, ports_);
        std::unique_ptr<Listener>& one = listeners_[b.port.name];
        if (one == nullptr) one = std::make_unique<Listener>(dataplane_, config);
        one->set_mac(own->mac());
        one->snooper().configure(config, Snooper::Clock::now());
        one->set_members(members);
    }
    publish();
}

void Snooping::tick() {
    const auto now = Snooper::Clock::now();
    for (const auto& [name, one] : listeners_) {
        if (one->changes_topology(ports_.bridges().topology_changes(name)))
            one->snooper().topology_changed(now);
        one->snooper().tick(now);
    }
    publish();
}

bool Snooping::take(rte_mbuf& m) {
    const uint16_t port = meta(m).port;
    const ManagedPort* member = ports_.find(port);
    const BridgeConfig* bridge =
        member != nullptr ? ports_.bridges().of_member(member->config.name) : nullptr;
    if (bridge == nullptr) return false;
    const auto found = listeners_.find(bridge->port.name);
    if (found != listeners_.end())
        found->second->snooper().received(port, vlan_of(m), frame_bytes(m), Snooper::Clock::now());
    return true;
}

void Snooping::publish() {
    for (const auto& [name, one] : listeners_)
        if (one->snooper().take_changed())
            if (const BridgeConfig* bridge = ports_.bridges().find(name)) publish(*bridge);
}

void Snooping::publish(const BridgeConfig& bridge) {
    const uint16_t number = ports_.bridges().domain_of(bridge.port.name);
    const Domain& domain = dataplane_.snapshot().domains[number];
    if (domain.groups == nullptr) return;
    const auto learned = status(bridge.port.name);
    domain.groups->publish(
        groups_of(bridge, ports_.index_of(), learned ? &*learned : nullptr, domain));
}

std::optional<SnooperStatus> Snooping::status(const std::string& bridge) const {
    const auto found = listeners_.find(bridge);
    if (found == listeners_.end()) return std::nullopt;
    return found->second->snooper().status(Snooper::Clock::now());
}

}  // namespace vethway
