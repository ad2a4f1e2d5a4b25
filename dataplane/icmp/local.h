// SPDX-License-Identifier: Apache-2.0
// IPv4 packets to the switch itself.
#pragma once

namespace vethway {

struct Context;
class Burst;

struct LocalOutputs {
    Burst& own;     // replies, for ip4_output
    Burst& errors;  // nobody listens
    Burst& punt;    // for the control thread: what answers its own packets
};
// Consumes `in`, whole packets: echo and timestamp requests are answered (RFC 1122 3.2.2.6),
// answers to our own are handed on, TCP gets a reset, UDP port unreachable, other protocols
// protocol unreachable.
void local_input(Context& c, Burst& in, LocalOutputs out) noexcept;

}  // namespace vethway
