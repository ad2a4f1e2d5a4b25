// SPDX-License-Identifier: Apache-2.0
// IPv4 as received: is it a packet at all, and can it come from whom it says (RFC
// 1812 5.2.2, 5.3.7).
#pragma once

#include <cstddef>
#include <span>

#include "dataplane/drop.h"

namespace vethway {

struct Context;
class Burst;

// `l3` starts at the IPv4 header. Lengths come before the checksum, which reads IHL words: a
// hostile IHL must not make it read past the frame. Addresses come last.
Drop check_ip4(std::span<const std::byte> l3, size_t l3_size) noexcept;

// Consumes `in`. Packets are trimmed to their total length, since Ethernet pads; what goes to `out`
// has a valid header and addresses that may be looked up.
void ip4_input(Context& c, Burst& in, Burst& out) noexcept;

}  // namespace vethway
