// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "dataplane/drop.h"

namespace vethway {

struct Context;
class Burst;

struct Ip4LookupOutputs {
    Burst &local, &forward;
    Burst& errors;  // dropped, and their sender is told (meta: why, icmp_type, icmp_code)
};
// Consumes `in`: one lookup of all destinations, then each goes where its route's type says.
void ip4_lookup(Context& c, Burst& in, Ip4LookupOutputs out) noexcept;

}  // namespace vethway
