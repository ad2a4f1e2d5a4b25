# SPDX-License-Identifier: Apache-2.0
"""Frames for the tests, as bytes. The defaults are a valid packet from h1 to h2 by way of p1; a test
names only what it is about."""

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Raw

BROADCAST = "ff:ff:ff:ff:ff:ff"


def host_mac(n):
    return f"02:00:00:00:{n:02x}:02"


def port_mac(n):
    return f"02:00:00:00:{n:02x}:01"


def host_ip(n):
    return f"10.{n}.0.2"


def port_ip(n):
    return f"10.{n}.0.1"


def ether(src=host_mac(1), dst=port_mac(1), **fields):
    return Ether(src=src, dst=dst, **fields)


def ip4(payload=None, eth=None, **fields):
    """`fields` are scapy's: src, dst, ttl, tos, flags, frag, len, chksum, ihl, version, options."""
    fields = {"src": host_ip(1), "dst": host_ip(2), "ttl": 64, "id": 0x1234, **fields}
    payload = UDP(sport=4000, dport=5000) / Raw(b"vethway!") if payload is None else payload
    return bytes((eth or ether()) / IP(**fields) / payload)


def udp(sport=4000, dport=5000, size=8, **fields):
    return ip4(UDP(sport=sport, dport=dport) / Raw(bytes(i & 0xFF for i in range(size))), **fields)


def tcp(sport=4000, dport=5000, flags="S", **fields):
    return ip4(TCP(sport=sport, dport=dport, flags=flags), **fields)


def echo(identifier=7, sequence=1, size=8, **fields):
    return ip4(ICMP(type=8, id=identifier, seq=sequence) / Raw(bytes(i & 0xFF for i in range(size))),
               **fields)


def icmp(kind, code=0, inner=b"", **fields):
    return ip4(ICMP(type=kind, code=code) / Raw(inner), **fields)


def arp(op=1, sender=host_ip(1), target=port_ip(1), mac=host_mac(1), target_mac="00:00:00:00:00:00",
        eth_dst=BROADCAST, **fields):
    return bytes(Ether(src=mac, dst=eth_dst) /
                 ARP(op=op, hwsrc=mac, psrc=sender, hwdst=target_mac, pdst=target, **fields))


def arp_reply(n, to_mac=None, ip=None, mac=None):
    """What host n answers its port when asked."""
    return arp(op=2, sender=ip or host_ip(n), mac=mac or host_mac(n), target=port_ip(n),
               target_mac=to_mac or port_mac(n), eth_dst=to_mac or port_mac(n))


def vlan(tag=10, **fields):
    return ip4(eth=ether() / Dot1Q(vlan=tag), **fields)


def parse(frame):
    return Ether(frame)


def is_ip(frame):
    return frame[12:14] == b"\x08\x00"


def is_arp(frame):
    return frame[12:14] == b"\x08\x06"


def checksums_right(packet):
    """Whether the IPv4 and the TCP, UDP or ICMP checksum of a parsed frame are as scapy computes them."""
    again = Ether(bytes(packet))
    layers = [again[IP]] + [again[kind] for kind in (TCP, UDP, ICMP) if kind in again]
    for layer in layers[:2]:
        layer.chksum = None
    again = Ether(bytes(again))
    names = [IP] + [kind for kind in (TCP, UDP, ICMP) if kind in again][:1]
    return all(again[kind].chksum == packet[kind].chksum for kind in names)


def patched(frame, at, new):
    """The frame with the bytes at `at` replaced."""
    return frame[:at] + new + frame[at + len(new):]


def ip_bytes(frame):
    """The IP packet in a frame, without padding."""
    return frame[14:14 + int.from_bytes(frame[16:18], "big")]
