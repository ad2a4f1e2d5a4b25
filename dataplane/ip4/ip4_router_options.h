// SPDX-License-Identifier: Apache-2.0
// What a router does about the options of the packets that it meets. The few that have any pay for
// it: for all others it is one compare.
#pragma once

namespace vethway {

struct Context;
class Burst;

// Reads the options of those of `packets` that have any, before TTL, route and MTU (Linux
// ip_rcv_options): a bad one takes its packet to `errors`; a source route that the port does not
// accept, or that leads nowhere, drops it, any other leads it on; record route and timestamp are
// filled in (meta: options). True when there were any, and ip4_record_route() is to be called.
bool ip4_router_options(Context& c, Burst& packets, Burst& errors) noexcept;

// Of `routed`: the address that is recorded is that of the way out.
void ip4_record_route(Context& c, Burst& routed) noexcept;

}  // namespace vethway
