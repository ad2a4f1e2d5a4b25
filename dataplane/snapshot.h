// SPDX-License-Identifier: Apache-2.0
// Everything of the configuration's size that workers read: built whole by the control thread,
// published under RCU, never edited.
#pragma once

#include <rte_ring.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/counters.h"
#include "dataplane/l2/domain.h"
#include "dataplane/l2/lag.h"
#include "dataplane/multipath_rules.h"
#include "dataplane/neighbour/neighbour_limits.h"
#include "dataplane/net/ip4.h"
#include "dataplane/net/knobs.h"
#include "dataplane/net/mac.h"
#include "dataplane/own_addresses.h"
#include "dataplane/port/port.h"

namespace vethway {

enum class SourceCheck : uint8_t { off, strict, loose };  // the values of rp_filter

// What is behind an index: a device, or what has no wire of its own.
enum class PortKind : uint8_t {
    device,  // or `lo`, or nothing
    bridge,  // a bridge domain's own, of one VLAN
    vlan,    // a VLAN of another port
    lag      // several devices as one
};

struct PortState {
    Port* device = nullptr;                                // null: `lo`, or no port has this index
    bool up = false;                                       // administratively, and the link
    bool partial_checksums = false, may_truncate = false;  // as in PortInfo, and these
    bool offloads = false, super_frames = false;
    uint16_t xconnect = kNoPort;  // the other end of the wire that the port is one of
    NeighbourLimits neighbour_limits;
    uint16_t mtu = 0;
    uint16_t tx_queues = 0;
    Mac mac;
    PortKnobs knobs;
    std::vector<Prefix4> addresses;  // the first is the preferred source
    PortKind kind = PortKind::device;
    bool shares_mbufs = false;    // as in PortInfo
    uint16_t domain = kNoDomain;  // that it is a member of, or (kind bridge) whose own it is
    uint16_t member = 0;          // which of its members
    // Of a VLAN's port: the port below, and the tag there. Of a bridge's: the domain's VLAN.
    uint16_t parent = kNoPort, vlan = 0, tpid = 0;
    std::shared_ptr<const SubPorts> sub_ports;  // null: there are no ports above
    std::shared_ptr<const LagTable> lag_table;  // of a LAG
    LagMembership lag;                          // of its members
    // One a Tx queue, where workers outnumber queues: those without their own hand packets to the
    // worker that has it.
    std::vector<rte_ring*> shared_tx;

    SourceCheck source_check() const noexcept {
        return static_cast<SourceCheck>(knobs[PortKnob::rp_filter]);
    }
    // The address to speak from to `target` on this link: one of its subnet, else the first; zero
    // if there is none (Linux inet_select_addr).
    Ip4 source_for(Ip4 target) const noexcept {
        for (const Prefix4& a : addresses)
            if (a.contains(target)) return a.address;
        return addresses.empty() ? Ip4{} : addresses.front().address;
    }
    // Whether one of its subnets has them both (Linux inet_addr_onlink).
    bool on_link(Ip4 a, Ip4 b) const noexcept {
        return std::ranges::any_of(
            addresses, [=](const Prefix4& p) { return p.contains(a) && p.contains(b); });
    }
    bool has_address(Ip4 ip) const noexcept {
        return std::ranges::any_of(addresses, [ip](const Prefix4& a) { return a.address == ip; });
    }
};

struct RxQueue {
    uint16_t port, queue;
    friend bool operator==(const RxQueue&, const RxQueue&) = default;
};

struct Snapshot {
    uint64_t generation = 0;               // tells one snapshot from the next
    std::vector<PortState> ports;          // by index; [kLoopback] is `lo`
    std::vector<std::vector<RxQueue>> rx;  // what each worker polls
    OwnAddresses own;
    Ip4Knobs ip4;
    bool any_source_check = false, any_xconnect = false;
    bool any_l2 = false;  // bridges, LAGs, or VLANs' ports
    std::vector<Domain> domains;
    MultipathRules multipath;

    bool is_own(Ip4 ip) const noexcept { return own.has(ip); }
    uint8_t default_ttl() const noexcept {
        return static_cast<uint8_t>(ip4[Ip4Knob::ip_default_ttl]);
    }
    // Our address to send from by `port`: an unnumbered port borrows another's.
    Ip4 source_for(uint16_t port, Ip4 target) const noexcept {
        const Ip4 ip = ports[port].source_for(target);
        return ip.is_zero() && !own.empty() ? own.lowest() : ip;
    }
};

}  // namespace vethway
