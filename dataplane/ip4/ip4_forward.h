// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace vethway {

struct Context;
class Burst;

struct Ip4ForwardOutputs {
    Burst& routed;  // meta: egress, next_hop; TTL is down by one
    Burst& errors;
};
// Consumes `in`, packets on their way through (RFC 1812 5.3.1 TTL, 4.2.2.7 fragmentation; the order
// of Linux ip_forward()): TTL, next hop, MTU. True: of some in `routed` the sender is to be told
// that there is a shorter way (meta().redirect).
bool ip4_forward(Context& c, Burst& in, Ip4ForwardOutputs out) noexcept;

}  // namespace vethway
