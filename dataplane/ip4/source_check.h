// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "dataplane/fib/route_entry.h"
#include "dataplane/snapshot.h"

namespace vethway {

// Whether a packet may come in by `port` from a source to which `back` is the route (RFC 3704;
// Linux fib_validate_source).
inline bool passes(SourceCheck check, uint16_t port, const RouteEntry& back) noexcept {
    if (check == SourceCheck::off) return true;
    if (back.type != RouteType::forward) return false;
    return check == SourceCheck::loose || back.leaves_by(port);
}

}  // namespace vethway
