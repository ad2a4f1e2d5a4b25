// SPDX-License-Identifier: Apache-2.0
#include "control/bridges.h"

#include <rte_cycles.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>
#include <utility>

#include "control/bridge_rules.h"
#include "control/logical_port.h"
#include "control/ports.h"
#include "dataplane/l2/bridge_input.h"

namespace vethway {

namespace {

constexpr unsigned kParts = 10;  // of the table: all of it within a second

uint16_t tpid_of(VlanTagKind kind) {
    return kind == VlanTagKind::dot1q ? kEtherTypeVlan : kEtherTypeQinq;
}

LogicalPort* logical(ManagedPort& port) { return dynamic_cast<LogicalPort*>(port.device.get()); }

// What a super-frame's tag leaves of the MTU: Linux lets pass one of 802.1Q beside it, and no more
// (net/packet/af_packet.c, packet_extra_vlan_len_allowed).
uint16_t mtu_above(const ManagedPort& parent, VlanTagKind tag) {
    const bool is_second = std::holds_alternative<VlanConfig>(parent.config.driver);
    const bool takes_room = is_second || tag == VlanTagKind::dot1ad;
    return static_cast<uint16_t>(parent.mtu() - (takes_room ? kVlanTagBytes : 0));
}

void derive_vlan(Ports& ports, LogicalPort& port, const ManagedPort& self) {
    const auto& config = std::get<VlanConfig>(self.config.driver);
    const ManagedPort* parent = ports.find(config.parent);
    if (parent == nullptr) return port.take("there is no port " + config.parent, 1500, true);
    const bool is_bridge = std::holds_alternative<BridgePortConfig>(parent->config.driver);
    const uint16_t mtu = is_bridge ? parent->mtu() : mtu_above(*parent, config.tag);
    port.take(parent->up() ? "" : config.parent + " is down", mtu, self.config.mtu.has_value());
    port.take_mac(parent->mac());
    const PortInfo& below = parent->device->info();
    port.take_offloads(below.offloads, below.super_frames, below.shares_mbufs);
}

// Up while a member is (Linux br_carrier_check); the MTU is the least of its members'.
void derive_bridge(Ports& ports, LogicalPort& port, const ManagedPort& self,
                   const BridgeConfig& bridge) {
    bool up = false, offloads = false, super_frames = false;
    uint16_t mtu = kMaxMtu;
    for (const MemberConfig& m : bridge.members) {
        const ManagedPort* member = ports.find(m.port);
        if (member == nullptr) continue;
        up |= member->up();
        mtu = std::min(mtu, member->mtu());
        offloads |= member->device->info().offloads;
        super_frames |= member->device->info().super_frames;
    }
    port.take(up ? "" : "no member is up", bridge.members.empty() ? uint16_t{1500} : mtu,
              self.config.mtu.has_value());
    port.take_offloads(offloads, super_frames, true);
}

std::shared_ptr<const VlanMap> vlan_map(const MemberConfig& m) {
    if (!m.knows_vlans()) return nullptr;
    auto map = std::make_shared<VlanMap>();
    map->tpid = tpid_of(m.tag);
    const auto pass = [&](uint16_t wire, uint16_t vlan) {
        map->from_wire[wire] = vlan;
        map->to_wire[vlan] = wire;
    };
    for (const VlanRange& range : m.trunk)
        for (uint32_t v = range.first; v <= range.last; ++v)
            pass(static_cast<uint16_t>(v), static_cast<uint16_t>(v));
    for (const VlanTranslation& t : m.translate) pass(t.wire, t.vlan);
    if (m.native) {
        pass(*m.native, *m.native);
        map->to_wire[*m.native] = VlanMap::kUntagged;
        map->untagged = *m.native;
    }
    if (m.vlan) {
        map->to_wire[*m.vlan] = VlanMap::kUntagged;
        map->untagged = *m.vlan;
    }
    return map;
}

Member member_of(const BridgeConfig& b, const MemberConfig& m, uint16_t port) {
    return {.port = port,
            .split_horizon = static_cast<uint8_t>(m.split_horizon),
            .learning = m.learning,
            .hairpin = m.hairpin,
            .floods = {m.flood_unicast, m.flood_multicast, m.flood_broadcast},
            .storm_pps = {m.storm_unicast, m.storm_multicast, m.storm_broadcast},
            .learn = {.domain_limit = b.learn_limit,
                      .member_limit = m.learn_limit,
                      .moves_a_second = static_cast<uint16_t>(b.move_limit)},
            .vlans = vlan_map(m)};
}

Domain domain_of_bridge(const BridgeConfig& b) {
    Domain domain;
    domain.drops_unlearned = b.learn_action == LearnAction::drop;
    constexpr uint16_t kBpdus = 1U << kBridgeGroup;
    domain.group_fwd_mask = static_cast<uint16_t>(b.group_fwd_mask);
    // Without a spanning tree of its own a bridge passes those of others, or their loops would stay
    // (Linux br_handle_frame).
    (b.stp.mode == StpMode::off ? domain.group_fwd_mask : domain.group_punt_mask) |= kBpdus;
    return domain;
}

void add_own_port(Domain& domain, PortState& state, const ManagedPort& port, uint16_t number,
                  uint16_t vlan) {
    state.kind = PortKind::bridge;
    state.domain = number;
    state.vlan = vlan;
    if (!port.config.addresses.empty())
        domain.own_ports.push_back({.vlan = vlan, .port = port.index, .mac = port.mac()});
}

void add_tag(PortState& parent, uint16_t port, uint16_t vlan, VlanTagKind kind) {
    auto above = parent.sub_ports != nullptr ? std::make_shared<SubPorts>(*parent.sub_ports)
                                             : std::make_shared<SubPorts>();
    (kind == VlanTagKind::dot1q ? above->dot1q : above->dot1ad)[vlan] = port;
    parent.sub_ports = std::move(above);
}

}  // namespace

MemberState first_state(MemberStateConfig state) {
    constexpr MemberState kStates[] = {MemberState::forwarding, MemberState::learning,
                                       MemberState::blocking};
    return kStates[static_cast<size_t>(state)];
}

void Bridges::set(const std::vector<BridgeConfig>& bridges) {
    bridges_ = bridges;
    std::erase_if(domains_, [&](const auto& domain) {
        return std::ranges::none_of(
            bridges, [&](const BridgeConfig& b) { return b.port.name == domain.first; });
    });
    for (const BridgeConfig& b : bridges) {
        if (domains_.contains(b.port.name)) continue;
        std::set<uint16_t> taken;
        for (const auto& [name, number] : domains_) taken.insert(number);
        uint16_t number = 0;
        while (taken.contains(number)) ++number;
        domains_[b.port.name] = number;
        // What a bridge before it had learned is gone with settle().
    }
}

const BridgeConfig* Bridges::find(const std::string& bridge) const {
    for (const BridgeConfig& b : bridges_)
        if (b.port.name == bridge) return &b;
    return nullptr;
}

const BridgeConfig* Bridges::of_member(const std::string& port) const {
    for (const BridgeConfig& b : bridges_)
        if (std::ranges::find(b.members, port, &MemberConfig::port) != b.members.end()) return &b;
    return nullptr;
}

uint16_t Bridges::domain_of(const std::string& bridge) const {
    const auto found = domains_.find(bridge);
    return found == domains_.end() ? kNoDomain : found->second;
}
std::string Bridges::bridge_of(uint16_t domain) const {
    for (const auto& [name, number] : domains_)
        if (number == domain) return name;
    return "?";
}

// VLANs of devices, VLANs of those, bridges, VLANs of bridges: after four rounds all is settled,
// whatever the order.
void Bridges::derive(Ports& ports, const std::vector<BridgeConfig>& bridges) {
    for (int round = 0; round < 4; ++round)
        for (auto& [name, port] : ports.all()) {
            LogicalPort* self = logical(port);
            if (self == nullptr) continue;
            if (std::holds_alternative<VlanConfig>(port.config.driver)) {
                derive_vlan(ports, *self, port);
            } else {
                const std::string& own = port.config.name;
                const auto bridge = std::ranges::find_if(
                    bridges, [&own](const BridgeConfig& one) { return one.port.name == own; });
                if (bridge != bridges.end()) derive_bridge(ports, *self, port, *bridge);
            }
            port.link_down_reason = self->down_reason();
        }
}

void Bridges::describe(const Ports& ports, Snapshot& next) const {
    next.domains.resize(bridges_.empty() ? 0 : kMaxDomains);
    for (const BridgeConfig& b : bridges_) {
        const uint16_t number = domain_of(b.port.name);
        Domain& domain = next.domains[number];
        domain = domain_of_bridge(b);
        next.any_l2 = true;
        for (const MemberConfig& m : b.members) {
            const ManagedPort* port = ports.find(m.port);
            if (port == nullptr) continue;  // still to come
            next.ports[port->index].domain = number;
            next.ports[port->index].member = static_cast<uint16_t>(domain.members.size());
            domain.members.push_back(member_of(b, m, port->index));
        }
        const auto learned = learned_groups_(b.port.name);
        add_bridge_rules(b, ports.index_of(), learned ? &*learned : nullptr, dataplane_.rcu(),
                         domain);
        if (const ManagedPort* own = ports.find(b.port.name)) {
            domain.mac = own->mac();
            add_own_port(domain, next.ports[own->index], *own, number, 0);
        }
    }
    for (const auto& [name, port] : ports.all()) {
        const auto* vlan = std::get_if<VlanConfig>(&port.config.driver);
        const ManagedPort* parent = vlan != nullptr ? ports.find(vlan->parent) : nullptr;
        if (parent == nullptr) continue;
        PortState& state = next.ports[port.index];
        next.any_l2 = true;
        if (const uint16_t number = domain_of(vlan->parent); number != kNoDomain) {
            add_own_port(next.domains[number], state, port, number, vlan->vlan);
            continue;
        }
        state.kind = PortKind::vlan;
        state.vlan = vlan->vlan;
        state.tpid = tpid_of(vlan->tag);
        state.parent = parent->index;
        add_tag(next.ports[parent->index], port.index, vlan->vlan, vlan->tag);
    }
}

void Bridges::prepare(const Ports& ports) {
    std::map<uint16_t, Known> next;
    for (const BridgeConfig& b : bridges_)
        for (const MemberConfig& m : b.members)
            if (const ManagedPort* port = ports.find(m.port))
                next[port->index] = {domain_of(b.port.name), m.state, b.stp.mode != StpMode::off};
    for (const auto& [port, known] : next) {
        const auto before = members_.find(port);
        if (before != members_.end() && before->second == known) continue;
        dataplane_.l2().set_state(
            port, known.spanning_tree ? MemberState::blocking : first_state(known.state));
    }
    members_ = std::move(next);
}

// Whether it is about a member of its domain, and of the configuration if it is static.
bool Bridges::is_current(const FdbEntry& entry) const {
    const auto member = members_.find(entry.port);
    if (member == members_.end() || member->second.domain != entry.key.domain) return false;
    if (!entry.is_static) return true;
    const auto wanted = static_.find(entry.key.packed());
    return wanted != static_.end() && wanted->second == entry.port;
}

void Bridges::settle(const Ports& ports) {
    const bool had_any = !static_.empty() || !told_.empty() || !members_.empty();
    static_.clear();
    for (const BridgeConfig& b : bridges_)
        for (const StaticStation& s : b.stations)
            if (const ManagedPort* port = ports.find(s.port))
                static_[FdbKey{domain_of(b.port.name), s.vlan, s.mac}.packed()] = port->index;
    if (bridges_.empty() && !had_any) return;
    std::set<uint16_t> down;
    for (const auto& [name, port] : ports.all())
        if (!port.up()) down.insert(port.index);
    // Behind a port without a link there is nobody (Linux br_stp_disable_port).
    dataplane_.l2().fdb.remove_if([&](const FdbEntry& entry) {
        return !is_current(entry) || (!entry.is_static && down.contains(entry.port));
    });
    for (const auto& [key, port] : static_)
        if (!dataplane_.l2().fdb.set_static(FdbKey::unpacked(key), port))
            spdlog::warn("bridge: no room in the table for the static station {}",
                         FdbKey::unpacked(key).mac.to_string());
}

uint32_t Bridges::tick_now() {
    return static_cast<uint32_t>(rte_rdtsc() / (rte_get_tsc_hz() / Fdb::kTicksASecond));
}

void Bridges::tick(const Ports& ports) {
    if (bridges_.empty()) return;
    std::array<uint32_t, kMaxDomains> ageing{};
    for (const BridgeConfig& b : bridges_)
        ageing[domain_of(b.port.name)] = b.ageing * Fdb::kTicksASecond;
    const bool knows_any = std::ranges::any_of(
        domains_, [&](const auto& d) { return dataplane_.l2().fdb.learned_in(d.second) > 0; });
    if (knows_any) dataplane_.l2().fdb.age(tick_now(), ageing, part_, kParts);
    part_ = (part_ + 1) % kParts;
    if (part_ != 0) return;
    uint64_t damped = 0;
    for (const auto& [index, known] : members_)
        damped += ports.totals(index).bridged[static_cast<size_t>(Bridged::damped)];
    if (std::exchange(damped_, damped) != damped || !told_.empty()) tell_damped(ports);
}

// Once of each station, as long as it goes on.
void Bridges::tell_damped(const Ports& ports) {
    std::set<uint64_t> now;
    dataplane_.l2().fdb.for_each(tick_now(), [&](const FdbEntry& entry) {
        if (!entry.is_damped) return;
        now.insert(entry.key.packed());
        if (told_.contains(entry.key.packed())) return;
        const ManagedPort* port = ports.find(entry.port);
        spdlog::warn(
            "bridge {}: station {} moves between ports too often, and stays at {} for a while: a "
            "loop, or two stations with one address",
            bridge_of(entry.key.domain), entry.key.mac.to_string(),
            port != nullptr ? port->config.name : "?");
    });
    told_ = std::move(now);
}

bool Bridges::matches(const FdbEntry& entry, const Ports& ports,
                      const StationFilter& filter) const {
    const ManagedPort* port = ports.find(entry.port);
    return (filter.bridge.empty() || domain_of(filter.bridge) == entry.key.domain) &&
           (filter.port.empty() || (port != nullptr && port->config.name == filter.port)) &&
           (filter.vlan == 0 || filter.vlan == entry.key.vlan) &&
           (!filter.mac || *filter.mac == entry.key.mac);
}

std::vector<StationView> Bridges::stations(const Ports& ports, const StationFilter& filter) const {
    std::vector<StationView> out;
    const uint32_t now = tick_now();
    dataplane_.l2().fdb.for_each(now, [&](const FdbEntry& entry) {
        if (!matches(entry, ports, filter)) return;
        const ManagedPort* port = ports.find(entry.port);
        const auto age = std::max(0, static_cast<int32_t>(now - entry.seen_tick));
        out.push_back({.bridge = bridge_of(entry.key.domain),
                       .port = port != nullptr ? port->config.name : "?",
                       .mac = entry.key.mac,
                       .vlan = entry.key.vlan,
                       .is_static = entry.is_static,
                       .is_damped = entry.is_damped,
                       .age_s = entry.is_static ? 0 : age / double{Fdb::kTicksASecond}});
    });
    std::ranges::sort(
        out, {}, [](const StationView& s) { return std::tuple(s.bridge, s.vlan, s.port, s.mac); });
    return out;
}

std::string Bridges::place_of(const Ports& ports, const std::string& bridge, uint16_t vlan,
                              const Mac& mac) const {
    const FdbKey key{.domain = domain_of(bridge), .vlan = vlan, .mac = mac};
    const ManagedPort* port = ports.find(dataplane_.l2().fdb.find(key.packed()));
    return port != nullptr ? port->config.name : "";
}

size_t Bridges::flush(const Ports& ports, const StationFilter& filter) {
    return dataplane_.l2().fdb.remove_if(
        [&](const FdbEntry& entry) { return !entry.is_static && matches(entry, ports, filter); });
}

void Bridges::forget(std::span<const uint16_t> ports) {
    for (const uint16_t port : ports)
        if (const auto member = members_.find(port); member != members_.end()) {
            ++changes_[member->second.domain];
            break;
        }
    dataplane_.l2().fdb.remove_if([&](const FdbEntry& entry) {
        return !entry.is_static && std::ranges::find(ports, entry.port) != ports.end();
    });
}

uint64_t Bridges::topology_changes(const std::string& bridge) const {
    const auto found = changes_.find(domain_of(bridge));
    return found != changes_.end() ? found->second : 0;
}

uint32_t Bridges::learned(const std::string& bridge) const {
    return dataplane_.l2().fdb.learned_in(domain_of(bridge));
}

const char* Bridges::state_of(const ManagedPort& port) const {
    return kMemberStateNames[static_cast<size_t>(dataplane_.l2().state(port.index))];
}

}  // namespace vethway
