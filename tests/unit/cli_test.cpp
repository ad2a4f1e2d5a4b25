// SPDX-License-Identifier: Apache-2.0
// The vethway command without a daemon: its words, its tables, its completion.
#include <gtest/gtest.h>

#include "control/cli/commands.h"
#include "control/cli/show.h"
#include "control/cli/table.h"
#include "control/cli/words.h"

namespace vethway::cli {
namespace {

TEST(Table, AlignsNumbersRightAndTextLeft) {
    Table t({"NAME", "PACKETS"});
    t.add({"p1", "5"});
    t.add({"uplink", "12345678"});
    EXPECT_EQ(t.text(),
              "NAME     PACKETS\n"
              "p1             5\n"
              "uplink  12345678\n");
}

TEST(Table, ColoursTakeNoWidth) {
    Table t({"A", "B"});
    t.add({coloured("up", true, true), "x"});
    t.add({"down", "y"});
    EXPECT_EQ(t.text(), "A     B\n\033[32mup\033[0m    x\ndown  y\n");
    EXPECT_EQ(coloured("up", true, false), "up");
}

std::string refusal(const std::function<void()>& work) {
    try {
        work();
        return "no error";
    } catch (const ClientError& e) {
        return e.what();
    }
}

TEST(Words, InAnyOrder) {
    Words w("route add", {"10.0.0.0/8", "metric", "20"});
    EXPECT_EQ(w.next("a prefix"), "10.0.0.0/8");
    EXPECT_FALSE(w.accept("via"));
    EXPECT_TRUE(w.accept("metric"));
    EXPECT_EQ(w.number("metric"), 20U);
    EXPECT_TRUE(w.empty());
}

TEST(Words, SayWhatIsMissing) {
    EXPECT_EQ(refusal([] { Words("route add", {}).next("a prefix"); }),
              "route add: expected a prefix");
    EXPECT_EQ(refusal([] { Words("route add", {"vai"}).expected("via"); }),
              "route add: expected via, got \"vai\"");
    EXPECT_EQ(refusal([] { Words("route add", {"x1"}).number("metric"); }),
              "route add: metric: expected a number, got \"x1\"");
    EXPECT_EQ(refusal([] { Words("route add", {"99999999999"}).number("metric"); }),
              "route add: metric: expected a number, got \"99999999999\"");
}

TEST(Words, Refuse) {
    EXPECT_EQ(refusal([] { Words("route add", {}).refuse("via is given twice"); }),
              "route add: via is given twice");
}

Json hop(const char* via, const char* port) {
    return {{"via", via == nullptr ? Json(nullptr) : Json(via)},
            {"port", port},
            {"weight", 1},
            {"up", true}};
}
Json route(const char* to, const char* type, Json hops) {
    return {{"to", to},         {"type", type},          {"metric", 0},
            {"active", true},   {"inactive_reason", ""}, {"next_hops", std::move(hops)},
            {"source", nullptr}};
}

TEST(ShowRoutes, LikeIpRoute) {
    Json down = route("10.9.0.0/16", "static", Json::array({hop("10.2.0.9", "p2")}));
    down["active"] = false;
    down["inactive_reason"] = "port p2 is down";
    down["metric"] = 20;
    const Json all{
        {"routes",
         {route("0.0.0.0/0", "static", Json::array({hop("10.2.0.254", "p2")})),
          route("10.8.0.0/16", "static", Json::array({hop("10.1.0.9", "p1"), hop(nullptr, "p2")})),
          route("192.0.2.0/24", "blackhole", Json::array()), down}}};
    EXPECT_EQ(show_routes(all, false),
              "default via 10.2.0.254 port p2 static\n"
              "10.8.0.0/16 static\n"
              "    nexthop via 10.1.0.9 port p1 weight 1\n"
              "    nexthop port p2 weight 1\n"
              "blackhole 192.0.2.0/24\n"
              "10.9.0.0/16 via 10.2.0.9 port p2 static metric 20 inactive: port p2 is down\n");
    EXPECT_EQ(show_routes({{"routes", Json::array()}}, false), "no routes\n");
}

TEST(ShowNeighbours, LikeIpNeigh) {
    const Json all{{"neighbours",
                    {{{"address", "10.1.0.2"},
                      {"mac", "02:00:00:00:01:02"},
                      {"port", "p1"},
                      {"state", "reachable"},
                      {"age_s", 3.2},
                      {"held", 0}},
                     {{"address", "10.1.0.9"},
                      {"mac", nullptr},
                      {"port", "p1"},
                      {"state", "incomplete"},
                      {"age_s", 0.1},
                      {"held", 2}}}}};
    EXPECT_EQ(show_neighbours(all, false),
              "10.1.0.2 port p1 lladdr 02:00:00:00:01:02 REACHABLE age 3 s\n"
              "10.1.0.9 port p1 INCOMPLETE age 0 s held 2\n");
}

TEST(ShowChanges, SaysWhenThereAreNone) {
    EXPECT_EQ(show_changes({{"changes", Json::array()}}), "nothing to change\n");
    EXPECT_EQ(show_changes({{"changes", {"port p1 added"}}}), "port p1 added\n");
    EXPECT_EQ(show_changes({{"flushed", 3}}), "3 flushed\n");
}

class CommandLine : public testing::Test {
protected:
    CommandLine() {
        app_.fallthrough();
        app_.require_subcommand(1);
        app_.add_option("--socket", session_.socket);
        session_.socket = "/nonexistent/vethway.sock";
        add_show_commands(app_, session_);
        add_change_commands(app_, session_);
        add_ping_command(app_, session_);
        add_capture_command(app_, session_);
        add_doctor_command(app_, session_);
        add_completion_commands(app_, session_);
    }
    std::vector<std::string> of(const std::vector<std::string>& words) {
        return completions(app_, session_, words);
    }
    // What is printed of a line that the parser, or its command, refuses.
    std::string refused(const std::string& line) {
        try {
            app_.parse(line);
            session_.action();
            return "no error";
        } catch (const CLI::ParseError& e) {
            return told(app_, e);
        } catch (const ClientError& e) {
            return e.what();
        }
    }
    Session session_;
    CLI::App app_{"test", "vethway"};
};
using Completion = CommandLine;

TEST_F(CommandLine, UnknownCommandsAreNamed) {
    EXPECT_EQ(refused("bogus"),
              "no such thing \"bogus\"; there are: status, show, explain, route, neighbour, "
              "address, port, apply, reload, ping, capture, doctor, completion");
    EXPECT_EQ(refused("show bogus"),
              "show: no such thing \"bogus\"; there are: ports, routes, neighbours, drops, "
              "counters, lcores, config");
    EXPECT_EQ(refused("route show"), "route: no such thing \"show\"; there are: add, del, get");
}

TEST_F(CommandLine, MissingCommandsAreListed) {
    EXPECT_EQ(refused("explain"), "explain: expected one of: drop");
    EXPECT_EQ(refused("route"), "route: expected one of: add, del, get");
}

TEST_F(CommandLine, DoctorSaysHowToLookWithoutADaemon) {
    EXPECT_EQ(
        refused("doctor"),
        "cannot reach vethwayd at /nonexistent/vethway.sock: No such file or directory; is it "
        "running? (--socket PATH); to look without it: vethwayd --doctor --config FILE");
}

TEST_F(CommandLine, OtherMistakesNameTheirCommand) {
    EXPECT_EQ(refused("show ports bogus"),
              "ports: did not expect \"bogus\"; see vethway show ports --help");
    EXPECT_EQ(refused("show --bogus"), "show: did not expect \"--bogus\"; see vethway show --help");
    EXPECT_EQ(refused("ping"), "ping: ADDRESS is required; see vethway ping --help");
}

TEST_F(CommandLine, KeyOfANextHopIsGivenOnce) {
    EXPECT_EQ(refused("route add 10.8.0.0/16 via 10.1.0.2 via 10.1.0.3"),
              "route add: via is given twice");
    EXPECT_EQ(refused("route add 10.8.0.0/16 port p1 metric 5 port p2"),
              "route add: port is given twice");
    EXPECT_EQ(refused("route add 10.8.0.0/16 nexthop via 10.1.0.2 weight 1 weight 2"),
              "route add: weight is given twice");
    EXPECT_EQ(refused("route add 10.8.0.0/16 port p1 metric 5 metric 6"),
              "route add: metric is given twice");
    EXPECT_NE(refused("route add 10.8.0.0/16 nexthop via 10.1.0.2 nexthop via 10.1.0.2")
                  .find("cannot reach vethwayd"),
              std::string::npos);
}

TEST_F(CommandLine, ApplyReadsAllOrNothing) {
    EXPECT_EQ(refused("apply /tmp"), "/tmp: Is a directory");
    EXPECT_EQ(refused("apply /nowhere/x.yaml"), "/nowhere/x.yaml: No such file or directory");
    EXPECT_NE(refused("apply /dev/null").find("cannot reach vethwayd"), std::string::npos)
        << "an empty file is legal";
}

using Found = std::vector<std::string>;

TEST_F(Completion, Commands) {
    EXPECT_EQ(of({"sh"}), Found{"show"});
    EXPECT_EQ(of({"comp"}), Found{"completion"}) << "what scripts call stays out of sight";
    EXPECT_EQ(of({"show", "r"}), Found{"routes"});
    EXPECT_EQ(of({"route", ""}), (Found{"add", "del", "get", "--help", "--socket"}));
}

TEST_F(Completion, WordsOfACommand) {
    EXPECT_EQ(of({"route", "add", "10.0.0.0/8", "v"}), Found{"via"});
    EXPECT_EQ(of({"route", "add", "10.0.0.0/8", "blackhole", "m"}), Found{"metric"});
    EXPECT_EQ(of({"show", "drops", "--a"}), Found{"--all"});
    EXPECT_EQ(of({"port", "set", "p1", "mt"}), Found{"mtu"});
}

TEST_F(Completion, ValueOfSocketIsNoCommand) {
    EXPECT_EQ(of({"--socket", "show", "rou"}), Found{"route"});
}

TEST_F(Completion, NoDaemonNoPorts) {
    EXPECT_EQ(of({"address", "add", "10.0.0.1/24", "port", ""}), Found{});
    EXPECT_EQ(of({}), Found{});
}

}  // namespace
}  // namespace vethway::cli
