// SPDX-License-Identifier: Apache-2.0
// The ICMP errors that forwarding ends in most.
#pragma once

#include "dataplane/fib/route_entry.h"
#include "dataplane/icmp/refuse.h"

namespace vethway {

// RFC 1812 5.3.1.
inline void refuse_ttl(Burst& errors, rte_mbuf* m) noexcept {
    refuse(errors, m, Drop::ttl_expired, kIcmpTimeExceeded, 0);
}

// False: the type asks for no error. The codes are those of Linux ip_error().
inline bool refuse_by_route(Burst& errors, rte_mbuf* m, RouteType type) noexcept {
    switch (type) {
        case RouteType::none:
            refuse(errors, m, Drop::no_route, kIcmpUnreachable, kIcmpNetUnreachable);
            return true;
        case RouteType::unreachable:
            refuse(errors, m, Drop::unreachable, kIcmpUnreachable, kIcmpHostUnreachable);
            return true;
        case RouteType::prohibit:
            refuse(errors, m, Drop::prohibited, kIcmpUnreachable, kIcmpAdminProhibited);
            return true;
        default:
            return false;
    }
}

}  // namespace vethway
