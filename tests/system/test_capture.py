# SPDX-License-Identifier: Apache-2.0
"""vethway capture: packets as they pass, read back by tools that others made."""

import http.client
import logging
import os
import signal
import subprocess
import time

from daemon import UnixConnection
from frames import host_ip, host_mac, port_ip, udp
from lab import BUILD, SLOW, ApiError, needs, wait_for
from scapy.layers.inet import ICMP
from scapy.utils import PcapNgReader

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)  # it takes a comment for its first line only
VETHWAY = os.path.join(BUILD, "vethway")


class Capture:
    """`vethway capture` around a block: `with Capture(lab, "-w", file) as c`; then c.text, c.err, c.status."""

    def __init__(self, lab, *args, wait=False, **options):
        self.lab, self.args, self.wait, self.options = lab, args, wait, options
        self.text = self.err = self.status = None

    def __enter__(self):
        self.process = self.lab.spawn("sw", [VETHWAY, "--socket", self.lab.socket, "capture", *self.args],
                                      **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **self.options})
        line = self.process.stderr.readline()
        assert "capturing" in line, line + self.process.stderr.read()
        return self

    def __exit__(self, kind, *_):
        if kind is not None:  # the block's failure is what is to be told
            self.process.kill()
        elif not self.wait:
            time.sleep(0.15 * SLOW)  # what passed is shown 100 ms later at most
            self.process.send_signal(signal.SIGINT)
        self.text, self.err = self.process.communicate(timeout=10 * SLOW)
        self.status = self.process.returncode

    @property
    def counts(self):
        """(captured, lost) of the summary"""
        words = self.err.splitlines()[-1].split()
        return int(words[0]), int(words[3])


def path_of(lab, name="out.pcapng"):
    return os.path.join(lab.dir, name)


def tshark(path, *fields, read_filter=""):
    """A list a packet, of what tshark says of it; a broken file is a failure."""
    done = subprocess.run(["tshark", "-n", "-r", path, "-Y", read_filter, "-T", "fields",
                           *(x for field in fields for x in ("-e", field))],
                          text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return [line.split("\t") for line in done.stdout.splitlines()]


def comments(path, read_filter="icmp"):
    """[(interface, direction, comment)]"""
    ways = {"0x00000001": "in", "0x00000002": "out", "": ""}
    return [(interface, ways[way], comment) for interface, way, comment in
            tshark(path, "frame.interface_name", "frame.packet_flags_direction", "frame.comment",
                   read_filter=read_filter)]


def test_forwarded(lab):
    path = path_of(lab)
    with Capture(lab, "-w", path) as capture:
        assert lab.ping("h1", host_ip(2), 2)[0] == 2
    rows = comments(path)
    assert len(rows) == 8, rows
    there = [("p1", "in", f"forwarded by p2 to {host_mac(2)}"), ("p2", "out", "of p1")]
    back = [("p2", "in", f"forwarded by p1 to {host_mac(1)}"), ("p1", "out", "of p2")]
    for row, wanted in zip(rows[4:], there + back):  # the second, which waits for nobody
        assert row[:2] == wanted[:2] and wanted[2] in row[2], (row, wanted)
    assert rows[0][2].startswith(f"forwarded by p2 to {host_mac(2)}"), rows[0]
    assert capture.status == 0 and capture.counts == (len(comments(path, "")), 0), capture.err


def test_other_readers(lab):
    path = path_of(lab)
    before = time.time()
    with Capture(lab, "-w", path, "icmp"):
        assert lab.ping("h1", host_ip(2), 1)[0] == 1
    # tcpdump reads no file whose interfaces differ; it is content with these.
    text = subprocess.run(["tcpdump", "-nnr", path], text=True, capture_output=True, check=True).stdout
    assert text.count("ICMP echo") == 4, text
    with PcapNgReader(path) as reader:
        packets = [p for p in reader if ICMP in p]
    assert len(packets) == 4 and packets[0].ttl == 64 and packets[1].ttl == 63, packets
    times = [float(p.time) for p in packets]
    assert times == sorted(times) and before <= times[0] <= time.time(), (before, times)
    # The same packet has the same number wherever it is seen.
    ids = [row[0] for row in tshark(path, "frame.packet_id", read_filter="icmp")]
    assert ids[0] == ids[1] != ids[2] == ids[3], ids


@needs(routes=["to: 192.0.2.0/24, action: blackhole"])
def test_dropped(lab):
    path = path_of(lab)
    with Capture(lab, "-w", path):
        lab.ping("h1", "172.16.0.1", 1, "-W 0.2")
        lab.ping("h1", "192.0.2.1", 1, "-W 0.2")
        lab.ping("h1", host_ip(2), 1, "-t 1 -W 0.2")
    rows = comments(path)
    for reason, told in (("no_route (stage ip4_lookup)", "ICMP 3/0 sent"), ("blackhole", ""),
                         ("ttl_expired (stage ip4_forward)", "ICMP 11/0 sent")):
        where = [row[0] for row in rows if row[2].startswith(f"dropped: {reason}") and told in row[2]]
        assert where == ["p1", "drop"], (reason, where, rows)
    drops = [row for row in rows if row[0] == "drop"]
    assert all(row[1] == "" and row[2].endswith("; port p1") for row in drops), drops
    assert sum("icmp_error caused by packet" in row[2] and row[2].endswith(" of p1") for row in rows) == 2, rows


def test_answered_and_own(lab):
    path = path_of(lab)
    with Capture(lab, "-w", path, "icmp or arp"):
        assert lab.ping("h1", port_ip(1), 1)[0] == 1
        lab.cli_run("ping", "-c1", host_ip(2))
    rows = comments(path, "")
    for wanted in (("p1", "in", "answered: echo_reply"), ("p1", "in", "answered: arp_reply"),
                   ("p2", "out", "host, of our own accord"), ("p2", "in", "consumed: host")):
        assert wanted in rows, (wanted, rows)
    assert any(row[:2] == ("p1", "out") and row[2].startswith("echo_reply caused by packet ") for row in rows)


def test_waiting(lab):
    path = path_of(lab)
    with Capture(lab, "-w", path):
        lab.ping("h1", "10.2.0.9", 1, "-W 0.3")
    assert ("p1", "in", "waits for 10.2.0.9") in comments(path), comments(path)
    requests = [row for row in comments(path, "arp.dst.proto_ipv4 == 10.2.0.9") if row[0] == "p2"]
    assert "arp_request caused by packet " in requests[0][2], requests


def test_filter_port_point_reason(lab):
    assert lab.ping("h1", host_ip(2), 1)[0] == 1  # neighbours are known

    def rows(*args, send=lambda: lab.ping("h1", host_ip(2), 1)):
        path = path_of(lab)
        with Capture(lab, "-w", path, *args):
            send()
            lab.ping("h2", port_ip(2), 1)
        return [row[:2] for row in comments(path, "")]

    assert rows("icmp", "and", "host", host_ip(1)) == [("p1", "in"), ("p2", "out"), ("p2", "in"), ("p1", "out")]
    assert rows("icmp", "--port", "p1") == [("p1", "in"), ("p1", "out")]
    assert rows("--port", "p1", "--port", "p2", "udp port 53") == []
    assert rows("--point", "rx", "icmp") == [("p1", "in"), ("p2", "in"), ("p2", "in")]
    assert rows("--point", "drop") == []
    drop = lambda: (lab.ping("h1", "172.16.0.1", 1, "-W 0.2"), lab.ping("h1", host_ip(2), 1, "-t1 -W 0.2"))  # noqa: E731
    assert rows("--reason", "no_route", send=drop) == [("drop", "")]
    assert rows("--reason", "ttl_expired", "--point", "all", send=drop) == [("p1", "in"), ("drop", "")]


def test_snaplen(lab):
    path = path_of(lab)
    with Capture(lab, "-w", path, "-s", "40", "icmp"):
        assert lab.ping("h1", host_ip(2), 1)[0] == 1
    assert tshark(path, "frame.cap_len", "frame.len", read_filter="icmp") == [["40", "98"]] * 4


def test_count_and_seconds(lab):
    path = path_of(lab)
    with Capture(lab, "-w", path, "-c", "3", "icmp", wait=True) as capture:
        assert lab.ping("h1", host_ip(2), 2)[0] == 2
    assert capture.status == 0 and capture.counts == (3, 0) and len(comments(path, "")) == 3, capture.err
    began = time.monotonic()
    with Capture(lab, "-w", path, "--seconds", "1", wait=True) as capture:
        pass
    assert capture.status == 0 and 0.9 < time.monotonic() - began < 3 * SLOW, capture.err


def test_ring_of_files(lab):
    with Capture(lab, "-w", path_of(lab, "ring.pcapng"), "--size", "1", "--ring", "2", "udp") as capture:
        wire = lab.wire("h1")
        for _ in range(1500):
            wire.send(udp(size=1400))
            time.sleep(0.0001)
    files = sorted(name for name in os.listdir(lab.dir) if name.startswith("ring"))
    assert len(files) == 2 and files[0] > "ring.0002.pcapng", files
    sizes = [os.path.getsize(path_of(lab, name)) for name in files]
    assert all(size <= 1_000_000 for size in sizes) and sizes[0] > 990_000, sizes
    for name in files:
        assert {row[0] for row in comments(path_of(lab, name), "udp")} <= {"p1", "p2"}, name
    assert capture.status == 0 and capture.counts[0] >= 3000, capture.err


def test_pipe(lab):
    """As `capture -w - | tshark -r -`; the reader goes first, which is no error."""
    with open(path_of(lab, "lines"), "w") as lines:
        with Capture(lab, "-w", "-", "icmp", stdout=subprocess.PIPE) as capture:
            reader = subprocess.Popen(["tshark", "-n", "-l", "-c", "2", "-r", "-", "-T", "fields", "-e",
                                       "frame.comment"], stdin=capture.process.stdout, stdout=lines,
                                      stderr=subprocess.DEVNULL)
            capture.process.stdout.close()
            capture.process.stdout = None
            assert lab.ping("h1", host_ip(2), 2)[0] == 2
            reader.wait(10 * SLOW)

            def ended():
                lab.ping("h1", host_ip(2), 1)
                return capture.process.poll() is not None

            wait_for(ended, 5, "the capture ends with its reader")
            capture.wait = True
    with open(path_of(lab, "lines")) as f:
        text = f.read()
    assert text.startswith("forwarded by p2") and len(text.splitlines()) == 2, text
    assert capture.status == 0 and "captured" in capture.err, capture.err


def test_print(lab):
    assert lab.ping("h1", host_ip(2), 1)[0] == 1
    with Capture(lab, "icmp") as capture:
        assert lab.ping("h1", host_ip(2), 1)[0] == 1
        lab.ping("h1", "172.16.0.1", 1, "-W 0.2")
    lines = capture.text.splitlines()
    clock, line = lines[0].split(" ", 1)
    assert len(clock) == 15 and clock[2] == ":" and clock[8] == ".", lines[0]
    assert line.startswith(f"p1    In  IP {host_ip(1)} > {host_ip(2)}: ICMP echo request, id ") and \
        line.endswith(f"length 64 -- forwarded by p2 to {host_mac(2)}"), line
    assert any(" X   IP" in x and "no_route" in x for x in lines), lines
    assert capture.status == 0 and capture.counts[0] == len(lines), (capture.err, lines)


def test_print_and_write(lab):
    assert lab.ping("h1", host_ip(2), 1)[0] == 1
    path = path_of(lab)
    with Capture(lab, "--print", "-w", path, "icmp") as capture:
        assert lab.ping("h1", host_ip(2), 1)[0] == 1
    assert len(capture.text.splitlines()) == 4 and len(comments(path)) == 4, capture.text


def test_refused(lab):
    for args, word in ((["icmp and and"], "filter"), (["--port", "p9"], "p9"), (["--reason", "nonsense"], "nonsense"),
                       (["--ring", "3"], "--size"), (["--json"], "tshark")):
        done = lab.cli_run("capture", "-w", path_of(lab), *args, check=False)
        lines = done.stderr.strip().splitlines()
        assert done.returncode == 1 and len(lines) == 1 and word in lines[0] and not done.stdout, (args, done)
        assert not os.path.exists(path_of(lab)), args
    done = lab.cli_run("capture", "-w", os.path.join(lab.dir, "no", "such"), check=False)
    assert done.returncode == 1 and "No such file" in done.stderr, done
    for query in ("snaplen=0", "count=x", "point=up", "bogus=1", "reason=none", "seconds=-1"):
        try:
            lab.api("GET", f"/capture?{query}")
        except ApiError as error:
            assert error.status == (404 if "reason" in query else 400), (query, error)
        else:
            raise AssertionError(f"{query} was accepted")


def test_completion(lab):
    assert lab.cli_run("complete", "--", "capture", "--port", "").stdout.split() == ["p1", "p2"]


def test_several_at_once(lab):
    captures = [Capture(lab, "-w", path_of(lab, f"{i}.pcapng"), "icmp") for i in range(8)]
    for capture in captures:
        capture.__enter__()
    done = lab.cli_run("capture", "-w", path_of(lab, "ninth"), check=False)
    assert done.returncode == 1 and "run already" in done.stderr, done
    assert lab.ping("h1", host_ip(2), 1)[0] == 1
    for i, capture in enumerate(captures):
        capture.__exit__(None)
        assert capture.status == 0 and len(comments(path_of(lab, f"{i}.pcapng"))) == 4, (i, capture.err)
    # Their places are free again.
    lab.cli_run("capture", "-w", path_of(lab, "ninth"), "--seconds", "1")


def test_client_that_went_away(lab):
    """A client that only listens is missed within a second, and its place is free."""
    connections = []
    for _ in range(8):
        connection = UnixConnection(lab.socket, 5 * SLOW)
        connection.request("GET", "/v1/capture")
        assert connection.getresponse().read(4) == b"\n\r\r\n"
        connections.append(connection)
    for connection in connections:
        connection.sock.shutdown(2)
        connection.close()

    def place():
        try:
            with Capture(lab, "--seconds", "1", wait=True):
                return True
        except AssertionError:
            return False

    wait_for(place, 1, "a place among the watches")


@needs(hosts=3, used=2)
def test_port_that_comes(lab):
    """A new port's name is known a second later."""
    path = path_of(lab)
    with Capture(lab, "-w", path, "icmp"):
        lab.cli_run("port", "add", "p3", "veth", "p3", "address", "10.3.0.1/24")
        lab.wait_ports_up()
        time.sleep(1.2 * SLOW)
        assert lab.ping("h3", port_ip(3), 1)[0] == 1
    assert ("p3", "in", "answered: echo_reply") in comments(path), comments(path)
    lab.cli_run("port", "del", "p3")


def test_daemon_stops(lab):
    """It does not wait for captures, and theirs are whole files."""
    path = path_of(lab)
    with Capture(lab, "-w", path, "icmp", wait=True) as capture:
        assert lab.ping("h1", host_ip(2), 1)[0] == 1
        time.sleep(0.3 * SLOW)
        status, seconds = lab.daemon.stop()
        assert status == 0 and seconds < 10 * SLOW, (status, seconds)
    assert capture.status == 1 and "has ended" in capture.err, capture.err
    assert len(comments(path)) == 4, comments(path)


def flood(lab, seconds):
    """More than a capture's rings hold, no more than the port's do."""
    wire, until = lab.wire("h1"), time.monotonic() + seconds
    frame, sent = udp(size=1400), 0
    while time.monotonic() < until:
        for _ in range(20):
            wire.socket.send(frame)
        sent += 20
        time.sleep(0.002)
    return sent


@needs(raw=True)
def test_slow_reader(lab):
    """A reader that sleeps longer than the server's patience loses packets of the capture, not of the
    network's, and is told."""
    path = path_of(lab)
    before = lab.settled()
    with open(path, "w") as out:
        with Capture(lab, "-w", "-", stdout=subprocess.PIPE) as capture:
            slow = subprocess.Popen(["sh", "-c", f"sleep {6 * SLOW:g}; cat"], stdin=capture.process.stdout, stdout=out)
            capture.process.stdout.close()
            capture.process.stdout = None
            sent = flood(lab, 4)
            slow_until = time.monotonic() + 20 * SLOW
            wait_for(lambda: os.path.getsize(path) > 0 or time.monotonic() > slow_until, 10, "it reads at last")
            time.sleep(0.5 * SLOW)
        slow.wait(10 * SLOW)
    captured, lost = capture.counts
    moved = lab.moved(before)
    assert capture.status == 0 and lost > 0 and captured > 0, capture.err
    missed = moved.get("p1.rx_missed", 0)
    assert moved["p1.rx_packets"] + missed == sent, (sent, missed, moved)
    assert moved["p2.tx_packets"] == moved["p1.rx_packets"], moved
    # It can be read, and says of itself what was lost.
    assert len(tshark(path, "frame.number")) == captured
    info = subprocess.run(["tcpdump", "-nnr", path], text=True, capture_output=True, check=False)
    assert info.returncode == 0, info.stderr


def test_half_closed_and_plain_http(lab):
    """curl takes a capture too; a client that closes its sending half gets the end of it."""
    connection = UnixConnection(lab.socket, 5 * SLOW)
    connection.request("GET", "/v1/capture?filter=icmp&lines=1")
    answer = connection.getresponse()
    assert lab.ping("h1", host_ip(2), 1)[0] == 1
    connection.sock.shutdown(1)
    data = answer.read()
    assert isinstance(answer, http.client.HTTPResponse) and answer.status == 200
    assert data.count(b"ICMP echo") == 4, data
    connection.close()
