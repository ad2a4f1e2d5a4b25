# SPDX-License-Identifier: Apache-2.0
"""ICMP with the knobs of net.ipv4 turned (Documentation/networking/ip-sysctl.rst, net/ipv4/icmp.c)."""

from case import (BROADCAST, FROM, case, echo, ether, fresh, host_ip, icmp, ip4, knobs, port_ip, tcp, udp)

TO_ALL = ether(dst=BROADCAST)
TO_ALL_HOSTS = ether(dst="01:00:5e:00:00:01")
NO_ROUTE = "172.16.0.1"


def timestamp(**fields):
    return icmp(13, 0, bytes(12), **fields)


def with_knobs(name, rule, cases, **values):
    return [case(f"{name}_{n}", rule, *steps, knobs=knobs(ip4=values)) for n, steps in cases.items()]


# --- The TTL of what the router itself sends
OWN = {"echo_reply": [echo(dst=port_ip(1))], "timestamp_reply": [timestamp(dst=port_ip(1))],
       "tcp_reset": [tcp(dst=port_ip(1))], "port_unreachable": [udp(dst=port_ip(1))],
       "time_exceeded": [udp(ttl=1)], "no_route": [udp(dst=NO_ROUTE)], "forwarded": [udp(ttl=9)]}


def redirect():
    """From another sender each time: how many redirects one is worth depends on when they were sent."""
    return {"redirect": [udp(dst="10.9.0.1")]}


TTLS = [c for v in (1, 77, 255) for c in with_knobs(f"ip_default_ttl_{v}", "Linux ip4_dst_hoplimit()", OWN | redirect(),
                                                   ip_default_ttl=v)]

# --- Who is answered at all
ECHO = {"own": [echo(dst=port_ip(1))], "of_another_port": [echo(dst=port_ip(2))], "timestamp": [timestamp(dst=port_ip(1))],
        "forwarded": [echo()], "reply": [icmp(0, dst=port_ip(1))]}
IGNORES = [c for v in (0, 1) for c in with_knobs(f"icmp_echo_ignore_all_{v}", "Linux icmp_echo()", ECHO,
                                                icmp_echo_ignore_all=v)]

GROUPS = {"subnet": ("10.1.0.255", TO_ALL), "subnet_in_a_unicast_frame": ("10.1.0.255", ether()),
          "another_ports_subnet": ("10.2.0.255", ether()), "limited": ("255.255.255.255", TO_ALL),
          "limited_in_a_unicast_frame": ("255.255.255.255", ether()), "all_hosts": ("224.0.0.1", TO_ALL_HOSTS),
          "all_routers": ("224.0.0.2", ether(dst="01:00:5e:00:00:02")),
          "a_group": ("224.0.0.5", ether(dst="01:00:5e:00:00:05")), "network": ("10.1.0.0", TO_ALL)}
TO_GROUPS = {f"{kind}_{n}": [build(dst=a, eth=eth)] for n, (a, eth) in GROUPS.items()
             for kind, build in (("echo", echo), ("timestamp", timestamp), ("udp", udp), ("tcp", tcp))}
TO_GROUPS |= {
    "echo_reply_subnet": [icmp(0, dst="10.1.0.255", eth=TO_ALL)],
    "unreachable_subnet": [icmp(3, 1, bytes(28), dst="10.1.0.255", eth=TO_ALL)],
    "proto_99_subnet": [ip4(proto=99, dst="10.1.0.255", eth=TO_ALL)],
    "echo_from_behind_p2": [echo(src=host_ip(2), dst="10.1.0.255", eth=TO_ALL)],
    "echo_from_behind_a_gateway": [echo(src="10.8.0.7", dst="10.1.0.255", eth=TO_ALL)],
    "echo_without_a_way_back": [echo(src="172.16.0.9", dst="10.1.0.255", eth=TO_ALL)],
    "echo_ttl_1": [echo(dst="10.1.0.255", eth=TO_ALL, ttl=1)],
    "echo_p2_second_subnet": [(2, echo(src="10.2.1.2", dst="10.2.1.255", eth=ether(
        src=FROM[2]["eth"].src, dst=BROADCAST)))],
    "echo_p2_second_subnet_limited": [(2, echo(src="10.2.1.2", dst="255.255.255.255", eth=ether(
        src=FROM[2]["eth"].src, dst=BROADCAST)))],
}
BROADCASTS = [c for v in (0, 1) for c in with_knobs(
    f"icmp_echo_ignore_broadcasts_{v}", "RFC 1122 3.2.2.6; Linux icmp_rcv(), fib_compute_spec_dst()", TO_GROUPS,
    icmp_echo_ignore_broadcasts=v)]
BROADCASTS += with_knobs("icmp_echo_ignore_all_and_broadcasts_0", "Linux icmp_echo()", {
    n: TO_GROUPS[n] for n in ("echo_subnet", "timestamp_subnet")}, icmp_echo_ignore_broadcasts=0, icmp_echo_ignore_all=1)

# --- Where errors come from
INBOUND = {
    "ttl_from_p2s_subnet": [udp(src="10.2.0.4", dst=host_ip(3), ttl=1)],
    "ttl_from_p2s_second_subnet": [udp(src="10.2.1.2", dst=host_ip(3), ttl=1)],
    "ttl_from_its_own": [udp(ttl=1)], "ttl_behind_a_gateway": [udp(src="10.8.0.7", dst=host_ip(3), ttl=1)],
    "no_route_from_p2s_subnet": [udp(src="10.2.0.5", dst=NO_ROUTE)],
    "unreachable_from_p2s_subnet": [udp(src="10.2.0.6", dst="198.51.100.1")],
    "port_unreachable": [udp(src="10.2.0.7", dst=port_ip(3))],
    "frag_needed": [udp(src="10.2.0.8", dst=host_ip(3), size=1472, flags="DF")],
    "into_p2": [(2, udp(src=host_ip(1), dst=host_ip(3), ttl=1, eth=FROM[2]["eth"]))],
    "into_p2_second_subnet": [(2, udp(src="10.2.1.2", dst=host_ip(3), ttl=1, eth=FROM[2]["eth"]))],
}
SOURCES = [c for v in (0, 1) for c in with_knobs(f"icmp_errors_use_inbound_ifaddr_{v}", "Linux __icmp_send()",
                                                INBOUND | redirect(), icmp_errors_use_inbound_ifaddr=v)]


# --- How many
def many(build, n=9, **fields):
    return [build(src=source, **fields) for source in [fresh()] for _ in range(n)]


def limited(name, rule, steps, **values):
    """Each step is sent at once after the one before: nothing accrues meanwhile."""
    return case(f"icmp_limit_{name}", rule, *steps, knobs=knobs(ip4={"icmp_ratelimit": 1000, **values}))


HOST, MASK = "Linux inet_peer_xrlim_allow(): six at once; ip_error(): five", "Linux icmpv4_mask_allow()"
LIMITS = [
    # Before any other: what the kernel has saved up for all hosts is at random from then on.
    limited("none_a_second", "Linux icmp_global_allow()", many(udp, dst=NO_ROUTE), icmp_ratemask=6168,
            icmp_msgs_per_sec=0, icmp_ratelimit=0),
    limited("none_a_second_of_others", MASK, many(echo, dst=port_ip(1)), icmp_ratemask=6168, icmp_msgs_per_sec=0),
    limited("unreachable", HOST, many(udp, dst=NO_ROUTE), icmp_ratemask=6168),
    limited("time_exceeded", HOST, many(udp, ttl=1), icmp_ratemask=6168),
    limited("parameter_problem", HOST, many(ip4, options=b"\x07\x03\x03\x00"), icmp_ratemask=6168),
    limited("port_unreachable", HOST, many(udp, dst=port_ip(1)), icmp_ratemask=6168),
    limited("frag_needed", "Linux icmpv4_mask_allow(): path MTU discovery is not held up",
            many(udp, dst=host_ip(3), size=1472, flags="DF"), icmp_ratemask=6168),
    limited("ratelimit_0", HOST, many(udp, dst=NO_ROUTE), icmp_ratemask=6168, icmp_ratelimit=0),
    limited("mask_0", MASK, many(udp, dst=NO_ROUTE), icmp_ratemask=0),
    limited("mask_of_others", MASK, many(udp, dst=NO_ROUTE), icmp_ratemask=1 << 11),
    limited("echo_reply", MASK, many(echo, dst=port_ip(1)), icmp_ratemask=1),
    limited("echo_reply_not", MASK, many(echo, dst=port_ip(1)), icmp_ratemask=6168),
    limited("timestamp_reply", MASK, many(timestamp, dst=port_ip(1)), icmp_ratemask=1 << 14),
    limited("a_minute", "Linux inet_getpeer(): a minute's tokens at first", many(udp, ttl=1), icmp_ratemask=6168,
            icmp_ratelimit=60_000),
    limited("two_minutes", "Linux inet_getpeer(): a minute's tokens at first", many(udp, ttl=1), icmp_ratemask=6168,
            icmp_ratelimit=120_000),
    limited("unreachable_then_time_exceeded", "one bucket", [f for source in [fresh()] for f in [
        *[udp(src=source, dst=NO_ROUTE)] * 5, *[udp(src=source, ttl=1)] * 9]], icmp_ratemask=6168),
    limited("redirect_then_time_exceeded", "Linux ip_rt_send_redirect(): it takes the tokens",
            [f for source in [fresh()] for f in [udp(src=source, dst="10.9.0.1"), *[udp(src=source, ttl=1)] * 3]],
            icmp_ratemask=6168),
    limited("two_hosts", HOST, [f for pair in zip(many(udp, dst=NO_ROUTE), many(udp, dst=NO_ROUTE)) for f in pair],
            icmp_ratemask=6168),
]

CASES = LIMITS + TTLS + IGNORES + BROADCASTS + SOURCES
