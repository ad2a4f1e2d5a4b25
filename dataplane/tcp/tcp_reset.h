// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <rte_mbuf.h>

namespace vethway {

struct Context;
class Burst;

// Consumes `m`, a whole TCP segment to the switch, which listens nowhere: it is dropped, and `own`
// gets the reset that RFC 9293 3.10.7.1 answers it with, if any. `at`: of the TCP header, in the
// frame's first segment.
void tcp_reset(Context& c, rte_mbuf* m, size_t at, Burst& own) noexcept;

}  // namespace vethway
