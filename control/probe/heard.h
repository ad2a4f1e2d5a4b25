// SPDX-License-Identifier: Apache-2.0
// What an ICMP message to the switch says about a probe of its own. Any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "control/probe/probe.h"
#include "dataplane/net/headers.h"

namespace vethway {

// An echo reply, or an error that quotes an echo request or a UDP datagram (RFC 792), or a reply of
// ours to such a request.
struct Heard {
    bool is_reply = false;        // else an error
    bool is_about_reply = false;  // an error about a reply: no probe of ours, all the same
    Ip4 from;
    Ip4 via;  // of a redirect
    uint8_t type = 0, code = 0, ttl = 0;
    uint16_t bytes = 0, mtu = 0;  // bytes: of the ICMP message; mtu: of "fragmentation needed"
    // The probe, by what is quoted; of a reply, by what it repeats.
    ProbeKind kind = ProbeKind::echo;
    Ip4 probe_from, probe_to;
    uint16_t mark = 0;      // the echo's identifier, or the source port
    uint16_t position = 0;  // the echo's sequence, or the target port

    bool is_redirect() const { return type == kIcmpRedirect && code <= 3; }
    // RFC 1191: "fragmentation needed". A router from before that says 0 as its MTU.
    bool is_too_large() const {
        return type == kIcmpUnreachable && code == kIcmpFragmentationNeeded;
    }
};

// `l3` from the IP header on, as ip4_input and local_input have passed it (no more than its first
// segment); what an error quotes they have not looked at. Nothing: it is about no probe.
std::optional<Heard> hear(std::span<const std::byte> l3);

// "Destination Host Unreachable", as ping(8) of iputils words them.
std::string icmp_error_text(const Heard& heard);

}  // namespace vethway
