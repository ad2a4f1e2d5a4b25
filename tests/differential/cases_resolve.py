# SPDX-License-Identifier: Apache-2.0
"""Packets to neighbours whose MAC is not known: who is asked, what waits, and for how long."""

from case import (BROADCAST, FROM, arp, case, echo, ether, host_ip, host_mac, icmp, patched, port_ip, port_mac,
                  tcp, udp)

LOST = "10.2.0.201"  # not a known neighbour
SOLICIT = "Linux arp_solicit, arp_announce 0"
MERGE = "RFC 826; Linux neigh_update"
GROUP = "01:00:5e:00:00:01"


def answer(mac=host_mac(2), sender=LOST, target=port_ip(2), eth_dst=port_mac(2), op=2, port=2):
    target_mac = port_mac(port) if op == 2 else "00:00:00:00:00:00"
    return port, arp(op=op, sender=sender, mac=mac, target=target, target_mac=target_mac, eth_dst=eth_dst)


def asks(name, rule, *steps, **more):
    return case(f"resolve_{name}", rule, *steps, learns=True, **more)


ASKED = [
    asks("asks", SOLICIT, udp(dst=LOST)),
    asks("asks_once_for_two_packets", "RFC 1122 2.3.2.1 (no ARP flood)", udp(dst=LOST), udp(dst=LOST)),
    asks("asks_for_two_addresses", SOLICIT, udp(dst=LOST), udp(dst="10.2.0.202")),
    asks("asks_for_the_gateway", "RFC 1812 5.2.4.1", udp(dst="10.7.1.1")),
    asks("asks_for_the_gateway_once", "RFC 1812 5.2.4.1", udp(dst="10.7.1.1"), udp(dst="10.7.1.2")),
    asks("asks_from_the_subnets_address", SOLICIT, udp(dst="10.2.1.201")),
    asks("asks_on_the_ingress_port", SOLICIT, udp(dst="10.1.0.240")),
    asks("asks_on_p3", SOLICIT, udp(dst="10.3.0.201")),
    asks("too_large_for_the_port", SOLICIT, udp(dst="10.3.0.201", size=1472)),
    asks("too_large_and_df", "RFC 1191 4: before the address is asked for",
         udp(dst="10.3.0.201", size=1472, flags="DF")),
    asks("ttl_1", "RFC 1812 5.3.1", udp(dst=LOST, ttl=1)),
    asks("for_an_echo_reply", SOLICIT, echo(src="10.1.0.240", dst=port_ip(1))),
    asks("for_an_echo_reply_of_another_address", f"{SOLICIT}: the packet's own source",
         echo(src="10.1.0.240", dst=port_ip(2)), level="report"),
    asks("for_an_icmp_error", SOLICIT, udp(src="10.1.0.240", dst="172.16.0.1")),
    asks("for_ttl_expired_to_another_port", SOLICIT, udp(src="10.2.0.205", dst=host_ip(2), ttl=1)),
    asks("network_address", "RFC 1812 4.2.3.1 (5)", udp(dst="10.2.0.0"), level="report"),
    asks("network_address_of_the_ingress", "RFC 1812 4.2.3.1 (5)", udp(dst="10.1.0.0"), level="report"),
]

packet = udp(dst=LOST)
HELD = [
    asks("reply_releases", MERGE, packet, answer()),
    asks("reply_then_direct", MERGE, packet, answer(), udp(dst=LOST, id=9)),
    asks("broadcast_reply_releases", MERGE, packet, answer(eth_dst=BROADCAST)),
    asks("request_releases", "RFC 826: Merge_flag", packet, answer(op=1, eth_dst=BROADCAST)),
    asks("request_for_another_releases", "RFC 826: Merge_flag", packet,
         answer(op=1, target="10.2.0.77", eth_dst=BROADCAST)),
    asks("probe_does_not_release", "RFC 5227 1.2", packet, answer(op=1, sender="0.0.0.0", target=LOST,
                                                                    eth_dst=BROADCAST)),
    asks("gratuitous_releases", MERGE, packet, answer(op=1, target=LOST, eth_dst=BROADCAST)),
    asks("gratuitous_reply_releases", MERGE, packet, answer(target=LOST, eth_dst=BROADCAST)),
    asks("reply_to_another_target_releases", MERGE, packet, answer(target="10.2.0.77")),
    asks("reply_from_another_address", MERGE, packet, answer(sender="10.2.0.202")),
    asks("reply_on_another_port", "RFC 826; Linux neigh_lookup by device", packet,
         answer(port=3, eth_dst=port_mac(3), mac=host_mac(3))),
    asks("reply_to_another_station", "Linux arp_rcv: PACKET_OTHERHOST", packet,
         answer(eth_dst="02:00:00:00:02:66")),
    asks("reply_with_group_mac", "RFC 1812 3.3.2", packet, answer(mac=GROUP)),
    asks("reply_with_broadcast_mac", "RFC 1812 3.3.2", packet, answer(mac=BROADCAST)),
    asks("reply_with_zero_mac", "Linux is silent about it", packet, answer(mac="00:00:00:00:00:00"),
         level="report"),
    asks("malformed_reply", "RFC 826", packet, (2, patched(answer()[1], 18, b"\5"))),
    asks("reply_with_another_mac_than_the_frame", "RFC 826", packet,
         (2, patched(answer()[1], 22, b"\2\0\0\0\2\x66"))),
    asks("two_replies", "Linux locktime 1 s", packet, answer(), answer(mac="02:00:00:00:02:66"), udp(dst=LOST)),
    asks("five_leave_in_order", "Linux unres_qlen", *[udp(dst=LOST, id=n) for n in range(5)], answer()),
    asks("different_senders_in_order", "Linux unres_qlen", udp(dst=LOST), tcp(dst=LOST), echo(dst=LOST), answer()),
    asks("from_two_ports_in_order", "Linux unres_qlen", udp(dst=LOST), (3, udp(dst=LOST, **FROM[3])), answer()),
    asks("held_and_fragmented", "RFC 791 fragmentation", udp(dst="10.3.0.201", size=1472),
         answer(sender="10.3.0.201", mac=host_mac(3), target=port_ip(3), eth_dst=port_mac(3), port=3)),
    asks("gateway_answers", "RFC 1812 5.2.4.1", udp(dst="10.7.1.1"), udp(dst="10.7.1.2"),
         answer(sender="10.2.0.200")),
    asks("echo_reply_waits", MERGE, echo(src="10.1.0.240", dst=port_ip(1)),
         answer(sender="10.1.0.240", mac=host_mac(1), target=port_ip(1), eth_dst=port_mac(1), port=1)),
    asks("icmp_error_waits", MERGE, udp(src="10.1.0.240", dst="172.16.0.1"),
         answer(sender="10.1.0.240", mac=host_mac(1), target=port_ip(1), eth_dst=port_mac(1), port=1)),
    # The one case that takes its time: three requests, a second apart, then an error about each but one.
    asks("fails_after_three_requests", "RFC 1812 5.2.7.1; Linux mcast_solicit 3, arp_error_report",
         udp(dst=LOST), tcp(dst=LOST), echo(dst=LOST, ttl=2), icmp(3, 1, bytes(28), dst=LOST),
         (3, udp(dst=LOST, **FROM[3])), udp(dst=LOST, eth=ether(dst=BROADCAST)), until=(7, 6.0)),
]

CASES = ASKED + HELD
