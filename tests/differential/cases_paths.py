# SPDX-License-Identifier: Apache-2.0
"""Packets of the router's own on ways that are narrower than their first link, or that had better go by
another gateway (RFC 1191, RFC 1122 3.2.2.2; Linux net/ipv4/route.c __ip_rt_update_pmtu(), __ip_do_redirect(),
net/ipv4/icmp.c)."""

import itertools

from case import FROM, ICMP, IP, UDP, Raw, arp, case, echo, fresh, host_ip, ip4, knobs, port_ip, udp

LINUX = "RFC 1191; Linux __ip_rt_update_pmtu()"
US = port_ip(1)
# What a case has made known is forgotten before its sender's address comes round again.
SOON = {"mtu_expires": 4}


def narrow(to, mtu, about=None, code=4, src=None, quoted=48, **fields):
    """Said by a router on the way to `to`: an answer of ours to an echo was too large for what comes next."""
    about = about or IP(src=US, dst=to, ttl=60) / ICMP(type=0, id=7, seq=1) / Raw(bytes(20))
    return ip4(ICMP(type=3, code=code, nexthopmtu=mtu) / Raw(bytes(about)[:quoted]), src=src or to, dst=US, **fields)


def of(name, *told, size=1000, to=None, rule=LINUX, **ip4_knobs):
    """told(to): what is said, then an echo of so many bytes."""
    to = to or fresh()
    return case(name, rule, *(t(to) for t in told), echo(src=to, dst=US, size=size), knobs=knobs(ip4={**SOON, **ip4_knobs}),
                punts=True)


MTUS = [of(f"path_mtu_{mtu}", lambda to, mtu=mtu: narrow(to, mtu), size=1400)
        for mtu in (0, 1, 67, 68, 296, 551, 552, 553, 576, 1000, 1006, 1280, 1427, 1428, 1429, 1499, 1500, 1501, 9000, 65535)]
TWICE = [of(f"path_mtu_{a}_then_{b}", lambda to, a=a: narrow(to, a), lambda to, b=b: narrow(to, b), size=1400)
         for a, b in ((1000, 600), (600, 1000), (1000, 1000), (1000, 100), (100, 1000), (1000, 0), (600, 560))]
FITS = [of(f"path_mtu_echo_of_{size}", lambda to: narrow(to, 600), size=size) for size in (8, 571, 572, 573, 576, 577, 1472)]

# --- About what, said by whom
ABOUT = {
    "request_nobody_sent": lambda to: IP(src=US, dst=to) / ICMP(type=8, id=7) / Raw(bytes(20)),
    "udp_nobody_sent": lambda to: IP(src=US, dst=to) / UDP(sport=9, dport=9) / Raw(bytes(20)),
    "timestamp_reply": lambda to: IP(src=US, dst=to) / ICMP(type=14) / Raw(bytes(20)),
    "unreachable": lambda to: IP(src=US, dst=to) / ICMP(type=3, code=3) / Raw(bytes(20)),
    "from_another_address_of_ours": lambda to: IP(src=port_ip(2), dst=to) / ICMP(type=0) / Raw(bytes(20)),
    "not_from_us": lambda to: IP(src=host_ip(2), dst=to) / ICMP(type=0) / Raw(bytes(20)),
    "whose_sum_is_wrong": lambda to: IP(src=US, dst=to, chksum=1) / ICMP(type=0) / Raw(bytes(20)),
    "that_kept_whole": lambda to: IP(src=US, dst=to, flags="DF") / ICMP(type=0) / Raw(bytes(20)),
    "later_fragment": lambda to: IP(src=US, dst=to, frag=10) / ICMP(type=0) / Raw(bytes(20)),
    "first_fragment": lambda to: IP(src=US, dst=to, flags="MF") / ICMP(type=0) / Raw(bytes(20)),
    "ip_version_6": lambda to: IP(src=US, dst=to, version=6) / ICMP(type=0) / Raw(bytes(20)),
}
SAID = [of(f"path_mtu_about_{n}", lambda to, make=make: narrow(to, 600, about=make(to))) for n, make in ABOUT.items()]
SAID += [of(f"path_mtu_quotes_{n}_bytes", lambda to, n=n: narrow(to, 600, quoted=n)) for n in (0, 8, 19, 20, 24, 27, 28)]
SAID += [of(f"path_mtu_code_{n}", lambda to, n=n: narrow(to, 600, code=n)) for n in (0, 1, 2, 3, 5, 13)]
SAID += [
    of("path_mtu_said_by_another_host", lambda to: narrow(to, 600, src=fresh())),
    of("path_mtu_of_another_host", lambda to: narrow(fresh(), 600)),
    case("path_mtu_of_a_gateways_host", LINUX, narrow("10.8.0.5", 600, src=fresh()),
         (2, echo(src="10.8.0.5", dst=US, size=1000, eth=FROM[2]["eth"])), knobs=knobs(ip4=SOON), punts=True),
    case("path_mtu_locked_of_forwarded_packets", "Linux ip_dst_mtu_maybe_forward()", narrow("10.2.0.8", 300, src=fresh()),
         udp(dst="10.2.0.8", size=1000), knobs=knobs(ip4=SOON), punts=True),
    case("path_mtu_of_forwarded_packets", "Linux ip_dst_mtu_maybe_forward()", narrow(host_ip(2), 600, src=fresh()),
         udp(dst=host_ip(2), size=1000), knobs=knobs(ip4=SOON), punts=True),
]

KNOBS = [of(f"ip_no_pmtu_disc_{v}_{mtu}", lambda to, mtu=mtu: narrow(to, mtu), size=1400,
            rule="Documentation/networking/ip-sysctl.rst ip_no_pmtu_disc", ip_no_pmtu_disc=v)
         for v in (0, 1, 2, 3) for mtu in (1000, 300)]
KNOBS += [of(f"min_pmtu_{least}_{mtu}", lambda to, mtu=mtu: narrow(to, mtu), size=1400,
             rule="Documentation/networking/ip-sysctl.rst min_pmtu", min_pmtu=least)
          for least in (68, 552, 1300, 2000) for mtu in (68, 300, 1299, 1300, 1400)]

# --- Redirects
DO_REDIRECT = "RFC 1122 3.2.2.2; Linux __ip_do_redirect()"
GATEWAY, BETTER, A_ROUTES_GATEWAY = "10.2.0.2", "10.2.0.50", "10.2.0.200"
BETTER_MAC = "06:00:00:00:02:50"
_behind = itertools.count(1)


def redirect(to, via, code=1, src=GATEWAY, about=None):
    about = about or IP(src=US, dst=to, ttl=60) / ICMP(type=0, id=7, seq=1) / Raw(bytes(20))
    return 2, ip4(ICMP(type=5, code=code, gw=via) / Raw(bytes(about)[:28]), src=src, dst=port_ip(2), eth=FROM[2]["eth"])


def redirected(name, via=BETTER, known=True, told=redirect, then=None, times=1, rule=DO_REDIRECT, **of_p2):
    """A better gateway is known as a neighbour, told of, and an echo comes from a host behind the old one. What is
    learned stays: each case has a host of its own."""
    to = f"10.8.77.{next(_behind)}"
    makes_known = [(2, arp(sender=via, mac=BETTER_MAC, target=port_ip(2)))] if known else []
    then = then or (2, echo(src=to, dst=US, eth=FROM[2]["eth"]))
    return case(name, rule, *makes_known, *[told(to, via)] * times, then(to) if callable(then) else then, learns=True,
                punts=True, knobs=knobs(p2={"accept_redirects": True, **of_p2}))


REDIRECTS = [
    redirected("redirect_heard"), redirected("redirect_not_accepted", accept_redirects=False),
    *[redirected(f"redirect_heard_code_{n}", told=lambda to, via, n=n: redirect(to, via, code=n)) for n in (0, 2, 3, 4, 255)],
    redirected("redirect_to_one_to_be_found", known=False),
    redirected("redirect_to_one_to_be_found_twice", known=False, times=2),
    *[redirected(f"redirect_heard_from_{src}", told=lambda to, via, src=src: redirect(to, via, src=src))
      for src in ("10.2.0.3", "10.2.0.77", "10.8.77.200")],
    *[redirected(f"redirect_to_{via}", via=via, known=False) for via in (
        GATEWAY, "0.0.0.0", "255.255.255.255", "224.0.0.1", "10.2.0.255", port_ip(1), port_ip(2), "240.0.0.1")],
    redirected("redirect_to_another_subnet", via="172.16.3.9"),
    redirected("redirect_to_another_subnet_not_shared", via="172.16.3.9", shared_media=False, secure_redirects=False),
    *[redirected(f"redirect_secure_{secure}_to_{via}", via=via, shared_media=False, secure_redirects=bool(secure))
      for secure in (0, 1) for via in (BETTER, A_ROUTES_GATEWAY)],
    redirected("redirect_of_forwarded_packets", then=lambda to: (1, udp(dst=to))),
    redirected("redirect_about_one_not_from_us", told=lambda to, via: redirect(
        to, via, about=IP(src=host_ip(3), dst=to) / ICMP(type=0) / Raw(bytes(20)))),
    redirected("redirect_about_udp_nobody_sent", told=lambda to, via: redirect(
        to, via, about=IP(src=US, dst=to) / UDP(sport=9, dport=9) / Raw(bytes(20)))),
    redirected("redirect_then_back", told=lambda to, via: redirect(to, via), times=2),
]

CASES = MTUS + TWICE + FITS + SAID + KNOBS + REDIRECTS
