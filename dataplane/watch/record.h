// SPDX-License-Identifier: Apache-2.0
// What a worker writes down of a packet that somebody watches: one record a step, and behind it the
// frame's first bytes as they were after the step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "dataplane/drop.h"
#include "dataplane/net/ip4.h"
#include "dataplane/net/mac.h"
#include "dataplane/offload/offload.h"

namespace vethway {

// What happened to a packet. `a` and `b` are the record's, and mean what is said here.
enum class Step : uint8_t {
    received,         // at `port`; a: how many packets in the burst
    repaired,         // its checksum, which the driver could not say to be partial, was completed
    wired,            // to `egress`, the other end of the wire
    not_wired,        // too long for that end; a: its MTU
    entered_lag,      // `port` is the LAG's now; a: the member that it came by
    entered_vlan,     // `port` is the VLAN's now; a: the VLAN
    guarded,          // refused by a guard of the member; `next_hop`, `mac`: whom it is about;
                      // a: GuardFault; b: VLAN
    station_learned,  // its source; a: Learned; b: VLAN
    arp_answered,     // for `next_hop`, whose station `mac` is behind port a; b: VLAN
    bridged,          // to the one member `egress` that its destination is behind; b: VLAN
    flooded,          // a: to how many ports; b: VLAN
    to_group,         // to those that want its group; a: how many; b: VLAN
    to_routers,       // to those behind which routers are, of its group; a, b: as above
    to_bridge,        // to the bridge's own port `port`; b: VLAN
    into_bridge,      // a packet of IP's, by the bridge's own port a; b: VLAN
    left_vlan,        // by the VLAN's port a, whose tag it gets now; b: VLAN
    spread,           // by `egress`, of a LAG; a: LagHash << 16 | bucket; b: carrying << 16 | LAG
    classified,       // a: EtherType; b: 1 in a broadcast or multicast frame
    learned,          // from ARP; `next_hop` has `mac`; a: NeighbourState then
    source_passed,    // a: SourceCheck; b: the port that the route back leaves by
    source_refused,   // the same
    options_read,     // a: the bad byte, or 0; b: what there was, kSays… below
    routed,           // by its destination; a: RouteType; b: how many next hops
    forwarded,        // TTL counted down, `egress` and `next_hop` chosen; a: MTU; b: size there
    refused_forward,  // a: MTU; b: size there; `why` says for what
    asks_error,       // a: ICMP type << 8 | code; b: ErrorFate
    collected,        // a fragment to us, held for the others; a, b: its bytes' place
    reassembled,      // made of fragments; a: how many; b: its size
    sent_own,         // a packet of ours found its way; a: RouteType; b: 1 if not by the routes
    resolved,         // `next_hop` has `mac`; a: NeighbourState
    waits,            // for the MAC of `next_hop`; a: NeighbourState; b: how many wait with it
    released,         // has waited; a: microseconds
    checksum_done,    // completed for a port that can't be told of a partial one
    handed_over,      // to the worker that owns the queue; a: which
    sent,             // handed to the driver of `egress`; a: queue; b: packets in the batch
    originated,       // a: Originated
    consumed,         // a: Consumed; the end of this packet
    dropped,          // for `why`; the end of this packet
};

// Of Step::options_read.
inline constexpr uint32_t kSaysRecordRoute = 1, kSaysTimestamp = 2, kSaysSourceRoute = 4;

// What became of the wish to tell the sender by ICMP.
enum class ErrorFate : uint8_t { sent, not_allowed, rate_limited, no_buffer };

struct Record {
    uint64_t tsc;
    uint32_t story;   // the received packet that it all began with: worker << 25 | number
    uint32_t packet;  // this packet: the same as `story`, or one that it caused
    uint32_t parent;  // that caused this one; 0: none
    Step step;
    Drop why;
    uint16_t port, egress;
    uint16_t l3_offset;
    Ip4 next_hop;
    uint32_t a, b;
    Offload offload;
    Mac mac;
    uint16_t worker;
    uint16_t captured;  // bytes that follow
    uint32_t length;    // of the frame
};
static_assert(std::is_trivially_copyable_v<Record>);

struct NotedStep {
    Record record;
    std::vector<std::byte> frame;  // as it was after the step
};

}  // namespace vethway
