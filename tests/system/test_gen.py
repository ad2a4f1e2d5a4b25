# SPDX-License-Identifier: Apache-2.0
"""vethway-gen: what it says was lost is what was lost, and its frames are what they seem to be."""

import collections
import json
import os
import subprocess
import threading

import frames
from frames import host_ip, port_ip, port_mac
from lab import BUILD, Failure, Lab, needs
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import Dot1Q
from scapy.utils import rdpcap
from support import SLOW
from wire import Wire

GEN = os.path.join(BUILD, "perf/gen/vethway-gen")
LAB = {"raw": True, "permanent": False,
       "routes": ["to: default, via: 10.2.0.2", "to: 198.51.100.0/24, action: blackhole"]}
SHARED = True


def gen(lab, *words, timeout=20, check=True):
    """The result, of a run in h1's namespace."""
    prefix = ["ip", "netns", "exec", lab.ns("h1")] if lab else []
    done = subprocess.run([*prefix, GEN, "--quiet", "--json", "-", "--no-huge", *map(str, words)], text=True,
                          capture_output=True, timeout=timeout * SLOW, stdin=subprocess.DEVNULL)
    if check and done.returncode:
        raise Failure(f"vethway-gen {' '.join(map(str, words))}: status {done.returncode}\n{done.stderr}")
    return json.loads(done.stdout) if check else done


def across(lab):
    """From h1's end of its cable to h2's."""
    return ["--tx", f"veth eth0 address {host_ip(1)}/24", "--rx",
            f"{{veth: {{interface: eth0, netns: {lab.ns('h2')}}}, addresses: [{host_ip(2)}/24]}}"]


def dropped(moved):
    return sum(n for name, n in moved.items() if ".dropped." in name or name.endswith("rx_missed"))


def write_prefixes(lab, prefixes):
    path = os.path.join(lab.dir, "prefixes")
    with open(path, "w", encoding="ascii") as file:
        file.write("# a table\n" + "".join(f"{prefix} via {host_ip(2)}\n" for prefix in prefixes))
    return path


def test_through_a_router_all_adds_up(lab):
    """A table of prefixes, of which the switch throws some away: what it drops is what is missing, flow by
    flow, and all else has arrived once, in order."""
    prefixes = [f"{10 + n // 200}.{100 + n % 100}.{n}.0/24" for n in range(95)]
    lost = [f"198.51.100.{n}/32" for n in range(1, 6)]
    before = lab.settled()
    result = gen(lab, *across(lab), "--gateway", port_ip(1), "--src", host_ip(1), "--dst-file",
                 write_prefixes(lab, prefixes + lost), "--order", "uniform", "--seed", 3, "--rate", 4000,
                 "--burst", 4, "--frames", 3000, "--warm-up", 0.3)
    moved = lab.settled() and lab.moved(before)
    assert result["sent"] == 3000 and len(result["flows"]) == 100, result
    flows = {flow["dst"]: flow for flow in result["flows"]}
    assert sum(flow["sent"] for flow in flows.values()) == 3000
    assert sum(flow["lost"] for flow in flows.values()) == result["lost"] == 3000 - result["received"]
    thrown = sum(flow["sent"] for dst, flow in flows.items() if dst.startswith("198.51.100."))
    assert thrown > 100, "the flows without a way had their share"
    for dst, flow in flows.items():
        assert flow["lost"] == (flow["sent"] if dst.startswith("198.51.100.") else 0), flow
    assert result["reordered"] == result["duplicates"] == result["corrupted"] == result["too_late"] == 0
    # The switch counted the warm-up as well, whose frames the sink knows as another run's.
    sent = result["sent"] + result["warmed_up"]
    arrived = result["received"] + result["other_run"]
    own = result["drivers"]["rx"]["rx_missed"]
    assert sent - arrived == dropped(moved) + own, (sent, arrived, moved, own)
    assert moved["p1.dropped.blackhole"] >= thrown
    latency = result["latency_us"]
    percentiles = list(latency["percentiles"].values())
    assert 0 < latency["min"] <= percentiles[0] and percentiles == sorted(percentiles), latency
    assert percentiles[-1] <= latency["max"] and latency["min"] <= latency["mean"] <= latency["max"], latency


def test_hosts_that_it_plays_are_found_by_arp(lab):
    """The router asks for each destination on its link, and the sink answers for it."""
    result = gen(lab, *across(lab), "--gateway", port_ip(1), "--src", host_ip(1), "--dst",
                 "10.2.0.10-10.2.0.19", "--flows", 20, "--rate", 2000, "--frames", 400, "--warm-up", 0.2,
                 "--size", "64:1,1518:1")
    assert (result["lost"], result["received"]) == (0, 400), result
    assert {flow["received"] for flow in result["flows"]} == {20}
    mac = frames.host_mac(2)
    assert all(lab.neighbours()[f"10.2.0.{n}"]["mac"] == mac for n in range(10, 20)), lab.neighbours()


def test_a_gateway_that_is_not_there(lab):
    done = gen(lab, *across(lab), "--gateway", "10.1.0.99", check=False)
    assert done.returncode == 1, done
    assert "--gateway: 10.1.0.99 did not answer ARP from 10.1.0.2 in 2 s" in done.stderr, done.stderr


def pcap_of(directory, *words):
    path = os.path.join(directory, "gen.pcap")
    done = gen(None, "--tx", f"pcap tx={path}", "--rate", "max", "--drain", 0, "--dst-mac", port_mac(1), *words)
    packets = rdpcap(path)
    assert len(packets) == done["sent"]
    return packets


def test_frames_as_scapy_reads_them(lab):
    for words, layer, lengths in (
            (("--size", "imix"), UDP, {60: 70, 590: 40, 1514: 10}),
            (("--protocol", "tcp", "--size", 76), TCP, {72: 120}),
            (("--protocol", "icmp", "--vlan", 7, "--size", 68), ICMP, {64: 120})):
        packets = pcap_of(lab.dir, "--frames", 120, "--flows", 6, "--src", "10.1.0.2-10.1.0.3", "--dst",
                          "10.2.0.2-10.2.0.4", *words)
        assert collections.Counter(len(p) for p in packets) == lengths
        assert collections.Counter((p[IP].src, p[IP].dst) for p in packets) == {
            (f"10.1.0.{s}", f"10.2.0.{d}"): 20 for s in (2, 3) for d in (2, 3, 4)}
        for packet in packets:
            assert layer in packet and frames.checksums_right(packet), packet.show(dump=True)
            assert (packet[Dot1Q].vlan == 7) if "--vlan" in words else Dot1Q not in packet
            assert packet.dst == port_mac(1)


def test_a_series_of_trials_on_open_ports(lab):
    """And the recovery, where nothing is lost: at once."""
    lines = [{"frames": 100, "rate": "50k"}, {"frames": 10, "rate": "fast"}, {"frames": 200, "rate": "max"},
             {"seconds": 0.2, "rate": 20000, "then_rate": 5000, "then_after": 0.1}]
    done = subprocess.run([GEN, "--tx", "ring", "--trials", "--no-huge", "--drain", "0.05"], text=True,
                          capture_output=True, input="\n".join(map(json.dumps, lines)), timeout=20 * SLOW)
    assert done.returncode == 0, done.stderr
    ready, first, refused, second, third = map(json.loads, done.stdout.splitlines())
    assert ready == {"ready": True, "flows": 1}
    assert (first["sent"], first["received"], first["lost"]) == (100, 100, 0), first
    assert refused == {"error": 'a trial\'s rate: expected a rate like 1000, 250k, 1.5M, 2Gbit or max, got "fast"'}
    assert (second["sent"], second["received"], second["rate_wanted_pps"]) == (200, 200, None), second
    assert third["recovery_s"] == 0 and third["sent"] == third["received"], third
    assert third["sent"] + third["missed"] <= 2000 + 500 + 2 * 64, third


def test_words_that_make_no_sense(lab):
    for words, said in ((("--tx", "eth0"), "--tx: expected a driver"),
                        (("--tx", "veth nope"), 'no interface "nope"'),
                        (("--tx", "ring", "--size", 63), "--size: 63 bytes"),
                        (("--tx", "ring", "--flows", 0), "--flows"),
                        (("--tx", "ring", "--flows", 20000), "make only 16384"),
                        (("--tx", "ring", "--lcores", "0,1"), "two need two ports"),
                        (("--tx", "ring", "--seconds", 0), "needs an end")):
        done = gen(lab, *words, check=False)
        assert done.returncode in (1, 2) and said in done.stderr, (words, done.stderr)
        assert done.stderr.count("\n") == 1, done.stderr


class Relay(threading.Thread):
    """From p1 to p2, with accidents: every 7th is doubled, every 11th damaged, every 13th swallowed, and every
    17th comes behind the five after it; or only the first `swallows` are swallowed. `done` says how many met
    with what; an accident is of one kind only."""

    def __init__(self, lab, swallows=0):
        super().__init__(daemon=True)
        self.inner, self.outer, self.swallows = lab.port_wire(1), lab.port_wire(2), swallows
        self.done, self.error, self.over = collections.Counter(), None, False
        self.held, self.due = None, 0

    def run(self):
        try:
            while True:
                if (frame := self.inner.receive(0.1, frames.is_ip)) is not None:
                    self.done["all"] += 1
                    (self.swallow if self.swallows else self.happen)(frame, self.done["all"])
                elif self.over:
                    break
            self.done["swallowed"] += self.held is not None
        except Exception as error:  # told by end()
            self.error = error

    def end(self):
        """When nothing more comes."""
        self.over = True
        self.join(20)
        if self.error:
            raise self.error
        return self.done

    def swallow(self, frame, n):
        if n > self.swallows:
            self.outer.send(frame)

    def happen(self, frame, n):
        if n % 13 == 0:
            self.done["swallowed"] += 1
        elif n % 17 == 0 and self.held is None:
            self.held, self.due = frame, n + 5
        elif n % 11 == 0:
            self.outer.send(self.damaged(frame, n))
            self.done["damaged"] += 1
        else:
            self.outer.send(*[frame] * (2 if n % 7 == 0 else 1))
            self.done["doubled"] += n % 7 == 0
            if self.held and n >= self.due:
                self.outer.send(self.held)
                self.held = None
                self.done["late"] += 1

    @staticmethod
    def damaged(frame, n):
        """One bit, of the payload or the stamp: never of the headers, or it might be nobody's frame."""
        at = 42 + n * 5 % (len(frame) - 42)
        return frame[:at] + bytes([frame[at] ^ 1 << n % 8]) + frame[at + 1:]


class RelayLab(Lab):
    """Without a switch: what is at its ports' ends is the test's."""

    def port_wire(self, n):
        self.wires.append((f"p{n}", Wire(self.ns("sw"), f"p{n}")))
        return self.wires[-1][1]


def relayed(lab, *words, swallows=0):
    """(the result, what the relay did)"""
    relay = Relay(lab, swallows)
    relay.start()
    try:
        result = gen(lab, *across(lab), "--dst-mac", port_mac(1), *words)
    finally:
        relay.over = True
    return result, relay.end()


@needs(raw=True, start=False, kind=RelayLab)
def test_accidents_are_counted_as_they_happened(lab):
    result, done = relayed(lab, "--rate", 1500, "--burst", 3, "--frames", 1500, "--size", 128)
    assert done["all"] == result["sent"] == 1500, (done, result)
    assert min(done[kind] for kind in ("doubled", "damaged", "swallowed", "late")) > 50, done
    assert result["corrupted"] == done["damaged"], (done, result)
    assert result["duplicates"] == done["doubled"], (done, result)
    assert result["reordered"] == done["late"], (done, result)
    assert 5 <= result["furthest_behind"] <= 9, result
    assert result["lost"] == done["swallowed"] + done["damaged"], (done, result)


@needs(raw=True, start=False, kind=RelayLab)
def test_recovery_is_from_the_change_of_rate_to_the_last_loss(lab):
    """1000 a second for 0.3 s are 300 frames at most; 320 are lost, so at least 20 of those that are 5 ms
    apart."""
    result, done = relayed(lab, "--rate", 1000, "--then-rate", 200, "--then-after", 0.3, "--seconds", 1,
                           swallows=320)
    assert result["lost"] == 320 and done["all"] == result["sent"], (done, result)
    assert result["recovery_s"] >= 0.09, result
