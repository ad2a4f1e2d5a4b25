// SPDX-License-Identifier: Apache-2.0
// vethway top without a daemon and without a terminal: readings, rates, keys, lines.
#include <gtest/gtest.h>

#include "control/cli/top/frame.h"

namespace vethway::cli::top {
namespace {

PortReading port(const char* name, uint64_t rx_packets, uint64_t tx_packets, uint64_t dropped = 0) {
    return {.name = name,
            .state = "up",
            .rx_packets = rx_packets,
            .rx_bytes = 100 * rx_packets,
            .tx_packets = tx_packets,
            .tx_bytes = 100 * tx_packets,
            .dropped = dropped};
}

Reading reading(double at_s, std::vector<PortReading> ports, int64_t pid = 7) {
    Reading r{.at_s = at_s, .pid = pid, .version = "1.2.3", .uptime_s = 65, .workers = 1};
    r.mbufs = {.used = 10, .total = 100};
    r.ports = std::move(ports);
    return r;
}

// p1 receives most, p10 sends most, p2 drops.
Model busy_model() {
    Model m;
    m.add(reading(10, {port("p1", 0, 0), port("p2", 0, 0), port("p10", 0, 0)}));
    m.add(reading(12, {port("p1", 2000, 0), port("p2", 200, 10, 4), port("p10", 20, 4000)}));
    return m;
}

std::string names(const std::vector<PortRow>& rows) {
    std::string text;
    for (const PortRow& row : rows) text += (text.empty() ? "" : " ") + row.name;
    return text;
}

std::vector<std::string> lines(const Frame& frame) {
    std::vector<std::string> text;
    for (const auto* part : {&frame.head, &frame.body})
        for (const Line& line : *part) text.push_back(plain_text(line));
    return text;
}

bool has_line(const Frame& frame, const std::string& wanted) {
    const auto all = lines(frame);
    return std::find(all.begin(), all.end(), wanted) != all.end();
}

// --- Readings --------------------------------------------------------------------------------
Answers answers() {
    const Json pool{{"used", 3}, {"total", 9}};
    Answers a;
    a.status = {{"pid", 7},
                {"version", "1.2.3"},
                {"uptime_s", 1.5},
                {"workers", 1},
                {"memory", {{"mbufs", pool}, {"large_mbufs", pool}}},
                {"accounting", {{"imbalance", -2}, {"held", 4}}}};
    a.ports = {{"ports", Json::array({{{"name", "p\x1b[1"},
                                       {"state", "down"},
                                       {"reason", "no carrier"},
                                       {"counters",
                                        {{"rx_packets", 1},
                                         {"rx_bytes", 2},
                                         {"tx_packets", 3},
                                         {"tx_bytes", 4},
                                         {"dropped", 5},
                                         {"rx_missed", 6}}}}})}};
    a.drops = {{"drops", Json::array({{{"port", "p1"},
                                       {"reason", "no_route"},
                                       {"stage", "ip4"},
                                       {"help", "no route"},
                                       {"packets", 5}}})}};
    a.lcores = {{"lcores", Json::array({{{"lcore", 0}, {"role", "control"}},
                                        {{"lcore", 1},
                                         {"role", "worker"},
                                         {"cpu", 3},
                                         {"queues", Json::array({{{"port", "p1"}, {"queue", 0}},
                                                                 {{"port", "p2"}, {"queue", 1}}})},
                                         {"busy_s", 1.0},
                                         {"idle_s", 2.0},
                                         {"sleep_s", 3.0},
                                         {"rx_packets", 40},
                                         {"rx_bursts", 10},
                                         {"wakeups", 5},
                                         {"wakeup_s", 0.5}}})}};
    a.neighbours = {{"neighbours", Json::array({{{"port", "p1"}, {"state", "stale"}}})}};
    return a;
}

TEST(Reading, OfTheApisAnswers) {
    const Reading r = reading_of(answers(), 99);
    EXPECT_EQ(r.at_s, 99);
    EXPECT_EQ(r.imbalance, -2);
    ASSERT_EQ(r.ports.size(), 1U);
    EXPECT_EQ(r.ports[0].name, "p?[1") << "a name must not move the cursor";
    EXPECT_EQ(r.ports[0].missed, 6U);
    ASSERT_EQ(r.lcores.size(), 1U) << "the control thread is no worker";
    EXPECT_EQ(r.lcores[0].queues, "p1.0 p2.1");
    EXPECT_EQ(r.drops[0].packets, 5U);
    EXPECT_EQ(r.neighbours[0].state, "stale");
    EXPECT_FALSE(r.flows.has_value());
}

TEST(Reading, OfFlowsWhereThereAreAny) {
    Answers a = answers();
    a.flows = {{"flows", Json::array({{{"src", "10.1.0.2"},
                                       {"dst", "10.2.0.2"},
                                       {"protocol", "tcp"},
                                       {"src_port", 40000},
                                       {"dst_port", 5201},
                                       {"packets", 3},
                                       {"bytes", 4500}}})}};
    const Reading r = reading_of(a, 0);
    ASSERT_TRUE(r.flows.has_value());
    EXPECT_EQ(r.flows->at(0).dst_port, 5201);
}

TEST(Reading, RefusesWhatIsNoVethwayds) {
    Answers a = answers();
    a.lcores["lcores"][1].erase("rx_bursts");
    EXPECT_THROW(reading_of(a, 0), Json::exception);
}

// --- Rates -----------------------------------------------------------------------------------
TEST(Rates, NeedTwoReadings) {
    Model m;
    EXPECT_FALSE(m.any());
    m.add(reading(10, {port("p1", 5, 5)}));
    EXPECT_FALSE(m.ports(SortBy::name, false, "")[0].rates.has_value());
    EXPECT_TRUE(m.ports(SortBy::name, false, "")[0].history.empty());
}

TEST(Rates, PerSecondOfTheTimeBetween) {
    const Model m = busy_model();
    const PortRow p2 = m.ports(SortBy::name, false, "p2")[0];
    EXPECT_DOUBLE_EQ(p2.rates->rx_pps, 100);
    EXPECT_DOUBLE_EQ(p2.rates->tx_pps, 5);
    EXPECT_DOUBLE_EQ(p2.rates->rx_bits, 80'000);
    EXPECT_DOUBLE_EQ(p2.rates->tx_bits, 4'000);
    EXPECT_DOUBLE_EQ(p2.rates->drops, 2);
    EXPECT_EQ(p2.history, std::vector<double>{105});
}

TEST(Rates, OfAReadingTooSoonAreNotTaken) {
    Model m = busy_model();
    m.add(reading(12.01, {port("p1", 9000, 0)}));
    EXPECT_EQ(m.ports(SortBy::name, false, "").size(), 3U) << "the last reading stays";
}

TEST(Rates, BeginAnewWithTheDaemon) {
    Model m = busy_model();
    m.add(reading(13, {port("p1", 9000, 0)}, 8));
    const PortRow p1 = m.ports(SortBy::name, false, "")[0];
    EXPECT_FALSE(p1.rates.has_value()) << "these counters began at 0 in between";
    EXPECT_TRUE(p1.history.empty());
    m.add(reading(14, {port("p1", 9010, 0)}, 8));
    EXPECT_DOUBLE_EQ(m.ports(SortBy::name, false, "")[0].rates->rx_pps, 10);
}

TEST(Rates, BeginAnewWithAPort) {
    Model m = busy_model();
    m.add(reading(13, {port("p1", 3000, 0), port("p2", 7, 0), port("new", 50, 0)}));
    EXPECT_FALSE(m.ports(SortBy::name, false, "p2")[0].rates.has_value()) << "it counts from 0";
    EXPECT_FALSE(m.ports(SortBy::name, false, "new")[0].rates.has_value());
    EXPECT_DOUBLE_EQ(m.ports(SortBy::name, false, "p1")[0].rates->rx_pps, 1000);
    EXPECT_EQ(names(m.ports(SortBy::name, false, "")), "new p1 p2") << "p10 has gone";
}

TEST(Rates, HistoryIsTheLastSixty) {
    Model m;
    for (unsigned i = 0; i < 100; ++i) m.add(reading(i, {port("p1", i * i, 0)}));
    const auto history = m.ports(SortBy::name, false, "")[0].history;
    ASSERT_EQ(history.size(), kHistory);
    EXPECT_EQ(history.back(), 99 * 99 - 98 * 98);
    EXPECT_EQ(history.front(), 40 * 40 - 39 * 39);
}

TEST(Rates, OfDrops) {
    const auto with = [](double at, std::vector<DropReading> drops) {
        Reading r = reading(at, {});
        r.drops = std::move(drops);
        return r;
    };
    Model m;
    m.add(with(0, {{"p1", "no_route", "ip4", "", 10}, {"p2", "ip6", "classify", "", 90}}));
    EXPECT_EQ(m.drops("")[0].reason, "ip6") << "by packets, while no rate is known";
    EXPECT_FALSE(m.drops("")[0].rate.has_value());
    m.add(with(2, {{"p1", "no_route", "ip4", "", 16},
                   {"p2", "ip6", "classify", "", 90},
                   {"p1", "ttl_expired", "ip4", "", 2}}));
    const auto rows = m.drops("");
    EXPECT_EQ(rows[0].reason, "no_route");
    EXPECT_DOUBLE_EQ(*rows[0].rate, 3);
    EXPECT_EQ(rows[1].reason, "ttl_expired");
    EXPECT_DOUBLE_EQ(*rows[1].rate, 1) << "the first of its kind were dropped just now";
    EXPECT_EQ(rows[2].packets, 90U);
    EXPECT_EQ(m.drops("p2").size(), 1U);
}

TEST(Rates, OfWorkers) {
    const auto with = [](double at, WorkerReading w) {
        Reading r = reading(at, {});
        w.lcore = 1;
        r.lcores = {w};
        return r;
    };
    Model m;
    m.add(with(0, {.busy_s = 5, .idle_s = 5, .sleep_s = 5, .packets = 100, .bursts = 50}));
    EXPECT_FALSE(m.workers()[0].use.has_value());
    m.add(with(2, {.busy_s = 5.5,
                   .idle_s = 5.25,
                   .sleep_s = 5.25,
                   .packets = 180,
                   .bursts = 60,
                   .wakeups = 4,
                   .wakeup_s = 80e-6}));
    const WorkerUse use = *m.workers()[0].use;
    EXPECT_DOUBLE_EQ(use.busy, 0.5);
    EXPECT_DOUBLE_EQ(use.idle, 0.25);
    EXPECT_DOUBLE_EQ(use.sleep, 0.25);
    EXPECT_DOUBLE_EQ(*use.burst, 8);
    EXPECT_DOUBLE_EQ(use.wakeups, 2);
    EXPECT_NEAR(*use.wakeup_us, 20, 1e-9);
    m.add(with(3, {.busy_s = 5.5,
                   .idle_s = 5.25,
                   .sleep_s = 5.25,
                   .packets = 180,
                   .bursts = 60,
                   .wakeups = 4,
                   .wakeup_s = 80e-6}));
    EXPECT_DOUBLE_EQ(m.workers()[0].use->sleep, 1) << "asleep all the while, it counted nothing";
    EXPECT_FALSE(m.workers()[0].use->burst.has_value());
}

// --- Order and filter ------------------------------------------------------------------------
TEST(Sorted, ByEachColumn) {
    const Model m = busy_model();
    EXPECT_EQ(names(m.ports(SortBy::name, false, "")), "p1 p2 p10") << "digits are numbers";
    EXPECT_EQ(names(m.ports(SortBy::name, true, "")), "p10 p2 p1");
    EXPECT_EQ(names(m.ports(SortBy::rx_pps, false, "")), "p1 p2 p10");
    EXPECT_EQ(names(m.ports(SortBy::rx_pps, true, "")), "p10 p2 p1");
    EXPECT_EQ(names(m.ports(SortBy::tx_pps, false, "")), "p10 p2 p1");
    EXPECT_EQ(names(m.ports(SortBy::rx_bits, false, "")), "p1 p2 p10");
    EXPECT_EQ(names(m.ports(SortBy::tx_bits, false, "")), "p10 p2 p1");
    EXPECT_EQ(names(m.ports(SortBy::drops, false, "")), "p2 p1 p10") << "then by name";
}

TEST(Sorted, PortsWithoutRatesAreLast) {
    Model m = busy_model();
    m.add(reading(13, {port("a", 0, 0), port("p1", 2000, 0)}));
    EXPECT_EQ(names(m.ports(SortBy::rx_pps, false, "")), "p1 a");
    EXPECT_EQ(names(m.ports(SortBy::rx_pps, true, "")), "p1 a");
}

TEST(Filter, IsAPartOfTheName) {
    const Model m = busy_model();
    EXPECT_EQ(names(m.ports(SortBy::name, false, "1")), "p1 p10");
    EXPECT_EQ(names(m.ports(SortBy::name, false, "x")), "");
}

TEST(Filter, OfNeighbours) {
    Reading r = reading(0, {});
    r.neighbours = {{"p1", "reachable"}, {"p1", "stale"}, {"p2", "reachable"}};
    Model m;
    m.add(r);
    EXPECT_EQ(m.neighbours(""), (std::map<std::string, unsigned>{{"reachable", 2}, {"stale", 1}}));
    EXPECT_EQ(m.neighbours("p2"), (std::map<std::string, unsigned>{{"reachable", 1}}));
}

// --- Talkers ---------------------------------------------------------------------------------
TEST(Talkers, SamplesOfAFlowArePutTogether) {
    const Flow a{"10.1.0.2", "10.2.0.2", "tcp", 1, 2, 10, 1000},
        b{"10.1.0.3", "10.2.0.2", "udp", 1, 2, 5, 2500};
    Flow other = a;
    other.src_port = 9;
    other.bytes = 500;
    const auto talkers = top_talkers({a, b, a, other}, 2);
    ASSERT_EQ(talkers.size(), 2U);
    EXPECT_EQ(talkers[0].flow.src, "10.1.0.3");
    EXPECT_DOUBLE_EQ(talkers[0].share, 0.5);
    EXPECT_EQ(talkers[1].flow.packets, 20U);
    EXPECT_EQ(talkers[1].flow.bytes, 2000U);
    EXPECT_TRUE(top_talkers({}, 2).empty());
}

TEST(Talkers, HaveAPaneOnlyWhereTheyAreSampled) {
    Reading r = reading(0, {port("p1", 0, 0)});
    Model without;
    without.add(r);
    EXPECT_FALSE(has_line(draw(without, {}, {}), "TOP TALKERS"));
    r.flows = {{"10.1.0.2", "10.2.0.2", "tcp", 40000, 5201, 10, 15000}};
    Model with;
    with.add(r);
    const Frame frame = draw(with, {}, {});
    EXPECT_TRUE(has_line(frame, "TOP TALKERS"));
    EXPECT_TRUE(has_line(frame,
                         "10.1.0.2:40000         10.2.0.2:5201          tcp            10"
                         "     15.0k  100.0%"));
}

// --- Keys ------------------------------------------------------------------------------------
void type(View& view, const std::string& keys) {
    for (const char c : keys) press(view, static_cast<unsigned char>(c));
}

TEST(Keys, SortReversePauseQuit) {
    View v;
    press(v, 's');
    EXPECT_EQ(v.sort, SortBy::tx_pps);
    for (int i = 0; i < 5; ++i) press(v, 's');
    EXPECT_EQ(v.sort, SortBy::rx_pps) << "all the way round";
    press(v, 'r');
    EXPECT_TRUE(v.reverse);
    EXPECT_EQ(press(v, 'p'), Act::nothing);
    EXPECT_TRUE(v.paused);
    EXPECT_EQ(press(v, ' '), Act::read) << "even then";
    EXPECT_EQ(press(v, 'p'), Act::read);
    EXPECT_FALSE(v.paused);
    EXPECT_EQ(press(v, 'q'), Act::quit);
}

TEST(Keys, FilterIsTyped) {
    View v;
    v.scroll = 5;
    type(v, "/qs1");
    EXPECT_EQ(v.filter, "qs1") << "keys are letters now";
    EXPECT_EQ(v.scroll, 0);
    press(v, kBackspace);
    EXPECT_EQ(v.filter, "qs");
    press(v, kEnter);
    EXPECT_FALSE(v.typing);
    type(v, "/\xc3\xa4");
    press(v, kBackspace);
    EXPECT_EQ(v.filter, "qs") << "a letter of two bytes is one letter";
    type(v, "xx");
    press(v, kEscape);
    EXPECT_EQ(v.filter, "qs") << "as it was before";
    press(v, kEscape);
    EXPECT_EQ(v.filter, "");
    type(v, "/" + std::string(200, 'x'));
    EXPECT_EQ(v.filter.size(), 64U);
}

TEST(Keys, Scroll) {
    View v;
    v.page = 10;
    press(v, kUp);
    EXPECT_EQ(v.scroll, 0);
    press(v, kPageDown);
    press(v, kDown);
    EXPECT_EQ(v.scroll, 11);
    press(v, kPageUp);
    EXPECT_EQ(v.scroll, 1);
    press(v, kHome);
    EXPECT_EQ(v.scroll, 0);
}

TEST(Keys, HelpIsLeftByAnyKey) {
    View v;
    press(v, 'h');
    EXPECT_TRUE(v.help);
    EXPECT_TRUE(has_line(draw(busy_model(), v, {}), "KEYS"));
    EXPECT_EQ(press(v, 's'), Act::redraw);
    EXPECT_FALSE(v.help);
    EXPECT_EQ(v.sort, SortBy::rx_pps) << "it did nothing else";
    press(v, '?');
    EXPECT_EQ(press(v, 'q'), Act::quit);
}

// --- Lines -----------------------------------------------------------------------------------
TEST(Drawn, Whole) {
    Model m;
    Reading r = reading(10, {port("p1", 0, 0), port("p2", 0, 0)});
    r.lcores = {{.lcore = 1, .cpu = 3, .queues = "p1.0"}};
    r.neighbours = {{"p1", "reachable"}};
    m.add(r);
    r.at_s = 11;
    r.ports = {port("p1", 1234, 0), port("p2", 0, 1230, 4)};
    r.ports[1].state = "down";
    r.ports[1].reason = "no carrier";
    r.drops = {{"p2", "no_route", "ip4", "no route to the destination", 4}};
    r.lcores = {{.lcore = 1,
                 .cpu = 3,
                 .queues = "p1.0",
                 .busy_s = 0.5,
                 .idle_s = 0.25,
                 .sleep_s = 0.25,
                 .packets = 90,
                 .bursts = 10}};
    m.add(r);
    std::string text;
    for (const std::string& line : lines(draw(m, {.filter = "p"}, {.width = 90})))
        text += line + '\n';
    EXPECT_EQ(
        text,
        R"(vethway 1.2.3  up 1 min 5 s  1 worker  books balanced  mbufs 10/100 (10%)  large 0/0 (0%)  held 0
sorted by rx pps  ports with "p"

PORT  STATE    RX pps   TX pps RX bit/s TX bit/s   DROP/s   MISS/s  RX AND TX
p1    up        1.23k        0     987k        0        0        0                       █
p2    down          0    1.23k        0     984k      4.0        0  no carrier

DROPS
PORT  REASON       PER s       TOTAL  MEANING
p2    no_route       4.0           4  no route to the destination

WORKERS
LCORE  CPU     BUSY   IDLE  SLEEP                        BURST  WAKES/s  WAKE us  QUEUES
1      3      50.0%  25.0%  25.0%  ██████████░░░░░         9.0        0        -  p1.0

NEIGHBOURS
reachable 1
)");
}

TEST(Drawn, WithoutADaemon) {
    Model m;
    m.lost("cannot reach vethwayd");
    EXPECT_EQ(lines(draw(m, {}, {})),
              (std::vector<std::string>{"vethway", "trying again: cannot reach vethwayd"}));
    m = busy_model();
    m.lost("cannot reach vethwayd");
    EXPECT_TRUE(has_line(draw(m, {}, {}), "trying again: cannot reach vethwayd"));
    EXPECT_EQ(m.ports(SortBy::name, false, "").size(), 3U) << "what was known stays";
    m.add(reading(20, {port("p1", 5000, 0)}));
    EXPECT_EQ(m.trouble(), "");
}

TEST(Drawn, ImbalanceIsBad) {
    Reading r = reading(0, {});
    r.imbalance = -3;
    Model m;
    m.add(r);
    const Line first = draw(m, {}, {}).head[0];
    const auto bad = std::find_if(first.begin(), first.end(),
                                  [](const Span& s) { return s.style == Style::bad; });
    ASSERT_NE(bad, first.end());
    EXPECT_EQ(bad->text, "books OUT OF BALANCE by -3");
}

TEST(Drawn, NarrowHasNoSparkline) {
    EXPECT_FALSE(plain_text(draw(busy_model(), {}, {.width = 70}).body[0]).ends_with("RX AND TX"));
    EXPECT_TRUE(plain_text(draw(busy_model(), {}, {.width = 100}).body[0]).ends_with("RX AND TX"));
}

TEST(Clipped, ByColumnsNotBytes) {
    const Line line{{"ab", Style::good}, {"▁▂▃"}};
    EXPECT_EQ(plain_text(clipped(line, 4)), "ab▁▂");
    EXPECT_EQ(plain_text(clipped(line, 2)), "ab");
    EXPECT_EQ(plain_text(clipped(line, 1)), "a");
    EXPECT_EQ(plain_text(clipped(line, 0)), "");
    EXPECT_EQ(plain_text(clipped(line, 9)), "ab▁▂▃");
    EXPECT_EQ(clipped(line, 4)[0].style, Style::good);
}

TEST(Sparkline, HighestIsFull) {
    EXPECT_EQ(sparkline({0, 1, 50, 100}, true), " ▁▄█");
    EXPECT_EQ(sparkline({0, 1, 50, 100}, false), " .=#");
    EXPECT_EQ(sparkline({0, 0}, true), "  ");
    EXPECT_EQ(sparkline({}, true), "");
}

TEST(ShortNumber, ThreeDigits) {
    const std::pair<double, const char*> cases[] = {
        {0, "0"},          {0.04, "0.0"},   {9.94, "9.9"},    {9.96, "10"},    {999.4, "999"},
        {999.6, "1.00k"},  {1234, "1.23k"}, {9996, "10.0k"},  {99960, "100k"}, {999'600, "1.00M"},
        {45.6e6, "45.6M"}, {1e10, "10.0G"}, {1.5e13, "15.0T"}};
    for (const auto& [value, want] : cases) EXPECT_EQ(short_number(value), want) << value;
}

}  // namespace
}  // namespace vethway::cli::top
