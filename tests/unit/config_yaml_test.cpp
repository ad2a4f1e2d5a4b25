// SPDX-License-Identifier: Apache-2.0
// The file as a whole: YAML's own corners, files that can't be read, and the way back by to_yaml().
#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>

#include "tests/unit/config_errors.h"
#include "tests/unit/random_config.h"

namespace vethway {
namespace {

TEST_P(Refused, SaysWhereAndWhy) { EXPECT_EQ(errors(GetParam().yaml), GetParam().want); }

const std::string kPort = "ports: [{name: p, ring: {}, addresses: [10.1.0.1/24]}]\n";

// clang-format off
INSTANTIATE_TEST_SUITE_P(Text, Refused, testing::Values(
    Bad{"empty", "", {}},
    Bad{"spaces", " \n\n", {}},
    Bad{"comment", "# nothing\n", {}},
    Bad{"null_document", "null\n", {}},
    Bad{"empty_map", "{}", {}},
    Bad{"nothing_behind_the_lists", "ports:\nroutes:\nneighbours:\n", {}},
    Bad{"bom_and_crlf", "\xef\xbb\xbfports:\r\n  - {name: p, ring: {}}\r\n", {}},
    Bad{"scalar", "vethway", {"f:1:1: expected a mapping of dataplane, …"}},
    Bad{"list", "- ports", {"f:1:1: expected a mapping of dataplane, …"}},
    Bad{"nothing_behind_dataplane", "dataplane:", {"f:1:1: dataplane: expected a mapping of workers, …"}},
    Bad{"unknown", "port: []", {"f:1:1: port: unknown key \"port\"; did you mean \"ports\"?"}},
    Bad{"unknown_far", "a: 1\n\"\": 2", {"f:1:1: a: unknown key \"a\"", "f:2:1: unknown key \"\""}},
    Bad{"unknown_long", std::string(50, 'k') + ": 1", {"f:1:1: " + std::string(50, 'k') + ": unknown key \"" + std::string(40, 'k') + "\""}},
    Bad{"list_as_key", "? [a]\n: 1", {"f:1:3: unknown key \"\""}},
    Bad{"bridges", "bridges: []", {}},
    Bad{"bridge", "bridge: []", {"f:1:1: bridge: unknown key \"bridge\"; did you mean \"bridges\"?"}},
    Bad{"twice", kPort + "routes: []\nroutes: []", {"f:3:1: routes: given twice"}},
    Bad{"twice_inside", "ports: [{name: p, ring: {}, mtu: 68, mtu: 69}]", {"f:1:38: ports[0].mtu: given twice"}},
    Bad{"null_twice", "ports: [{name: p, null: {}, \"null\": {}}]", {"f:1:29: ports[0].null: given twice"}},
    Bad{"syntax", "ports:\n  - {name: p\n    x: [", {"f:3:6: end of map flow not found"}},
    Bad{"colons", kPort + "metrics: listen: 1", {"f:2:16: illegal map value"}},
    Bad{"unclosed", "ports: [", {"f:1:1: end of sequence flow not found"}},
    Bad{"tab", "ports:\n\t- a", {"f:2:2: illegal block entry"}},
    Bad{"unknown_alias", "ports: *p", {"f:1:8: the referenced anchor is not defined"}},
    Bad{"anchors", "ports: [&p {name: p, ring: {}}]\nroutes: [&r {to: default, port: &n p}, {to: 10.0.0.0/8, port: *n}]", {}},
    Bad{"port_as_alias", "ports: [&p {name: p, ring: {}}, *p]", {"f:1:19: ports[1].name: another port is called \"p\""}},
    Bad{"merge_key", "ports: [&p {name: p, ring: {}}, {<<: *p, name: q}]", {
        "f:1:33: ports[1]: a port needs one of: veth, af_packet, af_xdp, memif, tap, null, ring, pcap, devargs or vlan",
        "f:1:34: ports[1]: unknown key \"<<\""}},
    Bad{"in_itself", "ports: &p [*p]", {"f:1:8: ports[0]: expected a mapping of name, …"}},
    Bad{"deep_list", std::string(100'000, '['), {"f:1:1: nested too deeply"}},
    Bad{"deep_map", std::string(100'000, '{'), {"f:1:1: nested too deeply"}},
    Bad{"larger_than_16_MiB", std::string((16U << 20) + 1, ' '), {"f: larger than 16 MiB"}}), bad_name);

// Every key has something wrong, and none hides another.
INSTANTIATE_TEST_SUITE_P(Everything, Refused, testing::Values(Bad{"at_once",
    "control: {mode: rw, socket: []}\n"
    "metrics: {listen: 9464}\n"
    "neighbours: [{address: x, mac: y, port: p}]\n"
    "routes:\n"
    "  - {to: default, via: nowhere, metric: low}\n"
    "  - {to: default, action: drop}\n"
    "ports:\n"
    "  - {name: p, veth: [], mac: 1, mtu: 2, addresses: [3, 127.0.0.1/8], admin: 4, rp_filter: 5, accept_local: 6}\n"
    "  - {name: q, memif: {role: 7, id: x}, colour: red}\n"
    "  - {name: lo, pcap: {}}\n"
    "dataplane: {workers: 0, idle: 1, hugepages: 2, mbufs: 3, flight_recorder: -1, telemetry: 4}\n"
    "bridge: 1\n"
    "ip4: {ip_default_ttl: 256, icmp_echo_ignore_al: true}\n"
    "defaults: [rp_filter]\n", {
    "f:1:17: control.mode: expected octal permissions like \"0660\", got \"rw\"",
    "f:1:29: control.socket: expected a value",
    "f:2:19: metrics.listen: expected an IPv4 address and a port like 127.0.0.1:9464, got \"9464\"",
    "f:3:24: neighbours[0].address: expected an IPv4 address, got \"x\"",
    "f:3:32: neighbours[0].mac: expected a MAC like 02:00:00:00:00:01, got \"y\"",
    "f:5:24: routes[0].via: expected an IPv4 address, got \"nowhere\"",
    "f:5:41: routes[0].metric: expected a number from 0 to 4294967295, got \"low\"",
    "f:6:27: routes[1].action: expected blackhole, unreachable, prohibit or throw, got \"drop\"",
    "f:8:21: ports[0].veth: expected a value",
    "f:8:30: ports[0].mac: expected a MAC like 02:00:00:00:00:01, got \"1\"",
    "f:8:38: ports[0].mtu: expected a number from 68 to 9500, got \"2\"",
    "f:8:53: ports[0].addresses[0]: expected an address with its prefix length like 10.1.0.1/24, got \"3\"",
    "f:8:56: ports[0].addresses[1]: 127.0.0.1 can't be a port's address",
    "f:8:77: ports[0].admin: expected up or down, got \"4\"",
    "f:8:91: ports[0].rp_filter: expected off, strict or loose, got \"5\"",
    "f:8:108: ports[0].accept_local: expected true or false, got \"6\"",
    "f:9:22: ports[1].memif: missing key \"socket\"",
    "f:9:29: ports[1].memif.role: expected server or client, got \"7\"",
    "f:9:36: ports[1].memif.id: expected a number from 0 to 4294967295, got \"x\"",
    "f:9:40: ports[1]: unknown key \"colour\"",
    "f:10:12: ports[2].name: \"lo\" is reserved",
    "f:10:22: ports[2].pcap: needs rx, tx or both",
    "f:11:22: dataplane.workers: expected a number from 1 to 64, got \"0\"",
    "f:11:31: dataplane.idle: expected adaptive or poll, got \"1\"",
    "f:11:45: dataplane.hugepages: expected auto, required or off, got \"2\"",
    "f:11:55: dataplane.mbufs: expected a number from 1024 to 4194304, got \"3\"",
    "f:11:75: dataplane.flight_recorder: expected a number from 0 to 65536, got \"-1\"",
    "f:11:90: dataplane.telemetry: expected true or false, got \"4\"",
    "f:12:1: bridge: unknown key \"bridge\"; did you mean \"bridges\"?",
    "f:13:23: ip4.ip_default_ttl: expected a number from 1 to 255, got \"256\"",
    "f:13:28: ip4: unknown key \"icmp_echo_ignore_al\"; did you mean \"icmp_echo_ignore_all\"?",
    "f:14:11: defaults: expected a mapping of rp_filter, …"}}), bad_name);
// clang-format on

TEST(Files, ThatCantBeRead) {
    const auto refusal = [](const std::string& file) {
        try {
            load_config(file);
            return std::string("read");
        } catch (const ConfigError& e) {
            return std::string(e.what());
        }
    };
    EXPECT_EQ(refusal("/nonexistent.yaml"),
              "/nonexistent.yaml: can't read it: No such file or directory");
    EXPECT_EQ(refusal("/tmp"), "/tmp: can't read it: Is a directory");
    EXPECT_EQ(refusal("/dev/null"), "read");
}

std::string source(const std::string& file) {
    const char* root = std::getenv("VETHWAY_SOURCE_ROOT");
    return std::string(root == nullptr ? "." : root) + '/' + file;
}

TEST(Files, MinimalIsTwoVeths) {
    Config want;
    for (const uint8_t i : {uint8_t{1}, uint8_t{2}}) {
        const std::string name = "p" + std::to_string(i);
        want.ports.push_back(
            {.name = name, .driver = VethConfig{name}, .addresses = {{Ip4{10, i, 0, 1}, 24}}});
    }
    EXPECT_EQ(load_config(source("config/minimal.yaml")), want);
}

PortKnobSettings knobs(std::initializer_list<std::pair<PortKnob, uint32_t>> written) {
    PortKnobSettings settings;
    for (const auto& [knob, value] : written) settings[knob] = value;
    return settings;
}

template <class Knob>
KnobSettings<Knob> all_as_built_in() {
    KnobSettings<Knob> settings;
    for (size_t i = 0; i < kKnobs<Knob>; ++i) settings.at(i) = knob_rows<Knob>()[i].initial;
    return settings;
}

Config example() {
    Config c;
    c.ip4 = all_as_built_in<Ip4Knob>();
    c.defaults = all_as_built_in<PortKnob>();
    const auto name = [&](const char* text, PortDriver driver,
                          std::vector<Prefix4> addresses = {}) {
        c.ports.push_back(
            {.name = text, .driver = std::move(driver), .addresses = std::move(addresses)});
    };
    name("p1", VethConfig{"p1"}, {{Ip4{10, 1, 0, 1}, 24}});
    c.ports[0].mac = Mac{{2, 0, 0, 0, 1, 1}};
    c.ports[0].mtu = 1500;
    c.ports[0].knobs = knobs({{PortKnob::rp_filter, 0}});
    name("p2", VethConfig{"p2"}, {{Ip4{10, 2, 0, 1}, 24}, {Ip4{10, 2, 1, 1}, 24}});
    name("p5", VethConfig{.interface = "p5", .netns = "lab"});
    c.ports.push_back({.driver = VethConfig{}, .match = "eth[1-9]*", .adopt_addresses = true});
    name("p6", VethConfig{.interface = "p6", .create = VethPeerConfig{"eth0", "h6"}});
    name("p3", AfXdpConfig{"p3"});
    name("p4", AfPacketConfig{"p4"});
    name("m0", MemifConfig{.socket = "/run/vethway/m0.sock"}, {{Ip4{10, 4, 0, 1}, 24}});
    name("t0", TapConfig{"vtap0"});
    name("n0", NullConfig{});
    name("r0", RingConfig{});
    name("c0", PcapConfig{.rx_file = "in.pcap", .tx_file = "out.pcap"});
    name("x0", DevargsConfig{"net_null7,copy=0"});
    name("p7", VethConfig{"p7"});
    name("p8", VethConfig{"p8"});
    name("p2.100", VlanConfig{100, "p2"}, {{Ip4{10, 5, 0, 1}, 24}});
    name("p2.100.7", VlanConfig{7, "p2.100"}, {{Ip4{10, 5, 7, 1}, 24}});
    name("br2.10", VlanConfig{10, "br2"}, {{Ip4{10, 6, 10, 1}, 24}});
    LagConfig lag;
    lag.members = {"p7", "p8"};
    lag.port.name = "lag1";
    lag.port.mac = Mac{{2, 0, 0, 0, 0xa1, 1}};
    lag.port.mtu = 1500;
    lag.port.addresses = {{Ip4{10, 12, 0, 1}, 24}};
    c.lags = {lag};
    c.xconnects = {{"p5", "p6"}};
    BridgeConfig br1;
    br1.port.name = "br1";
    br1.port.mac = Mac{{2, 0, 0, 0, 0xb1, 1}};
    br1.port.mtu = 1500;
    br1.port.addresses = {{Ip4{10, 7, 0, 1}, 24}};
    br1.members = {{.port = "p3"}, {.port = "t0"}};
    const Mac mac9{{2, 0, 0, 0, 3, 9}}, mac10{{2, 0, 0, 0, 3, 10}};
    br1.members[0].macs = {mac9, mac10};
    br1.stations = {{mac9, "p3"}};
    br1.bindings = {{Ip4{10, 7, 0, 9}, mac9, "p3"}, {Ip4{10, 7, 0, 10}, mac10, ""}};
    br1.groups = {{*MulticastGroup::parse("239.1.2.3"), {"p3", "t0"}},
                  {*MulticastGroup::parse("ff05::1:3"), {"t0"}},
                  {*MulticastGroup::parse("01:00:0c:cc:cc:cc"), {"p3"}}};
    br1.unknown_multicast = UnknownMulticast::routers;
    br1.multicast_snooping = br1.multicast_querier = true;
    br1.stp.mode = StpMode::rstp;
    BridgeConfig br2;
    br2.port.name = "br2";
    br2.members = {
        {.port = "p4", .vlan = 10},
        {.port = "n0", .trunk = {{10, 10}, {20, 29}}, .translate = {{100, 30}}, .native = 1}};
    br2.stations = {{Mac{{2, 0, 0, 0, 4, 9}}, "p4", 10}};
    br2.bindings = {{Ip4{10, 6, 10, 9}, Mac{{2, 0, 0, 0, 4, 9}}, "p4", 10}};
    br2.groups = {{*MulticastGroup::parse("239.1.2.3"), {"n0"}, 20}};
    c.bridges = {br1, br2};
    const Ip4 via2{10, 2, 0, 2}, via3{10, 2, 0, 3}, via254{10, 2, 0, 254};
    c.routes = {{.next_hops = {{.via = via254}}},
                {.to = {Ip4{10, 8, 0, 0}, 16},
                 .next_hops = {{.via = via2, .port = "p2"}, {.via = via3}},
                 .metric = 20},
                {.to = {Ip4{10, 9, 0, 0}, 16}, .next_hops = {{.port = "m0"}}},
                {.to = {Ip4{192, 0, 2, 0}, 24}, .action = RouteAction::blackhole},
                {.to = {Ip4{10, 10, 0, 0}, 16}, .nhid = 10},
                {.to = {Ip4{10, 11, 0, 0}, 16},
                 .next_hops = {{.port = "p2"}},
                 .src = Ip4{10, 2, 1, 1},
                 .scope = RouteScope::link}};
    c.nexthops = {
        {.id = 1, .hop = NextHopConfig{.via = via2, .port = "p2"}},
        {.id = 2, .hop = NextHopConfig{.via = Ip4{10, 77, 0, 1}, .port = "p2", .onlink = true}},
        {.id = 3},
        {.id = 10, .group = {{1, 3}, {2}}}};
    c.routes[0].to.length = 0;
    c.neighbours = {{.address = Ip4{10, 2, 0, 9}, .mac = Mac{{2, 0, 0, 0, 2, 9}}, .port = "p2"}};
    c.neighbour_table.gc_interval = 15;
    c.neighbour_table.ports = {{"p2", {}}};
    c.metrics = {.host = "127.0.0.1", .port = 9464};
    return c;
}

TEST(Files, ExampleIsAllKeys) {
    const Config got = load_config(source("config/example.yaml"));
    EXPECT_EQ(got, example());
    EXPECT_EQ(parse_config(to_yaml(got), "again"), got) << to_yaml(got);
}

// "By default" in the example's comments is what is so without the key.
TEST(Files, ValuesThatAreNoDefaults) {
    const Config c = parse_config(
        "dataplane: {workers: [3, 1], idle: poll, hugepages: required, mbufs: 1024, "
        "flight_recorder: 65536, telemetry: true}\n"
        "ports:\n"
        "  - {name: 1, \"null\": {generate: true}, admin: down, rp_filter: strict, accept_local: "
        "true}\n"
        "  - {name: 2e3, memif: {socket: m, role: client, id: 4294967295}, rp_filter: loose}\n"
        "  - {name: true, null: {}, mtu: 9500}\n"
        "routes: [{to: default, nexthops: [{port: 2e3, weight: 256}], metric: 4294967295},\n"
        "  {to: 192.0.2.1, action: prohibit}, {to: 10.0.0.0/8, action: unreachable}]\n"
        "neighbour_table: {gc_thresh1: 0, gc_thresh2: 5, gc_thresh3: 131072, "
        "delay_first_probe_time: 0, ports: [{port: 1, unres_qlen: 0}]}\n"
        "control: {socket: s, mode: 7}\n",
        "f");
    Config want;
    want.dataplane = {{.cpus = {3, 1}},
                      Idle::poll,
                      DataplaneConfig{}.spin_us,
                      Hugepages::required,
                      1024,
                      65536,
                      true};
    want.ports = {{.name = "1",
                   .driver = NullConfig{true},
                   .admin_up = false,
                   .knobs = knobs({{PortKnob::rp_filter, 1}, {PortKnob::accept_local, 1}})},
                  {.name = "2e3",
                   .driver = MemifConfig{"m", MemifRole::client, 4294967295},
                   .knobs = knobs({{PortKnob::rp_filter, 2}})},
                  {.name = "true", .driver = NullConfig{}, .mtu = uint16_t{9500}}};
    want.routes = {
        {.to = {Ip4{}, 0}, .next_hops = {{.port = "2e3", .weight = 256}}, .metric = 4294967295},
        {.to = {Ip4{192, 0, 2, 1}, 32}, .action = RouteAction::prohibit},
        {.to = {Ip4{10, 0, 0, 0}, 8}, .action = RouteAction::unreachable}};
    want.neighbour_table = {.gc_thresh1 = 0,
                            .gc_thresh2 = 5,
                            .gc_thresh3 = 131072,
                            .all = {.delay_first_probe_time = 0},
                            .ports = {{"1", {.delay_first_probe_time = 0, .unres_qlen = 0}}}};
    want.control = {.socket = "s", .mode = 7};
    EXPECT_EQ(c, want);
    EXPECT_EQ(parse_config("dataplane: {workers: 64, hugepages: off}", "f").dataplane,
              (DataplaneConfig{.workers = {.count = 64}, .hugepages = Hugepages::off}));
}

TEST(RoundTrip, OfRandomConfigs) {
    const unsigned seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomConfig random(seed);
    for (int i = 0; i < 2000; ++i) {
        const Config config = random.config();
        const std::string yaml = to_yaml(config);
        try {
            ASSERT_EQ(parse_config(yaml, "f"), config) << yaml;
        } catch (const ConfigError& e) {
            FAIL() << e.what() << '\n' << yaml;
        }
    }
}

TEST(RoundTrip, KeysAtTheirDefaultAreLeftOut) {
    EXPECT_EQ(to_yaml({}), "{}\n");
    EXPECT_EQ(to_yaml(load_config(source("config/minimal.yaml"))),
              "ports:\n"
              "  - {name: p1, veth: p1, addresses: [10.1.0.1/24]}\n"
              "  - {name: p2, veth: p2, addresses: [10.2.0.1/24]}\n");
}

}  // namespace
}  // namespace vethway
