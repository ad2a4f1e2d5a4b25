#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The JSON Schema that editors use says the same as vethwayd --check: of the example files, and of files
each of which breaks one rule."""

import json
import os
import subprocess
import sys
import tempfile

import jsonschema
import yaml

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.realpath(os.environ.get("VETHWAY_BUILD", os.path.join(ROOT, "build")))
P = "ports:\n  - {name: p1, veth: p1, addresses: [10.1.0.1/24]"  # and the rest of the mapping
BRIDGE = "ports: [{name: a, tap: a}, {name: b, tap: b}]\nbridges: [{name: br, members: "
LAG = "ports: [{name: a, tap: a}, {name: b, tap: b}]\nlags: [{name: l, members: [a, b]"
ROUTE = P + "}\nroutes:\n  - "

GOOD = {
    "empty": "",
    "no_ports": "ports:\n",
    "dataplane": "dataplane: {workers: [0, 1], idle: adaptive, spin_us: 100, hugepages: off, mbufs: 4096, flight_recorder: 0, telemetry: true}",
    "workers": "dataplane: {workers: 2}",
    "port_keys": P + ", mac: 02:00:00:00:01:01, mtu: 9000, admin: down, rp_filter: loose, accept_local: true}",
    "ip4": "ip4: {ip_default_ttl: 255, icmp_echo_ignore_all: true}",
    "defaults": "defaults: {rp_filter: off, accept_local: true}",
    "numbers": "defaults: {arp_ignore: 8, arp_announce: 2, arp_accept: 0}",
    "icmp": "ip4: {icmp_ratelimit: 0, icmp_ratemask: 4294967295, icmp_msgs_per_sec: 2147483647, icmp_msgs_burst: 1}",
    "redirects": P + ", send_redirects: false, shared_media: false, accept_source_route: true, bc_forwarding: true}",
    "veth_map": "ports: [{name: a, veth: {netns: x, shield: false, qdisc_bypass: false}}]",
    "veth_create": "ports: [{name: a, veth: {create: {peer: b, peer_netns: 12}}}]",
    "match": "ports: [{match: \"eth[1-9]*\", adopt: addresses, shield: false, rp_filter: loose}]",
    "route_by_a_port_to_come": "ports: [{match: e*}]\nroutes: [{to: default, via: 10.0.0.1}]",
    "xconnects": "ports: [{name: a, tap: a}, {name: b, tap: b}]\nxconnects: [[a, b]]",
    "vlan_ports": P + "}\n  - {name: p1.5, vlan: 5, parent: p1, tag: 802.1ad}\n  - {name: p1.5.6, vlan: 6, parent: p1.5}",
    "bridge": BRIDGE + "[{port: a, hairpin: true, state: blocking, split_horizon: 255, storm_broadcast: 10}, {port: b}]"
              ", ageing: 0, learn_limit: 65536, learn_action: drop, move_limit: 0, group_fwd_mask: 65535"
              ", stations: [{mac: 02:00:00:00:00:01, port: a}], addresses: [10.1.0.1/24], rp_filter: loose}]",
    "vlans": BRIDGE + "[{port: a, vlan: 10, tag: 802.1ad}, {port: b, trunk: [10, 20-29], native: 1, "
             "translate: [{wire: 5, vlan: 6}]}], stations: [{mac: 02:00:00:00:00:01, port: a, vlan: 10}]}]",
    "lag": LAG + ", activity: passive, rate: fast, key: 65535, system_priority: 0, hash: layer3+4, min_links: 2, "
           "mac: 02:00:00:00:00:01, mtu: 9000, addresses: [10.1.0.1/24], rp_filter: loose}]",
    "lag_static": LAG + ", mode: static, admin: down}]",
    "bridge_rules": BRIDGE + "[{port: a, arp_guard: true, dhcp_guard: true, ra_guard: true, source_guard: true, "
                    "macs: [02:00:00:00:00:01]}, {port: b, neigh_suppress: true, multicast_router: true, "
                    "multicast_fast_leave: true}], multicast_snooping: true, multicast_querier: true, "
                    "multicast_query_interval: 31744, "
                    "bindings: [{address: 10.1.0.5, mac: 02:00:00:00:00:01, port: a}, "
                    "{address: 10.1.0.6, mac: 02:00:00:00:00:02}], unknown_multicast: routers, "
                    "groups: [{group: 239.1.2.3, ports: [a, b]}, {group: 'FF05::2', ports: []}, "
                    "{group: 01:00:0c:cc:cc:cc, ports: [a]}]}]",
    "numeric_name": "ports: [{name: 1, tap: t1}]",
    "memif": "ports: [{name: m, memif: {socket: /run/m, role: client, id: 7}}]",
    "pcap": "ports: [{name: c, pcap: {tx: out.pcap}}]",
    "route": ROUTE + "{to: default, via: 10.1.0.2, metric: 5}",
    "next_hops": ROUTE + "{to: 10.8.0.0/16, nexthops: [{via: 10.1.0.2, weight: 256}, {port: p1}]}",
    "action": ROUTE + "{to: 10.8.0.0/16, action: prohibit}",
    "throw": ROUTE + "{to: 10.8.0.0/16, action: throw}",
    "onlink": ROUTE + "{to: 10.8.0.0/16, via: 10.77.0.2, port: p1, onlink: true}",
    "src_and_scope": ROUTE + "{to: 10.8.0.0/16, port: p1, src: 10.1.0.1, scope: link}",
    "nexthops": P + "}\nnexthops: [{id: 1, via: 10.1.0.2}, {id: 2, group: [1]}, {id: 4, group: [{id: 1, weight: 2}]}, "
                "{id: 3, blackhole: true}]\nroutes: [{to: default, nhid: 2}]",
    "multipath": "multipath: {fib_multipath_hash_policy: 1, fib_multipath_use_neigh: true, fib_multipath_hash_seed: 7}",
    "neighbour": P + "}\nneighbours: [{address: 10.1.0.9, mac: 02:00:00:00:01:09, port: p1}]",
    "neighbour_table": P + "}\nneighbour_table: {gc_thresh3: 4096, gc_interval: 30, retrans_time_ms: 500, "
                       "ports: [{port: p1, mcast_solicit: 1}]}",
    "control": "control: {socket: /tmp/x.sock, mode: \"0666\"}\nmetrics: {listen: 0.0.0.0:9464}",
}
BAD = {
    "unknown_top": "port: []",
    "unknown_port_key": P + ", adresses: []}",
    "list_for_map": "dataplane: []",
    "workers_0": "dataplane: {workers: 0}",
    "workers_twice": "dataplane: {workers: [1, 1]}",
    "idle": "dataplane: {idle: never}",
    "spin_of_who_polls": "dataplane: {idle: poll, spin_us: 30}",
    "hugepages": "dataplane: {hugepages: maybe}",
    "mbufs": "dataplane: {mbufs: 10}",
    "flight_recorder": "dataplane: {flight_recorder: 65537}",
    "telemetry": "dataplane: {telemetry: auto}",
    "no_name": "ports: [{veth: a}]",
    "no_driver": "ports: [{name: p}]",
    "two_drivers": "ports: [{name: p, veth: a, tap: b}]",
    "reserved_name": "ports: [{name: lo, veth: a}]",
    "long_name": "ports: [{name: p234567890123456, veth: a}]",
    "long_netdev": "ports: [{name: p, veth: p234567890123456}]",
    "veth_key": "ports: [{name: a, veth: {ifname: x}}]",
    "veth_shield": "ports: [{name: a, veth: {shield: perhaps}}]",
    "veth_no_peer": "ports: [{name: a, veth: {create: {peer_netns: x}}}]",
    "xconnect_of_one": "ports: [{name: a, tap: a}]\nxconnects: [[a]]",
    "xconnect_to_itself": "ports: [{name: a, tap: a}]\nxconnects: [[a, a]]",
    "vlan_0": P + "}\n  - {name: p1.5, vlan: 0, parent: p1}",
    "vlan_4095": P + "}\n  - {name: p1.5, vlan: 4095, parent: p1}",
    "vlan_no_parent": P + "}\n  - {name: p1.5, vlan: 5}",
    "parent_no_vlan": "ports: [{name: a, tap: a, parent: b}]",
    "tag_no_vlan": "ports: [{name: a, tap: a, tag: 802.1q}]",
    "vlan_tag": P + "}\n  - {name: p1.5, vlan: 5, parent: p1, tag: 802.1x}",
    "bridge_no_name": "bridges: [{members: []}]",
    "bridge_key": "bridges: [{name: b, stp: on}]",
    "member_key": BRIDGE + "[{port: a, vlans: 1}]}]",
    "member_state": BRIDGE + "[{port: a, state: off}]}]",
    "member_access_and_trunk": BRIDGE + "[{port: a, vlan: 1, trunk: [2]}]}]",
    "member_access_and_native": BRIDGE + "[{port: a, vlan: 1, native: 2}]}]",
    "member_trunk": BRIDGE + "[{port: a, trunk: [a-b]}]}]",
    "member_trunk_0": BRIDGE + "[{port: a, trunk: [0]}]}]",
    "member_split_horizon": BRIDGE + "[{port: a, split_horizon: 256}]}]",
    "member_storm": BRIDGE + "[{port: a, storm_unicast: -1}]}]",
    "translate_key": BRIDGE + "[{port: a, translate: [{wire: 5}]}]}]",
    "station_key": BRIDGE + "[{port: a}], stations: [{mac: 02:00:00:00:00:01}]}]",
    "station_group": BRIDGE + "[{port: a}], stations: [{mac: 03:00:00:00:00:01, port: a}]}]",
    "bridge_ageing": BRIDGE + "[], ageing: 1000001}]",
    "bridge_learn_limit": BRIDGE + "[], learn_limit: 65537}]",
    "bridge_learn_action": BRIDGE + "[], learn_action: flood}]",
    "bridge_move_limit": BRIDGE + "[], move_limit: 251}]",
    "bridge_group_fwd_mask": BRIDGE + "[], group_fwd_mask: 65536}]",
    "lag_no_name": "lags: [{members: []}]",
    "lag_key": LAG + ", key: 0}]",
    "lag_mode": LAG + ", mode: 802.3ad}]",
    "lag_activity": LAG + ", activity: on}]",
    "lag_rate": LAG + ", rate: 1}]",
    "lag_hash": LAG + ", hash: layer4}]",
    "lag_min_links": LAG + ", min_links: 33}]",
    "lag_system_priority": LAG + ", system_priority: 65536}]",
    "lag_member_twice": "ports: [{name: a, tap: a}]\nlags: [{name: l, members: [a, a]}]",
    "lag_unknown": LAG + ", policy: x}]",
    "guard": BRIDGE + "[{port: a, arp_guard: strict}]}]",
    "macs_group": BRIDGE + "[{port: a, macs: [03:00:00:00:00:01]}]}]",
    "macs_twice": BRIDGE + "[{port: a, macs: [02:00:00:00:00:01, 02:00:00:00:00:01]}]}]",
    "binding_key": BRIDGE + "[{port: a}], bindings: [{address: 10.1.0.5, mac: 02:00:00:00:00:01, ports: [a]}]}]",
    "binding_no_mac": BRIDGE + "[{port: a}], bindings: [{address: 10.1.0.5}]}]",
    "binding_prefix": BRIDGE + "[{port: a}], bindings: [{address: 10.1.0.5/24, mac: 02:00:00:00:00:01}]}]",
    "group_unicast": BRIDGE + "[{port: a}], groups: [{group: 10.1.2.3, ports: [a]}]}]",
    "group_unicast_mac": BRIDGE + "[{port: a}], groups: [{group: 02:00:00:00:00:01, ports: [a]}]}]",
    "group_unicast_6": BRIDGE + "[{port: a}], groups: [{group: 'fe80::1', ports: [a]}]}]",
    "group_no_ports": BRIDGE + "[{port: a}], groups: [{group: 239.1.2.3}]}]",
    "group_port_twice": BRIDGE + "[{port: a}], groups: [{group: 239.1.2.3, ports: [a, a]}]}]",
    "unknown_multicast": BRIDGE + "[{port: a}], unknown_multicast: some}]",
    "multicast_query_interval": BRIDGE + "[{port: a}], multicast_query_interval: 31745}]",
    "multicast_query_interval_0": BRIDGE + "[{port: a}], multicast_query_interval: 0}]",
    "match_and_name": "ports: [{match: e*, name: a}]",
    "match_adopt": "ports: [{match: e*, adopt: everything}]",
    "match_path": "ports: [{match: a/b}]",
    "mac": P + ", mac: 02:00:00}",
    "mac_group": P + ", mac: 03:00:00:00:00:01}",
    "mtu_low": P + ", mtu: 67}",
    "mtu_high": P + ", mtu: 9501}",
    "address_bare": "ports: [{name: p, veth: a, addresses: [10.1.0.1]}]",
    "admin": P + ", admin: sideways}",
    "rp_filter": P + ", rp_filter: 3}",
    "ttl_0": "ip4: {ip_default_ttl: 0}",
    "ttl_high": "ip4: {ip_default_ttl: 256}",
    "ip4_of_a_port": "ip4: {rp_filter: off}",
    "arp_ignore_4": "defaults: {arp_ignore: 4}",
    "arp_ignore_text": "defaults: {arp_ignore: own}",
    "ratemask_high": "ip4: {icmp_ratemask: 4294967296}",
    "ratelimit_negative": "ip4: {icmp_ratelimit: -1}",
    "defaults_unknown": "defaults: {mtu: 1500}",
    "defaults_value": "defaults: {accept_local: 1}",
    "memif_no_socket": "ports: [{name: m, memif: {role: server}}]",
    "pcap_empty": "ports: [{name: c, pcap: {}}]",
    "ring_key": "ports: [{name: r, ring: {size: 5}}]",
    "route_no_way": ROUTE + "{to: 10.8.0.0/16}",
    "route_two_ways": ROUTE + "{to: 10.8.0.0/16, via: 10.1.0.2, action: blackhole}",
    "route_prefix": ROUTE + "{to: 10.8.0.0/33, via: 10.1.0.2}",
    "route_metric": ROUTE + "{to: 10.8.0.0/16, via: 10.1.0.2, metric: -1}",
    "weight_0": ROUTE + "{to: 10.8.0.0/16, nexthops: [{via: 10.1.0.2, weight: 0}]}",
    "route_nhid_and_via": ROUTE + "{to: 10.8.0.0/16, nhid: 1, via: 10.1.0.2}",
    "scope": ROUTE + "{to: 10.8.0.0/16, port: p1, scope: site}",
    "onlink_word": ROUTE + "{to: 10.8.0.0/16, via: 10.1.0.2, port: p1, onlink: perhaps}",
    "nexthop_id_0": P + "}\nnexthops: [{id: 0, via: 10.1.0.2}]",
    "nexthop_of_nothing": P + "}\nnexthops: [{id: 1}]",
    "nexthop_not_blackhole": P + "}\nnexthops: [{id: 1, blackhole: false}]",
    "group_of_none": P + "}\nnexthops: [{id: 1, group: []}]",
    "hash_policy_3": "multipath: {fib_multipath_hash_policy: 3}",
    "neighbour_no_mac": P + "}\nneighbours: [{address: 10.1.0.9, port: p1}]",
    "gc_thresh3": "neighbour_table: {gc_thresh3: 0}",
    "retrans_time": "neighbour_table: {retrans_time_ms: 99}",
    "neighbour_port_thresh": P + "}\nneighbour_table: {ports: [{port: p1, gc_thresh3: 5}]}",
    "neighbour_port_unnamed": P + "}\nneighbour_table: {ports: [{unres_qlen: 5}]}",
    "listen": "metrics: {listen: nowhere}",
    "mode": "control: {mode: \"0999\"}",
}


def daemon_accepts(text):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as f:
        f.write(text)
        f.flush()
        done = subprocess.run([os.path.join(BUILD, "vethwayd"), "--check", "--config", f.name],
                              capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stderr.strip()


def main():
    with open(os.path.join(ROOT, "config", "vethway.schema.json")) as f:
        schema = json.load(f)
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    cases = [(name, text, True) for name, text in GOOD.items()] + [(name, text, False) for name, text in BAD.items()]
    for name in sorted(os.listdir(os.path.join(ROOT, "config"))):
        if name.endswith(".yaml"):
            with open(os.path.join(ROOT, "config", name)) as f:
                cases.append((name, f.read(), True))
    failed = 0
    for name, text, want in cases:
        accepts, why = daemon_accepts(text)
        faults = [e.message for e in validator.iter_errors(yaml.safe_load(text))]
        if accepts != want or (not faults) != want:
            failed += 1
            print(f"FAILED {name}: wanted {'good' if want else 'bad'}; vethwayd: {why or 'ok'}; schema: {faults or 'ok'}")
    print(f"{len(cases) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
