// SPDX-License-Identifier: Apache-2.0
#include "dataplane/icmp/rate_limit.h"

#include <algorithm>

namespace vethway {

namespace {

constexpr uint8_t kHighestType = 18;  // of Linux, NR_ICMP_TYPES: beyond it nothing is limited
constexpr unsigned kBurstOfHost = 6;  // XRLIM_BURST_FACTOR
constexpr unsigned kBurstAboutRoute = 5;
constexpr unsigned kMostRedirects = 9;
constexpr unsigned kSecondsOfNewHost = 60;  // inet_getpeer()

bool is_limited(uint8_t type, const Ip4Knobs& knobs) noexcept {
    return type <= kHighestType && (knobs[Ip4Knob::icmp_ratemask] >> type & 1) != 0;
}

}  // namespace

IcmpRateLimit::Host& IcmpRateLimit::host_of(Ip4 address, uint64_t now) noexcept {
    Host& host = hosts_[(address.value * 2654435761U) >> 22];  // Knuth's multiplicative hash
    if (host.address != address)
        host = {.address = address, .last = now - std::min(now, kSecondsOfNewHost * hz_)};
    return host;
}

void IcmpRateLimit::accrue(Host& host, uint64_t now, uint64_t most) noexcept {
    host.tokens = std::min(host.tokens + (now - host.last), most);
    host.last = now;
}

bool IcmpRateLimit::take_of_all(uint64_t now, const Ip4Knobs& knobs) noexcept {
    const uint64_t per_s = knobs[Ip4Knob::icmp_msgs_per_sec];
    if (per_s == 0) return false;
    const uint64_t cost = std::max<uint64_t>(1, hz_ * workers_ / per_s);
    const uint64_t saved = cost * std::max(1U, knobs[Ip4Knob::icmp_msgs_burst]);
    const uint64_t from = std::max(all_spent_until_, now - std::min(now, saved));
    if (from + cost > now) return false;
    all_spent_until_ = from + cost;
    return true;
}

bool IcmpRateLimit::allow(uint8_t type, Ip4 address, uint64_t now, const Ip4Knobs& knobs) noexcept {
    if (!is_limited(type, knobs)) return true;
    if (refused_.at == now && (refused_.all || refused_.host == address)) return false;
    Host& host = host_of(address, now);
    const uint64_t cost = hz_ * knobs[Ip4Knob::icmp_ratelimit] / 1000;
    if (cost > 0) accrue(host, now, kBurstOfHost * cost);
    const bool of_host = host.tokens >= cost;
    if (!of_host || !take_of_all(now, knobs)) {
        refused_ = {.at = now, .host = address, .type = type, .all = of_host};
        return false;
    }
    host.tokens -= cost;
    return true;
}

bool IcmpRateLimit::allow_about_route(Ip4 address, uint64_t now) noexcept {
    Host& host = host_of(address, now);
    accrue(host, now, kBurstAboutRoute * hz_);
    if (host.tokens < hz_) {
        refused_about_route_ = {.at = now, .host = address};
        return false;
    }
    host.tokens -= hz_;
    return true;
}

bool IcmpRateLimit::allow_redirect(Ip4 address, uint64_t now) noexcept {
    Host& host = host_of(address, now);
    const uint64_t load = hz_ / 50;
    if (now > host.last + (load << (kMostRedirects + 1))) host.tokens = host.redirects = 0;
    if (host.redirects >= kMostRedirects) {
        host.last = now;
        return false;
    }
    if (host.redirects > 0 && now <= host.last + (load << host.redirects)) return false;
    host.last = now;
    ++host.redirects;
    return true;
}

}  // namespace vethway
