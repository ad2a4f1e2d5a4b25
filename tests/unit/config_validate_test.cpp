// SPDX-License-Identifier: Apache-2.0
// The rules between values of a configuration: as parse_config() says them, and as validate() does.
#include <utility>

#include "tests/unit/config_errors.h"

namespace vethway {
namespace {

TEST_P(Refused, SaysWhereAndWhy) { EXPECT_EQ(errors(GetParam().yaml), GetParam().want); }

// One port an entry, at line 2, 3, …; the value of `name` at column 12.
std::string ports(const Lines& entries) {
    std::string yaml = "ports:\n";
    for (const std::string& e : entries) yaml += "  - {name: " + e + "}\n";
    return yaml;
}
std::string named(const std::string& name) { return ports({name + ", ring: {}"}); }
const std::string kNoName = " is no name for a port: 1 to 15 letters, digits, . _ : -";

// clang-format off
INSTANTIATE_TEST_SUITE_P(Names, Refused, testing::Values(
    Bad{"all_characters", named("aZ09_.:-"), {}},
    Bad{"of_15", named("abcdefghijklmno"), {}},
    Bad{"number", named("17"), {}},
    Bad{"of_16", named("abcdefghijklmnop"), {"f:2:12: ports[0].name: \"abcdefghijklmnop\"" + kNoName}},
    Bad{"space", named("a b"), {"f:2:12: ports[0].name: \"a b\"" + kNoName}},
    Bad{"slash", named("a/b"), {"f:2:12: ports[0].name: \"a/b\"" + kNoName}},
    Bad{"not_ascii", named("pä"), {"f:2:12: ports[0].name: \"pä\"" + kNoName}},
    Bad{"lo", named("lo"), {"f:2:12: ports[0].name: \"lo\" is reserved"}},
    Bad{"drop", named("drop"), {"f:2:12: ports[0].name: \"drop\" is reserved"}},
    Bad{"all", named("all"), {"f:2:12: ports[0].name: \"all\" is reserved"}},
    Bad{"twice", ports({"p, ring: {}", "q, ring: {}", "p, ring: {}"}), {"f:4:12: ports[2].name: another port is called \"p\""}}), bad_name);

INSTANTIATE_TEST_SUITE_P(Devices, Refused, testing::Values(
    Bad{"different", ports({"p, veth: a", "q, veth: b", "r, tap: c", "s, af_xdp: d", "t, af_packet: e"}), {}},
    Bad{"veth_twice", ports({"p, veth: a", "q, veth: a"}), {"f:3:21: ports[1].veth: interface a is port p's already"}},
    Bad{"veth_and_af_packet", ports({"p, veth: a", "q, af_packet: a"}), {"f:3:26: ports[1].af_packet: interface a is port p's already"}},
    Bad{"tap_and_af_xdp", ports({"p, tap: a", "q, af_xdp: a"}), {"f:3:23: ports[1].af_xdp: interface a is port p's already"}},
    Bad{"long_netdev", ports({"p, veth: abcdefghijklmnop"}), {"f:2:21: ports[0].veth: \"abcdefghijklmnop\" can't be an interface's name"}},
    Bad{"slash_in_tap", ports({"p, tap: a/b"}), {"f:2:20: ports[0].tap: \"a/b\" can't be an interface's name"}},
    Bad{"comma_in_af_packet", ports({"p, af_packet: \"a,b\""}), {"f:2:26: ports[0].af_packet: \"a,b\" can't be an interface's name"}},
    Bad{"space_in_af_xdp", ports({"p, af_xdp: a b"}), {"f:2:23: ports[0].af_xdp: \"a b\" can't be an interface's name"}},
    Bad{"dot_dot", ports({"p, veth: .."}), {"f:2:21: ports[0].veth: \"..\" can't be an interface's name"}},
    Bad{"memif_ids_differ", ports({"p, memif: {socket: /m}", "q, memif: {socket: /m, id: 1}"}), {}},
    Bad{"memif_sockets_differ", ports({"p, memif: {socket: /m}", "q, memif: {socket: /n}"}), {}},
    Bad{"memif_twice", ports({"p, memif: {socket: /m}", "q, memif: {socket: /m, role: client, id: 0}"}), {"f:3:22: ports[1].memif: memif /m id 0 is port p's already"}},
    Bad{"memif_socket_107", ports({"p, memif: {socket: " + std::string(107, 's') + "}"}), {}},
    Bad{"memif_socket_108", ports({"p, memif: {socket: " + std::string(108, 's') + "}"}), {"f:2:31: ports[0].memif.socket: expected a path of 1 to 107 characters without a comma"}},
    Bad{"memif_comma", ports({"p, memif: {socket: \"/a,b\"}"}), {"f:2:31: ports[0].memif.socket: expected a path of 1 to 107 characters without a comma"}},
    Bad{"pcap_same_file", ports({"p, pcap: {rx: a}", "q, pcap: {rx: a}"}), {}},
    Bad{"pcap_commas", ports({"p, pcap: {rx: \"a,b\", tx: \"c,d\"}"}), {"f:2:26: ports[0].pcap.rx: a path without a comma is needed", "f:2:37: ports[0].pcap.tx: a path without a comma is needed"}},
    Bad{"nulls_and_rings", ports({"p, null: {}", "q, null: {}", "r, ring: {}", "s, ring: {}"}), {}},
    Bad{"device_twice", ports({"p, devargs: \"net_null7,copy=0\"", "q, devargs: net_null7"}), {"f:3:24: ports[1].devargs: device net_null7 is port p's already"}},
    Bad{"mac_group", ports({"p, ring: {}, mac: 01:00:00:00:00:01"}), {"f:2:30: ports[0].mac: 01:00:00:00:00:01 can't be a station's address"}},
    Bad{"mac_zero", ports({"p, ring: {}, mac: 00:00:00:00:00:00"}), {"f:2:30: ports[0].mac: 00:00:00:00:00:00 can't be a station's address"}}), bad_name);

// Ports a to d, and a bridge `br`, whose members begin at line 8, column 9 and 11.
std::string bridge(const Lines& members, const std::string& more = "") {
    std::string yaml = ports({"a, ring: {}", "b, ring: {}", "c, ring: {}", "d, ring: {}, addresses: [10.9.0.1/24]"}) +
                       "bridges:\n  - name: br\n    members:\n";
    for (const std::string& m : members) yaml += "      - {port: " + m + "}\n";
    return yaml + more;
}
INSTANTIATE_TEST_SUITE_P(Bridges, Refused, testing::Values(
    Bad{"plain", bridge({"a", "b"}, "    addresses: [10.1.0.1/24]\n"), {}},
    Bad{"with_vlans", bridge({"a, vlan: 5", "b, trunk: [1-9], native: 10", "c, translate: [{wire: 5, vlan: 6}]"}), {}},
    Bad{"unknown_port", bridge({"x"}), {"f:9:16: bridges[0].members[0].port: there is no port \"x\""}},
    Bad{"with_addresses", bridge({"d"}), {"f:9:16: bridges[0].members[0].port: port d has addresses: give them to the bridge"}},
    Bad{"member_twice", bridge({"a", "a"}), {"f:10:16: bridges[0].members[1].port: port a is a member of bridge br already"}},
    Bad{"connected_through", bridge({"a"}, "xconnects: [[a, b]]\n"), {"f:9:16: bridges[0].members[0].port: port a is connected through already"}},
    Bad{"some_vlans", bridge({"a, vlan: 5", "b"}), {"f:10:9: bridges[0].members[1]: the bridge knows VLANs: say which port b has, by vlan: or trunk:"}},
    Bad{"access_and_trunk", bridge({"a, vlan: 5, native: 6"}), {"f:9:9: bridges[0].members[0]: a member has one vlan:, or trunk:, translate: and native:, not both"}},
    Bad{"tag_alone", bridge({"a, tag: 802.1ad"}), {"f:9:24: bridges[0].members[0].tag: needs vlan: or trunk:"}},
    Bad{"wire_twice", bridge({"a, trunk: [5], translate: [{wire: 5, vlan: 6}]"}), {"f:9:50: bridges[0].members[0].translate[0].wire: VLAN 5 of the wire has another meaning already"}},
    Bad{"vlan_twice", bridge({"a, trunk: [5], translate: [{wire: 7, vlan: 5}]"}), {"f:9:59: bridges[0].members[0].translate[0].vlan: VLAN 5 has another tag on the wire already"}},
    Bad{"name_taken", ports({"br, ring: {}"}) + "bridges: [{name: br}]\n", {"f:3:18: bridges[0].name: another port is called \"br\""}},
    Bad{"address_taken", bridge({"a"}, "    addresses: [10.9.0.1/24]\n"), {"f:10:17: bridges[0].addresses[0]: 10.9.0.1 is port d's already"}},
    Bad{"route_by_it", bridge({"a"}, "    addresses: [10.1.0.1/24]\nroutes: [{to: default, via: 10.1.0.2, port: br}]\n"), {}},
    Bad{"station_elsewhere", bridge({"a"}, "    stations: [{mac: 02:00:00:00:00:01, port: b}]\n"), {"f:10:47: bridges[0].stations[0].port: the bridge has no member \"b\""}},
    Bad{"station_without_vlan", bridge({"a, vlan: 5"}, "    stations: [{mac: 02:00:00:00:00:01, port: a}]\n"), {"f:10:16: bridges[0].stations[0]: the bridge knows VLANs: say in which the station is, by vlan:"}},
    Bad{"station_with_vlan", bridge({"a"}, "    stations: [{mac: 02:00:00:00:00:01, port: a, vlan: 5}]\n"), {"f:10:56: bridges[0].stations[0].vlan: the bridge knows no VLANs"}},
    Bad{"station_twice", bridge({"a"}, "    stations: [{mac: 02:00:00:00:00:01, port: a}, {mac: 02:00:00:00:00:01, port: a}]\n"), {"f:10:57: bridges[0].stations[1].mac: another entry is about 02:00:00:00:00:01"}}), bad_name);

INSTANTIATE_TEST_SUITE_P(SpanningTrees, Refused, testing::Values(
    Bad{"mode_only", bridge({"a"}, "    stp: rstp\n"), {}},
    Bad{"all", bridge({"a, stp: {priority: 16, cost: 5, edge: never, point_to_point: false, bpdu_guard: true, guard_recovery: 9, root_guard: true}"}, "    stp: {mode: stp, priority: 4096, hello_time: 1, max_age: 6, forward_delay: 4, tx_hold_count: 1}\n"), {}},
    Bad{"no_such_mode", bridge({"a"}, "    stp: pvst\n"), {"f:10:10: bridges[0].stp: expected off, stp or rstp, got \"pvst\""}},
    Bad{"priority", bridge({"a"}, "    stp: {mode: rstp, priority: 5}\n"), {"f:10:33: bridges[0].stp.priority: expected 0 to 61440, in steps of 4096"}},
    Bad{"hello_0", bridge({"a"}, "    stp: {mode: rstp, hello_time: 0}\n"), {"f:10:35: bridges[0].stp.hello_time: expected 1 to 10"}},
    Bad{"forward_delay_3", bridge({"a"}, "    stp: {mode: rstp, forward_delay: 3}\n"), {"f:10:10: bridges[0].stp.max_age: expected at most 2 * (forward_delay - 1), which is 4", "f:10:38: bridges[0].stp.forward_delay: expected 4 to 30"}},
    Bad{"max_age_of_hello", bridge({"a"}, "    stp: {mode: rstp, hello_time: 10}\n"), {"f:10:10: bridges[0].stp.max_age: expected at least 2 * (hello_time + 1), which is 22"}},
    Bad{"members_state", bridge({"a, state: blocking"}, "    stp: rstp\n"), {"f:9:26: bridges[0].members[0].state: the bridge's stp settles its members' states: leave it out"}},
    Bad{"members_without", bridge({"a, stp: {bpdu_guard: true}"}), {"f:9:24: bridges[0].members[0].stp: the bridge has no stp: say stp: rstp there"}},
    Bad{"members_priority", bridge({"a, stp: {priority: 5}"}, "    stp: rstp\n"), {"f:9:35: bridges[0].members[0].stp.priority: expected 0 to 240, in steps of 16"}},
    Bad{"recovery_of_nothing", bridge({"a, stp: {guard_recovery: 5}"}, "    stp: rstp\n"), {"f:9:41: bridges[0].members[0].stp.guard_recovery: needs bpdu_guard: true"}},
    Bad{"bpdus_passed_on", bridge({"a"}, "    stp: rstp\n    group_fwd_mask: 1\n"), {"f:11:21: bridges[0].group_fwd_mask: bit 0 passes the BPDUs that the bridge's own stp takes"}},
    Bad{"shut_beside_stp", bridge({"a"}, "    stp: rstp\n    loop_detection: shut\n"), {"f:11:21: bridges[0].loop_detection: with stp, which blocks what loops: off or tell"}}), bad_name);

// Member a, and what is said of the bridge at line 10.
std::string rules(const std::string& more, const std::string& member = "a") { return bridge({member}, "    " + more + "\n"); }
std::string bindings(const std::string& list, const std::string& member = "a") { return rules("bindings: [" + list + "]", member); }
std::string groups(const std::string& list) { return rules("groups: [" + list + "]"); }
const std::string kOne = "mac: 02:00:00:00:00:01";
INSTANTIATE_TEST_SUITE_P(BridgeRules, Refused, testing::Values(
    Bad{"bindings", bindings("{address: 10.1.0.5, " + kOne + ", port: a}, {address: 10.1.0.6, " + kOne + "}, {address: 10.1.0.7, mac: 02:00:00:00:00:02}"), {}},
    Bad{"of_two_vlans", bindings("{address: 10.1.0.5, " + kOne + ", vlan: 5}, {address: 10.1.0.5, " + kOne + ", vlan: 6}", "a, trunk: [5-6]"), {}},
    Bad{"no_host", bindings("{address: 224.0.0.5, " + kOne + "}"), {"f:10:26: bridges[0].bindings[0].address: 224.0.0.5 can't be a host's address"}},
    Bad{"bound_group", bindings("{address: 10.1.0.5, mac: 03:00:00:00:00:01}"), {"f:10:41: bridges[0].bindings[0].mac: 03:00:00:00:00:01 can't be a station's address"}},
    Bad{"bound_elsewhere", bindings("{address: 10.1.0.5, " + kOne + ", port: b}"), {"f:10:66: bridges[0].bindings[0].port: the bridge has no member \"b\""}},
    Bad{"bound_without_vlan", bindings("{address: 10.1.0.5, " + kOne + "}", "a, vlan: 5"), {"f:10:16: bridges[0].bindings[0]: the bridge knows VLANs: say in which the station is, by vlan:"}},
    Bad{"bound_with_vlan", bindings("{address: 10.1.0.5, " + kOne + ", vlan: 5}"), {"f:10:66: bridges[0].bindings[0].vlan: the bridge knows no VLANs"}},
    Bad{"bound_twice", bindings("{address: 10.1.0.5, " + kOne + "}, {address: 10.1.0.5, mac: 02:00:00:00:00:02}"), {"f:10:71: bridges[0].bindings[1].address: 10.1.0.5 is bound to 02:00:00:00:00:01 already"}},
    Bad{"bound_to_nothing", bindings("{address: 10.1.0.5, " + kOne + ", port: ''}"), {"f:10:66: bridges[0].bindings[0].port: expected a value"}},
    Bad{"in_two_places", bridge({"a", "b"}, "    bindings: [{address: 10.1.0.5, " + kOne + ", port: a}, {address: 10.1.0.6, " + kOne + ", port: b}]\n"), {"f:11:120: bridges[0].bindings[1].port: 02:00:00:00:00:01 is said to be behind a"}},
    Bad{"station_in_another_place", bridge({"a", "b"}, "    stations: [{mac: 02:00:00:00:00:01, port: a}]\n    bindings: [{address: 10.1.0.5, " + kOne + ", port: b}]\n"), {"f:12:66: bridges[0].bindings[0].port: 02:00:00:00:00:01 is said to be behind a"}},
    Bad{"macs", bridge({"a, macs: [02:00:00:00:00:01, 02:00:00:00:00:01, 03:00:00:00:00:01]"}), {"f:9:45: bridges[0].members[0].macs[1]: 02:00:00:00:00:01 is there already", "f:9:64: bridges[0].members[0].macs[2]: 03:00:00:00:00:01 can't be a station's address"}},
    Bad{"groups", groups("{group: 239.1.2.3, ports: [a]}, {group: 'ff05::2', ports: []}, {group: 01:00:0c:cc:cc:cc, ports: [a]}"), {}},
    Bad{"group_for_all", groups("{group: 224.0.0.251, ports: [a]}"), {"f:10:22: bridges[0].groups[0].group: what is sent to 224.0.0.251 goes to all members (RFC 4541)"}},
    Bad{"group_like_one_for_all", groups("{group: 239.128.0.5, ports: [a]}"), {"f:10:22: bridges[0].groups[0].group: what is sent to 239.128.0.5 goes to all members (RFC 4541)"}},
    Bad{"all_nodes", groups("{group: 'ff02::1', ports: [a]}"), {"f:10:22: bridges[0].groups[0].group: what is sent to ff02::1 goes to all members (RFC 4541)"}},
    Bad{"reserved_group", groups("{group: 01:80:c2:00:00:0e, ports: [a]}"), {"f:10:22: bridges[0].groups[0].group: 01:80:c2:00:00:0e is no group that hosts are in"}},
    Bad{"group_twice", groups("{group: 239.1.2.3, ports: [a]}, {group: 239.1.2.3, ports: [a]}"), {"f:10:54: bridges[0].groups[1].group: an entry is about 239.1.2.3 already"}},
    Bad{"groups_of_one_mac", groups("{group: 239.1.2.3, ports: [a]}, {group: 225.129.2.3, ports: [a]}"), {"f:10:54: bridges[0].groups[1].group: an entry is about 239.1.2.3 already, which has the same MAC"}},
    Bad{"group_elsewhere", groups("{group: 239.1.2.3, ports: [a, x]}"), {"f:10:44: bridges[0].groups[0].ports[1]: the bridge has no member \"x\""}},
    Bad{"group_port_twice", groups("{group: 239.1.2.3, ports: [a, a]}"), {"f:10:44: bridges[0].groups[0].ports[1]: port a is there already"}},
    Bad{"group_with_vlan", groups("{group: 239.1.2.3, ports: [a], vlan: 5}"), {"f:10:51: bridges[0].groups[0].vlan: the bridge knows no VLANs"}},
    Bad{"snooping", bridge({"a, multicast_fast_leave: true"}, "    multicast_snooping: true\n    multicast_querier: true\n"), {}},
    Bad{"querier_alone", rules("multicast_querier: true"), {"f:10:24: bridges[0].multicast_querier: needs multicast_snooping: true"}},
    Bad{"fast_leave_alone", bridge({"a, multicast_fast_leave: true"}), {"f:9:41: bridges[0].members[0].multicast_fast_leave: needs multicast_snooping: true"}},
    Bad{"never_asks", rules("multicast_snooping: true\n    multicast_query_interval: 0"), {"f:11:31: bridges[0].multicast_query_interval: expected a number from 1 to 31744"}}), bad_name);

INSTANTIATE_TEST_SUITE_P(VlanPorts, Refused, testing::Values(
    Bad{"two_tags", ports({"p, ring: {}", "p.5, vlan: 5, parent: p, tag: 802.1ad", "p.5.6, vlan: 6, parent: p.5"}), {}},
    Bad{"no_parent", ports({"p.5, vlan: 5, parent: p"}), {"f:2:34: ports[0].parent: there is no port \"p\""}},
    Bad{"three_tags", ports({"p, ring: {}", "p.5, vlan: 5, parent: p", "q, vlan: 6, parent: p.5", "r, vlan: 7, parent: q"}), {"f:5:32: ports[3].parent: more than two tags"}},
    Bad{"same_tag", ports({"p, ring: {}", "q, vlan: 5, parent: p", "r, vlan: 5, parent: p"}), {"f:4:21: ports[2].vlan: another port has VLAN 5 of p"}},
    Bad{"other_tpid", ports({"p, ring: {}", "q, vlan: 5, parent: p", "r, vlan: 5, parent: p, tag: 802.1ad"}), {}},
    Bad{"parent_alone", ports({"p, ring: {}, parent: q"}), {"f:2:33: ports[0].parent: only a port that is a vlan: has it"}},
    Bad{"of_a_bridge_without_vlans", ports({"p, ring: {}", "q, vlan: 5, parent: br"}) + "bridges: [{name: br, members: [{port: p}]}]\n", {"f:3:32: ports[1].parent: bridge br knows no VLANs: none of its members has any"}},
    Bad{"of_a_bridge", ports({"p, ring: {}", "q, vlan: 5, parent: br"}) + "bridges: [{name: br, members: [{port: p, vlan: 5}]}]\n", {}},
    Bad{"tag_in_a_bridge", ports({"p, ring: {}", "q, vlan: 5, parent: br, tag: 802.1ad"}) + "bridges: [{name: br, members: [{port: p, vlan: 5}]}]\n", {"f:3:41: ports[1].tag: within a bridge there are no tags: leave it out"}},
    Bad{"bridges_own_as_a_member", ports({"p, ring: {}", "q, vlan: 5, parent: br"}) + "bridges: [{name: br, members: [{port: p, vlan: 5}]}, {name: bs, members: [{port: q}]}]\n", {"f:4:82: bridges[1].members[0].port: port q is a bridge's own"}}), bad_name);

std::string with(const std::string& addresses) { return ports({"p, ring: {}, addresses: [" + addresses + "]"}); }
std::string two(const std::string& p, const std::string& q) {
    return ports({"p, ring: {}, addresses: [" + p + "]", "q, ring: {}, addresses: [" + q + "]"});
}
std::string count(int n) {
    std::string list;
    for (int i = 1; i <= n; ++i) list += "10.1.0." + std::to_string(i) + "/24,";
    return list;
}

INSTANTIATE_TEST_SUITE_P(Addresses, Refused, testing::Values(
    Bad{"of_31", with("10.1.0.0/31"), {}},
    Bad{"last_of_31", with("10.1.0.1/31"), {}},
    Bad{"of_32", with("10.1.0.255/32"), {}},
    Bad{"of_30", with("10.1.0.2/30"), {}},
    Bad{"sixteen", with(count(16)), {}},
    Bad{"seventeen", with(count(17)), {"f:2:36: ports[0].addresses: more than 16 addresses"}},
    Bad{"network", with("10.1.0.0/24"), {"f:2:37: ports[0].addresses[0]: 10.1.0.0/24 is the network or broadcast address of its subnet"}},
    Bad{"broadcast", with("10.1.0.3/30"), {"f:2:37: ports[0].addresses[0]: 10.1.0.3/30 is the network or broadcast address of its subnet"}},
    Bad{"this_network", with("0.0.0.1/8"), {"f:2:37: ports[0].addresses[0]: 0.0.0.1 can't be a port's address"}},
    Bad{"loopback", with("127.0.0.1/8"), {"f:2:37: ports[0].addresses[0]: 127.0.0.1 can't be a port's address"}},
    Bad{"multicast", with("224.0.0.1/24"), {"f:2:37: ports[0].addresses[0]: 224.0.0.1 can't be a port's address"}},
    Bad{"reserved", with("240.0.0.1/24"), {"f:2:37: ports[0].addresses[0]: 240.0.0.1 can't be a port's address"}},
    Bad{"all_ones", with("255.255.255.255/32"), {"f:2:37: ports[0].addresses[0]: 255.255.255.255 can't be a port's address"}},
    Bad{"twice_here", with("10.1.0.1/24, 10.1.0.1/24"), {"f:2:50: ports[0].addresses[1]: 10.1.0.1 is port p's already"}},
    Bad{"twice_other_length", with("10.1.0.1/24, 10.1.0.1/16"), {"f:2:50: ports[0].addresses[1]: 10.1.0.1 is port p's already"}},
    Bad{"twice_there", two("10.1.0.1/24", "10.1.0.1/24"), {"f:3:37: ports[1].addresses[0]: 10.1.0.1 is port p's already"}},
    Bad{"disjoint", two("10.1.0.1/24", "10.1.1.1/24"), {}},
    Bad{"halves", two("10.1.0.1/25", "10.1.0.129/25"), {}},
    Bad{"same_subnet", two("10.1.0.1/24", "10.1.0.2/24"), {}},
    Bad{"within_the_other", two("10.1.0.1/16", "10.1.7.1/24"), {}},
    Bad{"same_port_nested", with("10.1.0.1/16, 10.1.7.1/24, 10.1.7.2/24"), {}}), bad_name);

// p has 10.1.0.1/24, q 10.2.0.1/24 and 10.2.1.1/24, r none. An entry begins at 6:5.
std::string entry(const std::string& list, const std::string& rest) {
    return ports({"p, ring: {}, addresses: [10.1.0.1/24]", "q, ring: {}, addresses: [10.2.0.1/24, 10.2.1.1/24]", "r, ring: {}"}) +
           list + ":\n  - {" + rest + "}\n";
}
std::string route(const std::string& rest) { return entry("routes", rest); }
std::string two_routes(const std::string& a, const std::string& b) { return route(a) + "  - {" + b + "}\n"; }
std::string hops(int n) {
    std::string list = "to: default, nexthops: [";
    for (int i = 2; i < n + 2; ++i) list += "{via: 10.1.0." + std::to_string(i) + "},";
    return list + "]";
}

INSTANTIATE_TEST_SUITE_P(Routes, Refused, testing::Values(
    Bad{"via", route("to: default, via: 10.1.0.2"), {}},
    Bad{"via_second_subnet", route("to: default, via: 10.2.1.9, port: q"), {}},
    Bad{"port_without_address", route("to: default, port: r"), {}},
    Bad{"blackhole", route("to: default, action: blackhole"), {}},
    Bad{"weights", route("to: default, nexthops: [{via: 10.1.0.2, weight: 256}, {via: 10.2.0.2, weight: 1}]"), {}},
    Bad{"hops_32", route(hops(32)), {}},
    Bad{"hops_33", route(hops(33)), {"f:6:29: routes[0].nexthops: more than 32 next hops"}},
    Bad{"to_own_subnet", route("to: 10.1.0.0/24, via: 10.2.0.2"), {}},
    Bad{"via_nowhere", route("to: default, via: 10.9.0.1"), {"f:6:24: routes[0].via: 10.9.0.1 is in no port's subnet"}},
    Bad{"via_nowhere_port", route("to: default, via: 10.9.0.1, port: r"), {"f:6:24: routes[0].via: 10.9.0.1 is in no port's subnet"}},
    Bad{"via_own", route("to: default, via: 10.2.1.1"), {"f:6:24: routes[0].via: 10.2.1.1 is our own address, on port q"}},
    Bad{"via_other_port", route("to: default, via: 10.1.0.2, port: q"), {"f:6:24: routes[0].via: 10.1.0.2 is in port p's subnet, not in q's"}},
    Bad{"unknown_port", route("to: default, port: s"), {"f:6:25: routes[0].port: there is no port \"s\""}},
    Bad{"lo", route("to: default, port: lo"), {"f:6:25: routes[0].port: there is no port \"lo\""}},
    Bad{"second_hop_via", route("to: default, nexthops: [{via: 10.1.0.2}, {via: 10.9.0.1}]"), {"f:6:53: routes[0].nexthops[1].via: 10.9.0.1 is in no port's subnet"}},
    Bad{"second_hop_port", route("to: default, nexthops: [{via: 10.1.0.2}, {port: s}]"), {"f:6:54: routes[0].nexthops[1].port: there is no port \"s\""}},
    Bad{"metrics_differ", two_routes("to: default, via: 10.1.0.2", "to: 0.0.0.0/0, via: 10.1.0.2, metric: 1"), {}},
    Bad{"lengths_differ", two_routes("to: 10.8.0.0/16, via: 10.1.0.2", "to: 10.8.0.0/17, via: 10.1.0.2"), {}},
    Bad{"twice", two_routes("to: default, via: 10.1.0.2", "to: 0.0.0.0/0, port: r"), {"f:7:10: routes[1].to: another route to 0.0.0.0/0 has metric 0"}},
    Bad{"twice_metric", two_routes("to: 10.8.0.0/16, via: 10.1.0.2, metric: 7", "to: 10.8.0.0/16, action: prohibit, metric: 7"), {"f:7:10: routes[1].to: another route to 10.8.0.0/16 has metric 7"}}), bad_name);

INSTANTIATE_TEST_SUITE_P(Gateways, Refused, testing::Values(
    Bad{"onlink", route("to: default, via: 10.9.0.1, port: r, onlink: true"), {}},
    Bad{"onlink_without_port", route("to: default, via: 10.9.0.1, onlink: true"), {"f:6:42: routes[0].onlink: needs port: on whose link is 10.9.0.1"}},
    Bad{"onlink_without_via", route("to: default, port: r, onlink: true"), {"f:6:36: routes[0].onlink: needs via"}},
    Bad{"onlink_multicast", route("to: default, via: 239.0.0.1, port: r, onlink: true"), {"f:6:24: routes[0].via: 239.0.0.1 can't be a gateway's address"}},
    Bad{"onlink_own", route("to: default, via: 10.1.0.1, port: r, onlink: true"), {"f:6:24: routes[0].via: 10.1.0.1 is our own address, on port p"}},
    Bad{"on_a_link_route", two_routes("to: 10.9.0.0/24, port: r", "to: default, via: 10.9.0.1"), {}},
    Bad{"on_a_longer_link_route", two_routes("to: 10.1.0.64/26, port: r", "to: default, via: 10.1.0.65, port: p"), {"f:7:24: routes[1].via: 10.1.0.65 is in port r's subnet, not in p's"}},
    Bad{"on_a_global_route", two_routes("to: 10.9.0.0/24, port: r, scope: global", "to: default, via: 10.9.0.1"), {"f:7:24: routes[1].via: 10.9.0.1 is in no port's subnet"}},
    Bad{"behind_a_gateway", two_routes("to: 10.9.0.0/24, via: 10.1.0.2", "to: default, via: 10.9.0.1"), {"f:7:24: routes[1].via: 10.9.0.1 is in no port's subnet"}},
    Bad{"scope_and_gateway", route("to: default, via: 10.1.0.2, scope: link"), {"f:6:41: routes[0].scope: a route of scope link has no gateway"}},
    Bad{"scope_host_and_hops", route("to: default, nexthops: [{port: p}, {port: q}], scope: host"), {"f:6:60: routes[0].scope: a route of scope host has one next hop"}},
    Bad{"src", route("to: default, via: 10.1.0.2, src: 10.2.0.1"), {}},
    Bad{"src_not_ours", route("to: default, via: 10.1.0.2, src: 10.1.0.2"), {"f:6:39: routes[0].src: 10.1.0.2 is no address of ours"}}), bad_name);

INSTANTIATE_TEST_SUITE_P(Nexthops, Refused, testing::Values(
    Bad{"good", "ports: [{name: p, ring: {}}]\nnexthops: [{id: 1, port: p}, {id: 3, group: [1, {id: 2, weight: 9}]}, {id: 2, port: p}]\nroutes: [{to: default, nhid: 3}]", {}},
    Bad{"id_twice", "nexthops: [{id: 1, blackhole: true}, {id: 1, blackhole: true}]", {"f:1:43: nexthops[1].id: another next hop has id 1"}},
    Bad{"unknown_member", "nexthops: [{id: 1, group: [7]}]", {"f:1:28: nexthops[0].group[0]: there is no next hop with id 7"}},
    Bad{"group_of_a_group", "ports: [{name: p, ring: {}}]\nnexthops: [{id: 1, port: p}, {id: 2, group: [1]}, {id: 3, group: [2]}]", {"f:2:67: nexthops[2].group[0]: next hop 2 is no single one with a port"}},
    Bad{"member_twice", "ports: [{name: p, ring: {}}]\nnexthops: [{id: 1, port: p}, {id: 2, group: [1, 1]}]", {"f:2:49: nexthops[1].group[1]: next hop 1 is in the group already"}},
    Bad{"unknown_nhid", "routes: [{to: default, nhid: 7}]", {"f:1:30: routes[0].nhid: there is no next hop with id 7"}},
    Bad{"unknown_port", "nexthops: [{id: 1, port: s}]\nroutes: [{to: default, nhid: 1}]", {"f:1:26: nexthops[0].port: there is no port \"s\""}}), bad_name);

std::string neighbour(const std::string& address, const std::string& mac = "02:00:00:00:00:09", const std::string& port = "p") {
    return entry("neighbours", "address: " + address + ", mac: " + mac + ", port: " + port);
}
std::string also(const std::string& address, const std::string& port) {
    return "  - {address: " + address + ", mac: 02:00:00:00:00:01, port: " + port + "}\n";
}

INSTANTIATE_TEST_SUITE_P(Neighbours, Refused, testing::Values(
    Bad{"good", neighbour("10.1.0.9"), {}},
    Bad{"off_link", neighbour("192.0.2.1"), {}},
    Bad{"same_on_two_ports", neighbour("192.0.2.1") + also("192.0.2.1", "q"), {}},
    Bad{"this_network", neighbour("0.0.0.1"), {"f:6:15: neighbours[0].address: 0.0.0.1 can't be a neighbour's address"}},
    Bad{"loopback", neighbour("127.0.0.1"), {"f:6:15: neighbours[0].address: 127.0.0.1 can't be a neighbour's address"}},
    Bad{"multicast", neighbour("239.0.0.1"), {"f:6:15: neighbours[0].address: 239.0.0.1 can't be a neighbour's address"}},
    Bad{"broadcast", neighbour("255.255.255.255"), {"f:6:15: neighbours[0].address: 255.255.255.255 can't be a neighbour's address"}},
    Bad{"own", neighbour("10.2.0.1"), {"f:6:15: neighbours[0].address: 10.2.0.1 is our own address"}},
    Bad{"mac_group", neighbour("10.1.0.9", "ff:ff:ff:ff:ff:ff"), {"f:6:30: neighbours[0].mac: ff:ff:ff:ff:ff:ff can't be a station's address"}},
    Bad{"mac_zero", neighbour("10.1.0.9", "00:00:00:00:00:00"), {"f:6:30: neighbours[0].mac: 00:00:00:00:00:00 can't be a station's address"}},
    Bad{"unknown_port", neighbour("10.1.0.9", "02:00:00:00:00:09", "s"), {"f:6:55: neighbours[0].port: there is no port \"s\""}},
    Bad{"twice", neighbour("10.1.0.9") + also("10.1.0.9", "p"), {"f:7:15: neighbours[1].address: another entry is about 10.1.0.9"}}), bad_name);

INSTANTIATE_TEST_SUITE_P(NeighbourTable, Refused, testing::Values(
    Bad{"thresholds_descend", "neighbour_table: {gc_thresh2: 2000}", {"f:1:18: neighbour_table: gc_thresh1, gc_thresh2 and gc_thresh3 must not descend, got 128, 2000 and 1024"}},
    Bad{"out_of_bounds", "neighbour_table: {gc_thresh3: 131073, retrans_time_ms: 0}", {
        "f:1:31: neighbour_table.gc_thresh3: expected a number from 1 to 131072, got \"131073\"",
        "f:1:56: neighbour_table.retrans_time_ms: expected a number from 100 to 86400000, got \"0\""}},
    Bad{"unknown_port", "neighbour_table: {ports: [{port: s}]}", {"f:1:34: neighbour_table.ports[0].port: there is no port \"s\""}},
    Bad{"port_twice", "ports: [{name: p, ring: {}}]\nneighbour_table: {ports: [{port: p}, {port: p}]}", {"f:2:45: neighbour_table.ports[1].port: another entry is about port p"}},
    Bad{"of_all_ports_only", "ports: [{name: p, ring: {}}]\nneighbour_table: {ports: [{port: p, gc_thresh1: 1}]}", {"f:2:37: neighbour_table.ports[0]: unknown key \"gc_thresh1\""}}), bad_name);

// Ports a to c at lines 2 to 4, d with an address; the LAG at line 7, its members at column 27.
std::string lag(const std::string& rest, const std::string& more = "") {
    return ports({"a, ring: {}", "b, ring: {}", "c, ring: {}", "d, ring: {}, addresses: [10.1.0.1/24]"}) +
           "lags:\n  - {name: l, members: [" + rest + "}\n" + more;
}
INSTANTIATE_TEST_SUITE_P(Lags, Refused, testing::Values(
    Bad{"of_two", lag("a, b]"), {}},
    Bad{"of_none", lag("]"), {}},
    Bad{"as_a_port", lag("a, b], addresses: [10.9.0.1/24]", "routes: [{to: default, via: 10.9.0.2}]\nneighbours: [{address: 10.9.0.3, mac: 02:00:00:00:00:01, port: l}]\n"), {}},
    Bad{"in_a_bridge", lag("a, b]", "bridges: [{name: br, members: [{port: l}, {port: c}]}]\n"), {}},
    Bad{"on_a_wire", lag("a, b]", "xconnects: [[l, c]]\n"), {}},
    Bad{"unknown_port", lag("x]"), {"f:7:25: lags[0].members[0]: there is no port \"x\""}},
    Bad{"with_addresses", lag("d]"), {"f:7:25: lags[0].members[0]: port d has addresses: give them to the LAG"}},
    Bad{"in_itself", lag("l]"), {"f:7:25: lags[0].members[0]: port l has no wire of its own: members are devices"}},
    Bad{"twice", lag("a, a]"), {"f:7:28: lags[0].members[1]: port a is a member of LAG l already"}},
    Bad{"in_two", lag("a]", "  - {name: k, members: [a]}\n"), {"f:8:25: lags[1].members[0]: port a is a member of LAG l already"}},
    Bad{"connected_through", lag("a, b]", "xconnects: [[a, c]]\n"), {"f:7:25: lags[0].members[0]: port a is connected through already"}},
    Bad{"bridged", lag("a, b]", "bridges: [{name: br, members: [{port: a}]}]\n"), {"f:8:39: bridges[0].members[0].port: port a is a member of LAG l already"}},
    Bad{"wire_with_addresses", lag("a, b], addresses: [10.9.0.1/24]", "xconnects: [[l, c]]\n"), {"f:8:14: xconnects[0][0]: port l has addresses: it is routed, not connected through"}},
    Bad{"min_links", lag("a, b], min_links: 3"), {"f:7:43: lags[0].min_links: more than there are members"}},
    Bad{"one_system", lag("a], mac: 02:00:00:00:00:01", "  - {name: k, members: [b], mac: 02:00:00:00:00:01}\n"), {"f:8:5: lags[1].key: another LAG with MAC 02:00:00:00:00:01 has this key: partners can't tell them apart"}},
    Bad{"name_taken", lag("a]", "  - {name: c, members: [b]}\n"), {"f:8:12: lags[1].name: another port is called \"c\""}}), bad_name);

INSTANTIATE_TEST_SUITE_P(LagsAndVlans, Refused, testing::Values(
    Bad{"of_a_lag", ports({"a, ring: {}", "q, vlan: 5, parent: l"}) + "lags: [{name: l, members: [a]}]\n", {}},
    Bad{"of_a_member", ports({"a, ring: {}", "q, vlan: 5, parent: a"}) + "lags: [{name: l, members: [a]}]\n", {"f:3:32: ports[1].parent: port a is a member of LAG l: the VLAN is the LAG's"}},
    Bad{"vlan_as_a_member", ports({"a, ring: {}", "q, vlan: 5, parent: a"}) + "lags: [{name: l, members: [q]}]\n", {"f:4:28: lags[0].members[0]: port q has no wire of its own: members are devices"}}), bad_name);

// What may only be the consequence of a port that could not be read is not said.
const std::string kBadPort = "ports: [{name: p, ring: {}, addresses: [10.1.0.1]}]\n";
const std::string kBadPortError = "f:1:41: ports[0].addresses[0]: expected an address with its prefix length like 10.1.0.1/24, got \"10.1.0.1\"";
INSTANTIATE_TEST_SUITE_P(BrokenPorts, Refused, testing::Values(
    Bad{"via", kBadPort + "routes: [{to: default, via: 10.1.0.2}]", {kBadPortError}},
    Bad{"port", kBadPort + "routes: [{to: default, port: q}]", {kBadPortError}},
    Bad{"neighbour", kBadPort + "neighbours: [{address: 10.1.0.2, mac: 02:00:00:00:00:01, port: q}]", {kBadPortError}},
    Bad{"what_does_not_follow", kBadPort + "routes: [{to: default, port: p}, {to: default, port: p}]", {kBadPortError, "f:2:39: routes[1].to: another route to 0.0.0.0/0 has metric 0"}},
    Bad{"misspelt_ports", "port: [{name: p, ring: {}}]\nroutes: [{to: default, port: p}]", {"f:1:1: port: unknown key \"port\"; did you mean \"ports\"?"}},
    Bad{"beside_unknown_key", "ports: [{name: lo, ring: {}, colour: red}]", {"f:1:16: ports[0].name: \"lo\" is reserved", "f:1:30: ports[0]: unknown key \"colour\""}},
    Bad{"behind_bad_address", "ports: [{name: p, ring: {}, addresses: [x, 10.1.0.1/24, 10.1.0.1/24]}]", {"f:1:41: ports[0].addresses[0]: expected an address with its prefix length like 10.1.0.1/24, got \"x\"", "f:1:57: ports[0].addresses[2]: 10.1.0.1 is port p's already"}},
    Bad{"broken_dataplane", "dataplane: {idle: no}\nports: [{name: p, ring: {}}]\nroutes: [{to: default, port: q}]", {"f:1:19: dataplane.idle: expected adaptive or poll, got \"no\"", "f:3:30: routes[0].port: there is no port \"q\""}},
    Bad{"broken_route", "ports: [{name: p, ring: {}}]\nroutes: [{to: x, port: p}, {to: default, port: q}]", {"f:2:15: routes[0].to: expected a prefix like 10.8.0.0/16 or \"default\", got \"x\"", "f:2:48: routes[1].port: there is no port \"q\""}},
    Bad{"other_ports_are_checked", "ports: [{name: p, veth: []}, {name: p, ring: {}}, {name: lo, ring: {}}]", {"f:1:25: ports[0].veth: expected a value", "f:1:37: ports[1].name: another port is called \"p\"", "f:1:58: ports[2].name: \"lo\" is reserved"}}), bad_name);
// clang-format on

// The refusal of routes[10] doesn't hide what is wrong with routes[1].
TEST(Routes, AreToldApartByTheirWholeIndex) {
    std::string yaml = "ports: [{name: p, ring: {}}]\nroutes:\n";
    for (int i = 0; i < 10; ++i)
        yaml += "  - {to: 10." + std::to_string(i) + ".0.0/16, port: " + (i == 1 ? "q}\n" : "p}\n");
    EXPECT_EQ(
        errors(yaml + "  - {to: 10.10.0.0/16}\n"),
        (Lines{"f:4:29: routes[1].port: there is no port \"q\"",
               "f:13:5: routes[10]: a route needs one of: via or port; nexthops; nhid; action"}));
}

TEST(Ports, AreLimited) {
    std::string yaml = "ports:\n";
    for (int i = 0; i < 32; ++i) yaml += "  - {name: p" + std::to_string(i) + ", ring: {}}\n";
    EXPECT_EQ(errors(yaml), Lines{});
    EXPECT_EQ(errors(yaml + "  - {name: p255, ring: {}}\n"),
              Lines{"f:2:3: ports: more than 32 ports by DPDK's drivers, which are all but veth: "
                    "and vlan:"});
    for (int i = 32; i < 192; ++i) {
        const std::string n = std::to_string(i);
        yaml += "  - {name: p" + n + ", veth: v" + n + "}\n";
    }
    EXPECT_EQ(errors(yaml), Lines{});
    EXPECT_EQ(errors(yaml + "  - {name: p255, veth: v255}\n"),
              Lines{"f:2:3: ports: more than 192 ports"});
}

TEST(Routes, AreLimited) {
    Config config;
    for (uint32_t i = 0; i < 8001; ++i)
        config.routes.push_back(
            {.to = {Ip4{0x0a000000U + i}, 32}, .action = RouteAction::blackhole});
    try {
        validate(config);
        FAIL() << "more routes than the tables hold";
    } catch (const ConfigError& e) {
        EXPECT_EQ(e.lines(), Lines{"routes: more than 8000 routes"});
    }
}

Lines refusals(const Config& config) {
    try {
        validate(config);
        return {};
    } catch (const ConfigError& e) {
        return e.lines();
    }
}

// A Config that no file gave: what a file can't say is refused here too.
TEST(Validate, SaysPathAndWhy) {
    Config config;
    EXPECT_EQ(refusals(config), Lines{});
    config.dataplane.workers.cpus.assign(65, 3);
    config.ports.push_back({.name = "", .driver = VethConfig{}, .mtu = uint16_t{67}});
    config.ports.push_back({.name = "d", .driver = DevargsConfig{}, .mtu = uint16_t{9501}});
    config.ports.push_back({.name = "m", .driver = MemifConfig{}});
    config.ports.push_back(
        {.name = "a", .driver = RingConfig{}, .addresses = {{Ip4{10, 1, 0, 1}, 0}}});
    config.routes.push_back({.to = {Ip4{10, 8, 0, 1}, 16}, .next_hops = {{.port = "m"}}});
    config.routes.push_back({.to = {Ip4{10, 9, 0, 0}, 16}});
    config.routes.push_back({.action = RouteAction::blackhole, .next_hops = {{.port = "m"}}});
    config.routes.push_back({.to = {}, .next_hops = {{}, {.port = "x"}}});
    config.control = {.socket = "", .mode = 01000};
    const Lines want{
        "dataplane.workers: a CPU is given twice",
        "dataplane.workers: more than 64 workers",
        "ports[0].name: \"\"" + kNoName,
        "ports[0].veth: \"\" can't be an interface's name",
        "ports[0].mtu: expected 68 to 9500",
        "ports[1].devargs: names no device",
        "ports[1].mtu: expected 68 to 9500",
        "ports[2].memif.socket: expected a path of 1 to 107 characters without a comma",
        // NOLINTNEXTLINE(bugprone-suspicious-missing-comma): one line, too long for one
        "ports[3].addresses[0]: expected an address with its prefix length like 10.1.0.1/24, got "
        "\"10.1.0.1/0\"",
        "routes[0].to: 10.8.0.1/16 has host bits set",
        "routes[1]: a route has either next hops or an action",
        "routes[2]: a route has either next hops or an action",
        "routes[3].nexthops[0]: a next hop needs via, port or both",
        "routes[3].nexthops[1].port: there is no port \"x\"",
        "control.socket: expected a path of 1 to 107 characters",
        "control.mode: expected octal permissions up to 0777",
    };
    EXPECT_EQ(refusals(config), want);
}

TEST(Validate, JoinsItsLines) {
    const ConfigError error({"a: b", "c: d"});
    EXPECT_STREQ(error.what(), "a: b\nc: d");
}

}  // namespace
}  // namespace vethway
