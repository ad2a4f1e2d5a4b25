// SPDX-License-Identifier: Apache-2.0
// What vethway ping, arping, traceroute and mtr print of the daemon's events.
#include <gtest/gtest.h>

#include "control/cli/ping_report.h"

namespace vethway::cli {
namespace {

using Clock = std::chrono::steady_clock;

Clock::time_point at(int ms) { return Clock::time_point(std::chrono::milliseconds(ms)); }

TEST(RttWords, FourDigits) {
    EXPECT_EQ(rtt_words(0.0449), "0.045");
    EXPECT_EQ(rtt_words(0.9996), "1.00");
    EXPECT_EQ(rtt_words(6.554), "6.55");
    EXPECT_EQ(rtt_words(9.9951), "10.0");
    EXPECT_EQ(rtt_words(12.345), "12.3");
    EXPECT_EQ(rtt_words(99.951), "100");
    EXPECT_EQ(rtt_words(3034.6), "3035");
    EXPECT_EQ(rtt_words(-1), "0.000");
}

Json begin_event() {
    return {{"event", "begin"}, {"from", "10.1.0.1"}, {"port", "p1"}, {"mtu", 1500}};
}
Json sent_event(unsigned sequence) { return {{"event", "sent"}, {"sequence", sequence}}; }
Json reply_event(unsigned sequence, double ms, bool duplicate = false) {
    return {{"event", "reply"}, {"sequence", sequence}, {"from", "10.2.0.2"},    {"ttl", 63},
            {"bytes", 64},      {"rtt_ms", ms},         {"duplicate", duplicate}};
}
Json error_event(unsigned sequence) {
    return {{"event", "error"},
            {"sequence", sequence},
            {"from", "10.1.0.1"},
            {"text", "Destination Host Unreachable"},
            {"rtt_ms", 3000.0}};
}

class PingReportTest : public testing::Test {
protected:
    std::string out(const Json& event, int ms = 0) { return report_.add(event, at(ms)).out; }

    PingReport report_{{.to = "10.2.0.2"}, at(0)};
};

TEST_F(PingReportTest, InTheWordsOfPing) {
    EXPECT_EQ(out(begin_event()), "PING 10.2.0.2 (10.2.0.2) 56(84) bytes of data.\n");
    EXPECT_EQ(out(sent_event(1)), "");
    EXPECT_EQ(out(reply_event(1, 0.5), 1),
              "64 bytes from 10.2.0.2: icmp_seq=1 ttl=63 time=0.500 ms\n");
    EXPECT_EQ(out(sent_event(2), 1000), "");
    EXPECT_EQ(out(reply_event(2, 1.5), 1002),
              "64 bytes from 10.2.0.2: icmp_seq=2 ttl=63 time=1.50 ms\n");
    EXPECT_EQ(report_.summary(),
              "\n--- 10.2.0.2 ping statistics ---\n"
              "2 packets transmitted, 2 received, 0% packet loss, time 1002ms\n"
              "rtt min/avg/max/mdev = 0.500/1.000/1.500/0.500 ms\n");
    EXPECT_EQ(report_.exit_status(), 0);
}

TEST_F(PingReportTest, ErrorsAndLoss) {
    for (unsigned i = 1; i <= 3; ++i) out(sent_event(i), 1000);
    EXPECT_EQ(out(error_event(1), 3000), "From 10.1.0.1 icmp_seq=1 Destination Host Unreachable\n");
    EXPECT_EQ(report_.summary(),
              "\n--- 10.2.0.2 ping statistics ---\n"
              "3 packets transmitted, 0 received, +1 errors, 100% packet loss, time 3000ms\n"
              "pipe 3\n");
    EXPECT_EQ(report_.exit_status(), 1);
    out(reply_event(3, 2));
    EXPECT_NE(report_.summary().find(" 66.6667% packet loss"), std::string::npos);
    EXPECT_EQ(report_.exit_status(), 0);
}

TEST_F(PingReportTest, DuplicatesAreNoAnswers) {
    out(sent_event(1));
    out(reply_event(1, 1));
    EXPECT_EQ(out(reply_event(1, 2, true)),
              "64 bytes from 10.2.0.2: icmp_seq=1 ttl=63 time=2.00 ms (DUP!)\n");
    EXPECT_NE(report_.summary().find("1 received, +1 duplicates, 0% packet loss"),
              std::string::npos)
        << report_.summary();
}

TEST_F(PingReportTest, WhatCouldNotBeSentCountsAsSent) {
    const auto lines = report_.add({{"event", "not_sent"},
                                    {"sequence", 1},
                                    {"text", "message too long, mtu=1500"},
                                    {"mtu", 1500}},
                                   at(1));
    EXPECT_EQ(lines.out, "");
    EXPECT_EQ(lines.err, "vethway: local error: message too long, mtu=1500\n");
    EXPECT_NE(report_.summary().find("1 packets transmitted, 0 received, +1 errors, 100% packet "
                                     "loss"),
              std::string::npos);
}

TEST(PingReportSettings, OriginOutstandingAndDeadline) {
    PingReport report({.to = "1.1.1.1",
                       .size = 100,
                       .shows_origin = true,
                       .port = "p1",
                       .tells_outstanding = true,
                       .count = 2,
                       .deadline = true},
                      at(0));
    EXPECT_EQ(report.add(begin_event(), at(0)).out,
              "PING 1.1.1.1 (1.1.1.1) from 10.1.0.1 p1: 100(128) bytes of data.\n");
    report.add(sent_event(1), at(0));
    EXPECT_EQ(report.add(sent_event(2), at(1000)).out, "no answer yet for icmp_seq=1\n");
    report.add(reply_event(2, 1), at(1001));
    EXPECT_EQ(report.add(sent_event(3), at(2000)).out, "");
    EXPECT_EQ(report.exit_status(), 1) << "two answers were wanted in time";
    EXPECT_EQ(report.json()["received"], 1);
    EXPECT_EQ(report.json()["answers"].size(), 1U);
}

}  // namespace
}  // namespace vethway::cli
