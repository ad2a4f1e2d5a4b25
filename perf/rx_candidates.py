#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the candidates of rx_candidates.cpp in turn, and the kernel's bridge, over the same wire.

    h1:e1 (10.9.0.1) -- p1:sw:p2 -- e2:h2 (10.9.0.2)

  rx_candidates.py run FILE ROUNDS   measures all candidates ROUNDS times, adds to FILE (JSON lines)
  rx_candidates.py table FILE        prints medians as ratios, a Markdown table
  rx_candidates.py intact            a checked TCP stream to a slow reader, by each candidate
  rx_candidates.py reuse             is received data overwritten when a TX ring wraps?
  rx_candidates.py udp-send | udp-sink MS    18-byte datagrams; for "run"
"""
import ctypes
import hashlib
import json
import mmap
import os
import signal
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(HERE, "rx_candidates.cpp")
PROGRAM = os.path.join(HERE, "..", "build", "rx_candidates")
CANDIDATES = [("v2copy", "sendmmsg"), ("v2big", "sendmmsg"), ("v2attach", "sendmmsg"),
              ("v3", "sendmmsg"), ("recvmmsg", "sendmmsg"), ("v2copy", "sendmsg"),
              ("v2copy", "txring"), ("bridge", "")]
FIGURES = ("tcp", "udp", "rtt")
SO_RCVBUFFORCE = 33  # not in the socket module
IP1, IP2 = "10.9.0.1", "10.9.0.2"


def build():
    if not os.path.exists(PROGRAM) or os.path.getmtime(PROGRAM) < os.path.getmtime(SOURCE):
        os.makedirs(os.path.dirname(PROGRAM), exist_ok=True)
        subprocess.run(["g++", "-std=c++20", "-O2", "-o", PROGRAM, SOURCE], check=True)


def sh(command):
    subprocess.run(command, shell=True, check=True, stdout=subprocess.DEVNULL)


class Wire:
    """The namespaces; their names carry our pid, so only our own are deleted."""

    def __init__(self):
        self.h1, self.sw, self.h2 = (f"rxc{os.getpid()}{n}" for n in ("h1", "sw", "h2"))
        self.made, self.children = [], []

    def __enter__(self):
        try:
            for ns in (self.h1, self.sw, self.h2):
                sh(f"ip netns add {ns}")
                self.made.append(ns)
                sh(f"ip -n {ns} link set lo up")
            for n, ns, ip in ((1, self.h1, IP1), (2, self.h2, IP2)):
                sh(f"ip -n {self.sw} link add p{n} type veth peer name e{n} netns {ns}")
                sh(f"ip netns exec {self.sw} sysctl -qw net.ipv6.conf.p{n}.disable_ipv6=1")
                sh(f"ip netns exec {ns} sysctl -qw net.ipv6.conf.e{n}.disable_ipv6=1")
                sh(f"ip -n {self.sw} link set p{n} arp off up")
                sh(f"ip -n {ns} addr add {ip}/24 dev e{n}")
                sh(f"ip -n {ns} link set e{n} up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for child in self.children:
            if child.poll() is None:
                child.kill()
                child.wait()
        for ns in self.made:
            subprocess.run(["ip", "netns", "del", ns], check=False)

    def start(self, ns, *args, **kw):
        child = subprocess.Popen(["ip", "netns", "exec", ns, *args], stdout=subprocess.PIPE,
                                 text=True, **kw)
        self.children.append(child)
        return child

    def run(self, ns, *args):
        child = self.start(ns, *args)
        return child.communicate(timeout=60)[0]

    def connect(self, rx, tx):
        """Joins p1 and p2; returns what takes them apart again and gives the counters."""
        if rx == "bridge":
            sh(f"ip -n {self.sw} link add br0 type bridge")
            sh(f"ip netns exec {self.sw} sysctl -qw net.ipv6.conf.br0.disable_ipv6=1")
            for port in ("p1", "p2"):
                sh(f"ip -n {self.sw} link set {port} master br0")
            sh(f"ip -n {self.sw} link set br0 up")

            def end():
                sh(f"ip -n {self.sw} link del br0")
                return {}
        else:
            relay = self.start(self.sw, PROGRAM, "relay", rx, tx, "p1", "p2")
            if relay.stdout.readline().strip() != "ready":
                raise RuntimeError(f"{rx} did not start")

            def end():
                relay.send_signal(signal.SIGTERM)
                return json.loads(relay.communicate(timeout=10)[0])
        return end


class Inside:
    """This thread works in a namespace: the sockets it makes stay there."""

    libc = ctypes.CDLL(None, use_errno=True)

    def __init__(self, ns):
        self.ns = ns

    def __enter__(self):
        self.home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        self.enter(os.open(f"/run/netns/{self.ns}", os.O_RDONLY))

    def __exit__(self, *_):
        self.enter(self.home)

    def enter(self, fd):
        failed = self.libc.setns(fd, 0x40000000)
        os.close(fd)
        if failed:
            raise OSError(ctypes.get_errno(), "setns")


def datagrams(sink, ms):
    """Floods or drinks, 64 datagrams a system call; a sink's time begins with the first of them."""
    libc, count, size = Inside.libc, 64, 18
    data = ctypes.create_string_buffer(size)
    part = struct.pack("PN", ctypes.addressof(data), size)
    parts = ctypes.create_string_buffer(part)
    # struct mmsghdr: name, namelen, iov, iovlen, control, controllen, flags, then msg_len
    one = struct.pack("PI4xPNPNi4xI4x", 0, 0, ctypes.addressof(parts), 1, 0, 0, 0, 0)
    messages = ctypes.create_string_buffer(one * count)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    if sink:
        s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 3, 0))
        s.bind((IP2, 5555))
    else:
        s.connect((IP2, 5555))
    print("ready", flush=True)
    total, end, fd, now = 0, float("inf"), s.fileno(), time.monotonic
    while now() < end:
        n = libc.recvmmsg(fd, messages, count, 0x10000, None) if sink else \
            libc.sendmmsg(fd, messages, count, 0)  # 0x10000: MSG_WAITFORONE
        if n < 0 and sink:
            break
        if not total:
            end = now() + ms / 1000
        total += max(n, 0)
    print(total)


def user_seconds():
    """User time of the whole machine, and of what this process and its ended children used."""
    with open("/proc/stat", encoding="ascii") as f:
        ticks = [int(t) for t in f.readline().split()[1:3]]
    used = os.times()
    return sum(ticks) / os.sysconf("SC_CLK_TCK"), used.user + used.children_user


def wait_for_quiet():
    """Others use this machine: give their short jobs a while to end."""
    for _ in range(24):
        before = user_seconds()[0]
        time.sleep(0.25)
        if user_seconds()[0] - before < 0.05:
            break


def measure(wire, rx, tx):
    wait_for_quiet()
    all_before, own_before = user_seconds()
    began = time.monotonic()
    end = wire.connect(rx, tx)
    out = wire.run(wire.h1, "ping", "-n", "-i", "0.002", "-c", "200", "-W", "1", IP2)
    times = [float(w[5:]) for w in out.split() if w.startswith("time=")]
    server = wire.start(wire.h2, "iperf3", "-s", "-1", "-J")
    time.sleep(0.15)
    report = json.loads(wire.run(wire.h1, "iperf3", "-c", IP2, "-t", "2", "-J"))
    server.communicate(timeout=10)
    sink = wire.start(wire.h2, sys.executable, __file__, "udp-sink", "700")
    sink.stdout.readline()
    sent = wire.run(wire.h1, sys.executable, __file__, "udp-send", "900")
    got = int(sink.communicate(timeout=10)[0])
    counters = end()
    all_after, own_after = user_seconds()
    others = (all_after - all_before - own_after + own_before) / (time.monotonic() - began)
    return {"name": f"{rx}+{tx}" if tx else rx, "others": round(others, 3),
            "rtt": statistics.median(times), "pings": len(times),
            "tcp": report["end"]["sum_received"]["bits_per_second"],
            "retransmits": report["end"]["sum_sent"]["retransmits"], "udp": got / 0.7,
            "udp_sent": int(sent.split()[-1]) / 0.9, "counters": counters}


def run(path, rounds):
    with Wire() as wire, open(path, "a", encoding="ascii") as out:
        for _ in range(rounds):
            for rx, tx in CANDIDATES:
                sample = measure(wire, rx, tx)
                print(json.dumps(sample), file=out, flush=True)
                print(f'{sample["name"]:18} tcp {sample["tcp"] / 1e9:6.2f} Gbit/s  udp '
                      f'{sample["udp"] / 1e3:7.0f} k/s  rtt {sample["rtt"] * 1e3:5.0f} us  '
                      f'others {sample["others"]:.2f}',
                      file=sys.stderr, flush=True)


def table(path):
    samples = {}
    with open(path, encoding="ascii") as lines:
        for line in lines:
            sample = json.loads(line)
            if sample["others"] < 0.02:  # of one core: nobody disturbed
                samples.setdefault(sample["name"], []).append(sample)
    middle = {name: {f: statistics.median(s[f] for s in group) for f in FIGURES}
              for name, group in samples.items()}
    names = [f"{rx}+{tx}" if tx else rx for rx, tx in CANDIDATES]
    first = middle[names[0]]
    print("| candidate | n | TCP | TCP spread | TCP to bridge | UDP 18 B | UDP spread | "
          "UDP to bridge | ping RTT | RTT to bridge |\n" + "|---" * 10 + "|")
    for name in (n for n in names if n in middle):
        m, spread = middle[name], {}
        for f in ("tcp", "udp"):
            values = [s[f] / first[f] for s in samples[name]]
            spread[f] = f"{min(values):.2f}-{max(values):.2f}"
        b = middle.get("bridge", m)
        print(f'| {name} | {len(samples[name])} | '
              f'{m["tcp"] / first["tcp"]:.2f} | {spread["tcp"]} | '
              f'{m["tcp"] / b["tcp"]:.2f} | {m["udp"] / first["udp"]:.2f} | {spread["udp"]} | '
              f'{m["udp"] / b["udp"]:.2f} | {m["rtt"] / first["rtt"]:.2f} | '
              f'{m["rtt"] / b["rtt"]:.2f} |')


def intact():
    """Offloaded checksums do not tell of damage on a veth, so the data itself is compared."""
    data = os.urandom(1 << 20) * 48
    for rx, tx in CANDIDATES:
        with Wire() as wire:
            wire.connect(rx, tx)
            with Inside(wire.h2):
                listener = socket.create_server((IP2, 5001))
            with Inside(wire.h1):
                client = socket.create_connection((IP2, 5001))
            server = listener.accept()[0]
            sender = threading.Thread(target=lambda: (client.sendall(data), client.close()))
            sender.start()
            time.sleep(0.3)
            digest, total = hashlib.sha256(), 0
            while part := server.recv(1 << 18):
                digest.update(part)
                total += len(part)
            sender.join()
            same = digest.digest() == hashlib.sha256(data).digest()
            print(f"{rx}+{tx}: {total} bytes, {'same' if same else 'DIFFERENT'}")
            server.close()
            listener.close()


def tx_ring(port, slots, slot):
    """TPACKET_V2 transmit ring with vnet headers: the socket and its memory."""
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sol, version, tx, vnet, bypass = 263, 10, 13, 15, 20
    s.setsockopt(sol, vnet, 1)
    s.setsockopt(sol, bypass, 1)
    s.setsockopt(sol, version, 1)
    s.setsockopt(sol, tx, struct.pack("IIII", slot * slots, 1, slot, slots))
    ring = mmap.mmap(s.fileno(), slot * slots)
    s.bind((port, 0))
    return s, ring


def reuse(count=256, slots=8, slot=4096, payload=1400):
    """Every datagram is filled with its own number; the reader looks only after the last one.

    The vnet header is all zeros: hdr_len 0 leaves all but the Ethernet header in the ring's pages.
    """
    with Wire() as wire:
        with Inside(wire.h2):
            reader = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            reader.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
            reader.bind((IP2, 7777))
        mac = json.loads(subprocess.check_output(
            ["ip", "-n", wire.h2, "-j", "link", "show", "e2"]))[0]["address"]
        with Inside(wire.sw):
            sender, ring = tx_ring("p2", slots, slot)
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + payload, 0, 0, 64, 17, 0,
                         socket.inet_aton(IP1), socket.inet_aton(IP2))
        total = sum(struct.unpack("!10H", ip))
        total = (total & 0xffff) + (total >> 16)
        ip = ip[:10] + struct.pack("!H", ~total & 0xffff) + ip[12:]
        head = (bytes(10) + bytes.fromhex(mac.replace(":", "")) + b"\2\0\0\0\0\1\x08\0" + ip
                + struct.pack("!HHHH", 7777, 7777, 8 + payload, 0))
        waits = 0
        for i in range(count):
            at = i % slots * slot
            while struct.unpack_from("I", ring, at)[0] != 0:  # not TP_STATUS_AVAILABLE
                waits += 1
                time.sleep(0.001)
                if waits > 2000:
                    raise RuntimeError("the kernel keeps the slot")
            frame = head + bytes([i % 256]) * payload
            ring[at + 32:at + 32 + len(frame)] = frame  # tp_hdrlen - sizeof(sockaddr_ll)
            struct.pack_into("I", ring, at + 4, len(frame))
            struct.pack_into("I", ring, at, 1)  # TP_STATUS_SEND_REQUEST
            sender.send(b"", socket.MSG_DONTWAIT)
        ring[32:] = b"\xee" * (len(ring) - 32)  # any page that is still shared shows this
        numbers, damaged = [], 0
        reader.setblocking(False)
        try:
            while True:
                data = reader.recv(65536)
                numbers.append(data[0])
                damaged += data != bytes([data[0]]) * payload
        except BlockingIOError:
            pass
        in_order = numbers == [i % 256 for i in range(count)]
        print(f"sent {count} through {slots} slots, received {len(numbers)}, each with its own "
              f"number in order: {in_order}, damaged: {damaged}, waits for a slot: {waits}")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the namespaces go
    if len(sys.argv) == 4 and sys.argv[1] == "run":
        build()
        run(sys.argv[2], int(sys.argv[3]))
    elif len(sys.argv) == 3 and sys.argv[1] == "table":
        table(sys.argv[2])
    elif len(sys.argv) == 3 and sys.argv[1] in ("udp-send", "udp-sink"):
        datagrams(sys.argv[1] == "udp-sink", int(sys.argv[2]))
    elif sys.argv[1:] in (["intact"], ["reuse"]):
        build()
        globals()[sys.argv[1]]()
    else:
        sys.exit(__doc__)
