# SPDX-License-Identifier: Apache-2.0
"""The rows of the matrix of test_intact.py: each sends by a Path what must come through whole."""

import contextlib
import hashlib
import random
import socket
import threading

from intact import WAIT_S
from scapy.layers.inet import TCP, UDP
from scapy.layers.l2 import Dot1AD, Dot1Q
from scapy.layers.sctp import SCTP
from scapy.packet import Raw
from tagging import tagging
from vnet import (ECN, SCTP_FIELD, TCP4, TCP6, TCP_FIELD, UDP_FIELD, UDP_L4, Packet, fold, get16, l4_of, on_the_wire,
                  partial, pseudo_sum, put16)

LOCAL = 0x88b5  # an EtherType for experiments


def noise(size, seed=1):
    return Raw(random.Random(seed).randbytes(size))


SIZES_OF_PAYLOAD = (1, 2, 3, 8, 63, 100, 101, 1000, 1001, 1440)


def tcp_checksum(path):
    path.carry([partial(path.ip4(TCP(sport=1, dport=2, seq=n, flags="A") / noise(n, n)), TCP_FIELD)
                for n in (0, *SIZES_OF_PAYLOAD)])


def udp_checksum(path):
    """One of them sums to 0, which must be sent as 0xffff: 0 would say that there is no checksum."""
    made = [path.ip4(UDP(sport=1, dport=2) / noise(n, n)) for n in (0, *SIZES_OF_PAYLOAD)]
    zero = path.ip4(UDP(sport=1, dport=2) / Raw(b"\0\0abcd"))
    l4 = l4_of(zero)
    zero = put16(zero, l4 + 8, 0xffff - fold(put16(zero, l4 + 6, pseudo_sum(zero, l4))[l4:]))
    assert on_the_wire(partial(zero, UDP_FIELD))[0][l4 + 6:l4 + 8] == b"\xff\xff"
    path.carry([partial(f, UDP_FIELD) for f in (*made, zero)])


def ip6_checksum(path):
    sizes = SIZES_OF_PAYLOAD[:-1]
    path.carry([partial(path.ip6(TCP(sport=1, dport=2, flags="A") / noise(n, n)), TCP_FIELD) for n in sizes] +
               [partial(path.ip6(UDP(sport=1, dport=2) / noise(n, n)), UDP_FIELD) for n in sizes])


def sctp_checksum(path):
    path.carry([partial(path.ip4(SCTP(sport=1, dport=2, tag=n) / noise(n, n)), SCTP_FIELD)
                for n in (4, 8, 64, 100, 1000, 1440)])


def wrong_checksum(path):
    """Nobody mends what is wrong, nor takes a checksum for partial because it looks so."""
    made = [path.ip4(TCP(sport=1, dport=2, chksum=0xbad) / noise(99)),
            path.ip4(UDP(sport=1, dport=2, chksum=0xbad) / noise(99)),
            path.ip4(UDP(sport=1, dport=2, chksum=0) / noise(99))]
    if path.column.source_driver == "veth":  # those who aren't told can only guess
        looks_partial = path.ip4(UDP(sport=1, dport=2) / noise(98))
        made.append(put16(looks_partial, l4_of(looks_partial) + UDP_FIELD,
                          pseudo_sum(looks_partial, l4_of(looks_partial))))
    path.carry([Packet(f) for f in made])


def tcp_super_frame(path):
    def make(size, mss, flags="PAF", gso=TCP4, options=()):
        segment = TCP(sport=1, dport=2, seq=0xfffffff0, flags=flags, options=list(options))
        return partial(path.ip4(segment / noise(size, size)), TCP_FIELD, gso, mss)

    timestamps = [("NOP", None), ("NOP", None), ("Timestamp", (1, 2))]
    path.carry([make(1000, 999), make(14480, 1448, options=timestamps), make(14481, 1448, options=timestamps),
                make(5000, 500, "PACE", TCP4 | ECN), make(64000, 1448),
                make(65481, 1460)])  # the kernel itself cuts what is longer than 65535 bytes


def udp_super_frame(path):
    path.carry([partial(path.ip4(UDP(sport=1, dport=2) / noise(size, size)), UDP_FIELD, UDP_L4, mss)
                for size, mss in ((1001, 1000), (3000, 1000), (20001, 1400), (64000, 1000), (640, 10))])


def ip6_super_frame(path):
    path.carry([partial(path.ip6(TCP(flags="PA") / noise(10001)), TCP_FIELD, TCP6, 1400),
                partial(path.ip6(UDP() / noise(10001)), UDP_FIELD, UDP_L4, 1400)])


def tcp_stream(path, mib=4):
    """Real TCP, which the hosts hand out in super-frames: they cross as such between veths."""
    data = random.Random(7).randbytes(1 << 20) * mib
    here, there = path.connected(socket.SOCK_STREAM)

    def send():
        with contextlib.suppress(OSError):  # the receiver's to say
            here.sendall(data)
            here.shutdown(socket.SHUT_WR)

    before = path.lab.settled()
    with here, there:
        sender = threading.Thread(target=send)
        sender.start()
        accepted, _ = there.accept()
        with accepted:
            accepted.settimeout(WAIT_S)
            digest, size = hashlib.sha256(), 0
            try:
                while chunk := accepted.recv(1 << 20):
                    digest.update(chunk)
                    size += len(chunk)
            finally:
                here.close()
                sender.join()
    assert size == len(data) and digest.digest() == hashlib.sha256(data).digest(), f"{size} of {len(data)} bytes"
    moved = path.lab.moved(before)
    for port, way, is_whole in ((path.column.source_port, "rx", path.column.source_driver == "veth"),
                                (path.column.target_port, "tx", path.column.whole)):
        if is_whole:
            mean = moved[f"{port}.{way}_bytes"] / moved[f"{port}.{way}_packets"]
            assert mean > 2 * path.lab.mtu, f"{port}: {mean:.0f} bytes a frame"


def udp_gso(path, size=1400, count=40, rest=77):
    """Datagrams that a real socket hands out at once (UDP_SEGMENT)."""
    here, there = path.connected(socket.SOCK_DGRAM)
    with here, there:
        here.setsockopt(17, 103, size)  # SOL_UDP, UDP_SEGMENT
        here.send(b"first")             # ARP is done with
        assert there.recv(2000) == b"first"
        before = path.lab.settled()
        data = noise(size * count + rest).load
        here.send(data)
        got = [there.recv(65536) for _ in range(count + 1)]
    assert got == [data[at:at + size] for at in range(0, len(data), size)], [len(d) for d in got]
    moved = path.lab.moved(before)
    if path.column.source_driver == "veth":
        assert moved[f"{path.column.source_port}.rx_packets"] == 1, moved
    if path.column.whole:
        assert moved[f"{path.column.target_port}.tx_packets"] == 1, moved


def fragments(path):
    """They stay the fragments that they were: same id, same offsets, in their order."""
    datagram = bytes(UDP(sport=1, dport=2, len=4008) / noise(4000))
    cuts = [(0, 1480, 1), (1480, 2960, 1), (2960, 4008, 0), (8, 16, 1), (65512, 65520, 0)]
    path.carry([Packet(path.ip4(Raw(datagram[a:b] or b"behind a"), flags=more, frag=a // 8, proto=17))
                for a, b, more in cuts])


def fragmented_datagram(path):
    """A real datagram of 4000 bytes: three fragments, and whole at the receiver's socket."""
    here, there = path.connected(socket.SOCK_DGRAM)
    with here, there, path.socket(path.column.target) as target:
        here.send(b"first")
        assert there.recv(2000) == b"first"
        data = noise(4000).load
        here.send(data)
        assert there.recv(65536) == data
        is_fragment = lambda f: f[12:14] == b"\x08\x00" and get16(f, 20) & 0x3fff  # noqa: E731
        seen = [target.receive(is_fragment).frame for _ in range(3)]
    assert len({get16(f, 18) for f in seen}) == 1, "one id"
    assert [get16(f, 20) for f in seen] == [0x2000, 0x2000 | 185, 370], [hex(get16(f, 20)) for f in seen]


def tagged(path, *tags):
    """Frames of every priority, of some VLANs, of the smallest and the largest size."""
    room = path.lab.mtu - 4 * (len(tags) - 1) - (4 if tags[0] is Dot1AD else 0)
    made = []
    for n, vlan in enumerate((0, 1, 10, 2048, 4094, 4095, 10, 10)):
        eth = path.ether()
        for kind in tags:
            eth /= kind(vlan=vlan, prio=n, id=n & 1)
        for size in (2, 100, room):  # Linux takes no tagged frame of less than 20 bytes
            made.append(Packet(put16(bytes(eth / noise(size)), 12 + 4 * len(tags), LOCAL)))
    path.carry(made)


def vlan(path):
    tagged(path, Dot1Q)


def vlan_8021ad(path):
    tagged(path, Dot1AD)


def vlan_double(path):
    for tags in ((Dot1Q, Dot1Q), (Dot1AD, Dot1Q), (Dot1AD, Dot1AD), (Dot1AD, Dot1Q, Dot1Q)):
        tagged(path, *tags)


def vlan_offloads(path):
    """Partial checksums and super-frames behind a tag, and behind two."""
    made = []
    for tags in (Dot1Q(vlan=5), Dot1AD(vlan=5), Dot1AD(vlan=5) / Dot1Q(vlan=6)):
        eth = path.ether() / tags
        made += [partial(path.ip4(TCP(flags="A") / noise(101), eth), TCP_FIELD),
                 partial(path.ip4(UDP() / noise(100), eth), UDP_FIELD),
                 partial(path.ip4(TCP(flags="A") / noise(9999), eth), TCP_FIELD, TCP4, 1400),
                 partial(path.ip4(UDP() / noise(9999), eth), UDP_FIELD, UDP_L4, 1400)]
    path.carry(made)


def in_vlan(path, *tags):
    """What hosts send by VLAN interfaces: TCP, and a datagram that fills the MTU."""
    ends = [(path.lab.ns(host), interface) for host, interface in (path.column.source, path.column.target)]
    with tagging(ends, tags):
        tcp_stream(path, 1)
        here, there = path.connected(socket.SOCK_DGRAM)
        with here, there:
            data = noise(path.lab.mtu - 28).load
            here.send(data)
            there.settimeout(1)
            try:
                assert there.recv(65536) == data
            except TimeoutError:
                raise AssertionError(f"a datagram of {len(data)} bytes is lost") from None


def in_8021q(path):
    in_vlan(path, (0x8100, 0x600a))


def in_8021ad(path):
    in_vlan(path, (0x88a8, 10))


def in_two_vlans(path):
    in_vlan(path, (0x88a8, 10), (0x8100, 20))


def sizes(path):
    """Frames from the bare Ethernet header up to what the path's MTU allows."""
    wanted = (14, 15, 16, 33, 34, 41, 42, 43, 59, 60, 61, 63, 64, 65, 127, 128, 129, 1513, 1514, 1515, 1518,
              1919, 1920, 1921, 2047, 2048, 2049, 4095, 4096, 4097, 8191, 9013, 9014, 16383, 16384, 16385, 32768,
              65406, 65407, 65408, 65534, 65535, 65536, 65548, 65549)
    header = bytes(path.ether(type=LOCAL))
    path.carry([Packet(header + noise(n - 14, n).load) for n in wanted if n <= path.lab.mtu + 14])


def packet_sizes(path):
    """The same of IP packets, for those who look into them."""
    wanted = (20, 21, 28, 29, 45, 46, 47, 1499, 1500, 1501, 2033, 2034, 2035, 4082, 4083, 8986, 9000, 16370, 65392,
              65393, 65394, 65521, 65535)
    path.carry([Packet(path.ip4(noise(n - 20, n), proto=253)) for n in wanted if n <= path.lab.mtu])


def burst(path, count=256):
    path.carry([Packet(path.ip4(UDP(sport=1, dport=2) / noise(n % 64 * 20, n))) for n in range(count)])


def mixed_burst(path):
    """Frames that lie in the ring and those that are fetched beside it keep their order."""
    def make(n, size, gso=0):
        return partial(path.ip4(TCP(seq=n, flags="A") / noise(size, n)), TCP_FIELD, gso, 1400 if gso else 0)

    path.carry([packet for n in range(24)
                for packet in (*(make(n, 100 + k) for k in range(n % 4)), make(n, 2000 + n * 300, TCP4))])
