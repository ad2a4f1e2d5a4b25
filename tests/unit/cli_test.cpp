// SPDX-License-Identifier: Apache-2.0
// The vethway command without a daemon: its words, its tables, its completion.
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "control/cli/baseline.h"
#include "control/cli/commands.h"
#include "control/cli/reading.h"
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

TEST(Knobs, ByPortAndOfAll) {
    const Json answer = Json::parse(R"({
        "ip4": [{"name": "ip_default_ttl", "value": 64, "help": "The TTL."}],
        "ports": [{"name": "rp_filter", "value": "off", "help": "The way back.",
                   "ports": {"p1": "off", "p2": "loose"}}]})");
    EXPECT_EQ(show_knobs(answer, false),
              "KNOB       DEFAULT  p1   p2     OF PORTS\n"
              "rp_filter  off      off  loose  The way back.\n"
              "\n"
              "KNOB            VALUE  OF THE WHOLE ROUTER\n"
              "ip_default_ttl     64  The TTL.\n");
}

TEST(Lags, ByLacpAndWithout) {
    const Json answer = Json::parse(R"({"lags": [
        {"name": "l1", "state": "up", "reason": "", "mode": "lacp", "hash": "layer3+4",
         "min_links": 0, "carrying": 1,
         "lacp": {"activity": "active", "rate": "fast", "system": "02:00:00:00:00:0a",
                  "system_priority": 65535, "key": 1,
                  "partner": {"system": "02:00:00:00:00:0b", "system_priority": 100, "key": 9}},
         "members": [
            {"port": "p1", "link": "up", "carries": true, "why_not": "",
             "lacp": {"receive": "current", "mux": "collecting and distributing",
                      "rx_lacpdus": 12, "tx_lacpdus": 13,
                      "actor": {"port": 2, "flags": "**DCSGSA"},
                      "partner": {"system": "02:00:00:00:00:0b", "key": 9, "port": 4,
                                  "flags": "**DCSG*A"}}},
            {"port": "p2", "link": "up", "carries": false, "why_not": "no partner answers",
             "lacp": {"receive": "defaulted", "mux": "detached", "rx_lacpdus": 0, "tx_lacpdus": 3,
                      "actor": {"port": 3, "flags": "*F***GSA"}, "partner": null}},
            {"port": "p3", "link": "down", "carries": false, "why_not": "no such port",
             "lacp": null}]},
        {"name": "l2", "state": "down", "reason": "1 of 1 members carry, min_links is 2",
         "mode": "static", "hash": "layer2", "min_links": 2, "carrying": 1, "lacp": null,
         "members": [{"port": "p4", "link": "up", "carries": true, "why_not": "",
                      "lacp": null}]}]})");
    EXPECT_EQ(
        show_lags(answer, false),
        "l1: up, lacp, hash layer3+4; 1 of 3 members carry\n"
        "LACP active, fast; system 02:00:00:00:00:0a, priority 65535, key 1\n"
        "partner 02:00:00:00:00:0b, priority 100, key 9\n"
        "MEMBER  CARRIES  STATE                                 PORT  FLAGS     PARTNER            "
        "ITS KEY  ITS PORT  ITS FLAGS  IN  OUT  WHY NOT\n"
        "p1      yes      current, collecting and distributing  2     **DCSGSA  02:00:00:00:00:0b  "
        "9        4         **DCSG*A   12  13   -\n"
        "p2      no       defaulted, detached                   3     *F***GSA  -                  "
        "-        -         -          0   3    no partner answers\n"
        "p3      no       -                                     -     -         -                  "
        "-        -         -          -   -    no such port\n"
        "\n"
        "l2: down (1 of 1 members carry, min_links is 2), static, hash layer2; 1 of 1 members "
        "carry, min_links 2\n"
        "MEMBER  CARRIES  WHY NOT\n"
        "p4      yes      -\n"
        "\n"
        "Flags, from the right: Active, Short timeout, agGregatable, Synchronized, Collecting, "
        "Distributing, deFaulted, Expired\n");
    EXPECT_EQ(show_lags({{"lags", Json::array()}}, false), "no LAGs\n");
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

TEST(ShowClassic, LikeRouteAndArp) {
    Json down = route("10.9.0.9/32", "static", Json::array({hop("10.2.0.9", "p2")}));
    down["next_hops"][0]["up"] = false;
    const Json routes{{"routes",
                       {route("0.0.0.0/0", "static", Json::array({hop("10.2.0.254", "p2")})),
                        route("10.2.0.0/25", "connected", Json::array({hop(nullptr, "p2")})),
                        route("192.0.2.1/32", "blackhole", Json::array()), down}}};
    EXPECT_EQ(show_classic_routes(routes, false),
              "Destination  Gateway     Genmask          Flags  Metric  Port\n"
              "0.0.0.0      10.2.0.254  0.0.0.0          UG          0  p2\n"
              "10.2.0.0     0.0.0.0     255.255.255.128  U           0  p2\n"
              "192.0.2.1    -           255.255.255.255  !H          0  -\n"
              "10.9.0.9     10.2.0.9    255.255.255.255  GH          0  p2\n");
    const Json neighbours{
        {"neighbours",
         {{{"address", "10.1.0.2"},
           {"mac", "02:00:00:00:01:02"},
           {"port", "p1"},
           {"state", "stale"}},
          {{"address", "10.1.0.3"},
           {"mac", "02:00:00:00:01:03"},
           {"port", "p1"},
           {"state", "permanent"}},
          {{"address", "10.1.0.9"}, {"mac", nullptr}, {"port", "p1"}, {"state", "incomplete"}}}}};
    EXPECT_EQ(show_classic_neighbours(neighbours, false),
              "Address   HWtype  HWaddress          Flags  Port\n"
              "10.1.0.2  ether   02:00:00:00:01:02  C      p1\n"
              "10.1.0.3  ether   02:00:00:00:01:03  CM     p1\n"
              "10.1.0.9          (incomplete)              p1\n");
}

// --- Counters, as they are and as they change -------------------------------------------------
Json books(int rx, int held) {
    return {{"rx", rx},     {"originated", 0}, {"tx", rx - held}, {"consumed", 0},
            {"dropped", 0}, {"held", held},    {"imbalance", 0}};
}
Json counters_at(double at_s, int packets, int drops, int held) {
    Json port{{"port", "p1"},
              {"rx_packets", packets},
              {"rx_bytes", packets * 100},
              {"tx_packets", 0},
              {"tx_bytes", 0},
              {"consumed", {{"host", 0}}},
              {"originated", {{"host", 0}}},
              {"dropped", Json::object()}};
    if (drops > 0) port["dropped"]["no_route"] = drops;
    Json worker{{"worker", "0"}};
    worker.update(books(packets, held));
    return {{"instance", "1.2"},
            {"at_s", at_s},
            {"ports", {port}},
            {"accounting", books(packets, held)},
            {"workers", {worker}}};
}

TEST(Reading, ChangeIsOfTheSameRows) {
    Json before = counters_at(10, 5, 0, 3), now = counters_at(14, 25, 8, 1);
    now["ports"].insert(now["ports"].begin(), Json{{"port", "p0"}, {"rx_packets", 7}});
    const Json change = change_between(now, before);
    EXPECT_EQ(change["ports"][0]["rx_packets"], 7) << "a port that was not there";
    EXPECT_EQ(change["ports"][1]["rx_packets"], 20);
    EXPECT_EQ(change["ports"][1]["dropped"]["no_route"], 8) << "a reason that was not there";
    EXPECT_EQ(change["accounting"]["held"], -2);
    EXPECT_EQ(change["accounting"]["imbalance"], 0);
    EXPECT_EQ(change["at_s"], 14.0);
}

TEST(Reading, APortMadeAnewHadCountedNothing) {
    const Json change = change_between(counters_at(14, 3, 0, 0), counters_at(10, 5, 0, 0));
    EXPECT_EQ(change["ports"][0]["rx_packets"], 3);
}

TEST(Reading, RatesAreByTheDaemonsClock) {
    const Json rates = rates_between(counters_at(14, 25, 8, 0), counters_at(10, 5, 0, 0));
    EXPECT_EQ(rates["ports"][0]["rx_packets"], 5.0);
    EXPECT_EQ(rates["ports"][0]["dropped"]["no_route"], 2.0);
    EXPECT_TRUE(rates_between(counters_at(10, 5, 0, 0), counters_at(10, 5, 0, 0)).is_null());
}

TEST(ShowCounters, WithAndWithoutRates) {
    const Json now = counters_at(14, 25, 8, 0);
    const std::string sum =
        "rx 25 + originated 0 = tx 25 + consumed 0 + dropped 0 + held 0: balanced\n";
    EXPECT_EQ(show_counters(now, nullptr, false),
              "p1\n"
              "    rx          25 packets, 2500 bytes\n"
              "    tx          0 packets, 0 bytes\n"
              "    consumed    -\n"
              "    originated  -\n"
              "    dropped     no_route 8\n" +
                  sum);
    EXPECT_EQ(show_counters(now, rates_between(now, counters_at(10, 5, 2, 0)), false),
              "p1\n"
              "    rx          25 packets, 2500 bytes (5.0 packets/s, 500 bytes/s)\n"
              "    tx          0 packets, 0 bytes (0 packets/s, 0 bytes/s)\n"
              "    consumed    -\n"
              "    originated  -\n"
              "    dropped     no_route 8 (1.5/s)\n" +
                  sum);
    EXPECT_EQ(show_books(now, nullptr, false),
              "WORKER  RX  ORIGINATED  TX  CONSUMED  DROPPED  HELD  IMBALANCE\n"
              "     0  25           0  25         0        0     0          0\n" +
                  sum);
}

TEST(ShowCounters, RatesNotKnownYetAreDashes) {
    const std::string text = show_counters(counters_at(14, 25, 8, 0), Json::object(), false);
    EXPECT_NE(text.find("25 packets, 2500 bytes (- packets/s, - bytes/s)"), std::string::npos);
    EXPECT_NE(text.find("no_route 8 (-/s)"), std::string::npos) << text;
}

TEST(ShowLastDrops, OneALine) {
    const Json answer{{"drops",
                       {{{"time", "2026-01-02T03:04:05.000006Z"},
                         {"port", "p1"},
                         {"stage", "ip4_lookup"},
                         {"reason", "no_route"},
                         {"length", 60},
                         {"packet", "IP 10.1.0.2 > 10.9.0.9: ip-proto-47, length 26"},
                         {"bytes", "00"},
                         {"more", 0}},
                        {{"time", "2026-01-02T03:04:06.000006Z"},
                         {"port", "p10"},
                         {"stage", "classify"},
                         {"reason", "ip6"},
                         {"length", 1514},
                         {"packet", "IP6"},
                         {"bytes", "00"},
                         {"more", 1000}}}},
                      {"flight_recorder", 4096}};
    EXPECT_EQ(show_last_drops(answer, false),
              "TIME                         PORT  STAGE       REASON    LENGTH  PACKET\n"
              "2026-01-02T03:04:05.000006Z  p1    ip4_lookup  no_route      60  "
              "IP 10.1.0.2 > 10.9.0.9: ip-proto-47, length 26\n"
              "2026-01-02T03:04:06.000006Z  p10   classify    ip6         1514  "
              "IP6 (and 1000 more like it)\n");
    EXPECT_EQ(show_last_drops({{"drops", Json::array()}, {"flight_recorder", 1}}, false),
              "no such drops are recorded\n");
    EXPECT_EQ(show_last_drops({{"drops", Json::array()}, {"flight_recorder", 0}}, false),
              "drops are not recorded: dataplane.flight_recorder is 0\n");
}

TEST(NearWords, OfTypingErrorsAndParts) {
    const std::vector<std::string> all{"no_route", "no_buffer", "ttl_expired", "ip6"};
    EXPECT_EQ(near_words("no_rout", all), std::vector<std::string>{"no_route"});
    EXPECT_EQ(near_words("route", all), std::vector<std::string>{"no_route"});
    EXPECT_EQ(near_words("tll_expired", all), std::vector<std::string>{"ttl_expired"});
    EXPECT_EQ(near_words("nonsense", all), std::vector<std::string>{});
    EXPECT_EQ(near_words("", all), std::vector<std::string>{});
}

// --- What was called zero ---------------------------------------------------------------------
class BaselineTest : public testing::Test {
protected:
    BaselineTest() {
        char name[] = "/tmp/vethway-cli-test.XXXXXX";
        directory_ = mkdtemp(name);
        setenv("XDG_RUNTIME_DIR", directory_.c_str(), 1);
    }
    ~BaselineTest() override {
        unsetenv("XDG_RUNTIME_DIR");
        std::filesystem::remove_all(directory_);
    }
    std::string directory_;
    const Json now_{{"instance", "7.8"}, {"at_s", 1.0}};
};

TEST_F(BaselineTest, IsOneASocket) {
    EXPECT_EQ(baseline_file("/run/a%b.sock"), directory_ + "/vethway-zero%2Frun%2Fa%25b.sock.json");
    EXPECT_NE(baseline_file("/run/a"), baseline_file("/run/b"));
}

TEST_F(BaselineTest, ComesBackAndIsTheUsersAlone) {
    const std::string file = baseline_file("/run/a.sock");
    EXPECT_EQ(refusal([&] { load_baseline(file, "/counters", now_); }),
              "nothing was called zero yet: vethway show counters --zero does it");
    for (const double at_s : {1.0, 2.0}) {
        save_baseline(file, {{"/counters", {{"instance", "7.8"}, {"at_s", at_s}}}});
        EXPECT_EQ(load_baseline(file, "/counters", now_)["at_s"], at_s);
    }
    struct stat s {};
    ASSERT_EQ(stat(file.c_str(), &s), 0);
    EXPECT_EQ(s.st_mode & 0777, 0600U);
}

TEST_F(BaselineTest, OfAnotherInstanceOrDamagedIsRefused) {
    const std::string file = baseline_file("/run/a.sock");
    save_baseline(file, {{"/counters", {{"instance", "7.9"}}}});
    EXPECT_EQ(refusal([&] { load_baseline(file, "/counters", now_); }),
              "vethwayd was started anew since --zero, and counts from zero itself");
    for (const char* text : {"", "{", "[]", "{}", "{\"/counters\": 1}"}) {
        std::ofstream(file) << text;
        EXPECT_EQ(refusal([&] { load_baseline(file, "/counters", now_); }),
                  file + ": is damaged; vethway show counters --zero makes it anew");
    }
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
              "address, path, port, apply, reload, ping, capture, doctor, completion");
    EXPECT_EQ(
        refused("show bogus"),
        "show: no such thing \"bogus\"; there are: ports, knobs, routes, neighbours, "
        "paths, lag, bridge, stp, vlan, fdb, bindings, groups, drops, counters, lcores, config");
    EXPECT_EQ(refused("route show"), "route: no such thing \"show\"; there are: add, del, get");
}

TEST_F(CommandLine, MissingCommandsAreListed) {
    EXPECT_EQ(
        refused("explain"),
        "explain: --port (or a subcommand: explain drop) is required; see vethway explain --help");
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

TEST_F(CommandLine, CountersOptionsThatDoNotGoTogether) {
    for (const char* line : {"show drops --port p1", "show drops --reason no_route",
                             "show drops --last 0", "show drops --last 5 --watch",
                             "show drops --last 5 --all", "show counters --zero --watch",
                             "show counters --zero --since-zero", "show counters --watch 0"})
        EXPECT_NE(refused(line).find("--help"), std::string::npos) << line << ": " << refused(line);
    EXPECT_NE(refused("show counters --watch").find("cannot reach vethwayd"), std::string::npos);
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
