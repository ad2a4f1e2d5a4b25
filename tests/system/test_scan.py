# SPDX-License-Identifier: Apache-2.0
"""A scan of a /8 that is on the link of a port, as fast as the scanner's port lets it: the table of
neighbours stays in its bounds, others are talked to and found all the while, nobody is asked too often."""

import os
import re
import struct
import threading
import time

import frames
from frames import ARP, host_ip, host_mac, port_mac
from lab import needs, wait_for
from support import SLOW

SECONDS = 6
CONFIG = """
ports:
  - {name: p1, veth: p1, addresses: [10.1.0.1/24]}
  - {name: p2, veth: p2, addresses: [11.0.0.1/8]}
  - {name: p3, veth: p3, addresses: [10.3.0.1/24]}
neighbours:
  - {address: 10.3.0.2, mac: '%s', port: p3}
control: {socket: '{socket}'}
""" % host_mac(3)
KNOWN = "11.0.0.2"  # whom h1 talks to
GC_THRESH3 = 1024
MOST_GROWTH = 512 << 10  # of resident memory, bytes, once what is used at all has been touched


class Scanner(threading.Thread):
    """Sends from h3 to 11.0.0.0/8, no address twice: 37 and 2^24 have no factor in common."""

    def __init__(self, lab):
        super().__init__(daemon=True)
        self.socket, self.sent, self.ending = lab.wire("h3").socket, 0, False

    def run(self):
        frame = bytearray(frames.udp(src=host_ip(3), dst="11.0.0.0", eth=frames.ether(src=host_mac(3), dst=port_mac(3))))
        checksum = ~struct.unpack_from(">H", frame, 24)[0] & 0xFFFF
        host = 1000
        while not self.ending:
            total = checksum + (host >> 16) + (host & 0xFFFF)
            total = (total & 0xFFFF) + (total >> 16)
            struct.pack_into(">H", frame, 24, ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF)
            struct.pack_into(">I", frame, 30, 11 << 24 | host)
            try:
                self.socket.send(frame)
                self.sent += 1
            except OSError:  # the queue is full
                time.sleep(0.001)
            host = (host + 37) % (1 << 24)

    def end(self):
        self.ending = True
        self.join()


def resident(lab):
    with open(f"/proc/{lab.daemon.process.pid}/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def learned(lab):
    return sum(n["state"] != "permanent" for n in lab.neighbours().values())


def watch(lab):
    """For the time of the scan: the most that was learned, held and in use of buffers; how much memory
    grew after the first 3 seconds, in which the table is filled and emptied once."""
    most, memory, began = {"learned": 0, "held": 0, "mbufs": 0}, None, time.monotonic()
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        status = lab.status()
        now = {"learned": learned(lab), "held": status["accounting"]["held"], "mbufs": lab.mbufs_used(status)}
        most = {k: max(v, now[k]) for k, v in most.items()}
        if memory is None and time.monotonic() > began + 3:
            memory = resident(lab)
        time.sleep(0.2)
    return most, resident(lab) - memory


def asked_twice(packets):
    """Requests that came less than a second after another for the same address."""
    last, soon = {}, []
    for packet in packets:
        if ARP in packet and packet[ARP].op == 1 and packet.src == port_mac(2):
            address, at = packet[ARP].pdst, float(packet.time)
            if address in last and at - last[address] < 0.95:
                soon.append((address, at - last[address]))
            last[address] = at
    return soon, len(last)


@needs(hosts=3, config=CONFIG)
def test_scan_of_a_slash_8(lab):
    lab.run("h2", f"ip address add {KNOWN}/8 dev eth0")
    lab.run("h2", "ip route replace default via 11.0.0.1")
    wait_for(lambda: lab.ping("h1", KNOWN, 1)[0], 5, "h1 reaches its neighbour before the scan")
    capacity = lab.status()["memory"]["mbufs"]["total"]
    before, mbufs = lab.counters(), lab.mbufs_used(lab.status())
    scanner = Scanner(lab)
    with lab.capture("h2", args="arp") as packets:
        ping = lab.spawn("h1", f"ping -n -q -i 0.05 -w {SECONDS} {KNOWN}", stdout=-1)
        scanner.start()
        most, growth = watch(lab)
        scanner.end()
        text = ping.communicate(timeout=5 * SLOW)[0]
    moved = lab.moved(before)

    sent, received = map(int, re.search(r"(\d+) packets transmitted, (\d+) received", text).groups())
    assert received >= 0.95 * sent > 50, f"of a known neighbour's pings {received} of {sent} were answered"
    assert scanner.sent > 20_000, f"no scan: {scanner.sent} frames in {SECONDS} s"
    assert moved["p3.dropped.neighbour_table_full"] > 10_000, moved

    assert most["learned"] <= GC_THRESH3, most
    assert most["held"] <= capacity // 8 + 64, most
    assert most["mbufs"] <= mbufs + capacity // 8 + 1024, (mbufs, most)
    assert growth <= MOST_GROWTH, f"{growth >> 10} KiB more in memory after the first 3 seconds"

    # 6 at once, then one a second, to one sender (icmp_ratelimit).
    assert 0 < moved["p3.originated.icmp_error"] <= 6 + SECONDS + 2, moved
    soon, addresses = asked_twice(packets)
    assert not soon, f"asked for twice within a second: {soon[:5]}, {len(soon)} in all"
    assert addresses > GC_THRESH3, f"{addresses} addresses were asked for: the table is used again"

    # The table has room again as soon as those of the scan have failed; and if nobody has pressed for it meanwhile,
    # they are forgotten by the periodic collection, each 15 s.
    lab.run("h2", "ip address add 11.200.0.9/8 dev eth0")
    wait_for(lambda: lab.ping("h1", "11.200.0.9", 1)[0], 6, "a new neighbour is found after the scan")
    wait_for(lambda: learned(lab) <= GC_THRESH3 * 3 // 4, 20, lambda: f"{learned(lab)} are learned still")
