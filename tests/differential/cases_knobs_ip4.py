# SPDX-License-Identifier: Apache-2.0
"""Forwarding with the knobs of net.ipv4.conf turned (Documentation/networking/ip-sysctl.rst,
net/ipv4/route.c, net/ipv4/ip_forward.c)."""

from case import (BROADCAST, FROM, ICMP, case, echo, ether, host_ip, icmp, ip4, knobs, port_ip, tcp, udp, with_options)

TO_STRANGERS = ("not_known", "on_link", "second_subnet", "network")  # of cases: to hosts that no entry is about
BACK = "10.9.0.1"  # by a gateway on the link of p1


def from_2(build=udp, **fields):
    return 2, build(**{**FROM[2], **fields})


def with_knobs(name, rule, cases, port=1, **values):
    return [case(f"{name}_{n}", rule, *steps, knobs=knobs(**{f"p{port}": values}),
                 learns=any(word in n for word in TO_STRANGERS)) for n, steps in cases.items()]


# --- Redirects
RULE = "RFC 1812 5.2.7.2; Linux __mkroute_input(), ip_rt_send_redirect()"
REDIRECTS = {
    "gateway": [udp(dst=BACK)], "gateway_echo": [echo(dst=BACK)], "gateway_tcp": [tcp(dst=BACK)],
    "neighbour": [udp(dst="10.1.0.3")], "on_link_without_a_subnet": [udp(dst="10.6.0.0")],
    "not_known_yet": [udp(dst="10.1.0.231")],
    "ttl_1": [udp(dst=BACK, ttl=1)], "ttl_2": [udp(dst=BACK, ttl=2)], "tos": [udp(dst=BACK, tos=0x1D)],
    "large": [udp(dst=BACK, size=1472)], "fragment": [udp(dst=BACK, flags="MF")],
    "later_fragment": [udp(dst=BACK, frag=9)],
    "icmp_error": [icmp(3, 1, bytes(28), dst=BACK)], "icmp_redirect": [icmp(5, 1, bytes(28), dst=BACK)],
    "in_a_broadcast_frame": [udp(dst=BACK, eth=ether(dst=BROADCAST))],
    "sender_of_another_port": [udp(dst=BACK, src="10.2.0.9")],
    "sender_behind_another_port": [udp(dst=BACK, src="10.8.0.7")],
    "sender_behind_the_gateway": [udp(dst=BACK, src="10.9.0.7")],
    "sender_on_link_without_a_subnet": [udp(dst=BACK, src="10.6.0.7")],
    "sender_without_route": [udp(dst=BACK, src="172.16.0.9")],
    "sender_blackhole": [udp(dst=BACK, src="192.0.2.9")],
    "sender_broadcast": [udp(dst=BACK, src="10.1.0.255")],
    "sender_broadcast_of_another_port": [udp(dst=BACK, src="10.2.0.255")],
    "record_route": [with_options(udp(dst=BACK), "070704" + "00000000")],
    "other_way": [udp()],
    "twice_at_once": [f for f in [udp(dst=BACK)] for _ in range(2)],
    "two_senders": [udp(dst=BACK), udp(dst=BACK)],
    "p2_gateway": [from_2(dst="10.8.0.1", src="10.2.0.3")],
    "p2_from_second_subnet": [from_2(dst="10.8.0.1", src="10.2.1.2")],
    "p2_to_second_subnet": [from_2(dst="10.2.1.2", src="10.2.0.4")],
    "p2_within_second_subnet": [from_2(dst="10.2.1.3", src="10.2.1.4")],
}
SENT = [c for port in (1, 2) for c in [
    *with_knobs(f"send_redirects_p{port}_off", RULE, {n: s for n, s in REDIRECTS.items() if n.startswith("p2_") == (port == 2)},
                port, send_redirects=0),
    *with_knobs(f"send_redirects_p{port}_on", RULE, {n: s for n, s in REDIRECTS.items() if n.startswith("p2_") == (port == 2)},
                port, send_redirects=1)]]
# Another sender for each value: how many redirects one is worth depends on when they were sent.
APART = [c for v in (0, 1) for c in with_knobs(f"shared_media_{v}", f"{RULE}, inet_addr_onlink()", {
    "gateway": [from_2(dst="10.8.0.1", src=f"10.2.0.{5 + v}")],
    "from_second_subnet": [from_2(dst="10.8.0.1", src=f"10.2.1.{5 + v}")],
    "to_second_subnet": [from_2(dst="10.2.1.2", src=f"10.2.0.{7 + v}")],
    "neighbour": [from_2(dst="10.2.0.4", src=f"10.2.0.{2 + 7 * v}")],
    "within_second_subnet": [from_2(dst="10.2.1.2", src=f"10.2.1.{7 + v}")]}, 2, shared_media=v)]
APART += [c for v in (0, 1) for c in with_knobs(f"shared_media_{v}_p1", f"{RULE}, inet_addr_onlink()", {
    "on_link_without_a_subnet": [udp(dst="10.6.0.0")], "sender_on_link_without_a_subnet": [udp(dst=BACK, src=f"10.6.0.{8 + v}")]},
    1, shared_media=v)]
APART += [case("redirect_mask", "Linux icmpv4_mask_allow()", udp(dst=BACK),
               knobs=knobs(ip4={"icmp_ratemask": 1 << 5, "icmp_msgs_per_sec": 0}))]

# --- Broadcasts of subnets
FORWARDED = {
    "another_ports": [udp(dst="10.2.0.255")], "another_ports_second": [udp(dst="10.2.1.255")],
    "its_own": [udp(dst="10.1.0.255")], "its_own_in_a_broadcast_frame": [udp(dst="10.1.0.255", eth=ether(dst=BROADCAST))],
    "another_ports_in_a_broadcast_frame": [udp(dst="10.2.0.255", eth=ether(dst=BROADCAST))],
    "limited": [udp(dst="255.255.255.255")], "network": [udp(dst="10.2.0.0")],
    "echo": [echo(dst="10.2.0.255")], "large": [udp(dst="10.3.0.255", size=1472)],
    "from_another_port": [from_2(dst="10.3.0.255")], "ttl_2": [udp(dst="10.2.0.255", ttl=2)],
    "record_route": [with_options(udp(dst="10.2.0.255"), "070704" + "00000000")],
    "to_all_hosts": [ip4(ICMP(type=8), dst="224.0.0.1", eth=ether(dst="01:00:5e:00:00:01"))],
}
DIRECTED = [c for v in (0, 1) for c in with_knobs(f"bc_forwarding_{v}", "RFC 1812 5.3.5.2; Linux ip_route_input_slow()",
                                                  FORWARDED, bc_forwarding=v)]

# --- The way that the sender has written
LOOSE, STRICT = 131, 137


def way(kind, *stops, at=4, length=None):
    data = b"".join(bytes(int(x) for x in stop.split(".")) for stop in stops)
    return (bytes([kind, length or 3 + len(data), at]) + data).hex()


def by(build, *stops, at=4, kind=LOOSE, length=None, **fields):
    return [with_options(build(**{"dst": port_ip(1), **fields}), way(kind, *stops, at=at, length=length))]


H2, H3, GATEWAY, NOWHERE = host_ip(2), host_ip(3), "10.8.0.9", "172.16.0.1"
WAYS = {
    "to_a_host": [(H2,)], "two_stops": [(H2, H3)], "second_stop": [(NOWHERE, H2), 8], "by_a_gateway": [(GATEWAY,)],
    "own_first": [(port_ip(2), H2)], "own_only": [(port_ip(2),)], "own_twice": [(port_ip(2), port_ip(3), H3)],
    "own_then_nowhere": [(port_ip(3), NOWHERE)], "nowhere": [(NOWHERE,)], "blackhole": [("192.0.2.1",)],
    "unreachable": [("198.51.100.1",)], "broadcast": [("10.2.0.255",)], "multicast": [("224.0.0.5",)],
    "loopback": [("127.0.0.1",)], "zero": [("0.0.0.0",)], "all": [("255.255.255.255",)],
    "arrived": [(H2,), 8], "arrived_far": [(H2,), 255], "arrived_two": [("10.1.0.9", "10.1.0.8"), 12],
    "arrived_of_sender": [(host_ip(1), "10.1.0.8"), 12], "empty": [()], "odd_pointer": [(H2, H3), 5],
    "half_an_address": [(H2,), 6], "back_out": [("10.1.0.3",)], "back_out_by_a_gateway": [("10.9.0.1",)],
    "not_known": [("10.2.0.231",)]}
SOURCE_ROUTES = {}
for kind_name, kind in (("loose", LOOSE), ("strict", STRICT)):
    for n, (stops, *at) in WAYS.items():
        at = at[0] if at else 4
        SOURCE_ROUTES |= {f"{kind_name}_{n}": by(udp, *stops, at=at, kind=kind),
                          f"{kind_name}_{n}_echo": by(echo, *stops, at=at, kind=kind)}
    SOURCE_ROUTES |= {
        f"{kind_name}_of_others": by(udp, H3, kind=kind, dst=H2),
        f"{kind_name}_of_others_by_a_gateway": by(udp, H3, kind=kind, dst=GATEWAY),
        f"{kind_name}_of_others_done": by(udp, H3, at=8, kind=kind, dst=H2),
        f"{kind_name}_of_others_nowhere": by(udp, H3, kind=kind, dst=NOWHERE),
        f"{kind_name}_to_a_blackhole": by(udp, H3, kind=kind, dst="192.0.2.1"),
        f"{kind_name}_to_a_broadcast": by(udp, H3, kind=kind, dst="10.2.0.255"),
        f"{kind_name}_ttl_1": by(udp, H2, kind=kind, ttl=1),
        f"{kind_name}_own_then_ttl_1": by(udp, port_ip(2), H2, kind=kind, ttl=1),
        f"{kind_name}_of_others_ttl_1": by(udp, H3, kind=kind, dst=H2, ttl=1),
        f"{kind_name}_visited_ttl_1": by(udp, "10.1.0.9", H2, at=8, kind=kind, ttl=1),
        f"{kind_name}_df_large": by(udp, H3, kind=kind, flags="DF", size=1400),
        f"{kind_name}_fragmented": by(udp, H3, kind=kind, size=1400),
        f"{kind_name}_in_a_broadcast_frame": by(udp, H2, kind=kind, eth=ether(dst=BROADCAST)),
        f"{kind_name}_back_by_a_gateway_tcp": by(tcp, GATEWAY, at=8, kind=kind),
        f"{kind_name}_tcp_arrived": by(tcp, "10.1.0.9", at=8, kind=kind),
        f"{kind_name}_and_record_route": [with_options(udp(dst=port_ip(1)), way(kind, H2) + option_route)
                                          for option_route in ["01070704" + "00000000"]],
        f"{kind_name}_and_time": [with_options(udp(dst=port_ip(1)), way(kind, H2) + "01440c0501" + "00" * 8)],
        f"{kind_name}_arrived_and_record_route": [with_options(echo(dst=port_ip(1)), way(kind, "10.1.0.9", at=8) +
                                                               "01070b04" + "00" * 8)],
        f"{kind_name}_arrived_then_bad": [with_options(echo(dst=port_ip(1)), way(kind, "10.1.0.9", at=8) + "1e00")]}
SOURCE = [*with_knobs("accept_source_route_1", "RFC 1812 5.2.4.1; Linux ip_options_rcv_srr()", SOURCE_ROUTES,
                      accept_source_route=1),
          *with_knobs("accept_source_route_0", "Linux ip_rcv_options()",
                      {n: s for n, s in SOURCE_ROUTES.items() if n.startswith("strict_") and "own" not in n},
                      accept_source_route=0),
          *with_knobs("accept_source_route_1_strict", "Linux fib_validate_source() of each stop",
                      {"other_way": by(udp, H3, src=H2), "own_way": by(udp, H3)}, accept_source_route=1, rp_filter=1)]

CASES = SENT + APART + DIRECTED + SOURCE
