// SPDX-License-Identifier: Apache-2.0
// ARP suppression, by Linux's rules for neigh_suppress (net/bridge/br_arp_nd_proxy.c,
// br_do_proxy_suppress_arp): who is behind a member that has it is answered for, and what need not
// be asked there is not flooded there.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>

namespace vethway {

struct Context;
struct Member;

enum class Suppressed : uint8_t {
    no,
    kept,     // not to be flooded to members with neigh_suppress
    answered  // nor that, and whoever asked has got a reply
};

// Worker. Of a frame that came by `from` into the domain, of which some member has neigh_suppress,
// and is to be flooded. It stays the caller's.
Suppressed suppress_arp(Context& c, rte_mbuf* m, uint16_t domain, const Member& from) noexcept;

}  // namespace vethway
