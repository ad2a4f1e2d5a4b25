// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <rte_mbuf.h>

namespace vethway {

struct Context;
class Burst;

// Consumes `m`, an ICMP timestamp request to the switch whose checksum is right; `at`: of its ICMP
// header. The reply, for `own`, says when it came by our clock (RFC 792, RFC 1122 3.2.2.8).
void timestamp_reply(Context& c, rte_mbuf* m, size_t at, Burst& own) noexcept;

}  // namespace vethway
