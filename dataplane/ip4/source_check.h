// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "dataplane/fib/route_entry.h"
#include "dataplane/snapshot.h"

namespace vethway {

// Worker: whether what comes in by `port` may have this source, by the port's reverse path filter
// (RFC 3704; Linux fib_validate_source). `back`: the route to the source. An address of ours, where
// accept_local takes it at all, is at home on its own port only.
inline bool source_passes(const Snapshot& snap, uint16_t port, Ip4 source,
                          const RouteEntry& back) noexcept {
    const SourceCheck check = snap.ports[port].source_check();
    if (check == SourceCheck::off) return true;
    if (snap.is_own(source))
        return check == SourceCheck::loose || snap.ports[port].has_address(source);
    if (back.type != RouteType::forward) return false;
    return check == SourceCheck::loose || back.leaves_by(port);
}

}  // namespace vethway
