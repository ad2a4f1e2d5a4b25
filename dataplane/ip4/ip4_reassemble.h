// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace vethway {

struct Context;
class Burst;

// Consumes `in`, packets to the switch: fragments are held until their datagram is whole, which
// then goes to `out` as one packet, as do packets that are none.
void ip4_reassemble(Context& c, Burst& in, Burst& out) noexcept;

}  // namespace vethway
