# SPDX-License-Identifier: Apache-2.0
"""Routes beyond one gateway: several next hops, next hops with a number, gateways outside of the subnets,
scopes, metrics, preferred sources, throw."""

from case import ICMP, Raw, case, echo, icmp, ip4, tcp, udp

MULTIPATH = "RFC 2992; Linux fib_select_multipath"
GATEWAY = "Linux fib_check_nh_v4_gw"
NUMBERED = "Linux net/ipv4/nexthop.c"


def asks(name, rule, *steps):
    return case(f"routes_{name}", rule, *steps, learns=True)


CASES = [
    *[case(f"routes_multipath_{n}", MULTIPATH, udp(dst=f"10.20.0.{n}")) for n in range(1, 5)],
    case("routes_multipath_tcp", MULTIPATH, tcp(dst="10.20.0.1")),
    case("routes_multipath_fragments", MULTIPATH,
         ip4(Raw(bytes(64)), proto=17, flags="MF", dst="10.20.0.1"), ip4(Raw(bytes(64)), proto=17, frag=8,
                                                                         dst="10.20.0.1")),
    case("routes_multipath_icmp_error", MULTIPATH,
         icmp(3, 4, udp(src="10.20.0.1", dst="10.1.0.2")[14:42], dst="10.20.0.1")),
    case("routes_multipath_short_icmp_error", MULTIPATH, ip4(ICMP(type=3, code=1), dst="10.20.0.1")),
    case("routes_multipath_ttl_1", MULTIPATH, udp(dst="10.20.0.1", ttl=1)),
    case("routes_multipath_answer", MULTIPATH, echo(src="10.20.0.1", dst="10.1.0.1")),
    case("routes_throw", "rtnetlink(7) RTN_THROW: no route here", udp(dst="10.8.5.1")),
    case("routes_beside_throw", "rtnetlink(7) RTN_THROW", udp(dst="10.8.4.1")),
    asks("onlink_gateway", GATEWAY, udp(dst="10.21.0.1")),
    asks("onlink_gateway_for_an_answer", GATEWAY, echo(src="10.21.0.1", dst="10.1.0.1")),
    case("routes_on_the_link", GATEWAY, udp(dst="10.22.0.2")),
    asks("on_the_link_unknown", GATEWAY, udp(dst="10.22.0.7")),
    asks("gateway_on_a_link_route", GATEWAY, udp(dst="10.23.0.1")),
    asks("on_the_link_scope_global", GATEWAY, udp(dst="10.24.0.7")),
    case("routes_src_forwarded", "ip-route(8) src: only for packets of our own", udp(dst="10.25.0.1")),
    case("routes_src_of_an_error", "Linux icmp_route_lookup: the route's preferred source",
         udp(src="10.25.0.7", ttl=1)),
    case("routes_src_of_an_answer", "RFC 1122 3.2.2.6: from the address that was asked",
         echo(src="10.25.0.7", dst="10.1.0.1")),
    case("routes_metric", "the lowest metric", udp(dst="10.26.0.1")),
    case("routes_nhid", NUMBERED, udp(dst="10.27.0.1")),
    case("routes_nhid_error", NUMBERED, udp(src="10.27.0.7", ttl=1)),
    case("routes_nhid_blackhole", NUMBERED, udp(dst="10.28.0.1")),
    *[case(f"routes_nhid_group_{n}", NUMBERED, udp(dst=f"10.29.0.{n}")) for n in range(1, 4)],
    asks("nhid_onlink", NUMBERED, udp(dst="10.30.0.1")),
    case("routes_slash_32_own", "RFC 1812 5.2.3", echo(dst="10.3.2.1")),
    case("routes_slash_32_is_alone", "RFC 1812 5.2.4: nobody else on its link", udp(dst="10.3.2.2")),
    case("routes_slash_31_peer", "RFC 3021", udp(dst="10.3.1.1")),
]
