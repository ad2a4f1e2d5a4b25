# SPDX-License-Identifier: Apache-2.0
"""Frames that mean harm: valid ones of each protocol cut at every length, and with each of their bytes
changed; and what the fuzzer has grown its corpus to. After each kind the switch still answers; that the
books balance and no buffer is lost is looked at where the lab closes."""

import glob
import os

import frames
from frames import arp, echo, ether, host_ip, icmp, ip4, port_ip, tcp, udp, vlan
from harm import harmful
from lab import needs
from scapy.layers.inet import IP, TCP, UDP, IPOption_LSRR, IPOption_RR, IPOption_Timestamp
from scapy.layers.inet6 import IPv6
from scapy.packet import Raw
from support import ROOT
from test_drop_reasons import until_worker_has_all

LAB = {"raw": True, "more": "ip4: {icmp_ratelimit: 0}", "port_more": {1: ", accept_source_route: true",
                                                                      2: ", mtu: 600, rp_filter: loose"}}
OURS = {"dst": port_ip(1)}
KINDS = {
    "ethernet": [bytes(ether(type=0x88B5) / Raw(bytes(46))), vlan(), bytes(ether() / IPv6() / UDP())],
    "arp": [arp(), arp(op=2, target_mac=frames.port_mac(1)), arp(sender="0.0.0.0"),
            arp(sender="10.1.0.9", target="10.1.0.9")],
    "ip4": [ip4(), udp(size=700), udp(size=700, flags="DF"), ip4(ttl=1), ip4(dst="10.1.0.255")],
    "options": [ip4(options=[IPOption_RR(pointer=4, routers=["0.0.0.0"] * 9)], **d) for d in ({}, OURS)] +
               [ip4(options=[IPOption_Timestamp(flg=1, internet_address="0.0.0.0")], **d) for d in ({}, OURS)] +
               [ip4(options=[IPOption_LSRR(pointer=4, routers=["10.2.0.2", "10.1.0.1"])], **OURS)],
    "fragments": [ip4(Raw(bytes(range(64))), proto=17, flags="MF", id=n, frag=f, **OURS)
                  for n, f in enumerate((0, 8, 8189))] + [ip4(Raw(bytes(9)), proto=1, frag=8191, **OURS)],
    "icmp": [echo(**OURS), icmp(13, inner=bytes(12), **OURS),
             icmp(3, 3, inner=bytes(4) + bytes(IP(src=port_ip(1), dst=host_ip(2)) / UDP()), **OURS),
             icmp(3, 4, inner=bytes(4) + bytes(IP(src=port_ip(1), dst=host_ip(2)) / UDP()), **OURS),
             icmp(5, 1, inner=bytes(4) + bytes(IP(src=port_ip(1), dst=host_ip(2)) / UDP()), **OURS)],
    "udp": [udp(**OURS), udp(size=500, **OURS)],
    "tcp": [tcp(**OURS), ip4(TCP(flags="SFRPAU", options=[("MSS", 1), ("SAckOK", b"")]) / Raw(b"x"), **OURS)],
}


def corpus():
    """The frames of packet_fuzz's records (control, length, frame), to p1 where they are to one station."""
    found, mac = set(), bytes.fromhex(frames.port_mac(1).replace(":", ""))
    for path in glob.glob(os.path.join(ROOT, "tests", "fuzz", "corpus", "packet_fuzz", "**"), recursive=True):
        if os.path.isdir(path):
            continue
        with open(path, "rb") as f:
            data = f.read()
        while len(data) > 3:
            size = int.from_bytes(data[1:3], "little")
            frame = data[3:3 + size].ljust(14, b"\0")[:1514]
            found.add(frame if frame[0] & 1 else mac + frame[6:])
            data = data[3 + size:]
    return sorted(found)


def withstands(lab, hostile):
    w1 = lab.wire("h1")
    before = lab.settled()
    for i in range(0, len(hostile), 64):
        w1.send(*hostile[i:i + 64])
        until_worker_has_all(w1)
    moved = lab.moved(before)
    assert moved["p1.rx_packets"] >= len(hostile), (len(hostile), moved)
    assert lab.daemon.running()


def kind(name):
    @needs(shared="hostile", **LAB)
    def test(lab):
        withstands(lab, [f for frame in KINDS[name] for f in harmful(frame)])

    return test


for _name in KINDS:
    globals()[f"test_{_name}"] = kind(_name)


@needs(shared="hostile", **LAB)
def test_corpus(lab):
    found = corpus()
    assert len(found) > 30, "a corpus"
    withstands(lab, found)
