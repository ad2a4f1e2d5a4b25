// SPDX-License-Identifier: Apache-2.0
// ARP as received (RFC 826, RFC 1122 2.3.2, RFC 5227; Linux net/ipv4/arp.c arp_process): requests
// for our addresses are answered, what they and replies say of a neighbour is learned, and packets
// that waited for it go on.
#pragma once

#include <cstddef>
#include <span>

#include "dataplane/drop.h"

namespace vethway {

struct Context;
class Burst;
class PacketList;

// Drop::none when the message, from behind the Ethernet header, is well formed and its sender is
// one that can be believed: RFC 826 says nothing of groups, but a group's MAC or address is
// nobody's.
Drop check_arp(std::span<const std::byte> arp) noexcept;

struct ArpOutputs {
    PacketList& released;  // IP packets whose next hop is known now
    Burst& punt;           // copies of what the control thread asked for
};
// Consumes `in`. Replies go straight to Tx.
void arp_input(Context& c, Burst& in, ArpOutputs out) noexcept;

}  // namespace vethway
