# SPDX-License-Identifier: Apache-2.0
"""Each drop reason is earned by a packet, and all who tell of it agree: the counter, the trace, the what-if
(explain) and the capture's comment."""

import contextlib
import time

import frames
import vnet
from frames import arp, echo, ether, host_ip, host_mac, icmp, ip4, patched, port_ip, tcp, udp
from hold import control_thread, held, worker_thread
from lab import Failure, needs, wait_for
from scapy.layers.inet import IP, TCP, UDP, IPOption_LSRR, IPOption_RR
from scapy.layers.inet6 import ICMPv6ND_RA, IPv6
from scapy.layers.l2 import Dot1Q
from scapy.packet import Raw
from scapy.utils import RawPcapWriter
from switches import Vethway, frame, station, tag
from test_capture import Capture, path_of, tshark
from test_trace import LAB, WIRE, Trace, explain, steps

KNOWN = f"neighbours: [{{address: {host_ip(2)}, mac: '{host_mac(2)}', port: p2}}]\n"
END = "control: {socket: '{socket}'}\n"
MARK = 0x7777  # the id of the packets that are watched, where others are to fill something up

# What earns each reason that a frame from h1 can earn by itself.
EARNED_BY = {
    "not_for_us": ip4(eth=ether(dst="02:00:00:00:99:99")),
    "own_source": ip4(eth=ether(src=frames.port_mac(1))),
    "vlan_unknown": bytes(ether() / Dot1Q(vlan=7) / IP(src=host_ip(1), dst=host_ip(2)) / UDP()),
    "ip6": bytes(ether() / IPv6() / UDP()),
    "ethertype_unknown": bytes(ether(type=0x88B5) / Raw(bytes(46))),
    "arp_malformed": patched(arp(), 14, b"\x00\x07"),
    "arp_bad_sender": arp(sender=port_ip(1)),
    "arp_not_ours": arp(target="10.1.0.77"),
    "arp_unsolicited": arp(op=2, sender="10.1.0.66", eth_dst=frames.port_mac(1)),
    "ip4_short": ip4()[:30],
    "ip4_version": patched(ip4(), 14, b"\x65"),
    "ip4_checksum": ip4(chksum=0x1234),
    "martian_source": ip4(src="127.0.0.1"),
    "martian_destination": ip4(dst="127.0.0.1"),
    "link_broadcast": ip4(eth=ether(dst=frames.BROADCAST)),
    "multicast": ip4(dst="224.0.0.5", eth=ether(dst="01:00:5e:00:00:05")),
    "ip4_options": ip4(options=[IPOption_RR(pointer=3, routers=["1.2.3.4"])]),
    "source_route": ip4(options=[IPOption_LSRR(routers=["10.2.0.2"])]),
    "rp_filter": ip4(src="10.2.0.9"),
    "no_route": ip4(dst="172.16.0.1"),
    "blackhole": ip4(dst="192.0.2.1"),
    "unreachable": ip4(dst="198.51.100.1"),
    "prohibited": ip4(dst="203.0.113.1"),
    "broadcast": ip4(dst="10.1.0.255"),
    "ttl_expired": ip4(ttl=1),
    "fragment_needed": udp(size=1400, flags="DF"),
    "icmp_malformed": patched(echo(dst=port_ip(1)), 36, b"\x12\x34"),
    "icmp_unhandled": icmp(9, dst=port_ip(1)),
    "fragment_malformed": ip4(Raw(b""), proto=17, dst=port_ip(1), flags="MF"),
    "l4_malformed": patched(udp(dst=port_ip(1)), 40, b"\x12\x34"),
    "port_closed": tcp(dst=port_ip(1)),
    "protocol_unknown": ip4(Raw(bytes(20)), dst=port_ip(1), proto=99),
}
# Reasons that depend on the moment, or on what bytes don't tell: what a what-if says of such a packet, and why
# it can't know. It tells the way up to there, all the same.
OF_THE_MOMENT = {
    "storm_limit": ("forwarded", "it is one of no many"),
    "oversize": (None, "it takes no frame that no host sends"),
    "neighbour_failed": ("waits", "whether a host answers is to be seen"),
    "fragment_timeout": ("waits", "whether the others come is to be seen"),
    "gso_malformed": ("forwarded", "the bytes don't say that their sender left the cutting to the device"),
    "no_buffer": ("waits", "what is free then is to be seen; the others of its datagram are not asked for"),
    "tx_refused": ("forwarded", "it asks no driver"),
    "tx_ring_full": ("forwarded", "it asks no driver"),
    "tx_share_full": ("forwarded", "it hands nothing to another worker"),
    "loopback_full": ("consumed", "it is alone"),
    "icmp_limited": ("consumed", "it counts as no message that was sent"),
    "punt_full": ("consumed", "it hands nothing to the control thread"),
    "port_removed": ("waits", "the port is there"),
}
# Steps between where a what-if ends, or goes on, and the drop.
BEFORE_THE_END = ("handed_over", "released", "asks_error", "dropped")

EARNED = {}  # {reason: its test}, by earns()


class Reason:
    """What a test of a reason has to do: what_if() of a frame, and dropped() around what earns the reason."""

    def __init__(self, lab, name):
        self.lab, self.name = lab, name
        self.row = next(d for d in lab.api("GET", "/drops?all")["drops"] if d["reason"] == name)
        self.asked = self.told = None

    def what_if(self, frame, port="p1"):
        status, self.asked = explain(self.lab, "--port", port, "--hex", frame.hex())
        wanted = OF_THE_MOMENT[self.name][0] if self.name in OF_THE_MOMENT else "dropped"
        assert self.asked["outcome"] == wanted, (status, self.asked)
        if wanted == "dropped":
            assert (status, self.asked["reasons"]) == (5, [self.name]), self.asked

    @contextlib.contextmanager
    def dropped(self, packets=1, port="p1", watched=(), timeout=3):
        """Because of the block so many packets of `port` are dropped; None: some. `watched`: words for both
        trace and capture that say which."""
        counter, path = f"{port}.dropped.{self.name}", path_of(self.lab)
        before = self.lab.settled()
        with Trace(self.lab, "-r", self.name, *watched) as trace:
            with Capture(self.lab, "--point", "drop", "--reason", self.name, "-w", path, *watched) as capture:
                yield
                told = self.wait_until_all_is_told(trace, counter, before, packets, timeout)
        rows = [row[0] for row in tshark(path, "frame.comment") if row[0]]
        start = f"dropped: {self.name} (stage {self.row['stage']}): {self.row['help']}"
        assert capture.status == 0 and all(row.startswith(start) for row in rows), (capture.err, rows)
        assert len(rows) == len(told), f"{len(told)} in the trace, in the capture {rows}"
        self.told = told

    def wait_until_all_is_told(self, trace, counter, before, packets, timeout):
        """[(story, packet)] of the trace, as many as were counted."""
        def told():
            return [(story, p) for story in trace.stories() for p in story["packets"]
                    if p["outcome"] == "dropped" and p["steps"][-1]["reason"] == self.name]

        def agreed():
            counted = self.lab.moved(before).get(counter, 0)
            return counted == len(told()) and counted == (packets or counted or -1)

        wait_for(agreed, timeout, lambda: f"{counter}: {self.lab.moved(before)}, traced: {told()}")
        return told()

    def agree(self):
        """The what-if and the trace tell one and the same way."""
        assert self.told, f"{self.name}: no packet was dropped"
        if self.asked is None:
            assert OF_THE_MOMENT[self.name][0] is None, f"{self.name}: no what-if was asked"
            return
        story, packet = self.told[-1]
        number = story["packets"].index(packet)
        asked, traced = steps(self.asked["packets"][number]), steps(packet)
        if self.name not in OF_THE_MOMENT:
            assert asked == traced, (asked, traced)
        way = [step for step in traced if step not in BEFORE_THE_END]
        assert way and asked[:len(way)] == way, (asked, traced)


def earns(reason, **options):
    """Decorator of scenario(lab, reason): makes it the test of that reason."""
    def mark(scenario):
        @needs(**(options or LAB))
        def test(lab):
            of = Reason(lab, reason)
            scenario(lab, of)
            of.agree()

        test.__name__, test.__doc__ = scenario.__name__, scenario.__doc__
        EARNED[reason] = test
        return test

    return mark


@needs(**LAB, more="ip4: {icmp_ratelimit: 0}")  # else the third error about a route would be held back
def test_each_reason(lab):
    """By one frame: the counter, the live trace, the what-if and the capture's comment name one reason for it."""
    w1 = lab.wire("h1")
    with Trace(lab, "--drops") as trace, Capture(lab, "--point", "drop", "-w", path_of(lab)):
        for n, (reason, frame) in enumerate(EARNED_BY.items(), 1):
            status, what_if = explain(lab, "--port", "p1", "--hex", frame.hex())
            assert (status, what_if["outcome"], what_if["reasons"]) == (5, "dropped", [reason]), (reason, what_if)
            with lab.moves({f"p1.dropped.{reason}": 1}, ignore=("bytes", "burst", "packets", "originated", "tx_")):
                w1.send(frame)
            told = trace.wait_for(n)[n - 1]
            assert (told["outcome"], told["reasons"], told["port"]) == ("dropped", [reason], "p1"), (reason, told)
            assert told["summary"] == what_if["summary"], reason
            assert [steps(p) for p in told["packets"]] == [steps(p) for p in what_if["packets"]], reason
    comments = [row[0] for row in tshark(path_of(lab), "frame.comment")]
    assert [c.split(" ")[1] for c in comments if c.startswith("dropped: ")] == list(EARNED_BY), comments


def test_every_reason_is_earned(lab):
    reasons = {d["reason"] for d in lab.api("GET", "/drops?all")["drops"]} - {"none"}
    earned = {*EARNED_BY, *EARNED}
    assert reasons == earned, (reasons - earned, earned - reasons)
    assert not {*EARNED_BY} & {*EARNED} and {*OF_THE_MOMENT} <= {*EARNED}


# --- Ports --------------------------------------------------------------------------------------------
@earns("ingress_down")
def test_ingress_down(lab, reason):
    lab.cli_run("port", "set", "p1", "down")
    reason.what_if(udp())
    with reason.dropped():
        lab.wire("h1").send(udp())


def by_one_frame(lab, reason, frame):
    reason.what_if(frame)
    with reason.dropped():
        lab.wire("h1").send(frame)


@earns("arp_ignored", raw=True, port_more={1: ", arp_ignore: 1"})
def test_arp_ignored(lab, reason):
    by_one_frame(lab, reason, arp(target=port_ip(2)))


@earns("arp_gratuitous", raw=True, port_more={1: ", drop_gratuitous_arp: true"})
def test_arp_gratuitous(lab, reason):
    by_one_frame(lab, reason, arp(sender="10.1.0.66", target="10.1.0.66"))


@earns("icmp_ignored", raw=True, more="ip4: {icmp_echo_ignore_all: true}")
def test_icmp_ignored(lab, reason):
    by_one_frame(lab, reason, echo(dst=port_ip(1)))


@earns("icmp_limited", raw=True, more="ip4: {icmp_ratemask: 1, icmp_ratelimit: 60000}")
def test_icmp_limited(lab, reason):
    """One reply, a minute's worth at first, then one a minute."""
    frame = echo(dst=port_ip(1))
    reason.what_if(frame)
    with lab.moves({"p1.originated.echo_reply": 1}, ignore=("bytes", "burst", "packets", "consumed", "tx_")):
        lab.wire("h1").send(frame)
    with reason.dropped():
        lab.wire("h1").send(frame)


LONG = bytes(ether(type=0x88B5) / Raw(bytes(900)))  # for a wire to an MTU of 600


@earns("egress_down", raw=True, used=0, config=WIRE)
def test_egress_down(lab, reason):
    lab.run("h2", "ip link set eth0 down")
    wait_for(lambda: lab.ports()["p2"]["state"] == "down", 3, "p2 is down")
    reason.what_if(LONG)
    with reason.dropped():
        lab.wire("h1").send(LONG)


@earns("mtu_exceeded", raw=True, used=0, config=WIRE)
def test_mtu_exceeded(lab, reason):
    reason.what_if(LONG)
    with reason.dropped():
        lab.wire("h1").send(LONG)


@earns("truncated", raw=True, driver="af_packet")
def test_truncated(lab, reason):
    frame = udp(size=100)[:90]
    reason.what_if(frame)
    with reason.dropped():
        lab.wire("h1").send(frame)


def receive_from_file(lab, frame):
    """By a port c0 that appears: no host sends such a frame."""
    with RawPcapWriter(path_of(lab, "in.pcap"), linktype=1, snaplen=1 << 18) as out:
        out.write(frame)
    lab.cli_run("port", "add", "c0", "pcap", f"rx={path_of(lab, 'in.pcap')}")


@earns("runt")
def test_runt(lab, reason):
    with reason.dropped(port="c0"):
        receive_from_file(lab, b"\x02\0\0\0\0\1\x02\0\0\0")
    reason.what_if(b"\x02\0\0\0\0\1\x02\0\0\0", port="c0")


@earns("oversize")
def test_oversize(lab, reason):
    """More than a packet can be, than explain takes, and than net_pcap's count of its bytes: those are 4464."""
    with reason.dropped(port="c0"):
        receive_from_file(lab, bytes(ether(type=0x88B5) / Raw(bytes(70000 - 14))))
    assert tshark(path_of(lab), "frame.len", "frame.cap_len") == [["70000", "4464"]]
    done = lab.cli_run("explain", "--port", "c0", "--pcap", path_of(lab, "in.pcap"), check=False)
    assert done.returncode == 2 and "a frame has 1 to" in done.stderr, done


@earns("port_removed", raw=True, permanent=False)
def test_port_removed(lab, reason):
    """While the packet waited for a neighbour there: the control thread ends it."""
    frame = udp()
    reason.what_if(frame)
    with reason.dropped():
        lab.wire("h1").send(frame)
        wait_for(lambda: lab.status()["accounting"]["held"] == 1, 2, "the packet waits", interval=0.005)
        lab.api("DELETE", "/ports/p2")
    assert reason.told[0][1]["steps"][-1]["worker"] == "control", reason.told


# --- Neighbours ---------------------------------------------------------------------------------------
@earns("neighbour_failed", raw=True)
def test_neighbour_failed(lab, reason):
    frame = udp(dst="10.2.0.99")
    reason.what_if(frame)
    with reason.dropped(timeout=8):
        lab.wire("h1").send(frame)


def while_they_wait(lab, fill, count, look):
    """look() within the three seconds that `count` packets of fill() wait; anew where that took longer."""
    for _ in range(5):
        began = time.monotonic()
        try:
            fill()
            wait_for(lambda: lab.status()["accounting"]["held"] == count, 2, f"{count} packets wait", interval=0.005)
            look()
            if time.monotonic() - began < 2:
                return
        except AssertionError:
            if time.monotonic() - began < 2:
                raise
        wait_for(lambda: lab.status()["accounting"]["held"] == 0, 10, "all have been given up")
    raise Failure("this machine is too busy")


@earns("neighbour_queue_full", raw=True, more="dataplane: {mbufs: 1024}")
def test_neighbour_queue_full(lab, reason):
    """128 packets wait in all, an eighth of the mbufs: the next one is dropped."""
    w1, last = lab.wire("h1"), udp(dst="10.2.0.77", id=MARK)
    with reason.dropped():
        while_they_wait(lab, lambda: w1.send(*[udp(dst=f"10.2.0.{n}") for n in (75, 76) for _ in range(64)]), 128,
                        lambda: reason.what_if(last))
        w1.send(last)


@needs(raw=True, more="neighbour_table: {unres_qlen: 64, unres_qlen_bytes: 4000000}")
def test_neighbour_queue_full_of_one(lab):
    """Where 64 wait for one, the oldest makes way; so a what-if of the next says that it waits."""
    def look():
        assert explain(lab, "--port", "p1", "--hex", udp(dst="10.2.0.75").hex())[1]["outcome"] == "waits"

    w1 = lab.wire("h1")
    with Reason(lab, "neighbour_queue_full").dropped():
        while_they_wait(lab, lambda: w1.send(*[udp(dst="10.2.0.75", id=n) for n in range(1, 65)]), 64, look)
        w1.send(udp(dst="10.2.0.75", id=65))
    assert tshark(path_of(lab), "ip.id") == [["0x0001"]], tshark(path_of(lab), "ip.id")


@earns("neighbour_table_full", raw=True, used=0, config="dataplane: {workers: 1}\nports:\n"
       "  - {name: p1, veth: p1, addresses: [10.1.0.1/24]}\n"
       "  - {name: p2, veth: p2, addresses: [10.2.0.1/16]}\n"
       "neighbour_table: {gc_thresh1: 128, gc_thresh2: 128, gc_thresh3: 128}\n" + KNOWN + END)
def test_neighbour_table_full(lab, reason):
    """Of 128 that are learned, beside the configured ones; none makes way below gc_thresh2."""
    w1, w2, room, configured = lab.wire("h1"), lab.wire("h2"), 128, len(lab.neighbours())
    frame = udp(dst="10.2.200.1")
    asks, proves = arp(sender="10.2.0.1", mac=host_mac(2)), frames.arp_reply(2)
    addresses = [bytes((10, 2, 1 + n // 200, 1 + n % 200)) for n in range(room + 100)]
    with reason.dropped(timeout=10):
        for n, address in enumerate(addresses, 1):
            for ask in (patched(patched(asks, 28, address), 38, b"\x0a\x02\0\x01"), patched(proves, 28, address)):
                w2.send(ask)
            if n % 100 == 0:
                until_worker_has_all(w2, 2)
        assert len(lab.neighbours()) == room + configured
        reason.what_if(frame)
        w1.send(frame)


def until_worker_has_all(wire, n=1):
    """Returns when all that was sent on host n's wire has been taken up, as long as there is one worker."""
    wire.drain(quiet=0)
    wire.send(echo(identifier=0x5A5A, src=host_ip(n), dst=port_ip(n),
                   eth=ether(src=host_mac(n), dst=frames.port_mac(n))))
    wire.expect(want=lambda frame: frame[34:35] == b"\0" and frame[38:40] == b"\x5a\x5a")


# --- Fragments to the switch --------------------------------------------------------------------------
def piece(begin, end, more=True, **fields):
    """Of a datagram to p1's address."""
    return ip4(Raw(bytes(end - begin)), proto=17, dst=port_ip(1), frag=begin // 8, flags="MF" if more else 0, **fields)


@earns("fragment_overlap")
def test_fragment_overlap(lab, reason):
    """It ends the datagram, with those that came before."""
    w1 = lab.wire("h1")
    with reason.dropped(packets=2):
        w1.send(piece(0, 64))
        wait_for(lambda: lab.status()["accounting"]["held"] == 1, 2, "the first is held")
        reason.what_if(piece(56, 96))
        w1.send(piece(56, 96))


@earns("fragment_duplicate")
def test_fragment_duplicate(lab, reason):
    w1 = lab.wire("h1")
    with reason.dropped():
        w1.send(piece(0, 64))
        wait_for(lambda: lab.status()["accounting"]["held"] == 1, 2, "the first is held")
        reason.what_if(piece(0, 64))
        w1.send(piece(0, 64))


@earns("fragment_limit", raw=True, more="dataplane: {mbufs: 1024}")
def test_fragment_limit(lab, reason):
    """An eighth of the mbufs may wait."""
    w1 = lab.wire("h1")
    with reason.dropped():
        w1.send(*[piece(0, 64, id=n) for n in range(1, 129)])
        wait_for(lambda: lab.status()["accounting"]["held"] == 128, 2, "128 are held")
        reason.what_if(piece(0, 64, id=MARK))
        w1.send(piece(0, 64, id=MARK))


@earns("fragment_timeout", raw=True, more="ip4: {ipfrag_time: 5}")  # longer than a trace waits
def test_fragment_timeout(lab, reason):
    """A first fragment is ended by a worker, which tells its sender; a later one by the control thread."""
    reason.what_if(piece(64, 128))
    with reason.dropped(packets=2, timeout=35), Trace(lab) as trace:
        lab.wire("h1").send(piece(0, 64, id=1), piece(64, 128, id=2))
        wait_for(lambda: len(trace.stories()) == 2, 10, "both are told of as waiting")
    workers = [packet["steps"][-1]["worker"] for _, packet in reason.told]
    assert workers.count("control") == 1, workers
    # The trace doesn't wait so long: it tells the end by itself.
    assert [steps(p) for _, p in reason.told if p["steps"][-1]["worker"] == "control"] == [["dropped"]], reason.told
    reason.told = [(story, story["packets"][0]) for story in trace.stories()]


# --- Buffers and offloads -----------------------------------------------------------------------------
@earns("no_buffer", raw=True, more="dataplane: {workers: 1}")
def test_no_buffer(lab, reason):
    """All 256 large mbufs are on their way to a control thread that stands still: a datagram that needs one
    can't be put together."""
    def pieces(n, identification):
        whole = icmp(0, inner=bytes(2392), src=host_ip(n), dst=port_ip(n))[34:]
        return [ip4(Raw(whole[a:b]), proto=1, src=host_ip(n), dst=port_ip(n), frag=a // 8, id=identification,
                    flags="MF" if a == 0 else 0, eth=ether(src=host_mac(n), dst=frames.port_mac(n)))
                for a, b in ((0, 1200), (1200, 2400))]

    w1, w2 = lab.wire("h1"), lab.wire("h2")
    reason.what_if(pieces(1, MARK)[1])
    with reason.dropped(packets=2, watched=(f"ip[4:2] = {MARK}",)):
        with held(control_thread(lab.daemon)):
            for n in range(1, 300):
                w2.send(*pieces(2, n))
                if n % 100 == 0:
                    until_worker_has_all(w2, 2)
            until_worker_has_all(w2, 2)
            w1.send(*pieces(1, MARK))
            until_worker_has_all(w1)


@earns("gso_malformed", raw=True, used=0, config="ports:\n"
       "  - {name: p1, veth: p1, addresses: [10.1.0.1/24]}\n"
       "  - {name: p2, af_packet: p2, addresses: [10.2.0.1/24]}\n" + KNOWN + END)
def test_gso_malformed(lab, reason):
    """A super-frame of segments of one byte."""
    frame = ip4(TCP(sport=1, dport=2, flags="A") / Raw(bytes(3000)))
    reason.what_if(ip4(TCP(sport=1, dport=2, flags="A") / Raw(bytes(300))))
    with reason.dropped(), vnet.VnetSocket(lab.ns("h1"), "eth0") as socket:
        socket.send([vnet.partial(frame, vnet.TCP_FIELD, vnet.TCP4, 1)])


# --- Ways out that are full ---------------------------------------------------------------------------
@earns("tx_refused", raw=True, used=0, config="ports: [{name: p1, veth: p1}, {name: p2, veth: p2}]\n"
       "xconnects: [[p1, p2]]\n" + END)
def test_tx_refused(lab, reason):
    """Four bytes above the MTU pass where they are a VLAN tag; here the kernel sees that they are none."""
    lab.run("h1", "ip link set eth0 mtu 2000")
    frame = bytes(ether(type=0x88B5) / Raw(bytes(1504)))
    reason.what_if(frame)
    with reason.dropped():
        lab.wire("h1").send(frame)


@earns("tx_ring_full", raw=True, used=0, config="ports:\n"
       "  - {name: p1, veth: p1, addresses: [10.1.0.1/24]}\n"
       "  - {name: p2, veth: {interface: p2, qdisc_bypass: false}, addresses: [10.2.0.1/24]}\n" + KNOWN + END)
def test_tx_ring_full(lab, reason):
    """A queueing discipline that has room for nothing."""
    lab.run("sw", "tc qdisc add dev p2 root pfifo limit 0")
    reason.what_if(udp())
    with reason.dropped():
        lab.wire("h1").send(udp())
    lab.run("sw", "tc qdisc del dev p2 root")


@earns("tx_share_full", raw=True, used=0, config="dataplane: {workers: 2}\nports:\n"
       "  - {name: p1, veth: p1, addresses: [10.1.0.1/24]}\n"
       "  - {name: p2, pcap: {tx: '{dir}/sent.pcap'}, addresses: [10.2.0.1/24]}\n" + KNOWN + END)
def test_tx_share_full(lab, reason):
    """The owner of the only queue stands still: 511 of another worker's packets have room before it."""
    w1, room = lab.wire("h1"), 511
    reason.what_if(udp())

    def received():
        return lab.counters().get("p1.rx_packets", 0)

    with reason.dropped(packets=3, watched=(f"ip[4:2] = {MARK}",)), held(worker_thread(lab.daemon, 0)):
        before = received()
        for sport in range(1000, 1100):  # until the flow's hash gives it to the other worker
            w1.send(udp(sport=sport))
            with contextlib.suppress(Failure):
                wait_for(lambda: received() == before + 1, 0.5)
                break
        else:
            raise Failure("no flow comes to worker 1")
        sent = 1
        for n, identification in ((room - 1, 1), (3, MARK)):
            w1.send(*[udp(sport=sport, id=identification)] * n)
            sent += n
            wait_for(lambda: received() == before + sent, 3, lambda: f"{received() - before} of {sent}")


@earns("loopback_full", raw=True, port_more={1: ", accept_local: true", 2: ", accept_local: true"},
       more="dataplane: {workers: 1}")
def test_loopback_full(lab, reason):
    """A worker that has long stood still finds echo requests of our own addresses at both ports: the answers
    to them are more than it takes from lo."""
    def request(n):
        return echo(src=port_ip(3 - n), dst=port_ip(n), eth=ether(src=host_mac(n), dst=frames.port_mac(n)))

    reason.what_if(request(2), port="p2")
    with reason.dropped(packets=None, port="p2", watched=("--port", "p2")):
        with held(worker_thread(lab.daemon)):
            for n in (1, 2):
                lab.wire(f"h{n}").send(*[request(n)] * 400)


@earns("punt_full", raw=True, more="dataplane: {workers: 1}")
def test_punt_full(lab, reason):
    """The control thread stands still: 1023 messages have room before it."""
    w1, w2 = lab.wire("h1"), lab.wire("h2")
    other = icmp(0, src=host_ip(2), dst=port_ip(2), eth=ether(src=host_mac(2), dst=frames.port_mac(2)))
    reason.what_if(icmp(0, dst=port_ip(1)))
    with reason.dropped(packets=3, watched=(f"ip[4:2] = {MARK}",)):
        with held(control_thread(lab.daemon)):
            for _ in range(6):
                w2.send(*[other] * 200)
                until_worker_has_all(w2, 2)
            w1.send(*[icmp(0, dst=port_ip(1), id=MARK)] * 3)
            until_worker_has_all(w1)


# --- Link aggregation
PLAIN_PORTS = "ports: [{name: p1, veth: p1}, {name: p2, veth: p2}]\n"


@earns("lag_inactive", raw=True, used=0, config=PLAIN_PORTS + END)
def test_lag_inactive(lab, reason):
    """LACP hears of no partner."""
    lab.cli_run("apply", lab.write_config(PLAIN_PORTS + "lags: [{name: lag1, members: [p1, p2]}]\n" + END,
                                          path_of(lab, "next.yaml")))
    by_one_frame(lab, reason, udp())


# --- Bridges: p1 to p3 are members; what is said of them
def bridged(reason, members=None, before=(), **yaml):
    """The reason is earned by the frame that the scenario returns; `before`: (port, frame) that teach."""
    def mark(make):
        @earns(reason, hosts=3, raw=True, config=Vethway.yaml(3, members, **yaml))
        def scenario(lab, told):
            for port, one in before:
                with lab.moves({f"p{port}.rx_packets": 1}, ignore=("bytes", "burst", "packets", "originated")):
                    lab.wire(f"h{port}").send(one)
            by_one_frame(lab, told, make())

        return scenario

    return mark


ONE, TWO = station(1), station(2)
SPEAKS = tuple((n, frame(station(n), frames.BROADCAST)) for n in (1, 2))


@bridged("bad_source")
def test_bad_source():
    return frame("01:00:5e:00:00:01", TWO)


@bridged("l2_blocked", {1: "state: learning"})
def test_l2_blocked():
    return frame(ONE, TWO)


@bridged("vlan_refused", {1: "vlan: 10", 2: "vlan: 10", 3: "vlan: 20"})
def test_vlan_refused():
    return tag(frame(ONE, TWO), 10)


@bridged("mac_guard", {1: f"macs: ['{TWO}']"})
def test_mac_guard():
    return frame(ONE, TWO)


BOUND = f"    bindings: [{{address: 10.1.0.2, mac: '{ONE}', port: p1}}]"


@bridged("source_guard", {1: "source_guard: true"}, bridge=BOUND)
def test_source_guard():
    return ip4(src="10.1.0.3", eth=ether(src=ONE, dst=TWO))


@bridged("arp_guard", {1: "arp_guard: true"}, bridge=BOUND)
def test_arp_guard():
    return arp(sender="10.1.0.3", mac=ONE)


@bridged("dhcp_guard", {1: "dhcp_guard: true"})
def test_dhcp_guard():
    return udp(sport=67, dport=68, eth=ether(src=ONE, dst=frames.BROADCAST))


@bridged("ra_guard", {1: "ra_guard: true"})
def test_ra_guard():
    return bytes(ether(src=ONE, dst="33:33:00:00:00:01") / IPv6(src="fe80::1", dst="ff02::1") / ICMPv6ND_RA())


@bridged("group_unknown", bridge="    unknown_multicast: drop")
def test_group_unknown():
    return ip4(dst="239.1.2.3", eth=ether(src=ONE, dst="01:00:5e:01:02:03"))


@bridged("group_reserved")
def test_group_reserved():
    return frame(ONE, "01:80:c2:00:00:0e")


@bridged("learn_limit", {1: "learn_limit: 1"}, before=SPEAKS[:1], bridge="    learn_action: drop")
def test_learn_limit():
    return frame(TWO, ONE)


@bridged("same_member", before=SPEAKS[:1])
def test_same_member():
    return frame(ONE, ONE)


@bridged("split_horizon", {1: "split_horizon: 1", 2: "split_horizon: 1"}, before=SPEAKS)
def test_split_horizon():
    return frame(ONE, TWO)


@bridged("flood_nowhere", {2: "flood_broadcast: false", 3: "flood_broadcast: false"})
def test_flood_nowhere():
    return frame(ONE, frames.BROADCAST)


@earns("bridge_mtu", hosts=3, raw=True, config=Vethway.yaml(3))
def test_bridge_mtu(lab, reason):
    lab.cli_run("port", "set", "p2", "mtu", "500")
    lab.wire("h2").send(frame(TWO, frames.BROADCAST))
    wait_for(lambda: lab.cli("show", "fdb")["stations"], 2, "p2's station is learned")
    by_one_frame(lab, reason, frame(ONE, TWO, 600))


@earns("storm_limit", hosts=3, raw=True, config=Vethway.yaml(3, {1: "storm_broadcast: 1"}))
def test_storm_limit(lab, reason):
    one = frame(ONE, frames.BROADCAST)
    lab.wire("h1").send(one)
    wait_for(lambda: lab.cli("show", "fdb")["stations"], 2, "the station is learned")
    reason.what_if(one)
    with reason.dropped(packets=None):
        lab.wire("h1").send(*[one] * 5)
