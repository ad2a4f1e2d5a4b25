# SPDX-License-Identifier: Apache-2.0
"""ICMP errors: which, from where, with how much in them, and about what never."""

from case import (FROM, ICMP, UDP, Raw, case, echo, ether, fresh, host_ip, host_mac, icmp, ip4, port_mac, tcp, udp,
                  with_options)

ERRORS = "RFC 1812 5.2.7.1; Linux ip_error"
SOURCE = "RFC 1812 4.3.2.4; Linux icmp_route_lookup"
QUOTE = "RFC 1812 4.3.2.3: up to 576 bytes"
TOS = "RFC 1812 4.3.2.5"
NEVER = "RFC 1812 4.3.2.7; Linux icmp_send"
NO_ROUTE = "172.16.0.1"

REFUSED = {"no_route": NO_ROUTE, "unreachable": "198.51.100.1", "prohibit": "203.0.113.1",
           "blackhole": "192.0.2.1"}
WHICH = [
    *[case(f"error_{n}", ERRORS, udp(dst=a)) for n, a in REFUSED.items()],
    *[case(f"error_{n}_ttl_1", "RFC 1812 5.2.7.3; Linux: no route is seen first", udp(dst=a, ttl=1))
      for n, a in REFUSED.items()],
    *[case(f"error_{n}_df_large", ERRORS, udp(dst=a, flags="DF", size=1472)) for n, a in REFUSED.items()],
    *[case(f"error_{n}_tcp", ERRORS, tcp(dst=a)) for n, a in REFUSED.items()],
    *[case(f"error_{n}_from_h2", SOURCE, (2, udp(dst=a, src="10.2.0.3", eth=FROM[2]["eth"])))
      for n, a in REFUSED.items()],
    *[case(f"error_{n}_from_h3", SOURCE, (3, udp(dst=a, src="10.3.0.3", eth=FROM[3]["eth"])))
      for n, a in REFUSED.items()],
    case("error_ttl_expired", "RFC 1812 5.3.1", udp(ttl=1)),
    case("error_ttl_expired_back_out_of_the_port", "RFC 1812 5.3.1", udp(ttl=1, dst="10.9.0.1")),
]


def ttl_1(source, **fields):
    return udp(src=source, ttl=1, **fields)


FROM_H2 = ether(src=host_mac(2), dst=port_mac(2))
FROM_H3 = ether(src=host_mac(3), dst=port_mac(3))
SOURCES = [
    case("error_source_second_subnet", SOURCE, (2, ttl_1("10.2.1.2", dst=host_ip(1), eth=FROM_H2))),
    case("error_source_of_a_31", SOURCE, (3, ttl_1("10.3.1.1", dst=host_ip(1), eth=FROM_H3))),
    case("error_source_by_the_gateway", SOURCE, (2, ttl_1("10.8.0.7", dst=host_ip(1), eth=FROM_H2))),
    case("error_source_is_of_the_way_out", f"{SOURCE}: icmp_errors_use_inbound_ifaddr 0",
         ttl_1("10.2.0.4", dst=host_ip(3))),
    case("error_source_of_the_way_out_by_route", SOURCE, ttl_1("10.8.1.7")),
    case("error_to_p2s_second_subnet", SOURCE, ttl_1("10.2.1.2", dst=host_ip(3))),
    case("error_without_a_way_back", NEVER, ttl_1("172.16.0.9")),
    case("error_way_back_is_a_blackhole", NEVER, ttl_1("192.0.2.9")),
    case("error_way_back_is_unreachable", NEVER, ttl_1("198.51.100.9")),
    case("no_route_and_no_way_back", NEVER, udp(src="172.16.0.9", dst="172.16.0.1")),
]

QUOTES = [
    *[case(f"error_quote_{n}", QUOTE, ip4(Raw(bytes(i & 0xFF for i in range(n - 20))), proto=17, ttl=1),
           level="should") for n in (20, 21, 27, 28, 29, 100, 547, 548, 549, 576, 1500)],
    case("error_quote_padded", "RFC 1812 4.3.2.3: the packet, not its padding", udp(size=1, ttl=1) + bytes(17)),
    case("error_quote_bad_udp_checksum", QUOTE, ip4(UDP(chksum=0xBAD) / Raw(b"12345678"), ttl=1)),
    case("error_quote_flags_and_id", QUOTE, udp(ttl=1, id=0xBEEF, flags="DF")),
    case("error_quote_ttl_0", QUOTE, udp(ttl=0)),
    *[case(f"error_precedence_{t:02x}", TOS, udp(ttl=1, tos=t), level="should") for t in (0x01, 0x20, 0xC0, 0xE0)],
    *[case(f"error_tos_{t:02x}", TOS, udp(ttl=1, tos=t), level="should")
      for t in (0x02, 0x03, 0x04, 0x10, 0x1C, 0xB8, 0xFF)],
    *[case(f"error_tos_{t:02x}_no_route", TOS, udp(dst=NO_ROUTE, tos=t), level="should")
      for t in (0x03, 0x10, 0xB8)],
    *[case(f"error_about_options_{n}", "RFC 1122 3.2.2.1; Linux icmp_send echoes them",
           with_options(udp(ttl=1), o), level="report")
      for n, o in {"nops": "01010101", "unknown": "1e041122", "router_alert": "94040000",
                   "record_route": "070b04" + "00" * 8}.items()],
]

inner = udp(src=host_ip(2))[14:]
KINDS = {0: "echo_reply", 3: "unreachable", 4: "source_quench", 5: "redirect", 8: "echo", 11: "time_exceeded",
         12: "parameter_problem", 13: "timestamp", 14: "timestamp_reply", 15: "information", 17: "mask_request",
         18: "mask_reply"}
# Linux takes each type that it does not know for an error (icmp_pointers, NR_ICMP_TYPES).
UNKNOWN_KINDS = (1, 6, 9, 10, 19, 30, 40, 41, 42, 43, 127, 255)
ABOUT = [
    *[case(f"error_about_icmp_{n}_{name}", NEVER, icmp(n, 0, inner, ttl=1)) for n, name in KINDS.items()],
    *[case(f"error_about_unknown_icmp_{n}", NEVER, icmp(n, 0, inner, ttl=1), level="report")
      for n in UNKNOWN_KINDS],
    *[case(f"no_route_about_icmp_{n}_{KINDS[n]}", NEVER, icmp(n, 0, inner, dst=NO_ROUTE))
      for n in (3, 5, 8, 11, 12)],
    case("error_about_icmp_without_a_type", NEVER, ip4(b"", proto=1, ttl=1)),
    case("error_about_icmp_of_one_byte", NEVER, ip4(Raw(b"\x08"), proto=1, ttl=1)),
    case("error_about_icmp_error_of_one_byte", NEVER, ip4(Raw(b"\x03"), proto=1, ttl=1)),
    case("error_about_icmp_error_with_options", NEVER, with_options(icmp(3, 1, inner, ttl=1), "01010101")),
    case("error_about_first_fragment", NEVER, ip4(Raw(bytes(64)), proto=17, flags="MF", ttl=1)),
    case("error_about_later_fragment", NEVER, ip4(Raw(bytes(64)), proto=17, frag=10, ttl=1)),
    case("error_about_middle_fragment", NEVER, ip4(Raw(bytes(64)), proto=17, frag=10, flags="MF", ttl=1)),
    case("error_about_fragment_no_route", NEVER, ip4(Raw(bytes(64)), proto=17, frag=10, dst=NO_ROUTE)),
    case("error_about_first_fragment_of_icmp_error", NEVER,
         ip4(ICMP(type=3) / Raw(bytes(60)), flags="MF", ttl=1)),
    case("error_about_echo_no_route", NEVER, echo(dst=NO_ROUTE)),
    case("error_about_the_same_thrice", "Linux error_burst 5; vethway 6",
         *[udp(src=source, dst=NO_ROUTE, id=n) for source in [fresh()] for n in range(3)]),
]

CASES = WHICH + SOURCES + QUOTES + ABOUT
