// SPDX-License-Identifier: Apache-2.0
// Super-frames cut into what goes over a wire (Linux tcp_gso_segment() of net/ipv4/tcp_offload.c,
// __udp_gso_segment() of udp_offload.c). Workers.
#pragma once

#include <rte_mbuf.h>

#include <cstddef>
#include <cstdint>

#include "dataplane/meta.h"

namespace vethway {

struct Context;
class PacketList;

// Bytes of the packet from its IP header on, as the largest of its segments has them: what an MTU
// is compared with. `m` is an IPv4 packet behind ip4_input.
size_t segment_wire_size(rte_mbuf& m) noexcept;  // of a super-frame
inline size_t wire_size(rte_mbuf& m) noexcept {
    return meta(m).offload.gso == Gso::none ? size_t{ip4(m).total_length} : segment_wire_size(m);
}

// Of the TCP or UDP header that begins at `l4`; 0: it is none, or the frame's first segment ends
// before it does.
size_t l4_header_bytes(rte_mbuf& m, size_t l4, Gso gso) noexcept;

// Consumes `m`, a super-frame (TCP over IPv4 or IPv6, UDP; VLAN tags in front are kept): `out` gets
// its segments, with good checksums and meta() as `m` had it; or it is dropped whole, and `out`
// gets none.
void segment(Context& c, rte_mbuf* m, PacketList& out) noexcept;

// A super-frame becomes its first segment, and a partial checksum a good one: how the packet would
// look on a wire. `m` is an IPv4 packet behind ip4_input, and will not be forwarded.
void show_as_on_wire(rte_mbuf& m) noexcept;

}  // namespace vethway
