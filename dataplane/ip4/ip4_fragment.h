// SPDX-License-Identifier: Apache-2.0
// IPv4 fragmentation (RFC 791 3.2, RFC 1812 4.2.2.7).
#pragma once

#include <rte_mbuf.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace vethway {

struct Context;

// Consumes `m`, a whole frame whose packet exceeds `mtu`, what its way takes, and sends it in
// pieces. Each keeps the datagram's id and the position of a piece that was a fragment before;
// options that are not for every fragment (RFC 791: copied flag clear) stay with the first.
void ip4_fragment(Context& c, rte_mbuf* m, uint16_t mtu) noexcept;

// The header of fragments after the first, made of the first's: writes up to 60 bytes to `out`, the
// length of which is returned.
size_t later_fragment_header(std::span<const std::byte> header,
                             std::span<std::byte, 60> out) noexcept;

}  // namespace vethway
