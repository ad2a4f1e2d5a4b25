// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace vethway {

struct Context;
class Burst;

// Reverse path filter (RFC 3704; Linux rp_filter) on ports that have it: drops from `packets` those
// whose source is not routed back by the ingress port (strict), or by no port at all (loose).
void ip4_source(Context& c, Burst& packets) noexcept;

}  // namespace vethway
