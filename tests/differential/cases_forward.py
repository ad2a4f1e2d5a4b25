# SPDX-License-Identifier: Apache-2.0
"""Forwarding: what is changed in a packet and what not, which way it goes, and the MTU of that way."""

from case import (FROM, ICMP, TCP, UDP, Raw, case, echo, ether, host_ip, host_mac, icmp, ip4, knobs, patched, port_mac,
                  tcp, udp, with_options)
from scapy.utils import checksum
from topology import PORTS

SMALL = host_ip(3)  # behind p3
MTU = PORTS[3].mtu
KEPT = "RFC 1812 5.2.2, 5.3.1: nothing else is changed"
LPM = "RFC 1812 5.2.4.3"
FRAGMENT = "RFC 791 3.2 fragmentation; RFC 1812 4.2.2.7; Linux ip_do_fragment"
NEEDED = "RFC 1191 4; Linux ip_forward: ip_exceeds_mtu"


def numbered(size):
    return Raw(bytes(i * 7 & 0xFF for i in range(size)))


def sized(total, **fields):
    """A packet of so many bytes to the small port."""
    return ip4(UDP(sport=4000, dport=5000, chksum=0x1234) / numbered(total - 28), dst=SMALL, **fields)


def pseudo_only(frame, protocol, at):
    """The frame with a checksum as a sender leaves it to its network card: of the pseudo header alone."""
    size = len(frame) - 34
    return patched(frame, at, (~checksum(frame[26:34] + bytes([0, protocol]) + size.to_bytes(2, "big"))
                               & 0xFFFF).to_bytes(2, "big"))


PACKETS = [
    *[case(f"forward_ttl_{n}", "RFC 1812 5.3.1; Linux ip_forward", udp(ttl=n))
      for n in (0, 1, 2, 3, 64, 128, 255)],
    *[case(f"forward_tos_{n:02x}", "RFC 2474; RFC 3168 5: ECN kept", udp(tos=n))
      for n in (0x01, 0x02, 0x03, 0x04, 0x10, 0x1E, 0x20, 0xB8, 0xC0, 0xE0, 0xFF)],
    case("forward_df_kept", KEPT, udp(flags="DF")),
    case("forward_id_ffff", KEPT, udp(id=0xFFFF)),
    *[case(f"forward_protocol_{n}", KEPT, ip4(numbered(40), proto=n))
      for n in (0, 1, 2, 4, 6, 17, 41, 47, 50, 89, 132, 255)],
    case("forward_tcp", KEPT, tcp(sport=1, dport=80, flags="SEC")),
    case("forward_tcp_data", KEPT, ip4(TCP(flags="PA", seq=7) / numbered(999))),
    case("forward_echo", KEPT, echo(size=56)),
    case("forward_echo_reply", KEPT, ip4(ICMP(type=0) / numbered(8))),
    case("forward_icmp_error", KEPT, icmp(3, 1, udp(src=host_ip(2))[14:42])),
    case("forward_redirect", KEPT, icmp(5, 1, udp(src=host_ip(2))[14:42])),
    case("forward_bad_udp_checksum", KEPT, ip4(UDP(chksum=0xBAD) / numbered(9))),
    case("forward_no_udp_checksum", KEPT, ip4(UDP(chksum=0) / numbered(9))),
    case("forward_sctp_crc_zero", KEPT, ip4(Raw(bytes(40)), proto=132)),
    case("forward_udp_checksum_of_pseudo_header", KEPT, pseudo_only(udp(), 17, 40)),
    case("forward_tcp_checksum_of_pseudo_header", KEPT, pseudo_only(tcp(), 6, 50)),
    case("forward_first_fragment", KEPT, ip4(numbered(64), proto=17, flags="MF")),
    case("forward_later_fragment", KEPT, ip4(numbered(64), proto=17, frag=185)),
    case("forward_last_possible_fragment", KEPT, ip4(numbered(8), proto=17, frag=8190)),
    case("forward_fragment_past_65535", "RFC 791; Linux forwards it", ip4(numbered(64), proto=17, frag=8190),
         level="report"),
    case("forward_fragment_with_df", KEPT, ip4(numbered(64), proto=17, frag=10, flags="MF+DF")),
    case("forward_odd_fragment", "Linux forwards it", ip4(numbered(61), proto=17, flags="MF"), level="report"),
    case("forward_two_in_order", KEPT, udp(id=1), udp(id=2)),
    case("forward_same_twice", KEPT, udp(src="10.1.0.2", id=3), udp(src="10.1.0.2", id=3)),
]

WAYS = {"wide": "10.8.0.1", "more_specific": "10.8.1.1", "host_route": "10.8.1.9",
        "after_more_specific": "10.8.4.1",
        "23_first_half": "10.8.2.1", "23_second_half": "10.8.3.255", "25_inside": "10.8.2.200",
        "25_first": "10.8.2.128", "25_last": "10.8.2.255", "before_25": "10.8.2.127", "last_of_16": "10.8.255.255",
        "past_16": "10.10.0.1", "second_subnet": "10.2.1.2", "back_out": "10.9.0.1"}
ROUTES = [
    *[case(f"route_{n}", LPM, udp(dst=a)) for n, a in WAYS.items()],
    # How many redirects one sender is worth depends on when they were sent.
    *[case(f"route_{n}_from_h2", LPM, (2, udp(dst=a, **FROM[2])), knobs=knobs(p2={"send_redirects": 0}))
      for n, a in WAYS.items()],
    case("route_to_the_own_subnet", "RFC 1812 5.2.7.2: no redirects here", udp(dst="10.1.0.3")),
    case("route_gateway_itself", LPM, udp(dst="10.3.0.2")),
]

SIZES = (MTU - 2, MTU - 1, MTU, MTU + 1, MTU + 2, 1499, 1500)
LATER = {"frag": 100, "proto": 17}
WAY_BACK = {"dst": host_ip(1), "eth": ether(src=host_mac(3), dst=port_mac(3))}
MTUS = [
    *[case(f"mtu_{n}_df", NEEDED, sized(n, flags="DF")) for n in SIZES],
    *[case(f"mtu_{n}", FRAGMENT, sized(n)) for n in SIZES],
    case("mtu_df_ttl_1", "RFC 1812 5.3.1 before 5.2.6; Linux ip_forward", sized(1500, flags="DF", ttl=1)),
    case("mtu_df_ttl_2", NEEDED, sized(1500, flags="DF", ttl=2)),
    case("mtu_df_tos", "RFC 1812 4.3.2.5", sized(1500, flags="DF", tos=0xB8), level="should"),
    case("mtu_df_later_fragment", "RFC 1812 4.3.2.7", ip4(numbered(1480), dst=SMALL, flags="DF", **LATER)),
    case("mtu_df_icmp_error", "RFC 1812 4.3.2.7", icmp(3, 3, bytes(1472), dst=SMALL, flags="DF")),
    case("mtu_df_echo", NEEDED, echo(size=1472, dst=SMALL, flags="DF")),
    case("mtu_df_and_padding", "RFC 1812 5.2.2: length is the header's", sized(MTU, flags="DF") + bytes(90)),
    case("mtu_tcp", FRAGMENT, ip4(TCP(flags="A", seq=9) / numbered(1460), dst=SMALL)),
    case("mtu_by_route", FRAGMENT, ip4(numbered(1480), proto=17, dst="10.8.1.1")),
    case("mtu_by_route_df", NEEDED, ip4(numbered(1480), proto=17, dst="10.8.1.1", flags="DF")),
    case("mtu_from_h2", NEEDED, (2, udp(size=1472, dst=SMALL, flags="DF", **FROM[2]))),
    case("mtu_of_the_ingress_does_not_matter", NEEDED, (3, udp(size=MTU - 28, src=SMALL, flags="DF", **WAY_BACK))),
    # veth itself lets 4 bytes more than its MTU in (is_skb_forwardable); IP has no word against it.
    case("mtu_larger_than_the_ingress", "Linux ip_rcv: no MTU on input",
         (3, udp(size=MTU + 4 - 28, src=SMALL, **WAY_BACK)), level="report"),
]

WHOLE = {"proto": 17, "dst": SMALL}
REFRAGMENTED = [
    case("fragment_first", FRAGMENT, ip4(numbered(1480), flags="MF", **WHOLE)),
    case("fragment_middle", FRAGMENT, ip4(numbered(1480), flags="MF", frag=185, **WHOLE)),
    case("fragment_last", FRAGMENT, ip4(numbered(1480), frag=370, **WHOLE)),
    case("fragment_last_odd", FRAGMENT, ip4(numbered(1479), frag=370, **WHOLE)),
    case("fragment_odd_with_more_to_come", "Linux ip_do_fragment", ip4(numbered(1479), flags="MF", **WHOLE),
         level="report"),
    case("fragment_past_65535", "Linux ip_do_fragment", ip4(numbered(1480), frag=8191, **WHOLE), level="report"),
    case("fragment_ends_at_65535", FRAGMENT, ip4(numbered(1480), frag=8006, **WHOLE)),
    case("fragment_tos_kept", "RFC 3168 5.3", ip4(numbered(1480), tos=0xBB, **WHOLE)),
    case("fragment_ce_kept", "RFC 3168 5.3", ip4(numbered(1480), tos=3, **WHOLE)),
    case("fragment_reserved_flag", "RFC 791", ip4(numbered(1480), flags="evil", **WHOLE), level="report"),
    case("fragment_id_zero", FRAGMENT, ip4(numbered(1480), id=0, **WHOLE)),
    case("fragment_ttl_2", FRAGMENT, ip4(numbered(1480), ttl=2, **WHOLE)),
    case("fragment_ttl_1", "RFC 1812 5.3.1", ip4(numbered(1480), ttl=1, **WHOLE)),
    case("fragment_padded", FRAGMENT, ip4(numbered(1400), **WHOLE) + bytes(80)),
    case("fragment_only_by_padding", "RFC 1812 5.2.2", ip4(numbered(MTU - 20), **WHOLE) + bytes(98)),
    case("fragment_bad_checksum", "RFC 1812 5.2.2", patched(ip4(numbered(1480), **WHOLE), 24, b"\x12\x34")),
]

# 0x80: copied into each fragment. 30/158 and 82/222 mean nothing to a router.
KEPT_OPTIONS = {"copied": "9e041122", "full_header": "9e28" + "aa" * 38, "stream_id": "88041234",
                "security": "820b" + "00" * 9}
OPTIONS = {"nops": "01010101", "not_copied": "1e041122", "both": "9e0411221e043344",
           "not_copied_first": "1e0433449e041122", "nop_between": "01019e04112201011e043344",
           "after_end": "00000000",
           "full_header_not_copied": "1e28" + "bb" * 38,
           "odd_copied": "9e031101"}
FRAGMENT_OPTIONS = [
    *[case(f"fragment_all_copied_{n}", "RFC 791 3.2: copied flag", with_options(ip4(numbered(1430), **WHOLE), o))
      for n, o in KEPT_OPTIONS.items()],
    *[case(f"fragment_options_{n}", "RFC 791 3.2: copied flag; Linux ip_options_fragment",
           with_options(ip4(numbered(1430), **WHOLE), o), level="report") for n, o in OPTIONS.items()],
    case("fragment_options_of_a_later_fragment", "RFC 791 3.2",
         with_options(ip4(numbered(1424), frag=10, flags="MF", **WHOLE), "9e0411221e043344")),
    case("fragment_options_make_it_too_large", FRAGMENT,
         with_options(ip4(numbered(MTU - 24), **WHOLE), "0101010101")),
    case("fragment_df_and_options", NEEDED, with_options(ip4(numbered(1430), flags="DF", **WHOLE), "01010101")),
]

CASES = PACKETS + ROUTES + MTUS + REFRAGMENTED + FRAGMENT_OPTIONS
