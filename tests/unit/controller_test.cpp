// SPDX-License-Identifier: Apache-2.0
// Configurations applied one after the other, on a switch whose workers are not started and whose
// ports are DPDK's null devices: what becomes of ports, routes, neighbours and the workers' own
// tables.
#include "control/controller.h"

#include "config/parse.h"
#include "control/json_views.h"
#include "tests/unit/eal_fixture.h"

namespace vethway {
namespace {

constexpr char kTwoPorts[] = R"(
ports:
  - {name: p1, "null": {}, mac: 02:00:00:00:00:01, addresses: [10.1.0.1/24]}
  - {name: p2, "null": {}, mac: 02:00:00:00:00:02, addresses: [10.2.0.1/24, 10.22.0.1/31]}
)";

class ControllerTest : public test::EalTest {
protected:
    std::vector<std::string> apply(const std::string& yaml) {
        return controller_.apply(parse_config(yaml, "f"));
    }
    // "forward p2 via 10.2.0.9", as workers see it.
    std::string way_to(const char* to) const {
        static constexpr const char* kTypes[] = {"none",      "forward",     "local",   "broadcast",
                                                 "blackhole", "unreachable", "prohibit"};
        const RouteEntry& entry = dataplane_.routes().lookup(*Ip4::parse(to));
        std::string text = kTypes[static_cast<size_t>(entry.type)];
        if (entry.type != RouteType::forward) return text;
        for (size_t i = 0; i < entry.hop_count; ++i) {
            text += ' ' + controller_.ports().find(entry.hops[i].port)->config.name;
            if (!entry.hops[i].via.is_zero()) text += " via " + entry.hops[i].via.to_string();
        }
        return text;
    }
    std::string refusal(const std::string& yaml) {
        try {
            apply(yaml);
            return "no error";
        } catch (const std::exception& e) {
            return e.what();
        }
    }

    mutable Dataplane dataplane_{{.workers = 1, .mbufs = 1023}};
    mutable Controller controller_{dataplane_, {}, {}};
};

TEST_F(ControllerTest, RoutesOfAddresses) {
    apply(kTwoPorts);
    EXPECT_EQ(way_to("10.1.0.1"), "local");
    EXPECT_EQ(way_to("10.1.0.77"), "forward p1");
    EXPECT_EQ(way_to("10.1.0.255"), "broadcast");
    EXPECT_EQ(way_to("10.1.0.0"), "forward p1") << "as Linux has it since 5.14";
    EXPECT_EQ(way_to("10.22.0.0"), "forward p2") << "RFC 3021: both addresses of a /31 are hosts";
    EXPECT_EQ(way_to("10.3.0.1"), "none");
}

TEST_F(ControllerTest, LowestMetricIsUsedAndTheNextTakesOver) {
    const std::string cheap = "  - {to: 10.8.0.0/16, via: 10.2.0.9, metric: 10}\n";
    const std::string dear = "routes:\n  - {to: 10.8.0.0/16, via: 10.1.0.9, metric: 20}\n";
    apply(kTwoPorts + dear + cheap);
    EXPECT_EQ(way_to("10.8.1.1"), "forward p2 via 10.2.0.9");
    EXPECT_EQ(apply(kTwoPorts + dear),
              std::vector<std::string>{"route 10.8.0.0/16 metric 10 removed"});
    EXPECT_EQ(way_to("10.8.1.1"), "forward p1 via 10.1.0.9");
    apply(kTwoPorts);
    EXPECT_EQ(way_to("10.8.1.1"), "none");
}

TEST_F(ControllerTest, SeveralNextHopsShareByWeight) {
    apply(std::string(kTwoPorts) +
          "routes: [{to: 10.8.0.0/16, nexthops: [{via: 10.1.0.9, weight: 3}, {via: 10.2.0.9}]}]\n");
    const RouteEntry& entry = dataplane_.routes().lookup(Ip4{10, 8, 0, 1});
    EXPECT_EQ(way_to("10.8.0.1"), "forward p1 via 10.1.0.9 p2 via 10.2.0.9");
    EXPECT_EQ(entry.hops[0].upper_bound, 0xbfffffffU);
    EXPECT_EQ(entry.hops[1].upper_bound, 0xffffffffU);
}

TEST_F(ControllerTest, RouteLeavesAPortThatIsDown) {
    const std::string route =
        "routes: [{to: 10.8.0.0/16, nexthops: [{via: 10.1.0.9}, {via: 10.2.0.9}]}]\n";
    apply(kTwoPorts + route);
    std::string down = kTwoPorts;
    down.insert(down.find("name: p1"), "admin: down, ");
    apply(down + route);
    EXPECT_EQ(way_to("10.8.0.1"), "forward p2 via 10.2.0.9");
    EXPECT_EQ(way_to("10.1.0.77"), "none");
    EXPECT_EQ(controller_.ports().find("p1")->down_reason(), "admin down");
    apply(kTwoPorts + route);
    EXPECT_EQ(way_to("10.8.0.1"), "forward p1 via 10.1.0.9 p2 via 10.2.0.9");
}

TEST_F(ControllerTest, ThrowIsAsIfThereWereNoRoute) {
    apply(std::string(kTwoPorts) +
          "routes: [{to: 10.8.0.0/15, via: 10.1.0.9}, {to: 10.8.0.0/16, action: throw}]\n");
    EXPECT_EQ(way_to("10.8.0.1"), "none");
    EXPECT_EQ(way_to("10.9.0.1"), "forward p1 via 10.1.0.9");
}

TEST_F(ControllerTest, NextHopsWithANumber) {
    const std::string routes =
        "routes: [{to: 10.8.0.0/16, nhid: 3}, {to: 10.9.0.0/16, nhid: 1}, {to: 10.7.0.0/16, nhid: "
        "9}]\n";
    const std::string last = "{id: 3, group: [{id: 1, weight: 3}, 2]}, {id: 9, blackhole: true}]\n";
    apply(kTwoPorts + ("nexthops: [{id: 1, via: 10.1.0.9}, {id: 2, via: 10.2.0.9}, " + last) +
          routes);
    EXPECT_EQ(way_to("10.8.0.1"), "forward p1 via 10.1.0.9 p2 via 10.2.0.9");
    EXPECT_EQ(dataplane_.routes().lookup(Ip4{10, 8, 0, 1}).hops[0].upper_bound, 0xbfffffffU);
    EXPECT_EQ(way_to("10.9.0.1"), "forward p1 via 10.1.0.9");
    EXPECT_EQ(way_to("10.7.0.1"), "blackhole");
    // All routes by it follow a next hop that is changed.
    EXPECT_EQ(
        apply(kTwoPorts + ("nexthops: [{id: 1, via: 10.1.0.8}, {id: 2, via: 10.2.0.9}, " + last) +
              routes),
        std::vector<std::string>{"nexthop 1 changed"});
    EXPECT_EQ(way_to("10.8.0.1"), "forward p1 via 10.1.0.8 p2 via 10.2.0.9");
    EXPECT_EQ(way_to("10.9.0.1"), "forward p1 via 10.1.0.8");
}

TEST_F(ControllerTest, GatewaysOutsideOfTheSubnets) {
    apply(R"(
ports:
  - {name: p1, "null": {}, addresses: [10.1.0.1/32]}
  - {name: p2, "null": {}, addresses: [10.2.0.1/24]}
routes:
  - {to: 10.1.0.9/32, port: p1}
  - {to: 10.8.0.0/16, via: 10.1.0.9}
  - {to: 10.9.0.0/16, via: 10.77.0.1, port: p2, onlink: true}
)");
    EXPECT_EQ(way_to("10.1.0.1"), "local");
    EXPECT_EQ(way_to("10.1.0.2"), "none") << "a /32 has nobody else on its link";
    EXPECT_EQ(way_to("10.1.0.9"), "forward p1");
    EXPECT_EQ(way_to("10.8.0.1"), "forward p1 via 10.1.0.9");
    EXPECT_EQ(way_to("10.9.0.1"), "forward p2 via 10.77.0.1");
}

TEST_F(ControllerTest, PreferredSource) {
    apply(std::string(kTwoPorts) +
          "routes: [{to: 10.8.0.0/16, via: 10.1.0.9, src: 10.2.0.1}, {to: 10.9.0.0/16, via: "
          "10.1.0.9}]\n");
    EXPECT_EQ(dataplane_.routes().lookup(Ip4{10, 8, 0, 1}).source, (Ip4{10, 2, 0, 1}));
    EXPECT_TRUE(dataplane_.routes().lookup(Ip4{10, 9, 0, 1}).source.is_zero());
    EXPECT_EQ(route_lookup_view(controller_, Ip4{10, 8, 0, 1})["source"], "10.2.0.1");
    EXPECT_EQ(route_lookup_view(controller_, Ip4{10, 9, 0, 1})["source"], "10.1.0.1");
    EXPECT_EQ(route_lookup_view(controller_, Ip4{10, 8, 0, 1})["route"]["scope"], "global");
}

TEST_F(ControllerTest, KnobsReachTheWorkers) {
    apply(std::string(kTwoPorts) +
          "neighbour_table: {gc_thresh1: 1, gc_thresh2: 2, unres_qlen: 7, ports: [{port: p2, "
          "app_solicit: 1, unres_qlen_bytes: 9}]}\n"
          "multipath: {fib_multipath_hash_policy: 1, fib_multipath_use_neigh: true, "
          "fib_multipath_hash_seed: 5}\n");
    const Snapshot& snap = dataplane_.snapshot();
    const auto& all = snap.ports[controller_.ports().find("p1")->index].neighbour_limits;
    EXPECT_EQ(all.unres_qlen, 7U);
    EXPECT_EQ(all.unres_qlen_bytes, 212'992U);
    EXPECT_EQ(all.first, NeighbourLimits::First::asks);
    const auto& own = snap.ports[controller_.ports().find("p2")->index].neighbour_limits;
    EXPECT_EQ(own.unres_qlen, 7U);
    EXPECT_EQ(own.unres_qlen_bytes, 9U);
    EXPECT_EQ(own.first, NeighbourLimits::First::waits);
    EXPECT_EQ(dataplane_.neighbours().thresholds().gc_thresh2, 2U);
    EXPECT_EQ(snap.multipath.hash, MultipathRules::Hash::layer4);
    EXPECT_TRUE(snap.multipath.use_neigh);
    EXPECT_EQ(snap.multipath.seed, 5U);
    EXPECT_EQ(refusal(std::string(kTwoPorts) + "neighbour_table: {gc_thresh3: 2000}\n"),
              "neighbour_table.gc_thresh3: can't change while vethwayd runs: restart it");
}

// What is refused changes nothing, whichever step refuses it.
TEST_F(ControllerTest, RefusedWhole) {
    const std::string good =
        std::string(kTwoPorts) + "routes: [{to: 10.8.0.0/16, via: 10.2.0.9}]\n";
    apply(good);
    const std::string before = to_yaml(controller_.config());
    const std::string bad_device =
        std::string(kTwoPorts) +
        "  - {name: p3, \"null\": {}}\n  - {name: p4, devargs: \"net_nothing0\"}\n";
    EXPECT_NE(refusal(bad_device).find("port p4: "), std::string::npos) << refusal(bad_device);
    EXPECT_EQ(refusal(good + "dataplane: {mbufs: 2048}\n"),
              "dataplane.mbufs: can't change while vethwayd runs: restart it");
    EXPECT_EQ(to_yaml(controller_.config()), before);
    EXPECT_EQ(controller_.ports().all().size(), 2U);
    EXPECT_EQ(way_to("10.8.0.1"), "forward p2 via 10.2.0.9");
}

TEST_F(ControllerTest, PortThatGoesTakesItsNeighboursAlong) {
    apply(std::string(kTwoPorts) +
          "neighbours: [{address: 10.2.0.9, mac: 02:00:00:00:02:09, port: p2}]\n");
    EXPECT_EQ(controller_.neighbours().list().size(), 1U);
    EXPECT_EQ(controller_.neighbours().list().front().state, NeighbourState::permanent);
    const std::string all = kTwoPorts;
    EXPECT_EQ(apply(all.substr(0, all.find("  - {name: p2"))),
              (std::vector<std::string>{"port p2 removed", "neighbour 10.2.0.9 port p2 removed"}));
    EXPECT_TRUE(controller_.neighbours().list().empty());
    EXPECT_EQ(dataplane_.neighbours().size(), 0U);
    EXPECT_EQ(way_to("10.2.0.9"), "none");
    apply(kTwoPorts);
    EXPECT_EQ(way_to("10.2.0.9"), "forward p2") << "and comes back";
}

TEST_F(ControllerTest, LookupTellsTheWay) {
    apply(std::string(kTwoPorts) + "routes: [{to: default, via: 10.2.0.254}]\n");
    const Json found = route_lookup_view(controller_, Ip4{8, 8, 8, 8});
    EXPECT_EQ(found["route"]["to"], "0.0.0.0/0");
    EXPECT_EQ(found["next_hop"]["port"], "p2");
    EXPECT_EQ(found["next_hop"]["address"], "10.2.0.254");
    EXPECT_EQ(found["source"], "10.2.0.1");
    EXPECT_TRUE(route_lookup_view(controller_, Ip4{10, 1, 0, 1})["next_hop"].is_null());
}

// Each change is in what workers read, and said.
TEST_F(ControllerTest, KnobsOfPortsAndDefaults) {
    const auto filter = [&](const char* port) {
        const uint16_t index = controller_.ports().find(port)->index;
        return dataplane_.snapshot().ports[index].source_check();
    };
    std::string own = kTwoPorts;
    own.insert(own.find("name: p1"), "rp_filter: off, ");
    apply(own);
    EXPECT_EQ(filter("p2"), SourceCheck::off);
    EXPECT_EQ(
        apply(own + "defaults: {rp_filter: loose}\nip4: {ip_default_ttl: 9}\n"),
        (std::vector<std::string>{"ip4.ip_default_ttl changed", "defaults.rp_filter changed"}));
    EXPECT_EQ(filter("p1"), SourceCheck::off) << "its own goes before";
    EXPECT_EQ(filter("p2"), SourceCheck::loose);
    EXPECT_TRUE(dataplane_.snapshot().any_source_check);
    EXPECT_EQ(dataplane_.snapshot().default_ttl(), 9);
    const Json shown = knobs_view(controller_);
    EXPECT_EQ(shown["ports"][0]["name"], "rp_filter");
    EXPECT_EQ(shown["ports"][0]["value"], "loose");
    EXPECT_EQ(shown["ports"][0]["ports"], Json({{"p1", "off"}, {"p2", "loose"}}));
    EXPECT_EQ(shown["ip4"][0]["value"], 9);
    apply(own);
    EXPECT_EQ(filter("p2"), SourceCheck::off);
    EXPECT_EQ(dataplane_.snapshot().default_ttl(), 64);
}

// Links of members are those of null devices, which are always up.
TEST_F(ControllerTest, ALagIsAPort) {
    const auto lag_of = [](const std::string& members, const std::string& more) {
        return "ports: [" + members + "{name: p, vlan: 5, parent: l, addresses: [10.8.0.1/24]}]\n" +
               "lags: [{name: l, members: [a, b], addresses: [10.9.0.1/24], hash: layer3+4" + more +
               "}]\nroutes: [{to: 10.7.0.0/16, via: 10.9.0.2}]\n";
    };
    const std::string both = "{name: a, \"null\": {}}, {name: b, \"null\": {}, mtu: 1400}, ";
    const std::string one = "{name: a, \"null\": {}, admin: down}, {name: b, \"null\": {}}, ";
    const auto state = [&](const char* name) -> const PortState& {
        return dataplane_.snapshot().ports[controller_.ports().find(name)->index];
    };
    const auto reason = [&](const char* name) {
        return controller_.ports().find(name)->down_reason();
    };

    apply(lag_of(both, ", mode: static"));
    EXPECT_EQ(state("l").kind, PortKind::lag);
    EXPECT_EQ(state("l").mtu, 1400) << "the least of its members'";
    EXPECT_EQ(state("l").lag_table->hash, LagHash::layer3_4);
    EXPECT_EQ(state("l").lag_table->carrying, 2);
    EXPECT_EQ(state("a").lag.lag, controller_.ports().find("l")->index);
    EXPECT_TRUE(state("a").lag.carries && state("b").lag.carries && !state("a").lag.lacp);
    EXPECT_EQ(state("p").parent, controller_.ports().find("l")->index);
    EXPECT_EQ(way_to("10.7.0.1"), "forward l via 10.9.0.2");
    EXPECT_EQ(way_to("10.8.0.9"), "forward p");

    apply(lag_of(one, ", mode: static"));
    EXPECT_FALSE(state("a").lag.carries);
    EXPECT_EQ(state("l").lag_table->carrying, 1);
    EXPECT_EQ(reason("l"), "");
    apply(lag_of(one, ", mode: static, min_links: 2"));
    EXPECT_EQ(reason("l"), "1 of 2 members carry, min_links is 2");
    EXPECT_EQ(reason("p"), "l is down");
    EXPECT_EQ(way_to("10.7.0.1"), "none");

    apply(lag_of(both, ", mode: lacp"));
    EXPECT_EQ(reason("l"), "0 of 2 members carry") << "nobody has answered";
    EXPECT_TRUE(state("a").lag.lacp && !state("a").lag.carries);
    const Json shown = lags_view(controller_, "l")["lags"][0];
    EXPECT_EQ(shown["members"][0]["why_not"], "no partner has been heard of");
    EXPECT_EQ(shown["members"][0]["lacp"]["actor"]["flags"], "EF***G*A");
    EXPECT_TRUE(shown["lacp"]["partner"].is_null());

    apply(lag_of(both, ", mode: static, admin: down"));
    EXPECT_FALSE(state("a").lag.carries);
    EXPECT_EQ(reason("l"), "admin down");
    EXPECT_EQ(
        apply("ports: [" + both + "]\n"),
        (std::vector<std::string>{"port p removed", "lag l removed", "route 10.7.0.0/16 removed"}));
    EXPECT_EQ(state("a").lag.lag, kNoPort);
    EXPECT_TRUE(lags_view(controller_, "")["lags"].empty());
}

TEST_F(ControllerTest, BooksBalance) {
    apply(kTwoPorts);
    EXPECT_EQ(controller_.books().imbalance(), 0);
}

}  // namespace
}  // namespace vethway
