# SPDX-License-Identifier: Apache-2.0
"""The network that both routers are put into, as data: what the kernel is told by ip(8) and vethwayd by
YAML comes from here, so that no side can be configured by mistake.

Three ports with one host each. p2 has a second subnet, for the choice of a source address; p3 has a
small MTU, no multiple of 8, for fragments; a /31 (RFC 3021), and a /32 that is alone on its link."""

import dataclasses

from frames import host_ip, host_mac


@dataclasses.dataclass(frozen=True)
class Port:
    addresses: tuple
    mtu: int = 1500


PORTS = {1: Port(("10.1.0.1/24",)),
         2: Port(("10.2.0.1/24", "10.2.1.1/24")),
         3: Port(("10.3.0.1/24", "10.3.1.0/31", "10.3.2.1/32"), mtu=1402)}
OWN_ADDRESSES = tuple(a.split("/")[0] for p in PORTS.values() for a in p.addresses)

# (to, via or action). No default route: what is not here has no route.
ROUTES = (("10.8.0.0/16", "10.2.0.2"), ("10.8.1.0/24", "10.3.0.2"), ("10.8.1.9/32", "10.2.0.2"),
          ("10.8.2.0/23", "10.3.0.2"), ("10.8.2.128/25", "10.2.0.2"),
          ("10.9.0.0/16", "10.1.0.2"),       # back out of p1
          ("10.7.0.0/16", "10.2.0.200"),     # a gateway that no ARP entry is known for
          ("10.6.0.0/24", "p1"),             # on p1's link, though in none of its subnets
          ("192.0.2.0/24", "blackhole"), ("198.51.100.0/24", "unreachable"), ("203.0.113.0/24", "prohibit"))
# Next hops with a number: (what `ip nexthop add` is told, the same in YAML).
NEXTHOPS = (("id 1 via 10.2.0.2 dev p2", "id: 1, via: 10.2.0.2, port: p2"),
            ("id 2 via 10.3.0.2 dev p3", "id: 2, via: 10.3.0.2, port: p3"),
            ("id 3 via 10.2.0.3 dev p2", "id: 3, via: 10.2.0.3, port: p2"),
            ("id 4 blackhole", "id: 4, blackhole: true"),
            ("id 5 via 10.77.0.2 dev p2 onlink", "id: 5, via: 10.77.0.2, port: p2, onlink: true"),
            ("id 10 group 1,3/3", "id: 10, group: [1, {id: 3, weight: 3}]"))
# Routes beyond a gateway or an action, likewise. Several next hops lead to one host, as which of them a
# router takes is its own business.
MORE_ROUTES = (
    ("10.20.0.0/16 nexthop via 10.2.0.2 nexthop via 10.2.0.3 weight 9",
     "to: 10.20.0.0/16, nexthops: [{via: 10.2.0.2}, {via: 10.2.0.3, weight: 9}]"),
    ("10.20.1.0/24 nexthop via 10.2.0.2 nexthop via 10.2.0.200",
     "to: 10.20.1.0/24, nexthops: [{via: 10.2.0.2}, {via: 10.2.0.200}]"),
    ("throw 10.8.5.0/24", "to: 10.8.5.0/24, action: throw"),
    ("10.21.0.0/16 via 10.77.0.2 dev p2 onlink", "to: 10.21.0.0/16, via: 10.77.0.2, port: p2, onlink: true"),
    ("10.22.0.0/24 dev p2", "to: 10.22.0.0/24, port: p2"),
    ("10.23.0.0/16 via 10.22.0.9", "to: 10.23.0.0/16, via: 10.22.0.9"),
    ("10.24.0.0/24 dev p2 scope global", "to: 10.24.0.0/24, port: p2, scope: global"),
    ("10.25.0.0/16 via 10.2.0.2 src 10.3.0.1", "to: 10.25.0.0/16, via: 10.2.0.2, src: 10.3.0.1"),
    ("10.26.0.0/16 via 10.2.0.2 metric 10", "to: 10.26.0.0/16, via: 10.2.0.2, metric: 10"),
    ("10.26.0.0/16 via 10.3.0.2 metric 5", "to: 10.26.0.0/16, via: 10.3.0.2, metric: 5"),
    ("10.27.0.0/16 nhid 2", "to: 10.27.0.0/16, nhid: 2"),
    ("10.28.0.0/16 nhid 4", "to: 10.28.0.0/16, nhid: 4"),
    ("10.29.0.0/16 nhid 10", "to: 10.29.0.0/16, nhid: 10"),
    ("10.30.0.0/16 nhid 5", "to: 10.30.0.0/16, nhid: 5"))
ACTIONS = ("blackhole", "unreachable", "prohibit")
PORT_NAMES = tuple(f"p{n}" for n in PORTS)

# Hosts .2 to .9 on every port are known, those from .200 are left to ARP. Between them, on p1, are the
# senders of packets that deserve an ICMP error: one each, as both routers limit errors by address.
FIRST_SENDER, LAST_SENDER = 10, 199
NEIGHBOURS = tuple([(f"10.{n}.0.{i}", host_mac(n), n) for n in PORTS for i in range(2, 10)] +
                   [(f"10.1.0.{i}", host_mac(1), 1) for i in range(FIRST_SENDER, LAST_SENDER + 1)] +
                   [("10.2.1.2", host_mac(2), 2), ("10.3.1.1", host_mac(3), 3), ("10.22.0.2", host_mac(2), 2)])
assert all((host_ip(n), host_mac(n), n) in NEIGHBOURS for n in PORTS)


# Knobs whose values are numbers for vethway, too; one has words, the others are true or false.
NUMBERS = ("arp_accept", "arp_announce", "arp_ignore", "icmp_msgs_burst", "icmp_msgs_per_sec", "icmp_ratelimit",
           "icmp_ratemask", "ip_default_ttl", "ip_no_pmtu_disc", "min_pmtu", "mtu_expires")


# As in the kernel's settings below.
UNLIMITED = {"ip4": {"icmp_ratelimit": 0, "icmp_ratemask": 0}, **{port: {} for port in PORT_NAMES}}


def _as_yaml(name, value):
    if name == "rp_filter":
        return ("off", "strict", "loose")[value]
    return str(value if name in NUMBERS else bool(value)).lower()


def _kind_of(via):
    return "action" if via in ACTIONS else "port" if via in PORT_NAMES else "via"


def vethway_yaml(knobs=()):
    """knobs: as a case has them."""
    def of(where):
        values = {**UNLIMITED[where], **{name: value for at, name, value in knobs if at == where}}
        return [f"{name}: {_as_yaml(name, value)}" for name, value in values.items()]

    # Plain memory, so that the run does not depend on who else has taken hugepages.
    lines = ["dataplane: {hugepages: off}", f"ip4: {{{', '.join(of('ip4'))}}}", "ports:"]
    lines += ["  - {" + ", ".join([f"name: p{n}, veth: p{n}, addresses: [{', '.join(p.addresses)}], mtu: {p.mtu}",
                                   *of(f"p{n}")]) + "}" for n, p in PORTS.items()]
    lines.append("nexthops:")
    lines += [f"  - {{{yaml}}}" for _, yaml in NEXTHOPS]
    lines.append("routes:")
    lines += [f"  - {{to: {to}, {_kind_of(via)}: {via}}}" for to, via in ROUTES]
    lines += [f"  - {{{yaml}}}" for _, yaml in MORE_ROUTES]
    lines.append("neighbours:")
    lines += [f"  - {{address: {a}, mac: '{mac}', port: p{n}}}" for a, mac, n in NEIGHBOURS]
    lines.append("control: {socket: '{socket}'}")
    return "\n".join(lines) + "\n"


# What vethway's defaults are, said in the kernel's words; and no limits but those both have.
KERNEL_SETTINGS = {
    "net.ipv4.conf.{conf}": {"rp_filter": 0, "accept_local": 0, "send_redirects": 1, "shared_media": 1,
                             "accept_redirects": 0, "secure_redirects": 1, "accept_source_route": 0, "arp_accept": 0, "arp_ignore": 0,
                             "arp_announce": 0, "arp_filter": 0, "arp_notify": 0, "drop_gratuitous_arp": 0,
                             "proxy_arp": 0, "proxy_arp_pvlan": 0, "bc_forwarding": 0,
                             "log_martians": 0, "route_localnet": 0, "drop_unicast_in_l2_multicast": 0},
    # ipfrag_time: the error about a datagram that stays incomplete comes after the run, not in it.
    "net.ipv4": {"icmp_ratelimit": 0, "icmp_ratemask": 0, "ip_default_ttl": 64, "ip_no_pmtu_disc": 0,
                 "icmp_echo_ignore_all": 0, "icmp_echo_ignore_broadcasts": 1, "ipfrag_time": 600,
                 "icmp_msgs_per_sec": 1000, "icmp_msgs_burst": 50, "icmp_errors_use_inbound_ifaddr": 0, "ip_forward_update_priority": 1},
    "net.ipv4.route": {"min_pmtu": 552, "mtu_expires": 600},
}


# "all" counts beside the port's own; this is how it has no say: most knobs hold where either is set, a few
# where both are. vethway has no "all".
FOR_ALL = {"accept_redirects": 1, "secure_redirects": 0, "send_redirects": 0, "shared_media": 0, "bc_forwarding": 1, "accept_source_route": 1}


def _knob_prefix(where, name):
    if where != "ip4":
        return "net.ipv4.conf.{conf}"
    return next(p for p in ("net.ipv4", "net.ipv4.route") if name in KERNEL_SETTINGS[p])


def kernel_knob(where, name, value):
    """A knob of a case as sysctl(8) is told it."""
    return f"{_knob_prefix(where, name).format(conf=where)}.{name}={int(value)}"


def usual_knob(where, name):
    """The same, as it is without the case."""
    return kernel_knob(where, name, KERNEL_SETTINGS[_knob_prefix(where, name)][name])


def kernel_sysctls():
    """["name=value", …] for ports that exist; forwarding last, as it resets what it implies."""
    found = ["net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1", "net.ipv4.ip_forward=1"]
    for prefix, values in KERNEL_SETTINGS.items():
        for conf in (["all", "default", *(f"p{n}" for n in PORTS)] if "{conf}" in prefix else [""]):
            found += [f"{prefix.format(conf=conf)}.{k}={FOR_ALL.get(k, v) if conf == 'all' else v}"
                      for k, v in values.items()]
    # As vethway: what is answered by proxy is answered at once.
    return found + [f"net.ipv4.neigh.{port}.proxy_delay=0" for port in PORT_NAMES]


def kernel_commands():
    """Lines for `ip -batch`."""
    lines = [f"link set p{n} mtu {p.mtu}" for n, p in PORTS.items()]
    lines += [f"address add {a} dev p{n}" if a.endswith(("/31", "/32")) else f"address add {a} brd + dev p{n}"
              for n, p in PORTS.items() for a in p.addresses]
    lines += [f"route add {via} {to}" if via in ACTIONS else
              f"route add {to} {'dev' if via in PORT_NAMES else 'via'} {via}" for to, via in ROUTES]
    lines += [f"nexthop add {kernel}" for kernel, _ in NEXTHOPS]
    lines += [f"route add {kernel}" for kernel, _ in MORE_ROUTES]
    lines += [f"neigh replace {a} lladdr {mac} dev p{n} nud permanent" for a, mac, n in NEIGHBOURS]
    return lines
