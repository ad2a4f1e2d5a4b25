# SPDX-License-Identifier: Apache-2.0
"""Frames and IPv4 headers on their way in: what is a packet, and may it be from there and go there."""

from case import (BROADCAST, FROM, Raw, case, echo, ether, fresh, host_ip, host_mac, ip4, patched, port_ip,
                  port_mac, udp, with_checksum)

HEADER = "RFC 1812 5.2.2; Linux ip_rcv_core"
LINK = "RFC 1812 5.3.4; Linux ip_forward: PACKET_HOST"
SOURCE = "RFC 1812 5.3.7; Linux ip_route_input_slow: martian_source"
TARGET = "RFC 1812 5.3.7; Linux ip_route_input_slow: martian_destination"
GROUP = "01:00:5e:00:00:05"

good = udp()
HEADERS = [
    case("ip_plain", "RFC 1812 5.2.1", good),
    case("ip_from_h2", "RFC 1812 5.2.1", (2, udp(dst=host_ip(1), **FROM[2]))),
    case("ip_from_h3", "RFC 1812 5.2.1", (3, udp(dst=host_ip(2), **FROM[3]))),
    *[case(f"ip_version_{v}", f"{HEADER} (2)", ip4(version=v)) for v in (0, 3, 5, 6, 15)],
    *[case(f"ip_ihl_{n}", f"{HEADER} (3)", ip4(ihl=n)) for n in (0, 1, 4)],
    *[case(f"ip_ihl_{n}_past_the_packet", f"{HEADER} (3)", ip4(ihl=n)) for n in (10, 14, 15)],
    *[case(f"ip_total_length_{n}", f"{HEADER} (4)", ip4(len=n)) for n in (0, 1, 19, 20, 21, 27, 28, 35)],
    *[case(f"ip_total_length_{n}_past_the_frame", f"{HEADER} (5)", ip4(len=n)) for n in (37, 38, 100, 65535)],
    *[case(f"ip_padding_{n}_is_trimmed", "RFC 894; RFC 1812 5.2.2", udp(size=1) + bytes([0xA5]) * n)
      for n in (1, 3, 17, 1000)],
    case("ip_padding_behind_header_alone", "RFC 894", ip4(b"") + bytes(26)),
    *[case(f"ip_cut_to_{n}", f"{HEADER} (1)", udp()[:14 + n]) for n in (0, 1, 10, 19, 20, 27, 35)],
    *[case(f"ip_checksum_{n}", HEADER, patched(udp(), 24, b)) for n, b in
      {"zero": b"\0\0", "ones": b"\xff\xff", "wrong": b"\x12\x34"}.items()],
    case("ip_checksum_one_bit_off", HEADER, patched(good, 25, bytes([good[25] ^ 1]))),
    # 0 and 0xffff are the same sum; RFC 1624 is about what an update makes of them.
    *[case(f"ip_checksum_right_{v:04x}", "RFC 1624; Linux ip_decrease_ttl", with_checksum(udp(), v))
      for v in (0x0000, 0xFFFF, 0x0001, 0xFEFE, 0xFEFF, 0xFF00, 0xFFFE, 0x00FF, 0x0100)],
    *[case(f"ip_checksum_right_ttl_2_{v:04x}", "RFC 1624", with_checksum(udp(ttl=2), v))
      for v in (0x0000, 0xFFFF, 0xFEFF, 0xFF00)],
    case("ip_no_payload", HEADER, ip4(b"")),
    case("ip_one_byte", HEADER, ip4(Raw(b"x"), proto=253)),
    case("ip_largest", HEADER, udp(size=1472)),
    case("ip_reserved_flag", "RFC 791; Linux forwards it", ip4(flags="evil"), level="report"),
    case("ip_id_zero", "RFC 6864 4.1", ip4(id=0)),
]

SOURCES = {"zero": "0.0.0.0", "zero_network": "0.1.2.3", "loopback": "127.0.0.1",
           "loopback_last": "127.255.255.255",
           "multicast": "224.0.0.1", "multicast_last": "239.255.255.255", "limited_broadcast": "255.255.255.255",
           "own": port_ip(1), "own_of_another_port": port_ip(2), "own_second_subnet": "10.2.1.1",
           "own_of_a_31": "10.3.1.0"}
ODD_SOURCES = {"subnet_broadcast": "10.1.0.255", "other_subnets_broadcast": "10.2.0.255", "network": "10.1.0.0",
               "of_another_port": "10.2.0.9", "without_route": "172.16.0.9", "blackhole": "192.0.2.9",
               "unreachable": "198.51.100.9", "prohibit": "203.0.113.9", "link_local": "169.254.1.1",
               "class_e": "240.0.0.1", "class_e_last": "255.255.255.254"}
TARGETS = {"zero": "0.0.0.0", "zero_network": "0.1.2.3", "loopback": "127.0.0.1",
           "loopback_last": "127.255.255.255",
           "class_e": "240.0.0.1", "link_local": "169.254.1.1"}
MULTICAST = {"all_hosts": "224.0.0.1", "all_routers": "224.0.0.2", "ospf": "224.0.0.5", "routed": "239.1.2.3",
             "source_specific": "232.1.1.1"}
group, broadcast = ether(dst=GROUP), ether(dst=BROADCAST)

ADDRESSES = [
    *[case(f"ip_source_{n}", SOURCE, ip4(src=a)) for n, a in SOURCES.items()],
    *[case(f"ip_source_{n}_to_the_router", SOURCE, echo(src=a, dst=port_ip(1))) for n, a in SOURCES.items()],
    *[case(f"ip_source_{n}", "Linux, rp_filter 0", ip4(src=a), level="report") for n, a in ODD_SOURCES.items()],
    *[case(f"ip_source_{n}_to_the_router", "Linux, rp_filter 0", echo(src=a, dst=port_ip(1)), level="report",
           learns=True) for n, a in ODD_SOURCES.items()],
    *[case(f"ip_source_{n}_ttl_1", "RFC 1812 4.3.2.7", ip4(src=a, ttl=1), level="report", learns=True)
      for n, a in ODD_SOURCES.items()],
    *[case(f"ip_target_{n}", TARGET, ip4(dst=a)) for n, a in TARGETS.items()],
    *[case(f"ip_multicast_{n}", "RFC 1812 5.3.6: no multicast routing", ip4(dst=a, eth=group))
      for n, a in MULTICAST.items()],
    *[case(f"ip_multicast_{n}_unicast_frame", "RFC 1812 5.3.6", ip4(dst=a)) for n, a in MULTICAST.items()],
    *[case(f"ip_broadcast_{n}_{how}", "RFC 1812 5.3.5; bc_forwarding 0", ip4(dst=a, eth=eth))
      for n, a in {"limited": "255.255.255.255", "of_the_ingress": "10.1.0.255", "of_another_port": "10.2.0.255",
                   "of_second_subnet": "10.2.1.255"}.items()
      for how, eth in {"broadcast_frame": broadcast, "unicast_frame": ether()}.items()],
    case("ip_broadcast_ttl_1", "RFC 1812 4.3.2.7", ip4(dst="10.2.0.255", ttl=1)),
    case("ip_multicast_ttl_1", "RFC 1812 4.3.2.7", ip4(dst="239.1.2.3", ttl=1, eth=group)),
    case("ip_zero_to_zero", "Linux ip_route_input_slow: brd_input", ip4(src="0.0.0.0", dst="0.0.0.0")),
    case("ip_dhcp_discover", "RFC 2131", udp(68, 67, src="0.0.0.0", dst="255.255.255.255", eth=broadcast)),
    case("ip_peer_of_a_31", "RFC 3021", ip4(dst="10.3.1.1")),
    case("ip_from_peer_of_a_31", "RFC 3021",
         (3, udp(src="10.3.1.1", dst=host_ip(2), eth=ether(src=host_mac(3), dst=port_mac(3))))),
]

LINKS = [
    *[case(f"link_{n}_{what}", LINK, frame(eth)) for n, eth in
      {"broadcast": broadcast, "multicast": group, "other_multicast": ether(dst="33:33:00:00:00:01")}.items()
      for what, frame in {
          "forward": lambda eth: ip4(eth=eth), "ttl_1": lambda eth: ip4(eth=eth, ttl=1),
          "no_route": lambda eth: ip4(eth=eth, dst="172.16.0.1"),
          "unreachable": lambda eth: ip4(eth=eth, dst="198.51.100.1"),
          "udp_to_the_router": lambda eth: udp(eth=eth, dst=port_ip(1)),
          "too_large": lambda eth: udp(eth=eth, dst=host_ip(3), size=1472, flags="DF")}.items()],
    *[case(f"link_to_another_station_{what}", "RFC 1812 5.2.1: PACKET_OTHERHOST", frame)
      for what, frame in {"forward": ip4(eth=ether(dst="02:00:00:00:01:77")),
                          "to_the_router": echo(eth=ether(dst="02:00:00:00:01:77"), dst=port_ip(1)),
                          "mac_of_p2": ip4(eth=ether(dst=port_mac(2))),
                          "zero_mac": ip4(eth=ether(dst="00:00:00:00:00:00"))}.items()],
    *[case(f"link_source_{n}", "802.3; Linux does not look at it", ip4(eth=ether(src=m)), level="report")
      for n, m in {"group": GROUP, "broadcast": BROADCAST, "zero": "00:00:00:00:00:00", "own": port_mac(1),
                   "own_of_p2": port_mac(2), "stranger": "02:00:00:00:01:66"}.items()],
]


def payload():
    return ip4()[14:]


TYPES = {"unknown": 0x88B5, "ip6": 0x86DD, "lldp": 0x88CC, "mpls": 0x8847, "pppoe": 0x8864, "loopback": 0x9000,
         "below_1536": 0x05FF, "zero": 0, "ones": 0xFFFF}
TAGS = {"vlan_10": "8100000a", "vlan_4095": "81000fff", "vlan_0": "81000000", "vlan_0_priority_7": "8100e000",
        "qinq": "88a8000a8100000b", "qinq_0": "88a80000", "vlan_0_twice": "8100000081000000"}
macs = bytes(ether())[:12]
FRAMES = [
    *[case(f"ethertype_{n}", "RFC 1812 3.3.2; nobody listens", macs + v.to_bytes(2, "big") + payload())
      for n, v in TYPES.items()],
    case("ethernet_8023_length", "RFC 1042; 802.2 without LLC",
         macs + b"\0\x2e" + bytes([0x42, 0x42, 3]) + bytes(43)),
    case("ethernet_8023_snap_ip", "RFC 1042; RFC 1122 2.3.3",
         macs + b"\0\x2c" + b"\xaa\xaa\3\0\0\0\x08\0" + payload(),
         level="should"),
    case("ethernet_8023_netware", "802.3 raw", macs + b"\0\x2e" + b"\xff\xff" + bytes(44)),
    *[case(f"tag_{n}", "802.1Q; Linux check_vlan_id", macs + bytes.fromhex(t) + b"\x08\0" + payload(),
           level="must" if n in ("vlan_10", "vlan_4095", "qinq") else "should") for n, t in TAGS.items()],
    case("tag_vlan_0_to_the_router", "802.1Q; Linux check_vlan_id",
         macs + b"\x81\0\0\0" + echo(src=fresh(), dst=port_ip(1))[12:], level="should"),
    case("tag_cut_short", "802.1Q", macs + b"\x81\0\0"),
]

CASES = HEADERS + ADDRESSES + LINKS + FRAMES
