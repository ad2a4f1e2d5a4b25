# SPDX-License-Identifier: Apache-2.0
"""Labs and paths for test_intact.py. A frame has come through whole if what it means on a wire is the
same (vnet.on_the_wire): partial checksums and super-frames may stay as they are where the receiver is
told so, and must between two veths."""

import os
import socket

import frames
from lab import Daemon, Lab
from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from support import SLOW, inside
from vnet import VnetSocket, ip_checksummed, on_the_wire

# Stations that no kernel is: nobody answers what they are sent.
SOURCE, TARGET = "02:00:00:00:77:01", "02:00:00:00:77:02"
SOURCE_IP, TARGET_IP = "10.1.0.77", "10.2.0.77"
WAIT_S = 2 * SLOW
HOSTS = {"h1": "10.99.0.1", "h2": "10.99.0.2", "sw": "10.99.0.2"}  # on one subnet, where nobody routes


class IntactLab(Lab):
    """mtu: of all cables. second: YAML of a second vethwayd of the switch, with a socket of its own.
    tap: that h2 is the switch's namespace, on this TAP. one_subnet: the hosts share one."""

    def __init__(self, mtu=1500, second=None, tap=None, one_subnet=True, **options):
        self.mtu, self.second, self.tap, self.one_subnet = mtu, second, tap, one_subnet
        self.second_daemon = None
        super().__init__(**options)

    def make_network(self):
        super().make_network()
        if self.mtu != 1500:
            for n in range(1, self.hosts + 1):
                self.run("sw", f"ip link set p{n} mtu {self.mtu}")
                self.run(f"h{n}", f"ip link set eth0 mtu {self.mtu}")
        for n in range(1, self.hosts + 1) if self.one_subnet else ():
            self.run(f"h{n}", f"ip address add {HOSTS[f'h{n}']}/24 dev eth0")

    def start(self, ready=True, **options):
        super().start(ready=ready and not self.second, **options)
        if self.second:
            self.daemon.wait_ready()
            path = self.write_config(self.second, os.path.join(self.dir, "second.yaml"))
            self.second_daemon = Daemon(path, os.path.join(self.dir, "second.sock"),
                                        os.path.join(self.dir, "second.log"), self.ns("sw"))
            self.second_daemon.wait_ready()
            for daemon in (self.daemon, self.second_daemon):  # each end of a memif comes up by itself
                daemon.wait_ports_up()
            self.mbufs_before = self.mbufs_used(self.status())
        if self.tap:
            self.run("sw", f"sysctl -qw net.ipv6.conf.{self.tap}.disable_ipv6=1")
            self.run("sw", f"ip address add {HOSTS['sw']}/24 dev {self.tap}")
            self.run("sw", f"ip link set {self.tap} up")
        return self.daemon

    def check_books(self):
        super().check_books()
        if self.second_daemon:
            books = self.second_daemon.api("GET", "/status")["accounting"]
            assert books["imbalance"] == 0, books
            status, _ = self.second_daemon.stop()
            assert status == 0, f"the second vethwayd ended with status {status}"

    def remove(self):
        if self.second_daemon:
            self.second_daemon.kill()
        super().remove()


class Path:
    """From one host to another through a lab, as a Column (test_intact.py) says."""

    def __init__(self, lab, column):
        self.lab, self.column = lab, column
        self.to_mac = frames.port_mac(1) if column.routed else TARGET

    def ether(self, **fields):
        return Ether(src=SOURCE, dst=self.to_mac, **fields)

    def ip4(self, payload, eth=None, **fields):
        return bytes((eth or self.ether()) / IP(src=SOURCE_IP, dst=TARGET_IP, id=0x4321, **fields) / payload)

    def ip6(self, payload):
        return bytes(self.ether() / IPv6(src="2001:db8::1", dst="2001:db8::2") / payload)

    def carried(self, frame):
        """The frame as the receiver shall see it."""
        if not self.column.routed:
            return frame
        macs = bytes.fromhex((TARGET + frames.port_mac(2)).replace(":", ""))
        return ip_checksummed(macs + frame[12:22] + bytes([frame[22] - 1]) + frame[23:])

    def socket(self, end):
        host, interface = end
        return VnetSocket(self.lab.ns(host), interface)

    def carry(self, packets, timeout=1.0):
        """All of them arrive, in order (with several workers, those of a flow), none twice, and mean what they
        meant."""
        order = flow if self.column.workers > 1 else lambda _: 0
        expected = [self.carried(f) for p in packets for f in on_the_wire(p)]
        mac = bytes.fromhex(TARGET.replace(":", ""))
        arrived, got = [], []
        with self.socket(self.column.source) as source, self.socket(self.column.target) as target:
            source.send(packets)
            while len(got) < len(expected):
                packet = target.receive(lambda f: f[:6] == mac, timeout)
                if packet is None:
                    break
                arrived.append(packet)
                got += on_the_wire(packet)
            more = target.receive(lambda f: f[:6] == mac, 0.03)
        same(sorted(got, key=order), sorted(expected, key=order))
        assert more is None, f"one more than {len(expected)}: {describe(more.frame)}"
        if self.column.whole:
            arrived.sort(key=lambda p: order(p.frame))
            left = sorted((p._replace(frame=self.carried(p.frame)) for p in packets), key=lambda p: order(p.frame))
            assert arrived == left, "not as their sender left them: " + next(
                f"{a._replace(frame=b'')} instead of {b._replace(frame=b'')}"
                for a, b in zip(arrived, left, strict=False) if a != b)

    def connected(self, kind):
        """(at the sender, at the receiver): two sockets of the hosts, the second one bound or listening."""
        (source, _), (target, _) = self.column.source, self.column.target
        with inside(self.lab.ns(target)):
            there = socket.socket(socket.AF_INET, kind)
        with inside(self.lab.ns(source)):
            here = socket.socket(socket.AF_INET, kind)
        for s in (here, there):
            s.settimeout(WAIT_S)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        there.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
        there.bind((frames.host_ip(2) if self.column.routed else HOSTS[target], 0))
        if kind == socket.SOCK_STREAM:
            there.listen()
        try:
            here.connect(there.getsockname())
        except OSError:
            here.close()
            there.close()
            raise
        return here, there


def flow(frame):
    """Of an IPv4 frame, whose packets one worker takes: protocol and ports, which fragments lack."""
    fragment = frame[20] & 0x3f or frame[21]
    return frame[23:24] if fragment else frame[23:24] + frame[34:38]


def describe(frame):
    return f"[{len(frame)}] {frame[:64].hex()}"


def same(got, expected):
    if got == expected:
        return
    wrong = next((n for n, (a, b) in enumerate(zip(got, expected, strict=False)) if a != b), None)
    if wrong is None:
        raise AssertionError(f"{len(got)} of {len(expected)} frames came; next: {describe(expected[len(got)])}")
    a, b = got[wrong], expected[wrong]
    at = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    raise AssertionError(f"frame {wrong} of {len(expected)} ({len(got)} came) differs at byte {at}:\n"
                         f"got      {describe(a)} …{a[at:at + 16].hex()}\n"
                         f"expected {describe(b)} …{b[at:at + 16].hex()}")
