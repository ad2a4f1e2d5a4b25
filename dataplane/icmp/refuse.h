// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "dataplane/burst.h"
#include "dataplane/meta.h"

namespace vethway {

// Hands `m` to icmp_error by `errors`: it is dropped for `why`, and its sender told by an error of
// this type and code, if one may be sent.
inline void refuse(Burst& errors, rte_mbuf* m, Drop why, uint8_t type, uint8_t code) noexcept {
    meta(*m).why = why;
    meta(*m).icmp_type = type;
    meta(*m).icmp_code = code;
    errors.push(m);
}

}  // namespace vethway
