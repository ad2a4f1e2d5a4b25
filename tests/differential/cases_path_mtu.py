# SPDX-License-Identifier: Apache-2.0
"""Packets of the router's own on ways that are narrower than their first link (RFC 1191; Linux
net/ipv4/route.c __ip_rt_update_pmtu(), net/ipv4/icmp.c icmp_unreach())."""

from case import FROM, ICMP, IP, UDP, Raw, case, echo, fresh, host_ip, ip4, knobs, port_ip, udp

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

CASES = MTUS + TWICE + FITS + SAID + KNOBS
