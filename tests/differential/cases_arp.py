# SPDX-License-Identifier: Apache-2.0
"""ARP: requests, what is wrong with them, replies nobody asked for."""

from case import BROADCAST, arp, arp_reply, case, ether, host_ip, host_mac, patched, port_ip, port_mac, udp

PROCESS = "Linux arp_process"
RECEIVE = "Linux arp_rcv"
FORMAT = "RFC 826 packet reception; RFC 1122 2.3.2"
UNKNOWN = "10.1.0.230"  # no neighbour yet, on h1
STRANGER = "02:00:00:00:01:66"
GROUP = "01:00:5e:00:00:01"


def to_unknown(address=UNKNOWN):
    """A packet from h2 that shows whether the router knows the address: forwarded, or an ARP request."""
    return 2, udp(src=host_ip(2), dst=address, eth=ether(src=host_mac(2), dst=port_mac(2)))


def ask(name, rule, frame, **more):
    return case(f"arp_request_{name}", rule, frame, learns=True, **more)


TARGETS = {"own": port_ip(1), "own_on_another_port": port_ip(2), "own_second_subnet": "10.2.1.1",
           "own_of_a_31": "10.3.1.0"}
OTHERS = {"a_neighbour": "10.1.0.77", "itself_behind_another_port": host_ip(2), "peer_of_a_31": "10.3.1.1",
          "broadcast": "10.1.0.255", "broadcast_of_another_port": "10.2.0.255", "network": "10.1.0.0",
          "zero": "0.0.0.0", "loopback": "127.0.0.1", "multicast": "224.0.0.1",
          "limited_broadcast": "255.255.255.255", "no_route": "172.16.0.1", "routed": "10.8.0.1",
          "blackhole": "192.0.2.1", "class_e": "240.0.0.1"}
SENDERS = {"own": port_ip(1), "own_of_another_port": port_ip(2), "of_another_subnet": "10.2.0.77",
           "without_route": "172.16.0.9", "multicast": "224.0.0.1", "loopback": "127.0.0.1",
           "limited_broadcast": "255.255.255.255", "class_e": "240.0.0.1", "zero_network": "0.1.2.3",
           "subnet_broadcast": "10.1.0.255", "subnet_network": "10.1.0.0", "link_local": "169.254.1.1",
           "blackhole": "192.0.2.1"}
SENDER_MACS = {"group": GROUP, "broadcast": BROADCAST, "zero": "00:00:00:00:00:00", "own": port_mac(1)}

REQUESTS = [
    *[ask(f"for_{n}", f"{PROCESS}: arp_ignore 0", arp(target=a)) for n, a in TARGETS.items()],
    *[ask(f"for_{n}", f"{PROCESS}: local addresses only", arp(target=a)) for n, a in OTHERS.items()],
    *[ask(f"sender_{n}", f"{PROCESS}: ip_route_input of the sender", arp(sender=a))
      for n, a in SENDERS.items()],
    *[ask(f"sender_mac_{n}", "RFC 1122 2.3.2; RFC 826", arp(mac=m, sender=UNKNOWN), level="should")
      for n, m in SENDER_MACS.items()],
    ask("sender_mac_not_of_the_frame", FORMAT, patched(arp(sender=UNKNOWN), 22, b"\2\0\0\0\1\x66")),
    ask("unicast", "RFC 1122 2.3.2.1 (unicast poll)", arp(eth_dst=port_mac(1))),
    ask("in_a_multicast_frame", RECEIVE, arp(eth_dst=GROUP), level="report"),
    ask("to_another_station", f"{RECEIVE}: PACKET_OTHERHOST", arp(eth_dst=STRANGER)),
    ask("with_target_mac_set", FORMAT, arp(target_mac=STRANGER)),
    ask("probe_own", "RFC 5227 2.1.1; RFC 2131 2.2", arp(sender="0.0.0.0")),
    ask("probe_own_on_another_port", f"{PROCESS}: dad", arp(sender="0.0.0.0", target=port_ip(2))),
    ask("probe_another", "RFC 5227 2.1.1", arp(sender="0.0.0.0", target="10.1.0.77")),
    ask("probe_unicast", "RFC 5227 2.1.1", arp(sender="0.0.0.0", eth_dst=port_mac(1))),
    ask("gratuitous", "RFC 5227 2.3", arp(target=host_ip(1))),
    ask("gratuitous_for_own", "RFC 5227 2.4 (conflict)", arp(sender=port_ip(1), mac=STRANGER), level="report"),
    ask("padded_to_60", "RFC 894; RFC 826", arp() + bytes(18)),
    ask("padded_to_1514", "RFC 826", arp() + bytes(range(256)) * 5 + bytes(192)),
    ask("from_h2", PROCESS, (2, arp(sender=host_ip(2), mac=host_mac(2), target=port_ip(2)))),
    ask("from_h2_for_second_subnet", PROCESS,
        (2, arp(sender="10.2.1.2", mac=host_mac(2), target="10.2.1.1"))),
    ask("from_h3_on_a_31", "RFC 3021", (3, arp(sender="10.3.1.1", mac=host_mac(3), target="10.3.1.0"))),
    ask("tagged_vlan_10", "802.1Q: no such VLAN", arp()[:12] + b"\x81\0\0\x0a" + arp()[12:]),
    ask("tagged_vlan_0", "802.1Q: priority tag; Linux check_vlan_id", arp()[:12] + b"\x81\0\xe0\0" + arp()[12:],
        level="should"),
]

FIELDS = {"htype": (14, {"0": 0, "6_ieee802": 6, "7": 7, "256": 256}),
          "ptype": (16, {"ip6": 0x86DD, "arp": 0x0806, "0": 0}),
          "op": (20, {str(n): n for n in (0, 3, 4, 8, 9, 10, 25, 256, 65535)})}
MALFORMED = [
    *[case(f"arp_{field}_{n}", FORMAT, patched(arp(), at, v.to_bytes(2, "big")), learns=True)
      for field, (at, values) in FIELDS.items() for n, v in values.items()],
    *[case(f"arp_hlen_{n}", FORMAT, patched(arp(), 18, bytes([n])), learns=True) for n in (0, 5, 7, 8, 255)],
    *[case(f"arp_plen_{n}", FORMAT, patched(arp(), 19, bytes([n])), learns=True) for n in (0, 3, 5, 16, 255)],
    *[case(f"arp_cut_to_{n}", FORMAT, arp()[:14 + n], learns=True) for n in (0, 1, 8, 14, 24, 27)],
]


def learning(name, rule, *steps, level="must"):
    """Then a packet to the address shows what the router has made of it."""
    return case(f"arp_learns_{name}", rule, *steps, to_unknown(), level=level, learns=True)


reply = arp(op=2, sender=UNKNOWN, target_mac=port_mac(1), eth_dst=port_mac(1))
LEARNING = [
    learning("nothing_without_a_frame", "RFC 826"),
    learning("from_request", "RFC 826: Merge_flag", arp(sender=UNKNOWN)),
    learning("from_request_for_another_port", PROCESS, arp(sender=UNKNOWN, target=port_ip(2))),
    learning("from_the_arp_sender_not_the_frames", "RFC 826",
             patched(arp(sender=UNKNOWN), 22, b"\2\0\0\0\1\x66")),
    learning("not_from_request_for_others", "RFC 826", arp(sender=UNKNOWN, target="10.1.0.77")),
    learning("not_from_unsolicited_reply", f"{PROCESS}: arp_accept 0", reply),
    learning("not_from_broadcast_reply", f"{PROCESS}: arp_accept 0", arp(op=2, sender=UNKNOWN)),
    learning("not_from_gratuitous_request", f"{PROCESS}: arp_accept 0", arp(sender=UNKNOWN, target=UNKNOWN)),
    learning("not_from_gratuitous_reply", f"{PROCESS}: arp_accept 0", arp(op=2, sender=UNKNOWN, target=UNKNOWN)),
    learning("not_from_group_mac", "RFC 1812 3.3.2", arp(sender=UNKNOWN, mac=GROUP)),
    learning("not_on_another_port", PROCESS, (3, arp(sender=UNKNOWN, mac=host_mac(3), target=port_ip(3)))),
    learning("gratuitous_moves_it", f"{PROCESS}: is_garp", arp(sender=UNKNOWN),
             arp(sender=UNKNOWN, target=UNKNOWN, mac=STRANGER)),
    learning("gratuitous_reply_moves_it", "Linux arp_is_garp", arp(sender=UNKNOWN),
             arp(op=2, sender=UNKNOWN, target=UNKNOWN, mac=STRANGER, target_mac=STRANGER)),
    learning("broadcast_reply_moves_it_not_yet", "Linux arp_is_garp, locktime 1 s", arp(sender=UNKNOWN),
             arp(op=2, sender=UNKNOWN, target=UNKNOWN, mac=STRANGER), level="report"),
    learning("reply_moves_it_not_yet", f"{PROCESS}: locktime 1 s", arp(sender=UNKNOWN),
             arp(op=2, sender=UNKNOWN, mac=STRANGER, target_mac=port_mac(1), eth_dst=port_mac(1)), level="report"),
    learning("second_request_moves_it_not_yet", f"{PROCESS}: locktime 1 s", arp(sender=UNKNOWN),
             arp(sender=UNKNOWN, mac=STRANGER), level="report"),
    case("arp_permanent_is_not_moved", "Linux NUD_PERMANENT", arp(mac=STRANGER),
         arp(target=host_ip(1), mac=STRANGER), to_unknown(host_ip(1))),
    case("arp_reply_to_nobody", PROCESS, arp_reply(1), learns=True),
    case("arp_reply_for_own", "RFC 5227 2.4 (conflict)", arp(op=2, sender=port_ip(1), mac=STRANGER),
         level="report", learns=True),
]

CASES = REQUESTS + MALFORMED + LEARNING
