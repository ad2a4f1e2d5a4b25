// SPDX-License-Identifier: Apache-2.0
#include "dataplane/icmp/rate_limit.h"

#include <gtest/gtest.h>

#include "dataplane/net/headers.h"

namespace vethway {
namespace {

constexpr uint64_t kHz = 1'000'000'000, kNow = 1000 * kHz;
constexpr Ip4 kHost{10, 0, 0, 1}, kOther{10, 0, 0, 2};

// How many of `tries` at once are allowed.
unsigned allowed(IcmpRateLimit& limit, Ip4 to, uint64_t now, unsigned tries = 100,
                 const Ip4Knobs& knobs = {}) {
    unsigned n = 0;
    for (unsigned i = 0; i < tries; ++i)
        n += limit.allow(kIcmpTimeExceeded, to, now, knobs) ? 1 : 0;
    return n;
}

// To 100 destinations from `first` on, once each.
unsigned allowed_to_many(IcmpRateLimit& limit, uint32_t first, uint64_t now, unsigned count = 100,
                         const Ip4Knobs& knobs = {}) {
    unsigned n = 0;
    for (uint32_t i = 0; i < count; ++i)
        n += limit.allow(kIcmpTimeExceeded, Ip4{first + i}, now, knobs) ? 1 : 0;
    return n;
}

TEST(RateLimit, SixAtOnceThenOneASecond) {
    IcmpRateLimit limit(kHz, 1);
    EXPECT_EQ(allowed(limit, kHost, kNow), 6U);
    EXPECT_EQ(allowed(limit, kHost, kNow + kHz - 1), 0U);
    EXPECT_EQ(allowed(limit, kHost, kNow + kHz), 1U);
    EXPECT_EQ(allowed(limit, kHost, kNow + 3 * kHz), 2U);
}

TEST(RateLimit, NoMoreThanABurstIsSavedUp) {
    IcmpRateLimit limit(kHz, 1);
    EXPECT_EQ(allowed(limit, kHost, kNow), 6U);
    EXPECT_EQ(allowed(limit, kHost, kNow + 100 * kHz), 6U);
}

TEST(RateLimit, DestinationsAreApart) {
    IcmpRateLimit limit(kHz, 1);
    EXPECT_EQ(allowed(limit, kHost, kNow), 6U);
    EXPECT_EQ(allowed(limit, kOther, kNow), 6U);
}

TEST(RateLimit, FiftyAtOnceForAll) {
    IcmpRateLimit limit(kHz, 1);
    EXPECT_EQ(allowed_to_many(limit, 0x0a000000, kNow), 50U);
    EXPECT_EQ(allowed_to_many(limit, 0x0b000000, kNow), 0U);
}

TEST(RateLimit, AThousandASecondForAll) {
    IcmpRateLimit limit(kHz, 1);
    allowed_to_many(limit, 0x0a000000, kNow);
    unsigned n = 0;
    for (uint32_t ms = 1; ms <= 1000; ++ms)
        n += allowed_to_many(limit, 0x0b000000 + ms * 100, kNow + ms * kHz / 1000, 10);
    EXPECT_NEAR(n, 1000, 2);
}

TEST(RateLimit, WorkersShareTheThousand) {
    IcmpRateLimit limit(kHz, 4);
    allowed_to_many(limit, 0x0a000000, kNow);
    unsigned n = 0;
    for (uint32_t ms = 1; ms <= 1000; ++ms)
        n += allowed_to_many(limit, 0x0b000000 + ms * 100, kNow + ms * kHz / 1000, 10);
    EXPECT_NEAR(n, 250, 2);
}

// What the limit for all refuses is not held against the destination.
TEST(RateLimit, RefusedForAllCostsTheDestinationNothing) {
    IcmpRateLimit limit(kHz, 1);
    allowed_to_many(limit, 0x0b000000, kNow);
    EXPECT_EQ(allowed(limit, kHost, kNow), 0U);
    EXPECT_EQ(allowed(limit, kHost, kNow + kHz), 6U);
}

// The TSC starts near zero with the machine.
TEST(RateLimit, EarlyTimes) {
    IcmpRateLimit limit(kHz, 1);
    EXPECT_EQ(allowed(limit, kHost, 0), 0U);
    EXPECT_EQ(allowed(limit, kHost, 2 * kHz), 2U);
}

TEST(RateLimit, LateTimesDoNotOverflow) {
    IcmpRateLimit limit(kHz, 1);
    EXPECT_EQ(allowed(limit, kHost, UINT64_MAX - 10 * kHz), 6U);
    EXPECT_EQ(allowed(limit, kHost, UINT64_MAX - 9 * kHz), 1U);
}

Ip4Knobs with(Ip4Knob knob, uint32_t value) {
    Ip4Knobs knobs;
    knobs.set(knob, value);
    return knobs;
}

TEST(RateLimit, HostsAreLimitedAsSaid) {
    IcmpRateLimit limit(kHz, 1);
    const Ip4Knobs knobs = with(Ip4Knob::icmp_ratelimit, 100);
    EXPECT_EQ(allowed(limit, kHost, kNow, 100, knobs), 6U);
    EXPECT_EQ(allowed(limit, kHost, kNow + kHz / 10 - 1, 100, knobs), 0U);
    EXPECT_EQ(allowed(limit, kHost, kNow + kHz / 10, 100, knobs), 1U);
    EXPECT_EQ(allowed(limit, kHost, kNow + kHz, 40, with(Ip4Knob::icmp_ratelimit, 0)), 40U);
}

TEST(RateLimit, AllAreLimitedAsSaid) {
    IcmpRateLimit limit(kHz, 1);
    Ip4Knobs knobs = with(Ip4Knob::icmp_msgs_burst, 7);
    knobs.set(Ip4Knob::icmp_msgs_per_sec, 10);
    EXPECT_EQ(allowed_to_many(limit, 0x0a000000, kNow, 100, knobs), 7U);
    EXPECT_EQ(allowed_to_many(limit, 0x0b000000, kNow + kHz / 10, 100, knobs), 1U);
    EXPECT_EQ(allowed_to_many(limit, 0x0c000000, kNow + 100 * kHz, 100, knobs), 7U);
    knobs.set(Ip4Knob::icmp_msgs_burst, 0);
    EXPECT_EQ(allowed_to_many(limit, 0x0d000000, kNow + 200 * kHz, 100, knobs), 1U);
    knobs.set(Ip4Knob::icmp_msgs_per_sec, 0);
    EXPECT_EQ(allowed_to_many(limit, 0x0e000000, kNow + 300 * kHz, 100, knobs), 0U);
}

TEST(RateLimit, OfTheTypesInTheMask) {
    IcmpRateLimit limit(kHz, 1);
    const auto sent = [&](uint8_t type, const Ip4Knobs& knobs) {
        unsigned n = 0;
        for (unsigned i = 0; i < 20; ++i) n += limit.allow(type, kHost, kNow, knobs) ? 1 : 0;
        return n;
    };
    EXPECT_EQ(sent(kIcmpEchoReply, {}), 20U) << "is not limited, and costs nothing";
    EXPECT_EQ(sent(kIcmpRedirect, {}), 20U);
    EXPECT_EQ(sent(kIcmpUnreachable, {}), 6U);
    EXPECT_EQ(sent(kIcmpUnreachable, with(Ip4Knob::icmp_ratemask, 0)), 20U);
    IcmpRateLimit other(kHz, 1);
    unsigned n = 0;
    for (unsigned i = 0; i < 20; ++i)
        n += other.allow(kIcmpEchoReply, kHost, kNow, with(Ip4Knob::icmp_ratemask, 1)) ? 1 : 0;
    EXPECT_EQ(n, 6U);
    EXPECT_EQ(sent(35, with(Ip4Knob::icmp_ratemask, UINT32_MAX)), 20U) << "beyond Linux's types";
}

// Linux ip_rt_send_redirect(): 20 ms << how often it was told; nine times.
TEST(RateLimit, RedirectsEverLaterThenNoMore) {
    IcmpRateLimit limit(kHz, 1);
    constexpr uint64_t kMs = kHz / 1000;
    uint64_t now = kNow;
    ASSERT_TRUE(limit.allow_redirect(kHost, now));
    EXPECT_FALSE(limit.allow_redirect(kHost, now));
    for (unsigned told = 1; told < 9; ++told) {
        EXPECT_FALSE(limit.allow_redirect(kHost, now + (20 * kMs << told))) << told;
        now += (20 * kMs << told) + 1;
        EXPECT_TRUE(limit.allow_redirect(kHost, now)) << told;
    }
    now += 15 * kHz;
    EXPECT_FALSE(limit.allow_redirect(kHost, now)) << "a tenth time";
    now += 20480 * kMs;
    EXPECT_FALSE(limit.allow_redirect(kHost, now)) << "was not quiet long enough";
    now += 20480 * kMs + 1;
    EXPECT_TRUE(limit.allow_redirect(kHost, now)) << "begins anew";
}

TEST(RateLimit, RedirectsOfHostsAreApart) {
    IcmpRateLimit limit(kHz, 1);
    EXPECT_TRUE(limit.allow_redirect(kHost, kNow));
    EXPECT_TRUE(limit.allow_redirect(kOther, kNow));
    EXPECT_FALSE(limit.allow_redirect(kHost, kNow));
}

TEST(RateLimit, ErrorsAboutRoutesCostTwice) {
    IcmpRateLimit limit(kHz, 1);
    const auto sent = [&](uint64_t now, const Ip4Knobs& knobs) {
        unsigned n = 0;
        for (unsigned i = 0; i < 20; ++i)
            n += limit.allow_about_route(kHost, now) &&
                         limit.allow(kIcmpUnreachable, kHost, now, knobs)
                     ? 1
                     : 0;
        return n;
    };
    EXPECT_EQ(sent(kNow, {}), 2U) << "five tokens: the fifth is of no use alone";
    EXPECT_EQ(sent(kNow + 100 * kHz, with(Ip4Knob::icmp_ratemask, 0)), 5U);
    EXPECT_EQ(sent(kNow + 101 * kHz, with(Ip4Knob::icmp_ratelimit, 0)), 1U);
}

// Of the same kind to the same host at the same moment.
TEST(RateLimit, RemembersWhomItHasRefused) {
    IcmpRateLimit limit(kHz, 1);
    const auto refused = [&](Ip4 host, uint64_t now, uint8_t type = kIcmpTimeExceeded) {
        return limit.has_refused(type, host, now);
    };
    EXPECT_EQ(allowed(limit, kHost, kNow, 6), 6U);
    EXPECT_FALSE(refused(kHost, kNow)) << "not yet";
    EXPECT_EQ(allowed(limit, kHost, kNow, 1), 0U);
    EXPECT_TRUE(refused(kHost, kNow));
    EXPECT_FALSE(refused(kOther, kNow));
    EXPECT_FALSE(refused(kHost, kNow + 1));
    EXPECT_FALSE(refused(kHost, kNow, kIcmpUnreachable)) << "whose type may be in no mask";
    allowed_to_many(limit, 0x0b000000, kNow);
    EXPECT_TRUE(refused(kOther, kNow)) << "for all";
}

TEST(RateLimit, RemembersWhomItHasRefusedAboutARoute) {
    IcmpRateLimit limit(kHz, 1);
    for (unsigned i = 0; i < 5; ++i) EXPECT_TRUE(limit.allow_about_route(kHost, kNow));
    EXPECT_FALSE(limit.has_refused_about_route(kHost, kNow)) << "not yet";
    EXPECT_FALSE(limit.allow_about_route(kHost, kNow));
    EXPECT_TRUE(limit.has_refused_about_route(kHost, kNow));
    EXPECT_FALSE(limit.has_refused_about_route(kOther, kNow));
    EXPECT_FALSE(limit.has_refused_about_route(kHost, kNow + 1));
}

// The bucket begins with a minute's tokens.
TEST(RateLimit, NewHostsOfALongLimit) {
    IcmpRateLimit limit(kHz, 1);
    EXPECT_EQ(allowed(limit, kHost, kNow, 20, with(Ip4Knob::icmp_ratelimit, 60'000)), 1U);
    EXPECT_EQ(allowed(limit, kOther, kNow, 20, with(Ip4Knob::icmp_ratelimit, 60'001)), 0U);
}

TEST(RateLimit, ARedirectTakesTheTokens) {
    IcmpRateLimit limit(kHz, 1);
    EXPECT_TRUE(limit.allow_redirect(kHost, kNow));
    EXPECT_EQ(allowed(limit, kHost, kNow), 0U);
    EXPECT_EQ(allowed(limit, kHost, kNow + 2 * kHz), 2U);
}

}  // namespace
}  // namespace vethway
