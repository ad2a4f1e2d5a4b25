// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace vethway {

struct Context;
class Burst;
class PacketList;

struct Ip4OutputOutputs {
    Burst& routed;
    PacketList& loopback;  // to one of our own addresses
};
// Consumes `in`, packets of our own: finds the way, fills in the source address where it is still
// zero (the route's own, else the one that a neighbour on the way knows us by), the id and the
// header checksum.
void ip4_output(Context& c, Burst& in, Ip4OutputOutputs out) noexcept;

}  // namespace vethway
