// SPDX-License-Identifier: Apache-2.0
// What may come in by a member of a bridge that is not to be believed: source MACs, IPv4 addresses
// and ARP by what the configuration binds, nothing of who would be a DHCP server or a router.
#pragma once

#include <rte_mbuf.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/drop.h"
#include "dataplane/l2/bindings.h"

namespace vethway {

struct Context;
struct Member;

struct Guard {
    bool arp = false;       // senders of ARP are bound (dynamic ARP inspection; RFC 826, RFC 5227)
    bool dhcp = false;      // nothing of DHCP servers (RFC 2131 4.1, RFC 8415 7.2)
    bool ra = false;        // no router advertisements (RFC 6105, RFC 7113)
    bool source = false;    // IPv4 and ARP of bound addresses, else of bound MACs
    std::vector<Mac> macs;  // in order: who may speak; empty: anybody
    std::shared_ptr<const Bindings> bindings;  // never null
};

// What is wrong with a frame, for a trace.
enum class GuardFault : uint8_t {
    none,
    unreadable,      // headers that make no sense, or more of them than are looked through
    mac_not_listed,  // `mac` is none of those that may speak
    mac_not_bound,   // `mac` has no address
    mac_elsewhere,   // `mac` is bound to another member
    ip_not_bound,    // nobody has `ip`
    ip_of_another,   // another MAC than `mac` has `ip`
    ip_elsewhere,    // `ip` is bound to another member
    forged_sender,   // ARP tells of `mac`, which is not the frame's source
    server,          // a DHCP server speaks
    router           // a router advertises itself
};
struct GuardVerdict {
    Drop why = Drop::none;  // none: it may come in
    GuardFault fault = GuardFault::none;
    Ip4 ip;   // where it is about one
    Mac mac;  // likewise
};

// Pure. Of a frame without the tag of its VLAN, as far as its first segment has it, and that is an
// Ethernet header at least. Later fragments have no ports: `dhcp` and `ra` let them pass, as
// without the first one they are of no use; `source` looks at their addresses as at all.
GuardVerdict check_guard(const Guard& guard, uint16_t port, uint16_t vlan,
                         std::span<const std::byte> frame) noexcept;

// Worker: the same of a frame that came by `member`, which has a guard; noted.
Drop guard(Context& c, rte_mbuf* m, const Member& member) noexcept;

}  // namespace vethway
