// SPDX-License-Identifier: Apache-2.0
// What vethway ping, arping, traceroute and mtr print of the daemon's events.
#include <gtest/gtest.h>

#include "control/cli/arping_report.h"
#include "control/cli/hops.h"
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

Json arp_event(const char* operation, bool broadcast, const char* target, const char* target_mac) {
    return {{"event", "reply"},       {"sequence", 1},
            {"operation", operation}, {"broadcast", broadcast},
            {"from", "10.1.0.2"},     {"mac", "02:00:00:00:01:ab"},
            {"target", target},       {"target_mac", target_mac},
            {"rtt_ms", 0.62}};
}

TEST(ArpingReportTest, InTheWordsOfArping) {
    ArpingReport report("10.1.0.2", ArpingWish::answer);
    Json begin = begin_event();
    begin["mac"] = "02:00:00:00:00:01";
    EXPECT_EQ(report.add(begin), "ARPING 10.1.0.2 from 10.1.0.1 p1\n");
    EXPECT_EQ(report.add({{"event", "sent"}, {"sequence", 1}, {"broadcast", true}}), "");
    EXPECT_EQ(report.exit_status(), 1);
    EXPECT_EQ(report.add(arp_event("reply", false, "10.1.0.1", "02:00:00:00:00:01")),
              "Unicast reply from 10.1.0.2 [02:00:00:00:01:AB]  0.620ms\n");
    EXPECT_EQ(report.add({{"event", "sent"}, {"sequence", 2}, {"broadcast", false}}), "");
    EXPECT_EQ(report.summary(), "Sent 2 probes (1 broadcast(s))\nReceived 1 response(s)\n");
    EXPECT_EQ(report.exit_status(), 0);
    EXPECT_EQ(report.add(arp_event("request", true, "10.1.0.7", "00:00:00:00:00:00")),
              "Broadcast request from 10.1.0.2 [02:00:00:00:01:AB] for 10.1.0.7 "
              "[00:00:00:00:00:00] 0.620ms\n");
    EXPECT_EQ(report.summary(),
              "Sent 2 probes (1 broadcast(s))\n"
              "Received 2 response(s) (1 request(s), 1 broadcast(s))\n");
}

TEST(ArpingReportTest, StatusOfConflictsAndAnnouncements) {
    ArpingReport conflict("10.1.0.2", ArpingWish::conflict);
    EXPECT_EQ(conflict.exit_status(), 0);
    conflict.add(arp_event("reply", false, "0.0.0.0", "02:00:00:00:00:01"));
    EXPECT_EQ(conflict.exit_status(), 1);
    EXPECT_EQ(ArpingReport("10.1.0.1", ArpingWish::announcement).exit_status(), 0);
}

Json hop_event(unsigned sequence, unsigned ttl, const char* from, double ms, int type = 11,
               int code = 0) {
    return {{"event", type == 0 ? "reply" : "error"},
            {"sequence", sequence},
            {"probe_ttl", ttl},
            {"from", from},
            {"type", type},
            {"code", code},
            {"mtu", 1300},
            {"rtt_ms", ms}};
}
Json lost_event(unsigned sequence, unsigned ttl) {
    return {{"event", "lost"}, {"sequence", sequence}, {"probe_ttl", ttl}};
}

TEST(TracerouteReportTest, HopsInOrderHoweverTheyCome) {
    TracerouteReport report({.to = "10.9.0.2", .queries = 2});
    EXPECT_EQ(report.begin(), "traceroute to 10.9.0.2 (10.9.0.2), 30 hops max, 60 byte packets\n");
    EXPECT_EQ(report.add(hop_event(0, 1, "10.2.0.2", 0.5)), "");
    EXPECT_EQ(report.add(hop_event(4, 3, "10.9.0.2", 2, 3, 3)), "") << "not before the second hop";
    EXPECT_EQ(report.add(lost_event(1, 1)), " 1  10.2.0.2 (10.2.0.2)  0.500 ms *\n");
    EXPECT_EQ(report.add(lost_event(2, 2)), "");
    EXPECT_EQ(report.add(hop_event(2, 2, "10.7.7.7", 9)), "") << "too late";
    EXPECT_EQ(report.add(lost_event(3, 2)), " 2  * *\n");
    EXPECT_EQ(report.add(hop_event(6, 4, "10.9.0.2", 2, 3, 3)), "");
    EXPECT_EQ(report.add(hop_event(5, 3, "10.9.0.2", 2.25, 3, 3)),
              " 3  10.9.0.2 (10.9.0.2)  2.000 ms  2.250 ms\n");
    EXPECT_EQ(report.end(), "") << "the way ends there";
    EXPECT_EQ(report.json()["reached"], true);
    EXPECT_EQ(report.json()["hops"].size(), 3U);
}

TEST(TracerouteReportTest, NotesAndOtherRouters) {
    TracerouteReport report({.to = "10.9.0.2", .queries = 3, .numeric = true});
    report.add(hop_event(0, 1, "10.2.0.2", 1));
    report.add(hop_event(1, 1, "10.2.0.3", 2));
    EXPECT_EQ(report.add(hop_event(2, 1, "10.2.0.3", 3)),
              " 1  10.2.0.2  1.000 ms 10.2.0.3  2.000 ms  3.000 ms\n");
    report.add(hop_event(3, 2, "10.2.0.2", 1, 3, 1));
    EXPECT_EQ(report.end(), " 2  10.2.0.2  1.000 ms !H\n") << "interrupted";
    EXPECT_EQ(report.json()["reached"], false);
    EXPECT_EQ(error_note(hop_event(0, 1, "x", 1, 3, 0)), "!N");
    EXPECT_EQ(error_note(hop_event(0, 1, "x", 1, 3, 4)), "!F-1300");
    EXPECT_EQ(error_note(hop_event(0, 1, "x", 1, 3, 13)), "!X");
    EXPECT_EQ(error_note(hop_event(0, 1, "x", 1, 3, 3)), "");
    EXPECT_EQ(error_note(hop_event(0, 1, "x", 1, 3, 77)), "!<77>");
    EXPECT_EQ(error_note(hop_event(0, 1, "x", 1, 0)), "");
}

TEST(MtrReportTest, LossAndTimesOfEachHop) {
    MtrReport report("10.9.0.2");
    unsigned sequence = 0;
    const auto send = [&](unsigned ttl) {
        report.add({{"event", "sent"}, {"sequence", ++sequence}, {"probe_ttl", ttl}});
        return sequence;
    };
    for (const double ms : {1.0, 2.0, 3.0}) report.add(hop_event(send(1), 1, "10.2.0.2", ms));
    report.add(lost_event(send(1), 1));
    report.add(lost_event(send(2), 2));
    report.add(hop_event(sequence, 2, "10.7.7.7", 9));  // too late
    report.add(hop_event(send(3), 3, "10.9.0.2", 4, 0));
    send(3);  // still under way: neither lost nor answered
    send(4);
    EXPECT_EQ(report.table("sw"),
              "HOST: sw                           Loss%   Snt   Last   Avg  Best  Wrst StDev\n"
              "  1.|-- 10.2.0.2                   25.0%     4    3.0   2.0   1.0   3.0   1.0\n"
              "  2.|-- ???                       100.0%     1    0.0   0.0   0.0   0.0   0.0\n"
              "  3.|-- 10.9.0.2                    0.0%     2    4.0   4.0   4.0   4.0   0.0\n");
    EXPECT_EQ(report.json()["reached"], true);
    EXPECT_EQ(report.json()["hops"][0]["stdev_ms"], 1.0);
}

}  // namespace
}  // namespace vethway::cli
