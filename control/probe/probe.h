// SPDX-License-Identifier: Apache-2.0
// What the switch sends to find out who answers, and what comes of it.
#pragma once

#include <cstdint>
#include <string>

#include "dataplane/net/ip4.h"
#include "dataplane/net/mac.h"

namespace vethway {

enum class ProbeKind : uint8_t { echo, udp, arp };

// ping -M: whether a probe that is too large for the way may be cut. `want`: it may where it is
// known to be too large, and else is marked do-not-fragment (ip(7), IP_PMTUDISC_*).
enum class PathMtu : uint8_t { dont, want, demand };

// What an ARP probe is: a question, one for RFC 5227's address conflict detection, or an
// announcement as a request or as a reply.
enum class ArpForm : uint8_t { ask, detect, announce_request, announce_reply };

// All probes of one client.
struct ProbeSeries {
    ProbeKind kind = ProbeKind::echo;
    Ip4 to;
    Ip4 from;            // zero: chosen by the way
    std::string port;    // by which they leave, whatever the routes say; empty: by the routes
    uint16_t size = 56;  // bytes behind the ICMP or UDP header
    uint8_t tos = 0;
    PathMtu path_mtu = PathMtu::dont;
    uint16_t first_target_port = 33434;  // of UDP: that of sequence 0; the next has the next
    ArpForm arp = ArpForm::ask;
    bool arp_to_all = false;  // even once one has answered
};

struct Probe {
    uint16_t sequence;
    uint8_t ttl = 0;  // 0: ip_default_ttl
};

// One thing that happened to a probe.
struct ProbeNews {
    enum class What : uint8_t {
        sent,
        reply,     // of whom it was sent to; an ARP message from there
        error,     // ICMP, by whoever is `from`
        not_sent,  // `text` says why; `mtu` is set where it is too large
        lost,      // nobody waits for it any more
        stopping   // all of the series: the daemon ends
    };
    What what = What::sent;
    uint16_t sequence = 0;
    uint8_t probe_ttl = 0;  // with which it was sent
    Ip4 from;
    uint8_t type = 0, code = 0, ttl = 0;  // of the ICMP message
    uint16_t bytes = 0, mtu = 0;          // bytes: of the ICMP message
    double rtt_ms = 0;                    // from handing it to a worker to a worker's receiving
    bool duplicate = false;               // of a reply: there was one before
    std::string text;                     // of an error, as ping(8) says it
    struct Arp {                          // of a message; of one that is sent, `broadcast`
        bool is_request = false, broadcast = false;
        Mac sender, target;
        Ip4 target_ip;
    } arp;
};

}  // namespace vethway
