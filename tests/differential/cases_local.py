# SPDX-License-Identifier: Apache-2.0
"""Packets to the router itself: echo, timestamps, closed ports, protocols it does not speak. In fragments:
cases_fragments.py."""

from case import (BROADCAST, FROM, ICMP, TCP, UDP, Raw, case, echo, ether, host_mac, icmp, ip4, patched, port_ip,
                  port_mac, tcp, udp, with_options)
from scapy.utils import checksum
from topology import OWN_ADDRESSES

ECHO = "RFC 1812 4.3.3.6; RFC 1122 3.2.2.6"
CLOSED = "RFC 1122 4.1.3.1; Linux __udp4_lib_rcv"
RESET = "RFC 9293 3.10.7.1; Linux tcp_v4_send_reset"
PROTOCOL = "RFC 1122 3.2.2.1; Linux ip_local_deliver"
US = port_ip(1)
broadcast = ether(dst=BROADCAST)


def ping(**fields):
    return echo(**{"dst": US, **fields})


ANSWERED = [
    *[case(f"echo_to_{a}", ECHO, ping(dst=a)) for a in OWN_ADDRESSES],
    *[case(f"echo_to_{a}_from_h2", ECHO, (2, ping(dst=a, **FROM[2]))) for a in OWN_ADDRESSES],
    *[case(f"echo_size_{n}", ECHO, ping(size=n)) for n in (0, 1, 2, 3, 17, 56, 547, 1471, 1472)],
    *[case(f"echo_ttl_{n}", "RFC 1122 3.2.1.7", ping(ttl=n)) for n in (0, 1, 255)],
    *[case(f"echo_tos_{t:02x}", "RFC 1812 4.3.2.5", ping(tos=t), level="should")
      for t in (0x02, 0x03, 0x10, 0x20, 0xB8, 0xFF)],
    *[case(f"echo_code_{n}", "RFC 792; Linux icmp_echo", ip4(ICMP(type=8, code=n) / Raw(bytes(8)), dst=US),
           level="report") for n in (1, 255)],
    case("echo_df", ECHO, ping(flags="DF")),
    case("echo_reserved_flag", "Linux", ping(flags="evil"), level="report"),
    case("echo_padded", ECHO, ping(size=1) + bytes([0xA5]) * 17),
    case("echo_back_by_another_port", ECHO, ping(src="10.2.0.3")),
    case("echo_back_by_a_gateway", ECHO, ping(src="10.8.0.3")),
    case("echo_reply_is_fragmented", "RFC 1812 4.2.2.7", ping(src="10.3.0.3", size=1472)),
    case("echo_reply_is_fragmented_odd", "RFC 1812 4.2.2.7", ping(src="10.3.0.3", size=1471)),
    case("echo_df_reply_too_large", "Linux icmp_reply: no DF", ping(src="10.3.0.3", size=1472, flags="DF"),
         level="report"),
    case("echo_without_a_way_back", ECHO, ping(src="172.16.0.9")),
    case("echo_checksum_zero_is_right", ECHO, ip4(ICMP(type=8, id=0xF7FF, seq=0, chksum=0), dst=US)),
    case("echo_checksum_ones_is_right", ECHO, ip4(ICMP(type=8, id=0xF7FF, seq=0, chksum=0xFFFF), dst=US)),
    case("echo_checksum_wraps", ECHO, ip4(ICMP(type=8, id=0, seq=0), dst=US)),
]

# What the reply's options are is Linux ip_options_echo.
DROPPED = {"nops": "01010101", "end": "00000000", "router_alert": "94040000", "unknown": "1e041122",
           "stream_id": "88041234"}
ECHOED = {"record_route": "070b04" + "00" * 8, "record_route_full": "07070801020304",
          "timestamp": "440c0500" + "00" * 8}
ANSWERED += [case(f"echo_{kind}_option_{n}", "RFC 1122 3.2.2.6: options echoed", with_options(ping(), o))
             for kind, table in {"dropped": DROPPED, "echoed": ECHOED}.items() for n, o in table.items()]


def timestamp(size, code=0, **fields):
    data = bytearray(bytes([13, code, 0, 0, 0, 7, 0, 1]) + bytes(range(1, 30)))[:size]
    data[2:4] = checksum(bytes(data)).to_bytes(2, "big")
    return ip4(Raw(bytes(data)), **{"proto": 1, "dst": US, **fields})


good = ping()
REFUSED = [
    case("echo_bad_icmp_checksum", ECHO, patched(good, 36, b"\x12\x34")),
    case("echo_zero_icmp_checksum", ECHO, patched(good, 36, b"\0\0")),
    *[case(f"icmp_cut_to_{n}", "RFC 1812 4.3; Linux icmp_rcv", ip4(Raw(bytes(ICMP(type=8))[:n]), proto=1, dst=US))
      for n in (0, 1, 2, 4, 7)],
    *[case(f"icmp_to_us_type_{n}", "RFC 1122 3.2.2: silently", icmp(n, 0, udp(src=US)[14:], dst=US))
      for n in (0, 1, 3, 4, 5, 6, 9, 10, 11, 12, 14, 15, 16, 17, 18, 19, 37, 41, 42, 43, 255)],
    case("icmp_to_us_timestamp", "RFC 1812 4.3.3.8: MAY", timestamp(20), level="report"),
    case("icmp_to_us_timestamp_longer", "RFC 1812 4.3.3.8: MAY", timestamp(32), level="report"),
    case("icmp_to_us_cut_timestamp", "Linux icmp_timestamp", timestamp(11), level="report"),
    *[case(f"icmp_to_us_timestamp_of_{n}", "Linux icmp_timestamp", timestamp(n), level="report")
      for n in (7, 8, 12, 13, 16, 19, 21)],
    *[case(f"timestamp_code_{n}", "Linux icmp_timestamp", timestamp(20, code=n), level="report") for n in (1, 255)],
    case("timestamp_tos", "RFC 1812 4.3.2.5", timestamp(20, tos=0xB8), level="report"),
    case("timestamp_df", "RFC 1122 3.2.2.8", timestamp(20, flags="DF"), level="report"),
    case("timestamp_ttl_1", "RFC 1122 3.2.2.8", timestamp(20, ttl=1), level="report"),
    case("timestamp_to_another_address", "RFC 1122 3.2.2.8", timestamp(20, dst=port_ip(2)), level="report"),
    case("timestamp_options", "RFC 1122 3.2.2.8", with_options(timestamp(20), "01010101"), level="report"),
    case("timestamp_bad_checksum", "RFC 1122 3.2.2", patched(timestamp(20), 36, b"\1\2")),
    case("timestamp_to_subnet_broadcast", "RFC 1122 3.2.2.8", timestamp(20, dst="10.1.0.255", eth=broadcast)),
    case("timestamp_in_a_broadcast_frame", "RFC 1122 3.3.6", timestamp(20, eth=broadcast), level="report"),
    case("timestamp_without_a_way_back", "RFC 1122 3.2.2.8", timestamp(20, src="172.16.0.9"), level="report"),
    case("icmp_to_us_error_bad_checksum", "RFC 1122 3.2.2", patched(icmp(3, 3, udp()[14:], dst=US), 36, b"\1\2")),
    case("echo_to_subnet_broadcast", f"{ECHO}; icmp_echo_ignore_broadcasts 1",
         ping(dst="10.1.0.255", eth=broadcast)),
    case("echo_to_limited_broadcast", ECHO, ping(dst="255.255.255.255", eth=broadcast)),
    case("echo_to_all_hosts", ECHO, ping(dst="224.0.0.1", eth=ether(dst="01:00:5e:00:00:01"))),
    case("echo_to_subnet_broadcast_unicast_frame", ECHO, ping(dst="10.1.0.255")),
    case("echo_in_a_broadcast_frame", "RFC 1122 3.3.6: SHOULD be dropped; Linux drop_unicast_in_l2_multicast 0",
         ping(eth=broadcast), level="report"),
    case("echo_in_a_multicast_frame", "RFC 1122 3.3.6; Linux drop_unicast_in_l2_multicast 0",
         ping(eth=ether(dst="01:00:5e:00:00:01")), level="report"),
]

UDPS = [
    *[case(f"udp_to_{a}", CLOSED, udp(dst=a)) for a in OWN_ADDRESSES],
    *[case(f"udp_to_{a}_from_h3", CLOSED, (3, udp(dst=a, src="10.3.0.4", eth=FROM[3]["eth"])))
      for a in OWN_ADDRESSES],
    case("udp_broken_checksum", "RFC 1122 4.1.3.4; Linux __udp4_lib_rcv",
         ip4(UDP(chksum=0xBAD) / Raw(b"12345678"), dst=US)),
    case("udp_without_checksum", CLOSED, ip4(UDP(chksum=0) / Raw(b"12345678"), dst=US)),
    case("udp_broken_length_too_large", "RFC 768", ip4(UDP(len=100, chksum=0) / Raw(b"12345678"), dst=US)),
    case("udp_broken_length_too_small", "RFC 768", ip4(UDP(len=7, chksum=0) / Raw(b"12345678"), dst=US)),
    case("udp_length_shorter_than_the_packet", "RFC 768; Linux trims",
         ip4(UDP(len=12, chksum=0) / Raw(b"12345678"),
                                                                           dst=US)),
    case("udp_broken_length_zero", "RFC 768", ip4(UDP(len=0, chksum=0) / Raw(b"12345678"), dst=US)),
    case("udp_broken_header_cut", "RFC 768", ip4(Raw(b"\x0f\xa0\x13"), proto=17, dst=US)),
    case("udp_without_data", CLOSED, udp(dst=US, size=0)),
    case("udp_port_0", CLOSED, udp(0, 0, dst=US)),
    case("udp_large", CLOSED, udp(dst=US, size=1472)),
    case("udp_ttl_1", CLOSED, udp(dst=US, ttl=1)),
    case("udp_tos", "RFC 1812 4.3.2.5", udp(dst=US, tos=0xB8), level="should"),
    case("udp_options", CLOSED, with_options(udp(dst=US), "01010101")),
    case("udp_to_subnet_broadcast", "RFC 1122 3.2.2", udp(dst="10.1.0.255", eth=broadcast)),
    case("udp_to_limited_broadcast", "RFC 1122 3.2.2", udp(dst="255.255.255.255", eth=broadcast)),
    case("udp_to_all_hosts", "RFC 1122 3.2.2", udp(dst="224.0.0.1", eth=ether(dst="01:00:5e:00:00:01"))),
    case("udp_in_a_broadcast_frame", "RFC 1812 4.3.2.7", udp(dst=US, eth=broadcast)),
    case("udp_without_a_way_back", CLOSED, udp(dst=US, src="172.16.0.9")),
]



def segment(flags, data=b"", seq=1000, ack=2000, **fields):
    tcp_fields = {k: fields.pop(k) for k in ("chksum", "dataofs", "options", "urgptr") if k in fields}
    return ip4(TCP(flags=flags, seq=seq, ack=ack, **tcp_fields) / Raw(data), **{"dst": US, **fields})


FLAGS = ("S", "F", "P", "U", "A", "SA", "FA", "SF", "SFA", "PA", "UAP", "SEC", "FSRPAU", "R", "RA", "RS", "")
TCPS_OF_ALL_KINDS = [
    *[case(f"tcp_flags_{f or 'none'}_of_{len(data)}", RESET, segment(f, data))
      for f in FLAGS for data in (b"", b"data", b"odd")],
    *[case(f"tcp_flags_{f or 'none'}_broken_checksum", "RFC 9293 3.1", segment(f, chksum=0xBAD)) for f in FLAGS],
    *[case(f"tcp_sequence_{f}_wraps", RESET, segment(f, b"data", seq=0xFFFFFFFE, ack=0xFFFFFFFF))
      for f in ("S", "F", "A", "SF")],
    *[case(f"tcp_tos_{t:02x}", "RFC 1812 4.3.2.5; Linux", segment("S", tos=t), level="report")
      for t in (0x02, 0x03, 0x10, 0xB8, 0xFF)],
    case("tcp_options_mss", RESET, segment("S", b"data", options=[("MSS", 1460), ("NOP", None), ("NOP", None)])),
    case("tcp_broken_offset_past_the_end", "RFC 9293 3.1", segment("S", dataofs=15)),
    case("tcp_ip_options", RESET, with_options(segment("S", b"data"), "01010101")),
    case("tcp_ttl_1", RESET, segment("S", ttl=1)),
    case("tcp_padded", RESET, segment("S", b"x") + bytes([0xA5]) * 5),
    case("tcp_large", RESET, segment("A", bytes(1460))),
    case("tcp_large_syn", RESET, segment("S", bytes(1459))),
    case("tcp_without_a_way_back", RESET, segment("S", src="172.16.0.9")),
    case("tcp_back_by_another_port", RESET, segment("S", src="10.2.0.3")),
    case("tcp_in_a_multicast_frame", "RFC 1122 4.2.3.10", segment("S", eth=ether(dst="01:00:5e:00:00:01"))),
    *[case(f"tcp_to_{a}_from_h2", RESET, (2, segment("S", dst=a, **FROM[2]))) for a in OWN_ADDRESSES],
]

TCPS = [
    case("tcp_syn", RESET, tcp(dst=US)),
    case("tcp_syn_to_another_port", RESET, tcp(dst=port_ip(2))),
    case("tcp_ack", RESET, tcp(dst=US, flags="A")),
    case("tcp_fin_data", RESET, ip4(TCP(flags="FA", seq=5, ack=6) / Raw(b"data"), dst=US)),
    case("tcp_rst", f"{RESET}: never about a reset", tcp(dst=US, flags="R")),
    case("tcp_rst_ack", f"{RESET}: never about a reset", tcp(dst=US, flags="RA")),
    case("tcp_no_flags", RESET, tcp(dst=US, flags="")),
    case("tcp_broken_checksum", "RFC 9293 3.1", ip4(TCP(flags="S", chksum=0xBAD), dst=US)),
    case("tcp_broken_header_cut", "RFC 9293 3.1", ip4(Raw(bytes(TCP(flags="S"))[:13]), proto=6, dst=US)),
    case("tcp_broken_offset_too_small", "RFC 9293 3.1", ip4(TCP(flags="S", dataofs=4), dst=US)),
    case("tcp_in_a_broadcast_frame", "RFC 1122 4.2.3.10", tcp(dst=US, eth=broadcast)),
    case("tcp_to_subnet_broadcast", "RFC 1122 4.2.3.10", tcp(dst="10.1.0.255", eth=broadcast)),
]

# Not those that a kernel may have been built to speak: tunnels, IPsec, PIM, UDP-Lite.
PROTOCOLS = [case(f"protocol_{n}_to_us", PROTOCOL, ip4(Raw(bytes(40)), proto=n, dst=US),
                  level="must" if n != 2 else "report")
             for n in (0, 2, 88, 89, 112, 253, 255)]
PROTOCOLS += [
    case("protocol_to_us_without_payload", PROTOCOL, ip4(b"", proto=253, dst=US)),
    case("protocol_to_us_from_h2", PROTOCOL, (2, ip4(Raw(bytes(8)), proto=253, dst=US, src="10.2.0.5",
                                                     eth=ether(src=host_mac(2), dst=port_mac(2))))),
]

CASES = ANSWERED + REFUSED + UDPS + TCPS + TCPS_OF_ALL_KINDS + PROTOCOLS
