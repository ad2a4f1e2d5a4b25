// SPDX-License-Identifier: Apache-2.0
// What a stage leaves for the next: one cache line in the mbuf's private area.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>
#include <span>
#include <type_traits>

#include "dataplane/drop.h"
#include "dataplane/net/headers.h"
#include "dataplane/offload/offload.h"

namespace vethway {

struct RouteEntry;
struct Neighbour;

// How a packet made by the control thread enters a worker.
enum class Inject : uint8_t {
    output,        // an IP packet of ours behind room for an Ethernet header; src may be 0 (chosen)
    output_by,     // the same, by `egress` to `next_hop`, whatever the routes say; src is there
    frame,         // an ARP message for `egress`
    l2_frame,      // a frame of a protocol between bridges, for `egress`, whatever its state
    resolve,       // a packet once held, for which there is hope
    undeliverable  // a packet once held: what it waited for did not come; `why` says what
};

// What was done about a packet's options, and is still to do (ip4/ip4_options.h). Offsets are from
// the IPv4 header; 0: there is no such option.
struct OptionWork {
    uint16_t record_route : 6 = 0, timestamp : 6 = 0;
    bool record_address : 1 = false;  // ours was written
    bool timestamp_address : 1 = false, timestamp_time : 1 = false;
    bool changed : 1 = false;  // the header's checksum is to be made anew
    uint16_t source_route : 6 = 0;
    bool strict : 1 = false;   // it is a strict one
    bool to_stop : 1 = false;  // which has a next stop: meta's next_hop, until that is routed
};

struct PacketMeta {
    uint16_t port;       // index of the ingress port; kLoopback for packets of our own
    uint16_t egress;     // index of the egress port, once routed
    Ip4 next_hop;        // once routed
    Offload offload;     // written by the driver, where PortInfo::offloads says so
    uint16_t icmp_info;  // the MTU of "fragmentation needed", or what a parameter problem points at
    OptionWork options;  // where there are any
    uint8_t l3_offset;   // from the frame's first byte to its IPv4 header
    bool link_group : 1;    // came in a broadcast or multicast frame
    bool own : 1;           // made by us: no TTL check, no source check
    bool redirect : 1;      // leaves as it came: its sender is to be told of the next hop
    bool to_broadcast : 1;  // goes to all on the egress port's link
    bool plain : 1;         // without options, from another host's address to the port's MAC
    Inject inject;
    Drop why;  // set where an ICMP error is asked for
    uint8_t icmp_type, icmp_code;
    uint8_t watched;  // by which watches, a bit each (watch/watch.h)
    const RouteEntry* route;
    Neighbour* neighbour;
    rte_mbuf* next_held;  // links packets that wait for one neighbour
    uint64_t tsc;         // when received (or, for an own packet, sent)
};
static_assert(sizeof(PacketMeta) <= 64 && std::is_trivially_copyable_v<PacketMeta>);

inline PacketMeta& meta(rte_mbuf& m) noexcept {
    return *static_cast<PacketMeta*>(rte_mbuf_to_priv(&m));
}
// The frame's first segment: all of it, unless it is larger than kLargeFrame (frame_buffers.h). The
// headers of whatever is not absurd are in it.
inline std::span<std::byte> frame_bytes(rte_mbuf& m) noexcept {
    return {rte_pktmbuf_mtod(&m, std::byte*), m.data_len};
}
inline std::span<std::byte> l3_bytes(rte_mbuf& m) noexcept {
    return frame_bytes(m).subspan(meta(m).l3_offset);
}
// Of the whole frame, from the IP header on.
inline size_t l3_size(rte_mbuf& m) noexcept { return m.pkt_len - meta(m).l3_offset; }
inline EtherHeader& ether(rte_mbuf& m) noexcept { return *rte_pktmbuf_mtod(&m, EtherHeader*); }
// Only behind ip4_input's checks.
inline Ip4Header& ip4(rte_mbuf& m) noexcept {
    return *rte_pktmbuf_mtod_offset(&m, Ip4Header*, meta(m).l3_offset);
}

}  // namespace vethway
