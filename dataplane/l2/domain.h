// SPDX-License-Identifier: Apache-2.0
// A bridge domain as workers read it, part of the snapshot.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/l2/fdb.h"
#include "dataplane/net/headers.h"
#include "dataplane/net/mac.h"

namespace vethway {

struct Guard;
class Bindings;
class Groups;
template <class T>
class Published;

inline constexpr uint16_t kNoDomain = UINT16_MAX;
inline constexpr size_t kMaxMembers = 64;

// The VLANs of a member, as they are on its wire and in the domain. Who is untagged on the wire has
// one VLAN at most.
struct VlanMap {
    static constexpr uint16_t kRefused = UINT16_MAX, kUntagged = 0;
    uint16_t tpid = kEtherTypeVlan;                // what a tag is here: other ones are payload
    uint16_t untagged = kRefused;                  // the VLAN of frames without a tag
    std::array<uint16_t, kMaxVlan + 2> from_wire;  // VID in the tag -> VLAN
    std::array<uint16_t, kMaxVlan + 2> to_wire;    // VLAN -> VID in the tag, or kUntagged

    VlanMap() {
        from_wire.fill(kRefused);
        to_wire.fill(kRefused);
    }
};

// What there may be too much of.
enum class FloodKind : uint8_t { unknown_unicast, multicast, broadcast };
inline constexpr size_t kFloodKinds = 3;
inline constexpr const char* kFloodKindNames[] = {"unknown_unicast", "multicast", "broadcast"};

struct Member {
    uint16_t port = 0;
    uint8_t split_horizon = 0;  // members of one group don't reach each other; 0: no group
    bool learning = true, hairpin = false;
    std::array<bool, kFloodKinds> floods{true, true, true};  // out of it
    std::array<uint32_t, kFloodKinds> storm_pps{};           // in by it; 0: no limit
    LearnRules learn;                                        // the domain's, with its own limit
    std::shared_ptr<const VlanMap> vlans;                    // null: the domain knows none
    std::shared_ptr<const Guard> guard;                      // null: what comes in is believed
    bool neigh_suppress = false;  // who is behind it is answered for (arp_suppress.h)
};

// The domain's own interface to IP, of one VLAN (0 where it knows none): a port like any other.
struct BridgePort {
    uint16_t vlan = 0, port = 0;
    Mac mac;
};

struct Domain {
    Mac mac;  // the bridge's, in what it says to others of its kind: such frames come back by a
              // loop
    std::vector<Member> members;
    std::vector<BridgePort> own_ports;
    std::shared_ptr<const Bindings> bindings;  // null: there are none
    // Null: what is for groups is flooded. They go by the places of the members here, but are
    // replaced beside this snapshot, since hosts come to groups and leave them at any time.
    std::shared_ptr<Published<Groups>> groups;
    bool suppresses_arp = false;   // a member has neigh_suppress
    bool drops_unlearned = false;  // frames of stations that are one too many
    // Of 01:80:c2:00:00:0x, by x: what passes as other groups do, and what the control thread gets.
    uint16_t group_fwd_mask = 0, group_punt_mask = 0;

    const BridgePort* own_port(uint16_t vlan) const noexcept {
        for (const BridgePort& p : own_ports)
            if (p.vlan == vlan) return &p;
        return nullptr;
    }
};

// Which port has a tag as its own VLAN, of a port below it; kNone: no one.
struct SubPorts {
    static constexpr uint16_t kNone = UINT16_MAX;
    std::array<uint16_t, kMaxVlan + 2> dot1q, dot1ad;  // by VID, for TPID 0x8100 and 0x88a8

    SubPorts() {
        dot1q.fill(kNone);
        dot1ad.fill(kNone);
    }
};

}  // namespace vethway
