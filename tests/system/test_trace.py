# SPDX-License-Identifier: Apache-2.0
"""What becomes of packets (trace), and what would (explain). That the two, the counters and captures agree of
each drop reason is test_drop_reasons'."""

import json
import os
import subprocess
import time

import frames
from frames import arp, echo, ether, host_ip, host_mac, ip4, port_ip, udp
from lab import BUILD, needs, wait_for
from scapy.layers.l2 import Ether
from scapy.packet import Raw

LAB = {"raw": True, "routes": ("to: 192.0.2.0/24, action: blackhole", "to: 198.51.100.0/24, action: unreachable",
                               "to: 203.0.113.0/24, action: prohibit"),
       "port_more": {1: ", rp_filter: strict", 2: ", mtu: 1400"}}


class Trace:
    """`vethway trace --json` around a block; stories() are those told so far."""

    def __init__(self, lab, *args):
        self.path = os.path.join(lab.dir, f"trace-{time.monotonic_ns()}")
        self.out = open(self.path, "w")
        self.process = lab.spawn("sw", [os.path.join(BUILD, "vethway"), "--socket", lab.socket, "--json", "trace",
                                        *args], stdout=self.out, stderr=subprocess.PIPE)

    def __enter__(self):
        line = self.process.stderr.readline()
        assert "tracing" in line, line
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(5)
        self.process.stderr.close()
        self.out.close()

    def stories(self):
        with open(self.path) as f:
            return [json.loads(line) for line in f.read().split("\n")[:-1]]

    def wait_for(self, n):
        return wait_for(lambda: len(self.stories()) >= n and self.stories(), 5,
                        lambda: f"{n} stories: {self.stories()}")


def steps(packet):
    return [s["step"] for s in packet["steps"]]


def explain(lab, *args):
    """(exit status, story)"""
    done = lab.cli_run("explain", *args, "--json", check=False)
    assert done.returncode in (0, 3, 4, 5), done.stderr
    return done.returncode, json.loads(done.stdout)


WIRE = """ports:
  - {name: p1, veth: p1}
  - {name: p2, veth: p2, mtu: 600}
xconnects: [[p1, p2]]
control: {socket: '{socket}'}
"""


def test_forwarded(lab):
    """A packet's whole way, with what each stage decided by."""
    with Trace(lab, "-n", "1", "udp", "port", "5000") as trace:
        lab.wire("h1").send(echo(), udp())
        story = trace.wait_for(1)[0]
        assert trace.process.wait(5) == 0, "ends by itself after -n packets"
    assert story["outcome"] == "forwarded" and len(story["packets"]) == 1, story
    assert story["summary"] == "IP 10.1.0.2.4000 > 10.2.0.2.5000: UDP, length 8", story["summary"]
    packet = story["packets"][0]
    assert steps(packet) == ["received", "classified", "source_passed", "routed", "forwarded", "resolved",
                             "sent"], packet
    words = {s["step"]: s["words"] for s in packet["steps"]}
    assert words["routed"] == "10.2.0.2 is in 10.2.0.0/24 (connected): p2", words
    assert words["forwarded"].startswith("by p2, next hop 10.2.0.2; TTL 64 -> 63; 36 bytes of MTU 1400"), words
    assert f"10.2.0.2 on p2 is at {host_mac(2)}" in words["resolved"], words
    ns = [s["ns"] for s in packet["steps"]]
    assert ns == sorted(ns) and ns[-1] < 1e9, ns


def test_caused_packets_name_their_cause(lab):
    with Trace(lab) as trace:
        lab.wire("h1").send(ip4(ttl=1))
        story = trace.wait_for(1)[0]
    cause, error = story["packets"]
    assert (story["outcome"], cause["outcome"], error["outcome"]) == ("dropped", "dropped", "forwarded")
    assert error["caused_by"] == cause["id"] and "ICMP time exceeded" in error["summary"], error
    assert steps(error) == ["originated", "sent_own", "resolved", "sent"], error


@needs(raw=True, port_more={2: ", mtu: 576"})
def test_fragments_are_one_story(lab):
    with Trace(lab) as trace:
        lab.wire("h1").send(udp(size=1000))
        story = trace.wait_for(1)[0]
    assert story["outcome"] == "forwarded" and [p["outcome"] for p in story["packets"]] == \
        ["consumed", "forwarded", "forwarded"], story
    assert [p["caused_by"] for p in story["packets"]] == [None, 1, 1], story


@needs(raw=True)
def test_fragments_to_us(lab):
    """The last one's story goes on with the whole; a what-if of any says that it waits, and holds nothing."""
    pieces = [ip4(Raw(bytes(echo(size=64, dst=port_ip(1)))[34:][a:b]), proto=1, dst=port_ip(1), frag=a // 8,
                  flags="MF" if b < 72 else 0) for a, b in ((0, 32), (32, 72))]
    status, what_if = explain(lab, "--port", "p1", "--hex", pieces[0].hex())
    assert what_if["outcome"] == "waits" and steps(what_if["packets"][0])[-1] == "collected", (status, what_if)
    assert lab.status()["accounting"]["held"] == 0
    with Trace(lab) as trace:
        lab.wire("h1").send(*pieces)
        stories = trace.wait_for(2)
    assert {s["outcome"] for s in stories} == {"consumed"}, stories
    first, last = sorted(stories, key=lambda s: len(s["packets"]))
    assert steps(first["packets"][0])[-2:] == ["collected", "consumed"], first
    whole = last["packets"][1]
    assert steps(whole) == ["originated", "reassembled", "consumed"], last
    assert whole["steps"][1]["words"] == "2 fragments make 92 bytes", whole
    assert "ICMP echo reply" in last["packets"][2]["summary"], last


@needs(raw=True, permanent=False)
def test_waiting_goes_on_in_the_same_story(lab):
    w2 = lab.wire("h2")
    with Trace(lab, "udp") as trace:
        lab.wire("h1").send(udp())
        w2.expect(want=frames.is_arp)
        time.sleep(0.1)
        w2.send(frames.arp_reply(2))
        story = trace.wait_for(1)[0]
    packet = story["packets"][0]
    assert steps(packet)[-4:] == ["waits", "released", "resolved", "sent"], packet
    assert story["outcome"] == "forwarded", story
    assert story["packets"][1]["summary"].startswith("ARP, Request who-has 10.2.0.2"), story


@needs(raw=True, permanent=False)
def test_neighbour_failed(lab):
    lab.cli_run("neighbour", "add", host_ip(1), host_mac(1), "port", "p1")
    with Trace(lab, "-r", "neighbour_failed") as trace:
        with lab.moves({"p1.dropped.neighbour_failed": 1}, timeout=6,
                       ignore=("bytes", "burst", "packets", "originated", "tx_")):
            lab.wire("h1").send(udp())
        story = trace.wait_for(1)[0]
    assert story["reasons"] == ["neighbour_failed"], story
    assert "asks_error" in steps(story["packets"][0]), story
    assert "host 10.2.0.2 unreachable" in story["packets"][2]["summary"], story
    status, what_if = explain(lab, "--port", "p1", "--src", host_ip(1), "--dst", "10.2.0.99")
    assert (status, what_if["outcome"]) == (4, "waits") and "ARP" in what_if["then"], what_if


@needs(raw=True, used=0, config=WIRE)
def test_wire(lab):
    frame = bytes(ether(type=0x88B5) / Raw(bytes(900)))
    with Trace(lab) as trace:
        lab.wire("h1").send(frame)
        dropped = trace.wait_for(1)[0]
        lab.wire("h1").send(frame[:500])
        passed = trace.wait_for(2)[1]
    assert dropped["reasons"] == ["mtu_exceeded"] and steps(dropped["packets"][0]) == \
        ["received", "not_wired", "dropped"], dropped
    assert steps(passed["packets"][0]) == ["received", "wired", "sent"], passed


def test_port_and_filter_choose(lab):
    with Trace(lab, "--port", "p2") as of_p2, Trace(lab, "icmp") as of_icmp, Trace(lab, "udp", "port", "9") as of_9:
        lab.wire("h1").send(udp(), echo(), udp(dport=9))
        lab.wire("h2").send(ip4(src=host_ip(2), dst=host_ip(1), eth=ether(host_mac(2), frames.port_mac(2))))
        assert of_p2.wait_for(1)[0]["port"] == "p2"
        assert "ICMP echo request" in of_icmp.wait_for(1)[0]["summary"]
        assert of_9.wait_for(1)[0]["summary"].endswith("10.2.0.2.9: UDP, length 8")
        time.sleep(0.2)
        assert [len(t.stories()) for t in (of_p2, of_icmp, of_9)] == [1, 1, 1]


def test_explain_changes_nothing(lab):
    """Neither counters nor neighbours nor a frame on any wire."""
    w1, w2 = lab.wire("h1"), lab.wire("h2")
    neighbours = [(n["address"], n["state"], n["mac"]) for n in lab.neighbours().values()]
    with lab.moves({}, ignore=()):
        for args in (("--src", host_ip(1), "--dst", host_ip(2), "--udp", "4:5"),
                     ("--src", host_ip(1), "--dst", "10.2.0.77", "--tcp", "80"),
                     ("--src", host_ip(1), "--dst", port_ip(1)),
                     ("--src", host_ip(1), "--dst", "172.16.0.1"),
                     ("--hex", arp(sender="10.1.0.50").hex()),
                     ("--hex", udp(size=60000).hex())):
            explain(lab, "--port", "p1", *args)
        w1.expect_nothing(0.1)
        w2.expect_nothing(0.1)
    assert [(n["address"], n["state"], n["mac"]) for n in lab.neighbours().values()] == neighbours


def test_explain_status_and_text(lab):
    for args, status, line in (
            (("--dst", host_ip(2), "--udp", "53"), 0, "=> forwarded"),
            (("--dst", port_ip(1)), 3, "=> consumed"),
            (("--dst", "10.2.0.77"), 4, "=> waits"),
            (("--dst", "172.16.0.1", "--protocol", "47"), 5, "=> dropped no_route")):
        done = lab.cli_run("explain", "--port", "p1", "--src", host_ip(1), *args, check=False)
        assert done.returncode == status and line in done.stdout, done
        assert done.stdout.startswith("If p1 received IP 10.1.0.2"), done.stdout


def test_explain_from_a_file(lab):
    from scapy.utils import wrpcap
    path = os.path.join(lab.dir, "in.pcap")
    wrpcap(path, [Ether(udp()), Ether(ip4(ttl=1))])
    assert explain(lab, "--port", "p1", "--pcap", path)[0] == 0
    assert explain(lab, "--port", "p1", "--pcap", path + ":2")[1]["reasons"] == ["ttl_expired"]
    done = lab.cli_run("explain", "--port", "p1", "--pcap", path + ":3", check=False)
    assert done.returncode == 2 and done.stderr == f"vethway: {path}: has 2 frames, not 3\n", done


def test_refusals_are_one_line(lab):
    for args, words in (
            (("trace", "udp port"), "filter"), (("trace", "-p", "p9"), 'there is no port "p9"'),
            (("trace", "-r", "nonsense"), 'there is no drop reason "nonsense"'),
            (("explain", "--port", "p9", "--src", "1.2.3.4", "--dst", "1.2.3.5"), 'there is no port "p9"'),
            (("explain", "--port", "p1"), "say which packet"), (("explain",), "--port"),
            (("explain", "--port", "p1", "--hex", "0g"), "no hexadecimal digit"),
            (("explain", "--port", "p1", "--src", "1.2.3", "--dst", "1.2.3.5"), "src")):
        done = lab.cli_run(*args, check=False)
        assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1, done
        assert words in done.stderr, done


def test_traces_end_with_the_daemon(lab):
    with Trace(lab) as trace:
        lab.check_balance = True
        status, seconds = lab.daemon.stop()
        assert status == 0 and seconds < 10, (status, seconds)
        assert trace.process.wait(5) == 2
        assert "ended the connection" in trace.process.stderr.read()


def test_ninth_watcher_is_refused(lab):
    traces = [Trace(lab) for _ in range(8)]
    for t in traces:
        t.__enter__()
    done = lab.cli_run("trace", check=False)
    assert done.returncode == 2 and "run already" in done.stderr, done

    def room_again():
        trace = Trace(lab)
        begun = "tracing" in trace.process.stderr.readline()
        trace.__exit__()
        return begun

    traces.pop().__exit__()
    wait_for(room_again, 5, "there is room for another")
    for t in traces:
        t.__exit__()
