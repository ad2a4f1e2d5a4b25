# SPDX-License-Identifier: Apache-2.0
"""ARP with the knobs of net.ipv4.conf turned (Documentation/networking/ip-sysctl.rst, net/ipv4/arp.c)."""

from case import (BROADCAST, arp, case, echo, ether, host_ip, host_mac, knobs, port_ip, port_mac, udp)

UNKNOWN, UNKNOWN_ON_2 = "10.1.0.230", "10.2.0.230"
STRANGER = "02:00:00:00:01:66"
PROBE = "0.0.0.0"


def shows(address, port=2):
    """A packet from another host that shows whether the router knows the address."""
    return port, udp(src=host_ip(port), dst=address, eth=ether(src=host_mac(port), dst=port_mac(port)))


def with_knob(name, value, rule, cases, port=1, **others):
    """{case: steps} as cases of that knob and value; others: knobs beside it."""
    return [case(f"{name}_{value}_{n}", rule, *steps, learns=True,
                 knobs=knobs(**{f"p{port}": {name: value, **others}})) for n, steps in cases.items()]


def from_2(sender=host_ip(2), target=port_ip(2), **more):
    return 2, arp(sender=sender, mac=host_mac(2), target=target, **more)


# --- Which addresses of ours are answered for: p2 has two subnets
IGNORE = {
    "own": [from_2()],
    "own_second": [from_2(target="10.2.1.1")],
    "own_second_from_second": [from_2("10.2.1.2", "10.2.1.1")],
    "own_from_a_stranger": [from_2("10.6.0.9")],
    "of_another_port": [from_2(target=port_ip(1))],
    "of_another_port_from_there": [from_2(host_ip(1), port_ip(1))],
    "probe": [from_2(PROBE)],
    "probe_second": [from_2(PROBE, "10.2.1.1")],
    "probe_of_another_port": [from_2(PROBE, port_ip(1))],
    "unicast": [from_2(eth_dst=port_mac(2))],
    "learns_from_own": [from_2(UNKNOWN_ON_2), shows(UNKNOWN_ON_2, 3)],
    "learns_from_another_ports": [from_2(UNKNOWN_ON_2, port_ip(1)), shows(UNKNOWN_ON_2, 3)],
    "updates_by_another_ports": [from_2(UNKNOWN_ON_2, eth_dst=port_mac(2)),
                                 (2, arp(sender=UNKNOWN_ON_2, mac=STRANGER, target=port_ip(1))),
                                 shows(UNKNOWN_ON_2, 3)],
    "on_p1": [arp()],
}
IGNORES = [c for v in (0, 1, 2, 3, 8) for c in with_knob("arp_ignore", v, "Linux arp_ignore()", IGNORE, port=2)]

# --- To whom
FILTER = {
    "own": [arp()],
    "from_another_ports_subnet": [arp(sender=host_ip(2))],
    "from_another_ports_subnet_for_its_address": [arp(sender=host_ip(2), target=port_ip(2))],
    "of_another_port": [arp(target=port_ip(2))],
    "routed_by_the_port": [arp(sender="10.9.0.7")],
    "routed_by_another_port": [arp(sender="10.8.0.7")],
    "on_link_without_a_subnet": [arp(sender="10.6.0.7")],
    "without_route": [arp(sender="172.16.0.9")],
    "blackhole": [arp(sender="192.0.2.1")],
    "subnet_broadcast": [arp(sender="10.1.0.255")],
    "broadcast_of_another_port": [arp(sender="10.2.0.255")],
    "probe": [arp(sender=PROBE)],
    "does_not_learn": [(2, arp(sender=UNKNOWN, mac=host_mac(2), target=port_ip(2))),
                       (3, udp(src=host_ip(3), dst=UNKNOWN, eth=ether(src=host_mac(3), dst=port_mac(3))))],
}
FILTERS = [c for v in (0, 1) for c in with_knob("arp_filter", v, "Linux arp_filter()", FILTER)]
STRICT = with_knob("rp_filter", 1, "Linux arp_process: ip_route_input() of the sender",
                   {f"arp_{n}": FILTER[n] for n in FILTER})

# --- Whom to ask from: a reply from another address of ours to a neighbour that is not known
def ping(target, sender="10.2.0.201"):
    return 2, echo(src=sender, dst=target, eth=ether(src=host_mac(2), dst=port_mac(2)))


ANNOUNCE = {
    "from_own": [ping(port_ip(2))],
    "from_second": [ping("10.2.1.1")],
    "from_second_to_second": [ping("10.2.1.1", "10.2.1.201")],
    "from_first_to_second": [ping(port_ip(2), "10.2.1.201")],
    "from_another_port": [ping(port_ip(1))],
    "through_the_gateway": [ping(port_ip(1), "10.7.0.9")],
    "for_a_forwarded_packet": [udp(dst="10.2.0.201")],
    "for_a_forwarded_packet_second": [udp(dst="10.2.1.201")],
    "for_an_error": [(2, udp(src="10.2.0.202", dst=port_ip(1), eth=ether(src=host_mac(2), dst=port_mac(2))))],
}
ANNOUNCES = [c for v in (0, 1, 2) for c in with_knob("arp_announce", v, "Linux arp_solicit()", ANNOUNCE, port=2)]

# --- What is learned unasked. 10.6.0.0/24 is on p1's link, and in none of its subnets
OFF_SUBNET = "10.6.0.9"


def unasked(sender, **fields):
    return arp(sender=sender, **fields), shows(sender)


ACCEPT = {f"{n}_{where}": unasked(a, **fields) for where, a in (("on_subnet", UNKNOWN), ("off_subnet", OFF_SUBNET))
          for n, fields in {
              "request": {}, "gratuitous_request": {"target": a},
              "request_for_another": {"target": "10.1.0.77"},
              "reply": {"op": 2, "target_mac": port_mac(1), "eth_dst": port_mac(1)},
              "broadcast_reply": {"op": 2},
              "gratuitous_reply": {"op": 2, "target": a, "target_mac": host_mac(1)},
              "gratuitous_reply_without_mac": {"op": 2, "target": a}}.items()}
ACCEPT |= {"reply_of_nobody": unasked(PROBE, op=2)[:1], "gratuitous_of_the_subnet": unasked("10.1.0.255", target="10.1.0.255"),
           "reply_of_the_subnet": unasked("10.1.0.255", op=2), "reply_of_own": unasked(port_ip(2), op=2)[:1],
           "gratuitous_of_another_port": unasked("10.2.0.77", target="10.2.0.77")[:1],
           "then_moves": [arp(sender=UNKNOWN, target=UNKNOWN),
                          arp(sender=UNKNOWN, target=UNKNOWN, mac=STRANGER), shows(UNKNOWN)]}
ACCEPTS = [c for v in (0, 1, 2) for c in with_knob("arp_accept", v, "Linux arp_accept(), arp_is_garp()", ACCEPT)]

GRATUITOUS = {
    "request": [arp(sender=UNKNOWN), arp(sender=UNKNOWN, target=UNKNOWN, mac=STRANGER), shows(UNKNOWN)],
    "reply": [arp(sender=UNKNOWN), arp(op=2, sender=UNKNOWN, target=UNKNOWN, mac=STRANGER, target_mac=STRANGER),
              shows(UNKNOWN)],
    "new": unasked(UNKNOWN, target=UNKNOWN),
    "for_own": [arp(sender=port_ip(1), target=port_ip(1), mac=STRANGER)],
    "probe_of_zero": [arp(sender=PROBE, target=PROBE)],
    "request_of_another_kind": [arp(sender=UNKNOWN), shows(UNKNOWN)],
}
GRATUITOUSES = [c for v in (0, 1) for c in with_knob("drop_gratuitous_arp", v, "Linux arp_process()", GRATUITOUS,
                                                     arp_accept=1)]

# --- Answers for others
PROXY = {
    "another_ports_host": [arp(target=host_ip(2))],
    "routed_by_another_port": [arp(target="10.8.0.1")],
    "neighbour_of_the_same_port": [arp(target="10.1.0.77")],
    "routed_by_the_same_port": [arp(target="10.9.0.1")],
    "on_link_without_a_subnet": [arp(target="10.6.0.1")],
    "no_route": [arp(target="172.16.0.1")],
    "blackhole": [arp(target="192.0.2.1")],
    "unreachable": [arp(target="198.51.100.1")],
    "prohibit": [arp(target="203.0.113.1")],
    "subnet_broadcast": [arp(target="10.1.0.255")],
    "broadcast_of_another_port": [arp(target="10.2.0.255")],
    "network_of_another_port": [arp(target="10.2.0.0")],
    "zero": [arp(target=PROBE)], "loopback": [arp(target="127.0.0.1")], "multicast": [arp(target="224.0.0.1")],
    "limited_broadcast": [arp(target="255.255.255.255")],
    "probe": [arp(sender=PROBE, target=host_ip(2))],
    "itself": [arp(sender="10.1.0.77", target="10.1.0.77")],
    "itself_behind_another_port": [arp(sender=host_ip(2), target=host_ip(2))],
    "unicast": [arp(target=host_ip(2), eth_dst=port_mac(1))],
    "from_another_subnet": [arp(sender="10.8.0.7", target=host_ip(3))],
    "learns": [arp(sender=UNKNOWN, target=host_ip(3)), shows(UNKNOWN)],
    "reply": [arp(op=2, sender=UNKNOWN, target=host_ip(2)), shows(UNKNOWN)],
    "own": [arp()],
}
PROXIES = [c for name in ("proxy_arp", "proxy_arp_pvlan") for v in (0, 1)
           for c in with_knob(name, v, "Linux arp_fwd_proxy(), arp_fwd_pvlan()", PROXY)]
PROXIES += with_knob("proxy_arp", 1, "Linux arp_process: ip_route_input() first", {
    f"strict_{n}": [arp(sender=s, target=host_ip(3))] for n, s in
    (("from_there", host_ip(1)), ("from_elsewhere", host_ip(2)), ("without_route", "172.16.0.9"))}, rp_filter=1)

# --- What a port tells when it comes up. (That it tells of a new address, too, is vethway's own.)
RESTARTS = [case(f"arp_notify_{v}_{port}", "Linux inetdev_send_gratuitous_arp(); RFC 5227 2.3", restarts=port,
                 knobs=knobs(**{port: {"arp_notify": v}}), until=(count, 1) if v else (1, 0.3))
            for v, port, count in ((1, "p2", 2), (0, "p1", 1))]

CASES = IGNORES + FILTERS + STRICT + ANNOUNCES + ACCEPTS + GRATUITOUSES + PROXIES
