// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace vethway {

struct Context;
class Burst;
class PacketList;

// Consumes `routed`, IP packets with a next hop. One whose MAC is known gets its Ethernet header
// and is sent, in fragments where it exceeds the MTU; else it waits, and ARP asks (RFC 826; RFC
// 1812 3.3.2). `released` takes packets that another worker's answer set free meanwhile: resolve
// them, too.
void resolve(Context& c, Burst& routed, PacketList& released) noexcept;

}  // namespace vethway
