// SPDX-License-Identifier: Apache-2.0
// How much ICMP may leave, as Linux has it (net/ipv4/icmp.c, net/ipv4/inetpeer.c,
// net/ipv4/route.c): a bucket a host, which all kinds draw from, and one for all. One a worker,
// used by it alone.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/net/ip4.h"
#include "dataplane/net/knobs.h"

namespace vethway {

class IcmpRateLimit {
public:
    // `workers` share the limit for all hosts.
    IcmpRateLimit(uint64_t tsc_hz, unsigned workers) noexcept : hz_(tsc_hz), workers_(workers) {}

    // Each is true when the message may be sent to `host` now; it then counts as sent.
    // A message of this type: icmp_ratelimit with a burst of six, icmp_msgs_per_sec and
    // icmp_msgs_burst, of the types in icmp_ratemask.
    bool allow(uint8_t type, Ip4 host, uint64_t now, const Ip4Knobs& knobs) noexcept;
    // Before that, an error because of the route to where it sends: one a second, five at once
    // (ip_error; net.ipv4.route.error_cost, error_burst).
    bool allow_about_route(Ip4 host, uint64_t now) noexcept;
    // Whether they have refused the same at this very `now`, and so would again: of an attack's
    // burst all but the first, for two comparisons each.
    bool has_refused(uint8_t type, Ip4 host, uint64_t now) const noexcept {
        return refused_.at == now && refused_.type == type &&
               (refused_.all || refused_.host == host);
    }
    bool has_refused_about_route(Ip4 host, uint64_t now) const noexcept {
        return refused_about_route_.at == now && refused_about_route_.host == host;
    }
    // Before that, a redirect: after 20 ms, then ever twice as long; after nine that were not
    // heeded no more until 20.48 s were quiet (ip_rt_send_redirect; redirect_load, redirect_number,
    // redirect_silence).
    bool allow_redirect(Ip4 host, uint64_t now) noexcept;

private:
    struct Host {
        Ip4 address;
        unsigned redirects = 0;  // that it did not heed
        uint64_t tokens = 0;     // of the TSC
        uint64_t last = 0;       // when they were counted, or a redirect was sent
    };
    Host& host_of(Ip4 address, uint64_t now) noexcept;
    static void accrue(Host& host, uint64_t now, uint64_t most) noexcept;
    bool take_of_all(uint64_t now, const Ip4Knobs& knobs) noexcept;

    // Of the moment, which a whole burst has in common: whom an error was refused, and whether
    // because of the limit for all.
    struct Refused {
        uint64_t at = UINT64_MAX;
        Ip4 host;
        uint8_t type = 0;
        bool all = false;
    };

    uint64_t hz_;
    unsigned workers_;
    Refused refused_, refused_about_route_;
    uint64_t all_spent_until_ = 0;    // TSC: tokens accrue as time
    std::array<Host, 1024> hosts_{};  // by hash; a newcomer takes the place over
};

}  // namespace vethway
