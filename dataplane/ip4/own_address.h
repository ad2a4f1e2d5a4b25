// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <rte_mbuf.h>

#include "dataplane/net/ip4.h"

namespace vethway {

struct Context;

// What we are called by the sender of `m`, whose route is known (Linux fib_compute_spec_dst): by
// what it asks for, or by the address that we would answer it from.
Ip4 address_for_sender(const Context& c, rte_mbuf& m) noexcept;

}  // namespace vethway
