// SPDX-License-Identifier: Apache-2.0
// What a user wrote, as checked values. Every default of the configuration file is in this header.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "dataplane/net/ip4.h"
#include "dataplane/net/knobs.h"
#include "dataplane/net/mac.h"

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
using PortDriver = std::variant<VethConfig, AfPacketConfig, AfXdpConfig, MemifConfig, TapConfig,
                                NullConfig, RingConfig, PcapConfig, DevargsConfig>;
// "veth", "af_packet", …: the key in the file, in the order of the variant.
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
    friend bool operator==(const PortConfig&, const PortConfig&) = default;
};

// --- Routes and neighbours ------------------------------------------------------------------
struct NextHopConfig {
    std::optional<Ip4> via;           // unset: the destination is on the link of `port`
    std::optional<std::string> port;  // unset: the port on whose subnet `via` lies
    uint16_t weight = 1;
    friend bool operator==(const NextHopConfig&, const NextHopConfig&) = default;
};
enum class RouteAction : uint8_t { forward, blackhole, unreachable, prohibit };
struct RouteConfig {
    Prefix4 to;
    RouteAction action = RouteAction::forward;
    std::vector<NextHopConfig> next_hops;  // empty unless the action is forward
    uint32_t metric = 0;                   // the lowest of one prefix is used
    friend bool operator==(const RouteConfig&, const RouteConfig&) = default;
};
struct NeighbourConfig {
    Ip4 address;
    Mac mac;
    std::string port;
    friend bool operator==(const NeighbourConfig&, const NeighbourConfig&) = default;
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
    std::vector<XconnectConfig> xconnects;
    std::vector<RouteConfig> routes;
    std::vector<NeighbourConfig> neighbours;
    MetricsConfig metrics;
    ControlConfig control;
    friend bool operator==(const Config&, const Config&) = default;
};

// Limits that the dataplane's tables are built for.
inline constexpr size_t kMaxConfigPorts = 32;            // devices that Debian's DPDK can hold
inline constexpr size_t kMaxPortAddresses = 16;          // per port
inline constexpr size_t kMaxRoutes = 8000;               // twice as many while they change
inline constexpr size_t kMaxNeighbours = 2048;           // half of the table
inline constexpr size_t kMaxNextHops = 32;               // per route
inline constexpr uint16_t kMinMtu = 68, kMaxMtu = 9500;  // RFC 791; the mbuf sizes we offer

}  // namespace vethway
