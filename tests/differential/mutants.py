# SPDX-License-Identifier: Apache-2.0
"""Routers that are wrong on purpose. Each is a kernel with something changed, compared with a kernel
without; the comparison must notice, and only where the change can be seen."""

import dataclasses

from topology import NEIGHBOURS


@dataclasses.dataclass(frozen=True)
class Mutant:
    """changes: commands in the router's namespace. caught: cases that must differ, same: cases that must not."""
    name: str
    changes: tuple
    caught: tuple
    same: tuple = ("echo_to_10.1.0.1", "arp_request_for_own", "ip_plain", "error_ttl_expired")


def mutant(name, *changes, caught, same=Mutant.same):
    return Mutant(f"mutant_{name}", changes, tuple(caught), tuple(same))


ECHO, ARP, PLAIN, TTL = Mutant.same
UDP_5000 = "protocol ip u32 match ip protocol 17 0xff match ip dport 5000 0xffff"
INGRESS = "tc qdisc add dev {0} clsact"

MUTANTS = [
    mutant("none", caught=()),
    mutant("mac_of_p2", "ip link set p2 address 02:00:00:00:02:99",  # which forgets even permanent neighbours
           *(f"ip neigh replace {a} lladdr {mac} dev p2 nud permanent" for a, mac, n in NEIGHBOURS if n == 2),
           caught=[PLAIN], same=[ECHO, ARP, TTL]),
    mutant("mac_of_neighbour", "ip neigh replace 10.2.0.2 lladdr 02:00:00:00:02:03 dev p2 nud permanent",
           caught=[PLAIN], same=[ECHO, ARP, TTL]),
    mutant("mtu_of_p3", "ip link set p3 mtu 1400", caught=["mtu_1402_df", "mtu_1402", "mtu_1403_df"]),
    mutant("missing_route", "ip route del 10.8.1.0/24", caught=["route_more_specific"]),
    mutant("missing_host_route", "ip route del 10.8.1.9/32", caught=["route_host_route"]),
    mutant("missing_throw", "ip route del throw 10.8.5.0/24", caught=["routes_throw"]),
    mutant("another_preferred_source", "ip route replace 10.25.0.0/16 via 10.2.0.2 src 10.2.0.1",
           caught=["routes_src_of_an_error"], same=[*Mutant.same, "routes_src_forwarded"]),
    mutant("nexthop_replaced", "ip nexthop replace id 2 via 10.2.0.2 dev p2", caught=["routes_nhid"]),
    mutant("default_route", "ip route add default via 10.2.0.2", caught=["error_no_route"]),
    mutant("prohibit_is_unreachable", "ip route replace unreachable 203.0.113.0/24", caught=["error_prohibit"]),
    mutant("missing_address", "ip address del 10.2.1.1/24 dev p2", caught=["echo_to_10.2.1.1"]),
    mutant("ttl_not_decremented", INGRESS.format("p1"),
           f"tc filter add dev p1 ingress {UDP_5000} action mirred egress redirect dev p2",
           caught=[PLAIN, TTL], same=[ECHO, ARP]),
    mutant("frames_twice", INGRESS.format("p2"),
           f"tc filter add dev p2 egress {UDP_5000} action mirred egress mirror dev p2",
           caught=[PLAIN], same=[ECHO, ARP, TTL]),
    mutant("a_copy_on_another_port", INGRESS.format("p2"),
           f"tc filter add dev p2 egress {UDP_5000} action mirred egress mirror dev p3",
           caught=[PLAIN], same=[ECHO, ARP, TTL]),
    mutant("own_ttl", "sysctl -qw net.ipv4.ip_default_ttl=63", caught=[ECHO], same=[PLAIN, ARP]),
    mutant("echo_not_answered", "sysctl -qw net.ipv4.icmp_echo_ignore_all=1", caught=[ECHO],
           same=[PLAIN, ARP, TTL]),
    mutant("broadcast_echo_answered", "sysctl -qw net.ipv4.icmp_echo_ignore_broadcasts=0",
           caught=["echo_to_subnet_broadcast", "echo_to_all_hosts"]),
    mutant("error_source", "sysctl -qw net.ipv4.icmp_errors_use_inbound_ifaddr=1",
           caught=["error_source_is_of_the_way_out"]),
    mutant("redirects", "sysctl -qw net.ipv4.conf.p1.send_redirects=0", caught=["route_to_the_own_subnet"],
           same=[PLAIN, ARP]),
    mutant("rp_filter", "sysctl -qw net.ipv4.conf.all.rp_filter=1", caught=["ip_source_of_another_port"]),
    mutant("accept_local", "sysctl -qw net.ipv4.conf.all.accept_local=1",
           caught=["ip_source_own_of_another_port"]),
    mutant("bc_forwarding", "sysctl -qw net.ipv4.conf.all.bc_forwarding=1 net.ipv4.conf.p1.bc_forwarding=1 "
           "net.ipv4.conf.p2.bc_forwarding=1", caught=["ip_broadcast_of_another_port_unicast_frame"]),
    mutant("arp_ignore", "sysctl -qw net.ipv4.conf.all.arp_ignore=1",
           caught=["arp_request_for_own_on_another_port"]),
    mutant("arp_accept", "sysctl -qw net.ipv4.conf.p1.arp_accept=1",
           caught=["arp_learns_not_from_gratuitous_request"]),
    mutant("proxy_arp", "sysctl -qw net.ipv4.conf.p1.proxy_arp=1 net.ipv4.neigh.p1.proxy_delay=0",
           caught=["arp_request_for_itself_behind_another_port"]),
    mutant("arp_announce", "sysctl -qw net.ipv4.conf.all.arp_announce=2",
           caught=["resolve_for_an_echo_reply_of_another_address"]),
    mutant("source_routes", "sysctl -qw net.ipv4.conf.all.accept_source_route=1 "
           "net.ipv4.conf.p1.accept_source_route=1", caught=["options_to_us_loose"]),
]
