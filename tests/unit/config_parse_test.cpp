// SPDX-License-Identifier: Apache-2.0
// Configuration files: what is read, and every error with its place. Keys of ports and routes;
// rules between values are in config_validate_test.cpp.
#include "tests/unit/config_errors.h"

namespace vethway {
namespace {

TEST_P(Refused, SaysWhereAndWhy) { EXPECT_EQ(errors(GetParam().yaml), GetParam().want); }

// clang-format off
INSTANTIATE_TEST_SUITE_P(Dataplane, Refused, testing::Values(
    Bad{"not_a_map", "dataplane: 4", {"f:1:12: dataplane: expected a mapping of workers, …"}},
    Bad{"workers_zero", "dataplane: {workers: 0}", {"f:1:22: dataplane.workers: expected a number from 1 to 64, got \"0\""}},
    Bad{"workers_65", "dataplane: {workers: 65}", {"f:1:22: dataplane.workers: expected a number from 1 to 64, got \"65\""}},
    Bad{"workers_word", "dataplane: {workers: many}", {"f:1:22: dataplane.workers: expected a number from 1 to 64, got \"many\""}},
    Bad{"workers_map", "dataplane: {workers: {}}", {"f:1:22: dataplane.workers: expected a value"}},
    Bad{"no_cpus", "dataplane: {workers: []}", {"f:1:22: dataplane.workers: expected at least one CPU"}},
    Bad{"cpu_twice", "dataplane: {workers: [1, 1]}", {"f:1:22: dataplane.workers: a CPU is given twice"}},
    Bad{"cpu_1024", "dataplane: {workers: [1, 1024]}", {"f:1:26: dataplane.workers[1]: expected a number from 0 to 1023, got \"1024\""}},
    Bad{"cpu_word", "dataplane: {workers: [one]}", {"f:1:23: dataplane.workers[0]: expected a number from 0 to 1023, got \"one\""}},
    Bad{"idle", "dataplane: {idle: spin}", {"f:1:19: dataplane.idle: expected adaptive or poll, got \"spin\""}},
    Bad{"spin", "dataplane: {spin_us: 1000001}", {"f:1:22: dataplane.spin_us: expected a number from 0 to 1000000, got \"1000001\""}},
    Bad{"spin_and_poll", "dataplane: {spin_us: 50, idle: poll}", {"f:1:22: dataplane.spin_us: a worker that polls never sleeps: leave one of both out"}},
    Bad{"hugepages", "dataplane: {hugepages: no}", {"f:1:24: dataplane.hugepages: expected auto, required or off, got \"no\""}},
    Bad{"mbufs_few", "dataplane: {mbufs: 1023}", {"f:1:20: dataplane.mbufs: expected a number from 1024 to 4194304, got \"1023\""}},
    Bad{"mbufs_many", "dataplane: {mbufs: 4194305}", {"f:1:20: dataplane.mbufs: expected a number from 1024 to 4194304, got \"4194305\""}},
    Bad{"flight_recorder", "dataplane: {flight_recorder: 65537}", {"f:1:30: dataplane.flight_recorder: expected a number from 0 to 65536, got \"65537\""}},
    Bad{"mbufs_sign", "dataplane: {mbufs: +2048}", {"f:1:20: dataplane.mbufs: expected a number from 1024 to 4194304, got \"+2048\""}},
    Bad{"telemetry", "dataplane: {telemetry: auto}", {"f:1:24: dataplane.telemetry: expected true or false, got \"auto\""}},
    Bad{"unknown", "dataplane: {worker: 1}", {"f:1:13: dataplane: unknown key \"worker\"; did you mean \"workers\"?"}}), bad_name);

const std::string kListen = "f:1:19: metrics.listen: expected an IPv4 address and a port like 127.0.0.1:9464, got ";

INSTANTIATE_TEST_SUITE_P(Control, Refused, testing::Values(
    Bad{"metrics_text", "metrics: 1", {"f:1:10: metrics: expected a mapping of listen, …"}},
    Bad{"listen_missing", "metrics: {}", {"f:1:10: metrics: missing key \"listen\""}},
    Bad{"listen_empty", "metrics: {listen: }", {"f:1:19: metrics.listen: expected a value"}},
    Bad{"listen_no_port", "metrics: {listen: 127.0.0.1}", {kListen + "\"127.0.0.1\""}},
    Bad{"listen_port_0", "metrics: {listen: \"127.0.0.1:0\"}", {kListen + "\"127.0.0.1:0\""}},
    Bad{"listen_port_big", "metrics: {listen: \"127.0.0.1:65536\"}", {kListen + "\"127.0.0.1:65536\""}},
    Bad{"listen_port_long", "metrics: {listen: \"127.0.0.1:99999999999\"}", {kListen + "\"127.0.0.1:99999999999\""}},
    Bad{"listen_sign", "metrics: {listen: \"127.0.0.1:+80\"}", {kListen + "\"127.0.0.1:+80\""}},
    Bad{"listen_name", "metrics: {listen: \"localhost:80\"}", {kListen + "\"localhost:80\""}},
    Bad{"socket_list", "control: {socket: [a]}", {"f:1:19: control.socket: expected a value"}},
    Bad{"socket_long", "control: {socket: /" + std::string(107, 'x') + "}", {"f:1:19: control.socket: expected a path of 1 to 107 characters"}},
    Bad{"mode_decimal", "control: {mode: 0680}", {"f:1:17: control.mode: expected octal permissions like \"0660\", got \"0680\""}},
    Bad{"mode_long", "control: {mode: 00660}", {"f:1:17: control.mode: expected octal permissions like \"0660\", got \"00660\""}},
    Bad{"mode_sticky", "control: {mode: 1777}", {"f:1:17: control.mode: expected octal permissions up to 0777"}},
    Bad{"socket_not_utf8", "control: {socket: \"/run/\xff\"}", {"f:1:19: control.socket: not text in UTF-8"}},
    Bad{"mode_empty", "control: {mode: \"\"}", {"f:1:17: control.mode: expected a value"}},
    Bad{"unknown", "control: {sockets: a}", {"f:1:11: control: unknown key \"sockets\"; did you mean \"socket\"?"}}), bad_name);

// The entry is `name: p` and what is given; it begins at 1:9, what is given at 1:19.
std::string port(const std::string& rest) { return "ports: [{name: p, " + rest + "}]"; }

const std::string kOneDriver = "f:1:9: ports[0]: a port needs one of: veth, af_packet, af_xdp, memif, tap, null, ring, pcap, devargs or vlan";

INSTANTIATE_TEST_SUITE_P(Ports, Refused, testing::Values(
    Bad{"not_a_list", "ports: {name: p}", {"f:1:8: ports: expected a list"}},
    Bad{"not_a_map", "ports: [p1]", {"f:1:9: ports[0]: expected a mapping of name, …"}},
    Bad{"empty_map", "ports: [{}]", {
        "f:1:9: ports[0]: missing key \"name\"",
        kOneDriver}},
    Bad{"no_driver", "ports: [{name: p}]", {kOneDriver}},
    Bad{"two_drivers", port("veth: a, tap: b"), {kOneDriver + ", not several"}},
    Bad{"no_name", "ports: [{veth: a}]", {"f:1:9: ports[0]: missing key \"name\""}},
    Bad{"name_list", "ports: [{name: [p], veth: a}]", {"f:1:16: ports[0].name: expected a value"}},
    Bad{"name_empty", "ports: [{name: \"\", veth: a}]", {"f:1:16: ports[0].name: expected a value"}},
    Bad{"unknown", port("veth: a, adresses: []"), {"f:1:28: ports[0]: unknown key \"adresses\"; did you mean \"addresses\"?"}},
    Bad{"unknown_far", port("veth: a, colour: red"), {"f:1:28: ports[0]: unknown key \"colour\""}},
    Bad{"veth_unknown", port("veth: {ifname: a}"), {"f:1:26: ports[0].veth: unknown key \"ifname\""}},
    Bad{"veth_create", port("veth: {create: {}}"), {"f:1:34: ports[0].veth.create: missing key \"peer\""}},
    Bad{"veth_nothing", port("veth: "), {"f:1:25: ports[0].veth: expected a value"}},
    Bad{"af_packet_list", port("af_packet: []"), {"f:1:30: ports[0].af_packet: expected a value"}},
    Bad{"af_xdp_list", port("af_xdp: []"), {"f:1:27: ports[0].af_xdp: expected a value"}},
    Bad{"tap_list", port("tap: []"), {"f:1:24: ports[0].tap: expected a value"}},
    Bad{"devargs_list", port("devargs: []"), {"f:1:28: ports[0].devargs: expected a value"}},
    Bad{"memif_text", port("memif: /m"), {"f:1:26: ports[0].memif: expected a mapping of socket, …"}},
    Bad{"memif_empty", port("memif: {}"), {"f:1:26: ports[0].memif: missing key \"socket\""}},
    Bad{"memif_role", port("memif: {socket: /m, role: master}"), {"f:1:45: ports[0].memif.role: expected server or client, got \"master\""}},
    Bad{"memif_id", port("memif: {socket: /m, id: 4294967296}"), {"f:1:43: ports[0].memif.id: expected a number from 0 to 4294967295, got \"4294967296\""}},
    Bad{"memif_unknown", port("memif: {socket: /m, rol: x}"), {"f:1:39: ports[0].memif: unknown key \"rol\"; did you mean \"role\"?"}},
    Bad{"null_text", port("null: eth0"), {"f:1:25: ports[0].null: expected a mapping of generate, …"}},
    Bad{"null_generate", port("null: {generate: yes}"), {"f:1:36: ports[0].null.generate: expected true or false, got \"yes\""}},
    Bad{"null_unknown", port("null: {size: 1}"), {"f:1:26: ports[0].null: unknown key \"size\""}},
    Bad{"ring_text", port("ring: r"), {"f:1:25: ports[0].ring: expected {}"}},
    Bad{"ring_unknown", port("ring: {a: 1}"), {"f:1:26: ports[0].ring: unknown key \"a\""}},
    Bad{"pcap_empty", port("pcap: {}"), {"f:1:25: ports[0].pcap: needs rx, tx or both"}},
    Bad{"pcap_rx", port("pcap: {rx: []}"), {"f:1:30: ports[0].pcap.rx: expected a value"}},
    Bad{"pcap_tx", port("pcap: {tx: []}"), {"f:1:30: ports[0].pcap.tx: expected a value"}},
    Bad{"pcap_unknown", port("pcap: {rx: a, ty: b}"), {"f:1:33: ports[0].pcap: unknown key \"ty\"; did you mean \"tx\"?"}},
    Bad{"mac_short", port("veth: a, mac: 02:00:00"), {"f:1:33: ports[0].mac: expected a MAC like 02:00:00:00:00:01, got \"02:00:00\""}},
    Bad{"mtu_67", port("veth: a, mtu: 67"), {"f:1:33: ports[0].mtu: expected a number from 68 to 9500, got \"67\""}},
    Bad{"mtu_9501", port("veth: a, mtu: 9501"), {"f:1:33: ports[0].mtu: expected a number from 68 to 9500, got \"9501\""}},
    Bad{"mtu_hex", port("veth: a, mtu: 0x5dc"), {"f:1:33: ports[0].mtu: expected a number from 68 to 9500, got \"0x5dc\""}},
    Bad{"addresses_text", port("veth: a, addresses: 10.1.0.1/24"), {"f:1:39: ports[0].addresses: expected a list"}},
    Bad{"address_map", port("veth: a, addresses: [{}]"), {"f:1:40: ports[0].addresses[0]: expected a value"}},
    Bad{"address_bare", port("veth: a, addresses: [10.1.0.1]"), {"f:1:40: ports[0].addresses[0]: expected an address with its prefix length like 10.1.0.1/24, got \"10.1.0.1\""}},
    Bad{"address_33", port("veth: a, addresses: [10.1.0.1/33]"), {"f:1:40: ports[0].addresses[0]: expected an address with its prefix length like 10.1.0.1/24, got \"10.1.0.1/33\""}},
    Bad{"address_0", port("veth: a, addresses: [10.1.0.1/0]"), {"f:1:40: ports[0].addresses[0]: expected an address with its prefix length like 10.1.0.1/24, got \"10.1.0.1/0\""}},
    Bad{"admin", port("veth: a, admin: on"), {"f:1:35: ports[0].admin: expected up or down, got \"on\""}},
    Bad{"rp_filter", port("veth: a, rp_filter: 1"), {"f:1:39: ports[0].rp_filter: expected off, strict or loose, got \"1\""}},
    Bad{"accept_local", port("veth: a, accept_local: 1"), {"f:1:42: ports[0].accept_local: expected true or false, got \"1\""}}), bad_name);

// p has 10.1.0.1/24. The route begins at 2:10.
std::string route(const std::string& rest) {
    return "ports: [{name: p, ring: {}, addresses: [10.1.0.1/24]}]\nroutes: [" + rest + "]";
}

INSTANTIATE_TEST_SUITE_P(Routes, Refused, testing::Values(
    Bad{"not_a_list", "routes: {to: default}", {"f:1:9: routes: expected a list"}},
    Bad{"not_a_map", route("default"), {"f:2:10: routes[0]: expected a mapping of to, …"}},
    Bad{"empty", route("{}"), {"f:2:10: routes[0]: missing key \"to\"", "f:2:10: routes[0]: a route needs one of: via or port; nexthops; nhid; action"}},
    Bad{"unknown", route("{to: default, vja: 10.1.0.2}"), {"f:2:10: routes[0]: a route needs one of: via or port; nexthops; nhid; action", "f:2:24: routes[0]: unknown key \"vja\"; did you mean \"via\"?"}},
    Bad{"no_to", route("{via: 10.1.0.2}"), {"f:2:10: routes[0]: missing key \"to\""}},
    Bad{"to_word", route("{to: anywhere, via: 10.1.0.2}"), {"f:2:15: routes[0].to: expected a prefix like 10.8.0.0/16 or \"default\", got \"anywhere\""}},
    Bad{"to_list", route("{to: [], via: 10.1.0.2}"), {"f:2:15: routes[0].to: expected a value"}},
    Bad{"host_bits", route("{to: 10.8.0.1/16, via: 10.1.0.2}"), {"f:2:15: routes[0].to: 10.8.0.1/16 has host bits set: did you mean 10.8.0.0/16?"}},
    Bad{"via", route("{to: default, via: p}"), {"f:2:29: routes[0].via: expected an IPv4 address, got \"p\""}},
    Bad{"port_list", route("{to: default, port: [p]}"), {"f:2:30: routes[0].port: expected a value"}},
    Bad{"via_and_action", route("{to: default, via: 10.1.0.2, action: blackhole}"), {"f:2:10: routes[0]: a route needs one of: via or port; nexthops; nhid; action"}},
    Bad{"port_and_hops", route("{to: default, port: p, nexthops: [{port: p}]}"), {"f:2:10: routes[0]: a route needs one of: via or port; nexthops; nhid; action"}},
    Bad{"action_and_hops", route("{to: default, action: prohibit, nexthops: [{port: p}]}"), {"f:2:10: routes[0]: a route needs one of: via or port; nexthops; nhid; action"}},
    Bad{"weight_alone", route("{to: default, via: 10.1.0.2, weight: 2}"), {"f:2:39: routes[0]: unknown key \"weight\""}},
    Bad{"action", route("{to: default, action: drop}"), {"f:2:32: routes[0].action: expected blackhole, unreachable, prohibit or throw, got \"drop\""}},
    Bad{"action_forward", route("{to: default, action: forward}"), {"f:2:32: routes[0].action: expected blackhole, unreachable, prohibit or throw, got \"forward\""}},
    Bad{"metric", route("{to: default, via: 10.1.0.2, metric: -1}"), {"f:2:47: routes[0].metric: expected a number from 0 to 4294967295, got \"-1\""}},
    Bad{"hops_text", route("{to: default, nexthops: 10.1.0.2}"), {"f:2:34: routes[0].nexthops: expected a list"}},
    Bad{"hops_nothing", route("{to: default, nexthops: }"), {"f:2:34: routes[0].nexthops: expected at least one next hop"}},
    Bad{"hop_only_text", route("{to: default, nexthops: [10.1.0.2]}"), {"f:2:35: routes[0].nexthops[0]: expected a mapping of via, …"}},
    Bad{"hops_empty", route("{to: default, nexthops: []}"), {"f:2:34: routes[0].nexthops: expected at least one next hop"}},
    Bad{"hop_text", route("{to: default, nexthops: [10.1.0.2, {via: 10.1.0.3}]}"), {"f:2:35: routes[0].nexthops[0]: expected a mapping of via, …"}},
    Bad{"hop_empty", route("{to: default, nexthops: [{}]}"), {"f:2:35: routes[0].nexthops[0]: a next hop needs via, port or both"}},
    Bad{"hop_via", route("{to: default, nexthops: [{via: 1}]}"), {"f:2:41: routes[0].nexthops[0].via: expected an IPv4 address, got \"1\""}},
    Bad{"hop_weight_0", route("{to: default, nexthops: [{port: p, weight: 0}]}"), {"f:2:53: routes[0].nexthops[0].weight: expected a number from 1 to 256, got \"0\""}},
    Bad{"hop_weight_257", route("{to: default, nexthops: [{port: p, weight: 257}]}"), {"f:2:53: routes[0].nexthops[0].weight: expected a number from 1 to 256, got \"257\""}},
    Bad{"hop_unknown", route("{to: default, nexthops: [{port: p, metric: 1}]}"), {"f:2:45: routes[0].nexthops[0]: unknown key \"metric\""}}), bad_name);

INSTANTIATE_TEST_SUITE_P(RoutesBeyondAGateway, Refused, testing::Values(
    Bad{"throw", route("{to: default, action: throw}"), {}},
    Bad{"onlink", route("{to: default, via: 10.1.0.2, port: p, onlink: perhaps}"), {"f:2:56: routes[0].onlink: expected true or false, got \"perhaps\""}},
    Bad{"onlink_alone", route("{to: default, action: throw, onlink: true}"), {"f:2:10: routes[0]: onlink belongs to a next hop, beside via and port"}},
    Bad{"src", route("{to: default, port: p, src: p}"), {"f:2:38: routes[0].src: expected an IPv4 address, got \"p\""}},
    Bad{"scope", route("{to: default, port: p, scope: site}"), {"f:2:40: routes[0].scope: expected global, link or host, got \"site\""}},
    Bad{"nhid_0", route("{to: default, nhid: 0}"), {"f:2:30: routes[0].nhid: expected a number from 1 to 4294967295, got \"0\""}},
    Bad{"nhid_and_port", route("{to: default, nhid: 1, port: p}"), {"f:2:10: routes[0]: a route needs one of: via or port; nexthops; nhid; action"}}), bad_name);

std::string nexthop(const std::string& rest) {
    return "ports: [{name: p, ring: {}, addresses: [10.1.0.1/24]}]\nnexthops: [" + rest + "]";
}

INSTANTIATE_TEST_SUITE_P(Nexthops, Refused, testing::Values(
    Bad{"not_a_map", nexthop("7"), {"f:2:12: nexthops[0]: expected a mapping of id, …"}},
    Bad{"no_id", nexthop("{via: 10.1.0.2}"), {"f:2:12: nexthops[0]: missing key \"id\""}},
    Bad{"nothing", nexthop("{id: 1}"), {"f:2:12: nexthops[0]: a next hop with an id needs one of: via or port; group; blackhole: true"}},
    Bad{"both", nexthop("{id: 1, via: 10.1.0.2, blackhole: true}"), {"f:2:12: nexthops[0]: a next hop with an id needs one of: via or port; group; blackhole: true"}},
    Bad{"no_blackhole", nexthop("{id: 1, blackhole: false}"), {"f:2:31: nexthops[0].blackhole: expected true, or no such key"}},
    Bad{"group_empty", nexthop("{id: 1, group: []}"), {"f:2:27: nexthops[0].group: expected at least one id"}},
    Bad{"group_word", nexthop("{id: 1, port: p}, {id: 2, group: [p]}"), {"f:2:46: nexthops[1].group[0]: expected a number from 1 to 4294967295, got \"p\""}},
    Bad{"member_weight", nexthop("{id: 1, port: p}, {id: 2, group: [{id: 1, weight: 0}]}"), {"f:2:62: nexthops[1].group[0].weight: expected a number from 1 to 256, got \"0\""}},
    Bad{"onlink", nexthop("{id: 1, blackhole: true, onlink: true}"), {"f:2:12: nexthops[0]: onlink belongs beside via and port"}},
    // What is wrong with a next hop does not make its users wrong.
    Bad{"users_of_a_wrong_one", nexthop("{id: 1, port: p, vja: 1}") + "\nroutes: [{to: default, nhid: 1}]", {"f:2:29: nexthops[0]: unknown key \"vja\"; did you mean \"via\"?"}},
    Bad{"policy", "multipath: {fib_multipath_hash_policy: 2}", {"f:1:40: multipath.fib_multipath_hash_policy: expected a number from 0 to 1, got \"2\""}},
    Bad{"use_neigh", "multipath: {fib_multipath_use_neigh: 1}", {"f:1:38: multipath.fib_multipath_use_neigh: expected true or false, got \"1\""}}), bad_name);

std::string neighbour(const std::string& rest) {
    return "ports: [{name: p, ring: {}, addresses: [10.1.0.1/24]}]\nneighbours: [" + rest + "]";
}

INSTANTIATE_TEST_SUITE_P(Neighbours, Refused, testing::Values(
    Bad{"not_a_list", "neighbours: p", {"f:1:13: neighbours: expected a list"}},
    Bad{"not_a_map", neighbour("10.1.0.2"), {"f:2:14: neighbours[0]: expected a mapping of address, …"}},
    Bad{"empty", neighbour("{}"), {"f:2:14: neighbours[0]: missing key \"address\"", "f:2:14: neighbours[0]: missing key \"mac\"", "f:2:14: neighbours[0]: missing key \"port\""}},
    Bad{"address", neighbour("{address: 10.1.0.2/24, mac: 02:00:00:00:00:01, port: p}"), {"f:2:24: neighbours[0].address: expected an IPv4 address, got \"10.1.0.2/24\""}},
    Bad{"mac", neighbour("{address: 10.1.0.2, mac: 2, port: p}"), {"f:2:39: neighbours[0].mac: expected a MAC like 02:00:00:00:00:01, got \"2\""}},
    Bad{"port", neighbour("{address: 10.1.0.2, mac: 02:00:00:00:00:01, port: {}}"), {"f:2:64: neighbours[0].port: expected a value"}},
    Bad{"unknown", neighbour("{address: 10.1.0.2, macs: 1, mac: 02:00:00:00:00:01, port: p}"), {"f:2:34: neighbours[0]: unknown key \"macs\"; did you mean \"mac\"?"}}), bad_name);
// clang-format on

}  // namespace
}  // namespace vethway
