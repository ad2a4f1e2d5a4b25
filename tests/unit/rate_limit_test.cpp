// SPDX-License-Identifier: Apache-2.0
#include "dataplane/icmp/rate_limit.h"

#include <gtest/gtest.h>

namespace vethway {
namespace {

constexpr uint64_t kHz = 1'000'000'000, kNow = 1000 * kHz;
constexpr Ip4 kHost{10, 0, 0, 1}, kOther{10, 0, 0, 2};

// How many of `tries` at once are allowed.
unsigned allowed(IcmpRateLimit& limit, Ip4 to, uint64_t now, unsigned tries = 100) {
    unsigned n = 0;
    for (unsigned i = 0; i < tries; ++i) n += limit.allow(to, now) ? 1 : 0;
    return n;
}

// To 100 destinations from `first` on, once each.
unsigned allowed_to_many(IcmpRateLimit& limit, uint32_t first, uint64_t now, unsigned count = 100) {
    unsigned n = 0;
    for (uint32_t i = 0; i < count; ++i) n += limit.allow(Ip4{first + i}, now) ? 1 : 0;
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

}  // namespace
}  // namespace vethway
