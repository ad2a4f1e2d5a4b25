// SPDX-License-Identifier: Apache-2.0
// What a user wrote, as checked values. Every default of the configuration file is in this header.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "dataplane/net/ip4.h"
#include "dataplane/net/knobs.h"
#include "dataplane/net/lag_hash_policy.h"
#include "dataplane/net/mac.h"
#include "dataplane/net/multicast_group.h"
#include "dataplane/net/vlan.h"

namespace vethway {

enum class Hugepages : uint8_t { automatic, required, off };
enum class Idle : uint8_t { adaptive, poll };

// Which CPUs run workers. Neither set: as many as serve the ports, leaving a CPU to the control
// thread where there is one.
struct WorkersConfig {
    std::optional<unsigned> count;
    std::vector<unsigned> cpus;
    friend bool operator==(const WorkersConfig&, const WorkersConfig&) = default;
};

struct DataplaneConfig {
    WorkersConfig workers;
    Idle idle = Idle::adaptive;
    uint32_t spin_us = 20;  // how long an adaptive worker goes on looking before it sleeps
    Hugepages hugepages = Hugepages::automatic;
    std::optional<uint32_t> mbufs;    // unset: sized to the ports
    uint32_t flight_recorder = 4096;  // drops that each worker keeps a record of
    // Whether dpdk-telemetry.py is answered. Off unless asked for, though it costs nothing but a
    // sleeping thread and works without hugepages, beside other vethwayds and in containers: DPDK's
    // own commands look at its devices from another thread, so whoever asks /ethdev/stats while a
    // port by a driver of DPDK's is removed may end the process (tried: in seconds, when many ask).
    // The /vethway/ commands, and veth ports, are safe.
    bool telemetry = false;
    friend bool operator==(const DataplaneConfig&, const DataplaneConfig&) = default;
};

inline constexpr uint32_t kMaxSpinUs = 1'000'000;

// --- Ports: one struct a driver, holding what that driver needs -------------------------------
// The other end of a veth pair that vethwayd makes when it opens the port.
struct VethPeerConfig {
    std::string name, netns;  // netns as VethConfig has it
    friend bool operator==(const VethPeerConfig&, const VethPeerConfig&) = default;
};
struct VethConfig {  // a kernel interface, by our own driver
    std::string interface;
    std::string netns;   // where it lives: a name, a process's id or a path; empty: where we do
    bool shield = true;  // the kernel's own stack is kept off it
    bool qdisc_bypass = true;  // what is sent meets no queueing discipline of the interface
    std::optional<VethPeerConfig> create;
    friend bool operator==(const VethConfig&, const VethConfig&) = default;
};
struct AfPacketConfig {
    std::string interface;
    friend bool operator==(const AfPacketConfig&, const AfPacketConfig&) = default;
};
struct AfXdpConfig {
    std::string interface;
    friend bool operator==(const AfXdpConfig&, const AfXdpConfig&) = default;
};
enum class MemifRole : uint8_t { server, client };
struct MemifConfig {
    std::string socket;
    MemifRole role = MemifRole::server;
    uint32_t id = 0;
    friend bool operator==(const MemifConfig&, const MemifConfig&) = default;
};
struct TapConfig {
    std::string interface;
    friend bool operator==(const TapConfig&, const TapConfig&) = default;
};
struct NullConfig {  // receives nothing (or, with `generate`, frames of zeros), discards what it
                     // sends
    bool generate = false;
    friend bool operator==(const NullConfig&, const NullConfig&) = default;
};
struct RingConfig {  // what the port sends comes back to it as received
    friend bool operator==(const RingConfig&, const RingConfig&) = default;
};
struct PcapConfig {  // reads frames from one file, writes those sent to another; either may be
                     // missing
    std::string rx_file, tx_file;
    friend bool operator==(const PcapConfig&, const PcapConfig&) = default;
};
struct DevargsConfig {  // any DPDK device, as EAL's -a/--vdev takes it
    std::string devargs;
    friend bool operator==(const DevargsConfig&, const DevargsConfig&) = default;
};
// What the tag of a VLAN is on the wire: 802.1Q, or 802.1ad's outer one (TPIDs 0x8100, 0x88a8).
enum class VlanTagKind : uint8_t { dot1q, dot1ad };
struct VlanConfig {  // the frames of another port that have a tag
    uint16_t vlan = 1;
    std::string parent;  // a port, a VLAN of one (for two tags), or a bridge
    VlanTagKind tag = VlanTagKind::dot1q;
    friend bool operator==(const VlanConfig&, const VlanConfig&) = default;
};
struct BridgePortConfig {  // a bridge's own; never written: a bridge has one
    friend bool operator==(const BridgePortConfig&, const BridgePortConfig&) = default;
};
struct LagPortConfig {  // that a LAG is; never written, likewise
    friend bool operator==(const LagPortConfig&, const LagPortConfig&) = default;
};
using PortDriver = std::variant<VethConfig, AfPacketConfig, AfXdpConfig, MemifConfig, TapConfig,
                                NullConfig, RingConfig, PcapConfig, DevargsConfig, VlanConfig,
                                BridgePortConfig, LagPortConfig>;
// "veth", "af_packet", …: the key in the file, in the order of the variant; of a bridge's "bridge",
// of a LAG's "lag".
const char* driver_name(const PortDriver& driver) noexcept;

struct PortConfig {
    std::string name;
    PortDriver driver;
    std::optional<Mac> mac;       // unset: the device's own
    std::optional<uint16_t> mtu;  // bytes of IP packet; unset: the device's own
    std::vector<Prefix4> addresses;
    bool admin_up = true;
    PortKnobSettings knobs{};  // what it says of them itself
    // Not a port but a pattern (fnmatch): it stands for a port on each interface that fits, named
    // as that is. No name then, and the driver is veth without an interface.
    std::string match;
    bool adopt_addresses = false;  // with what addresses and routes the kernel has on it
    // A VLAN of another port, a bridge's own or a LAG: without a wire.
    bool is_logical() const {
        return std::holds_alternative<VlanConfig>(driver) ||
               std::holds_alternative<BridgePortConfig>(driver) ||
               std::holds_alternative<LagPortConfig>(driver);
    }
    // By a driver of DPDK's; veth ports are our own.
    bool is_dpdk() const { return !is_logical() && !std::holds_alternative<VethConfig>(driver); }
    friend bool operator==(const PortConfig&, const PortConfig&) = default;
};

// --- Link aggregation -----------------------------------------------------------------------
enum class LagMode : uint8_t { lacp, fixed };  // fixed (`static` in the file): nobody is asked
enum class LacpActivity : uint8_t { active, passive };
enum class LacpRate : uint8_t { slow, fast };
struct LagConfig {
    std::vector<std::string> members;  // ports that are devices
    LagMode mode = LagMode::lacp;
    LacpActivity activity = LacpActivity::active;
    LacpRate rate = LacpRate::slow;  // that the partner is asked to speak at
    uint32_t key = 1, system_priority = 65535;
    LagHash hash = LagHash::layer2;
    uint32_t min_links = 0;  // with fewer that carry it is down; 0: as 1
    // The LAG as a port: its name, and what IP has of it.
    PortConfig port{.driver = LagPortConfig{}};
    friend bool operator==(const LagConfig&, const LagConfig&) = default;
};

// --- Bridges --------------------------------------------------------------------------------
enum class MemberStateConfig : uint8_t { forwarding, learning, blocking };
struct VlanRange {
    uint16_t first = 0, last = 0;
    friend bool operator==(const VlanRange&, const VlanRange&) = default;
};
struct VlanTranslation {  // of a trunk: what the domain's VLAN is called on the wire
    uint16_t wire = 0, vlan = 0;
    friend bool operator==(const VlanTranslation&, const VlanTranslation&) = default;
};
enum class EdgeConfig : uint8_t { automatic, always, never };
// Of a bridge's spanning tree (IEEE 802.1D-2004 17.13), what it has of a member.
struct MemberStpConfig {
    uint32_t priority = 128;  // 0 to 240, in steps of 16
    uint32_t cost = 0;        // 1 to 200'000'000; 0: by the link's speed
    EdgeConfig edge = EdgeConfig::automatic;
    bool point_to_point = true;
    bool bpdu_guard = false, root_guard = false;
    uint32_t guard_recovery = 0;  // seconds; 0: by hand only
    friend bool operator==(const MemberStpConfig&, const MemberStpConfig&) = default;
};
struct MemberConfig {
    std::string port;
    MemberStateConfig state = MemberStateConfig::forwarding;
    bool learning = true, hairpin = false;
    bool flood_unicast = true, flood_multicast = true, flood_broadcast = true;
    uint32_t split_horizon = 0;  // 0: in no group
    uint32_t learn_limit = 0;    // 0, here and below: none of its own
    uint32_t storm_unicast = 0, storm_multicast = 0, storm_broadcast = 0;  // frames a second
    // None of the three: the bridge knows no VLANs. `vlan` is that of an access port.
    std::optional<uint16_t> vlan;
    std::vector<VlanRange> trunk;
    std::vector<VlanTranslation> translate;
    std::optional<uint16_t> native;  // the trunk's VLAN of frames without a tag
    VlanTagKind tag = VlanTagKind::dot1q;
    MemberStpConfig stp;
    // What is not believed that comes in by it; `macs` empty: any may speak.
    bool arp_guard = false, dhcp_guard = false, ra_guard = false, source_guard = false;
    std::vector<Mac> macs;
    bool neigh_suppress = false;        // who is behind it is answered for, by ARP
    bool multicast_router = false;      // it gets what is for any IP group
    bool multicast_fast_leave = false;  // one host is behind it: it need not be asked who leaves

    bool knows_vlans() const { return vlan || !trunk.empty() || !translate.empty() || native; }
    friend bool operator==(const MemberConfig&, const MemberConfig&) = default;
};
struct StaticStation {
    Mac mac;
    std::string port;
    uint16_t vlan = 0;  // 0: the bridge knows none
    friend bool operator==(const StaticStation&, const StaticStation&) = default;
};
struct BindingConfig {  // which station has an address
    Ip4 address;
    Mac mac;
    std::string port;   // empty: behind any member
    uint16_t vlan = 0;  // 0, here and below: the bridge knows none
    friend bool operator==(const BindingConfig&, const BindingConfig&) = default;
};
struct GroupConfig {  // behind which members there is who wants it
    MulticastGroup group;
    std::vector<std::string> ports;
    uint16_t vlan = 0;
    friend bool operator==(const GroupConfig&, const GroupConfig&) = default;
};
enum class LearnAction : uint8_t { forward, drop };
enum class StpMode : uint8_t { off, stp, rstp };
struct StpConfig {
    StpMode mode = StpMode::off;
    uint32_t priority = 32768;    // 0 to 61440, in steps of 4096; the least becomes the root
    uint32_t hello_time = 2;      // seconds, as the next two: 1 to 10
    uint32_t max_age = 20;        // 6 to 40
    uint32_t forward_delay = 15;  // 4 to 30
    uint32_t tx_hold_count = 6;   // 1 to 10
    friend bool operator==(const StpConfig&, const StpConfig&) = default;
};
// What is done about a member that hears the bridge's own frames.
enum class LoopDetection : uint8_t { off, tell, shut };
struct BridgeConfig {
    std::vector<MemberConfig> members;
    std::vector<StaticStation> stations;
    std::vector<BindingConfig> bindings;
    std::vector<GroupConfig> groups;
    // Nothing said: to routers with snooping, else to all.
    std::optional<UnknownMulticast> unknown_multicast;
    bool multicast_snooping = false;          // IGMP and MLD tell who wants which groups
    bool multicast_querier = false;           // asks for them where nobody else does
    uint32_t multicast_query_interval = 125;  // seconds, RFC 3376 8.2
    uint32_t ageing = 300;                    // seconds; 0: never
    uint32_t learn_limit = 16384;
    LearnAction learn_action = LearnAction::forward;  // with frames of one too many
    uint32_t move_limit = 5;      // a second; 0: none. Beyond it a station stays put for 10 s
    uint32_t group_fwd_mask = 0;  // of 01:80:c2:00:00:0x: bit x
    StpConfig stp;
    LoopDetection loop_detection = LoopDetection::off;
    uint32_t loop_recovery = 60;  // seconds that a member is shut; 0: until it is opened by hand
    // The bridge as a port: its name, and what IP has of it.
    PortConfig port{.driver = BridgePortConfig{}};

    bool knows_vlans() const { return std::ranges::any_of(members, &MemberConfig::knows_vlans); }
    UnknownMulticast unknown_multicast_in_force() const {
        return unknown_multicast.value_or(multicast_snooping ? UnknownMulticast::routers
                                                             : UnknownMulticast::flood);
    }
    friend bool operator==(const BridgeConfig&, const BridgeConfig&) = default;
};

// --- Routes and neighbours ------------------------------------------------------------------
struct NextHopConfig {
    std::optional<Ip4> via;           // unset: the destination is on the link of `port`
    std::optional<std::string> port;  // unset: the port on whose link `via` is
    uint16_t weight = 1;
    bool onlink = false;  // `via` is on the link of `port`, whatever the subnets there
    friend bool operator==(const NextHopConfig&, const NextHopConfig&) = default;
};
// thrown (`throw` in the file): as if there were no route, as without policy routing there is no
// other table to look in.
enum class RouteAction : uint8_t { forward, blackhole, unreachable, prohibit, thrown };
// How far what it leads to is away (rtnetlink(7)): only what is on a link can be a gateway's way.
enum class RouteScope : uint8_t { global, link, host };
struct RouteConfig {
    Prefix4 to;
    RouteAction action = RouteAction::forward;
    std::vector<NextHopConfig> next_hops;  // empty unless the action is forward
    uint32_t metric = 0;                   // the lowest of one prefix is used
    std::optional<uint32_t> nhid;          // the next hops are those of a NexthopConfig
    std::optional<Ip4> src;                // our address in packets of our own
    std::optional<RouteScope> scope;       // unset: link without a gateway, else global
    friend bool operator==(const RouteConfig&, const RouteConfig&) = default;
};
// A next hop with a number that several routes go by, as `ip nexthop` has them: one of a hop, a
// group, or nothing (which is a black hole).
struct NexthopMember {
    uint32_t id = 0;
    uint16_t weight = 1;
    friend bool operator==(const NexthopMember&, const NexthopMember&) = default;
};
struct NexthopConfig {
    uint32_t id = 0;
    std::optional<NextHopConfig> hop;
    std::vector<NexthopMember> group;
    friend bool operator==(const NexthopConfig&, const NexthopConfig&) = default;
};
// Linux's net.ipv4.fib_multipath_*, by its names.
struct MultipathConfig {
    uint32_t fib_multipath_hash_policy = 0;  // 0: by addresses; 1: by ports and protocol, too
    bool fib_multipath_use_neigh = false;
    uint32_t fib_multipath_hash_seed = 0;  // 0: drawn when vethwayd starts
    friend bool operator==(const MultipathConfig&, const MultipathConfig&) = default;
};
struct NeighbourConfig {
    Ip4 address;
    Mac mac;
    std::string port;
    friend bool operator==(const NeighbourConfig&, const NeighbourConfig&) = default;
};

// Linux's knobs of the neighbour machine (net.ipv4.neigh.*), by its names and with its defaults
// (Documentation/networking/ip-sysctl.rst; net/ipv4/arp.c arp_tbl).
struct NeighbourPortConfig {
    uint32_t base_reachable_time_ms = 30'000;  // a proof lasts half to one and a half of it
    uint32_t delay_first_probe_time = 5;       // seconds
    uint32_t retrans_time_ms = 1'000;          // between two requests
    uint32_t gc_stale_time = 60;               // seconds
    uint32_t ucast_solicit = 3, app_solicit = 0, mcast_solicit = 3, mcast_resolicit = 0;
    uint32_t unres_qlen_bytes = 212'992;  // of buffers that wait for one neighbour
    uint32_t unres_qlen = 101;            // packets; Linux knows it as another word for the bytes
    friend bool operator==(const NeighbourPortConfig&, const NeighbourPortConfig&) = default;
};
struct NeighbourPortKnobs {  // of a port that differs, all of them
    std::string port;
    NeighbourPortConfig knobs;
    friend bool operator==(const NeighbourPortKnobs&, const NeighbourPortKnobs&) = default;
};
struct NeighbourTableConfig {
    uint32_t gc_thresh1 = 128;   // with fewer learned, none is forgotten
    uint32_t gc_thresh2 = 512;   // beyond it those of no use for 5 s make way for others
    uint32_t gc_thresh3 = 1024;  // never more; those of `neighbours` are not counted
    // Seconds. Unset: half of base_reachable_time_ms, which is what Linux does, whatever its own
    // gc_interval says (neigh_periodic_work).
    std::optional<uint32_t> gc_interval;
    NeighbourPortConfig all;  // of every port but these
    std::vector<NeighbourPortKnobs> ports;
    const NeighbourPortConfig& of(const std::string& port) const;
    friend bool operator==(const NeighbourTableConfig&, const NeighbourTableConfig&) = default;
};

struct XconnectConfig {  // two ports as the two ends of one wire
    std::string a, b;
    friend bool operator==(const XconnectConfig&, const XconnectConfig&) = default;
};

// --- Control --------------------------------------------------------------------------------
struct MetricsConfig {
    std::string host;   // an IPv4 address
    uint16_t port = 0;  // 0: no metrics are served
    friend bool operator==(const MetricsConfig&, const MetricsConfig&) = default;
};
struct ControlConfig {
    std::string socket = "/run/vethway/vethway.sock";
    uint32_t mode = 0660;
    friend bool operator==(const ControlConfig&, const ControlConfig&) = default;
};

struct Config {
    DataplaneConfig dataplane;
    Ip4KnobSettings ip4;
    PortKnobSettings defaults;  // of ports that say nothing themselves
    std::vector<PortConfig> ports;
    std::vector<LagConfig> lags;
    std::vector<XconnectConfig> xconnects;
    std::vector<BridgeConfig> bridges;
    MultipathConfig multipath;
    std::vector<NexthopConfig> nexthops;
    std::vector<RouteConfig> routes;
    std::vector<NeighbourConfig> neighbours;
    NeighbourTableConfig neighbour_table;
    MetricsConfig metrics;
    ControlConfig control;
    friend bool operator==(const Config&, const Config&) = default;
};

// Its ports, and its LAGs and bridges as ports.
std::vector<PortConfig> all_ports(const Config& config);

// Limits that the dataplane's tables are built for.
inline constexpr size_t kMaxConfigPorts = 192;
inline constexpr size_t kMaxDpdkPorts = 32;  // of them: as many devices as Debian's DPDK can hold
inline constexpr size_t kMaxLagMembers = 32;
inline constexpr size_t kMaxLags = 16;
inline constexpr size_t kMaxBridges = 16, kMaxBridgeMembers = 64, kMaxStations = 4096;
inline constexpr size_t kMaxBindings = 4096, kMaxGroups = 4096;  // per bridge
inline constexpr size_t kMaxMemberMacs = 256;
inline constexpr uint32_t kMaxLearnLimit = 65536, kMaxMoveLimit = 250;
inline constexpr uint32_t kMaxAgeing = 1'000'000;      // IEEE 802.1Q table 8-6
inline constexpr uint32_t kMaxPathCost = 200'000'000;  // IEEE 802.1D table 17-3
inline constexpr uint32_t kMaxRecovery = 65'535;       // seconds
inline constexpr uint32_t kMaxQueryInterval = 31'744;  // RFC 3376 4.1.7
inline constexpr size_t kMaxPortAddresses = 16;        // per port
inline constexpr size_t kMaxRoutes = 8000;             // twice as many while they change
inline constexpr size_t kMaxNexthops = 8000;
inline constexpr size_t kMaxNeighbours = 2048;           // permanent ones
inline constexpr size_t kMaxNextHops = 32;               // per route
inline constexpr uint16_t kMinMtu = 68, kMaxMtu = 9500;  // RFC 791; the mbuf sizes we offer

}  // namespace vethway
