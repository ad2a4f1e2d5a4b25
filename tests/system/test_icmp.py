# SPDX-License-Identifier: Apache-2.0
"""ICMP: which errors are sent, what they quote, and when none may be. A fresh switch each, because of
the rate limit."""

import time

import frames
from frames import echo, host_ip, icmp, ip4, port_ip, udp
from lab import Failure, needs, wait_for
from scapy.layers.inet import ICMP, IP, TCP
from scapy.packet import Raw

LAB = {"raw": True, "routes": ["to: 192.0.2.0/24, action: blackhole", "to: 198.51.100.0/24, action: unreachable",
                               "to: 203.0.113.0/24, action: prohibit"]}


def error_for(lab, frame, reason, kind, code, source=port_ip(1)):
    """Sends it from h1 and checks the error that comes back, bit by bit."""
    w1 = lab.wire("h1")
    with lab.moves({"p1.rx_packets": 1, f"p1.dropped.{reason}": 1, "p1.originated.icmp_error": 1,
                    "p1.tx_packets": 1}):
        w1.send(frame)
        got = w1.expect()
    ip, message = got[IP], got[ICMP]
    assert (message.type, message.code) == (kind, code), got.summary()
    assert (ip.src, ip.dst) == (source, host_ip(1)), got.summary()
    assert ip.tos == 0xC0 and ip.ttl == 64 and ip.len <= 576
    assert frames.checksums_right(got)
    original = frames.ip_bytes(frame)
    quoted = bytes(got)[14 + 20 + 8:14 + ip.len]
    assert quoted == original[:576 - 28], "the quote is the packet as it came"
    return message


def silent(lab, frame, reason):
    w1, w2 = lab.wire("h1"), lab.wire("h2")
    with lab.moves({"p1.rx_packets": 1, f"p1.dropped.{reason}": 1}):
        w1.send(frame)
        w1.expect_nothing(0.2)
        w2.expect_nothing(0)


def test_ttl_expired(lab):
    error_for(lab, udp(ttl=1), "ttl_expired", 11, 0)
    error_for(lab, udp(ttl=0), "ttl_expired", 11, 0)
    error_for(lab, udp(ttl=1, size=1400), "ttl_expired", 11, 0)
    error_for(lab, echo(ttl=1), "ttl_expired", 11, 0)
    error_for(lab, ip4(Raw(b"x" * 64), proto=17, flags="MF", ttl=1), "ttl_expired", 11, 0)


@needs(**LAB, more="ip4: {icmp_ratelimit: 0}")
def test_routes_that_refuse(lab):
    error_for(lab, udp(dst="172.16.0.1"), "no_route", 3, 0)
    error_for(lab, udp(dst="198.51.100.1"), "unreachable", 3, 1)
    error_for(lab, udp(dst="203.0.113.1"), "prohibited", 3, 13)


def test_blackhole_is_silent(lab):
    silent(lab, udp(dst="192.0.2.1"), "blackhole")


def test_host_unreachable_after_three_requests(lab):
    w1, w2 = lab.wire("h1"), lab.wire("h2")
    before, began = lab.settled(), time.monotonic()
    sent = udp(dst="10.2.0.77")
    w1.send(sent)
    got = w1.expect(timeout=6)
    took = time.monotonic() - began
    assert (got[ICMP].type, got[ICMP].code, got[IP].src) == (3, 1, port_ip(1)), got.summary()
    quoted, original = bytes(got)[42:14 + got[IP].len], frames.ip_bytes(sent)
    assert quoted[8] == 63 and quoted[12:] == original[12:], "it waited with its TTL taken down, as in Linux"
    assert 2.5 <= took <= 4.0, f"{took:.2f} s"
    requests = [frames.parse(f) for f in w2.drain(0.2, frames.is_arp)]
    assert [(r.pdst, r.psrc, r.dst) for r in requests] == [("10.2.0.77", port_ip(2), frames.BROADCAST)] * 3
    moved = lab.moved(before)
    asked = sum(v for k, v in moved.items() if k.endswith("originated.arp_request"))
    rest = {k: v for k, v in moved.items() if "arp" not in k and "bytes" not in k and "burst" not in k}
    assert asked == 3, moved
    assert rest == {"p1.rx_packets": 1, "p2.tx_packets": 3, "p1.dropped.neighbour_failed": 1,
                    "p1.originated.icmp_error": 1, "p1.tx_packets": 1}, moved
    assert lab.neighbours()["10.2.0.77"]["state"] == "failed"


def test_port_unreachable(lab):
    error_for(lab, udp(dst=port_ip(1)), "port_closed", 3, 3)
    error_for(lab, udp(dst=port_ip(2)), "port_closed", 3, 3, source=port_ip(2))


def test_tcp_reset(lab):
    w1 = lab.wire("h1")
    for flags, wanted in (("S", "RA"), ("A", "R")):
        with lab.moves({"p1.rx_packets": 1, "p1.dropped.port_closed": 1, "p1.originated.tcp_reset": 1,
                        "p1.tx_packets": 1}):
            w1.send(frames.tcp(dst=port_ip(2), flags=flags))
            got = w1.expect()
        assert (got[IP].src, got[TCP].flags, got[TCP].sport) == (port_ip(2), wanted, 5000), got.summary()
        assert frames.checksums_right(got)
    silent(lab, frames.tcp(dst=port_ip(1), flags="R"), "port_closed")


def test_protocol_unreachable(lab):
    error_for(lab, ip4(Raw(b"x" * 40), dst=port_ip(1), proto=89), "protocol_unknown", 3, 2)


@needs(raw=True, port_more={2: ", mtu: 1400"})
def test_fragmentation_needed(lab):
    message = error_for(lab, udp(size=1472, flags="DF"), "fragment_needed", 3, 4)
    assert message.nexthopmtu == 1400
    error_for(lab, udp(size=1400 - 28 + 1, flags="DF"), "fragment_needed", 3, 4)
    w1, w2 = lab.wire("h1"), lab.wire("h2")
    with lab.moves({"p1.rx_packets": 1, "p2.tx_packets": 1}):
        w1.send(udp(size=1400 - 28, flags="DF"))
        assert w2.expect()[IP].len == 1400


def test_no_error_about_these(lab):
    inner = frames.ip_bytes(udp())
    broadcast = frames.ether(dst=frames.BROADCAST)
    cases = [
        ("unreachable", "ttl_expired", icmp(3, 1, bytes(inner), ttl=1)),
        ("source quench", "ttl_expired", icmp(4, 0, bytes(inner), ttl=1)),
        ("redirect", "ttl_expired", icmp(5, 0, bytes(inner), ttl=1)),
        ("time exceeded", "no_route", icmp(11, 0, bytes(inner), dst="172.16.0.1")),
        ("parameter problem", "ttl_expired", icmp(12, 0, bytes(inner), ttl=1)),
        ("later fragment", "ttl_expired", ip4(Raw(b"x" * 64), proto=17, frag=10, ttl=1)),
        ("broadcast frame", "link_broadcast", udp(ttl=1, eth=broadcast)),
        ("broadcast frame to the switch", "port_closed", udp(dst=port_ip(1), eth=broadcast)),
        ("broadcast frame without a route", "no_route", udp(dst="172.16.0.1", eth=broadcast)),
        ("multicast source", "martian_source", udp(src="224.0.0.9", ttl=1)),
        ("broadcast destination", "broadcast", udp(dst="10.2.0.255", ttl=1)),
        ("multicast destination", "multicast", udp(dst="224.0.0.5", ttl=1)),
    ]
    for name, reason, frame in cases:
        try:
            silent(lab, frame, reason)
        except Failure as failure:
            raise Failure(f"{name}: {failure}") from None


def test_rate_limit(lab):
    """As Linux: six at once to one host, then one a second; the drops are counted all the same."""
    w1 = lab.wire("h1")
    with lab.moves({"p1.rx_packets": 20, "p1.dropped.ttl_expired": 20, "p1.originated.icmp_error": 6,
                    "p1.tx_packets": 6}):
        w1.send(*[udp(ttl=1, id=n) for n in range(20)])
        assert len(w1.drain(0.3, frames.is_ip)) == 6
    time.sleep(1.0)
    with lab.moves({"p1.rx_packets": 3, "p1.dropped.ttl_expired": 3, "p1.originated.icmp_error": 1,
                    "p1.tx_packets": 1}):
        w1.send(*[udp(ttl=1, id=n) for n in range(3)])
        assert len(w1.drain(0.3, frames.is_ip)) == 1


def test_echo_to_the_switch(lab):
    w1 = lab.wire("h1")
    for to in (port_ip(1), port_ip(2)):
        for size in (0, 56, 1472):
            sent = echo(dst=to, identifier=size, sequence=9, size=size, ttl=1, tos=0x20)
            with lab.moves({"p1.rx_packets": 1, "p1.consumed.echo_request": 1, "p1.originated.echo_reply": 1,
                            "p1.tx_packets": 1}):
                w1.send(sent)
                got = w1.expect()
            assert (got[IP].src, got[IP].dst, got[IP].ttl) == (to, host_ip(1), 64)
            assert (got[ICMP].type, got[ICMP].id, got[ICMP].seq) == (0, size, 9)
            assert bytes(got)[42:] == sent[42:] and frames.checksums_right(got)


def test_icmp_to_the_switch_without_answer(lab):
    broken = frames.patched(echo(dst=port_ip(1)), 14 + 20 + 2, b"\x12\x34")
    silent(lab, broken, "icmp_malformed")
    silent(lab, ip4(Raw(b"\x08\x00\x00"), proto=1, dst=port_ip(1)), "icmp_malformed")
    silent(lab, icmp(9, 0, bytes(12), dst=port_ip(1)), "icmp_unhandled")
    silent(lab, ip4(b"", proto=17, flags="MF", dst=port_ip(1)), "fragment_malformed")
    silent(lab, echo(dst="10.1.0.255", eth=frames.ether(dst=frames.BROADCAST)), "broadcast")
    silent(lab, echo(dst=port_ip(1), eth=frames.ether(dst=frames.BROADCAST)), "link_broadcast")


def test_timestamp(lab):
    w1 = lab.wire("h1")
    with lab.moves({"p1.rx_packets": 1, "p1.consumed.timestamp_request": 1, "p1.originated.timestamp_reply": 1,
                    "p1.tx_packets": 1}):
        w1.send(ip4(ICMP(type=13, ts_ori=0x00010203), dst=port_ip(1)))
        got = w1.expect()
    now_ms = int(time.time() * 1000) % 86_400_000
    assert (got[ICMP].type, got[ICMP].ts_ori) == (14, 0x00010203), got.summary()
    assert abs(got[ICMP].ts_rx - now_ms) < 3000 and got[ICMP].ts_tx == got[ICMP].ts_rx, (now_ms, got.summary())


@needs()
def test_ping_of_any_size(lab):
    """A host cuts what exceeds its MTU; the switch puts it together and cuts its answer."""
    wait_for(lambda: lab.ping("h1", port_ip(1), 1)[0], 5, "h1 reaches the switch")
    for size in (1472, 1473, 8000, 65507):
        ran = lab.run("h1", f"ping -n -c 3 -i 0.2 -W 2 -s {size} {port_ip(1)}")
        assert "3 received" in ran.stdout, ran.stdout
    assert lab.status()["accounting"]["held"] == 0


@needs(raw=True, more="ip4: {ipfrag_time: 3}")
def test_incomplete_datagram(lab):
    """Patience; then the sender of a first fragment is told (RFC 1122 3.3.2)."""
    w1 = lab.wire("h1")
    first = ip4(Raw(bytes(64)), proto=17, flags="MF", dst=port_ip(1), id=1)
    before, began = lab.settled(), time.monotonic()
    w1.send(first, ip4(Raw(bytes(64)), proto=17, frag=8, dst=port_ip(1), id=2))
    wait_for(lambda: lab.status()["accounting"]["held"] == 2, 1, "both are held")
    got = w1.expect(timeout=6)
    assert 2.9 < time.monotonic() - began < 6
    assert (got[ICMP].type, got[ICMP].code, got[IP].src) == (11, 1, port_ip(1)), got.summary()
    assert bytes(got)[42:14 + got[IP].len] == frames.ip_bytes(first)
    wait_for(lambda: lab.status()["accounting"]["held"] == 0, 1, "none is held")
    assert lab.moved(before)["p1.dropped.fragment_timeout"] == 2


@needs()
def test_traceroute(lab):
    wait_for(lambda: lab.ping("h1", host_ip(2), 1)[0], 5, "h1 reaches h2")
    for method in ("-U", "-I", "-T"):
        text = lab.run("h1", f"traceroute -n -q 1 -w 2 {method} {host_ip(2)}").stdout
        hops = [line.split()[1] for line in text.splitlines()[1:]]
        assert hops == [port_ip(1), host_ip(2)], text
        time.sleep(1)


@needs()
def test_kernel_shows_host_unreachable(lab):
    received, text = lab.ping("h1", "10.2.0.99", 1, "-W 5")
    assert received == 0 and f"From {port_ip(1)} icmp_seq=1 Destination Host Unreachable" in text, text
