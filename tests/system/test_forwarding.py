# SPDX-License-Identifier: Apache-2.0
"""What happens to a packet on its way through, and every reason not to let it through."""

import frames
from frames import host_ip, host_mac, ip4, port_ip, port_mac, udp
from lab import Failure, needs
from scapy.layers.inet import IP, IPOption_NOP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw

LAB = {"raw": True}
SHARED = True

PASSED = {"p1.rx_packets": 1, "p2.tx_packets": 1}


def pass_one(lab, frame, moved=None):
    """Sends it from h1; what came out at h2, parsed."""
    w1, w2 = lab.wire("h1"), lab.wire("h2")
    with lab.moves(moved or PASSED):
        w1.send(frame)
        out = w2.expect()
    return out


def drop_one(lab, frame, reason):
    w1, w2 = lab.wire("h1"), lab.wire("h2")
    with lab.moves({"p1.rx_packets": 1, f"p1.dropped.{reason}": 1}):
        w1.send(frame)
        w2.expect_nothing(0.15)
        w1.expect_nothing(0.05)


def drop_each(lab, cases):
    for name, reason, frame in cases:
        try:
            drop_one(lab, frame, reason)
        except Failure as failure:
            raise Failure(f"{name}: {failure}") from None


def test_ttl_checksum_and_macs(lab):
    sent = udp(ttl=64)
    out = pass_one(lab, sent)
    assert (out.src, out.dst) == (port_mac(2), host_mac(2)), out.summary()
    assert out[IP].ttl == 63
    assert frames.checksums_right(out)
    assert bytes(out[IP].payload) == bytes(Ether(sent)[IP].payload)


def test_checksum_is_right_for_every_header(lab):
    w1, w2 = lab.wire("h1"), lab.wire("h2")
    sent = [udp(id=identifier, ttl=2 + identifier % 250) for identifier in range(0, 65536, 331)]
    with lab.moves({"p1.rx_packets": len(sent), "p2.tx_packets": len(sent)}):
        for start in range(0, len(sent), 16):
            w1.send(*sent[start:start + 16])
            for frame in sent[start:start + 16]:
                out = w2.expect()
                assert out[IP].id == Ether(frame)[IP].id, "in order"
                assert out[IP].ttl == Ether(frame)[IP].ttl - 1
                assert frames.checksums_right(out), f"id {out[IP].id} ttl {out[IP].ttl}"


def test_tos_flags_id_and_options_are_kept(lab):
    out = pass_one(lab, udp(tos=0xB9, flags="DF", id=0xBEEF, options=[IPOption_NOP()] * 4))
    assert (out[IP].tos, out[IP].flags, out[IP].id, out[IP].ihl) == (0xB9, "DF", 0xBEEF, 6)
    assert frames.checksums_right(out)


def test_padding_is_trimmed(lab):
    sent = udp(size=1)
    out = pass_one(lab, sent + bytes(60 - len(sent)))
    assert len(out) == 14 + 20 + 8 + 1, len(out)


def test_smallest_and_largest(lab):
    assert len(pass_one(lab, ip4(b""))) == 14 + 20
    assert len(pass_one(lab, udp(size=1472))) == 1514


def test_fragments_pass_as_they_are(lab):
    for frag, flags in ((0, "MF"), (185, "MF"), (370, 0)):
        out = pass_one(lab, ip4(Raw(b"x" * 1480), proto=17, frag=frag, flags=flags))
        assert (out[IP].frag, out[IP].flags) == (frag, flags), out.summary()


def test_broken_headers(lab):
    good = udp()
    long = "truncated" if "af_packet" in lab.ports()["p1"]["driver"] else "ip4_short"
    drop_each(lab, [
        ("checksum", "ip4_checksum", ip4(chksum=0x1234)),
        ("checksum zero", "ip4_checksum", ip4(chksum=0)),
        ("frame ends in the header", "ip4_short", good[:14 + 19]),
        ("one byte of IP", "ip4_short", good[:15]),
        ("no byte of IP", "ip4_short", good[:14]),
        ("frame one byte short", long, good[:-1]),
        ("total length beyond the frame", long, ip4(len=200)),
        ("total length below the header", "ip4_short", ip4(len=19)),
        ("version 6", "ip4_version", ip4(version=6)),
        ("IHL 4", "ip4_version", frames.patched(good, 14, b"\x44")),
        ("IHL beyond the packet", "ip4_short", frames.patched(good, 14, b"\x4f")),
    ])


def test_martians(lab):
    sources = ["127.0.0.1", "0.0.0.0", "0.1.2.3", "224.0.0.1", "240.0.0.1", "255.255.255.255",
               port_ip(1), port_ip(2)]
    drop_each(lab, [(f"source {a}", "martian_source", ip4(src=a)) for a in sources])
    drop_each(lab, [(f"destination {a}", "martian_destination", ip4(dst=a))
                    for a in ("127.0.0.1", "0.1.2.3", "240.0.0.1")])


def test_broadcast_and_multicast(lab):
    broadcast, group = frames.ether(dst=frames.BROADCAST), frames.ether(dst="01:00:5e:00:00:05")
    drop_each(lab, [
        ("limited broadcast", "broadcast", ip4(dst="255.255.255.255", eth=broadcast)),
        ("directed broadcast", "broadcast", ip4(dst="10.2.0.255")),
        ("multicast", "multicast", ip4(dst="224.0.0.5", eth=group)),
        ("unicast in a broadcast frame", "link_broadcast", ip4(eth=broadcast)),
        ("unicast in a multicast frame", "link_broadcast", ip4(eth=group)),
    ])


def test_frames_not_for_us(lab):
    drop_each(lab, [
        ("another station", "not_for_us", ip4(eth=frames.ether(dst="02:00:00:00:01:77"))),
        ("our own MAC as source", "own_source", ip4(eth=frames.ether(src=port_mac(1)))),
        ("802.1Q", "vlan_unknown", frames.vlan(10)),
        ("IPv6", "ip6", bytes(frames.ether(type=0x86DD) / Raw(b"\x60" + bytes(39)))),
        ("unknown", "ethertype_unknown", bytes(frames.ether(type=0x88B5) / Raw(bytes(46)))),
    ])


@needs(raw=True, port_more={2: ", mtu: 1400"})
def test_too_large_is_fragmented(lab):
    sent = udp(size=1472, id=77)
    w1, w2 = lab.wire("h1"), lab.wire("h2")
    with lab.moves({"p1.rx_packets": 1, "p1.consumed.fragmented": 1, "p1.originated.fragment": 2,
                    "p2.tx_packets": 2}):
        w1.send(sent)
        first, last = w2.expect(), w2.expect()
    assert (first[IP].flags, first[IP].frag, last[IP].flags) == ("MF", 0, 0)
    assert first[IP].len <= 1400 and first[IP].id == last[IP].id == 77
    assert first[IP].ttl == last[IP].ttl == 63
    whole = bytes(first[IP].payload) + bytes(last[IP].payload)
    assert last[IP].frag * 8 == len(bytes(first[IP].payload))
    assert whole == sent[34:]


@needs(raw=True, hosts=3, routes=["to: 0.0.0.0/0, via: 10.2.0.2", "to: 10.8.0.0/16, via: 10.2.0.2",
                                  "to: 10.8.1.0/24, via: 10.3.0.2", "to: 10.8.1.9/32, via: 10.2.0.2"])
def test_longest_prefix(lab):
    w1, w2, w3 = (lab.wire(f"h{n}") for n in (1, 2, 3))
    for to, out, other, port in (("10.8.0.1", w2, w3, 2), ("10.8.1.1", w3, w2, 3), ("10.8.1.9", w2, w3, 2),
                                 ("10.8.2.1", w2, w3, 2), ("198.51.100.7", w2, w3, 2)):
        with lab.moves({"p1.rx_packets": 1, f"p{port}.tx_packets": 1}):
            w1.send(udp(dst=to))
            got = out.expect()
            assert got[IP].dst == to and got.dst == host_mac(port)
            other.expect_nothing(0.05)


@needs(raw=True, hosts=3, routes=["to: 10.9.0.0/16, nexthops: [{via: 10.2.0.2}, {via: 10.3.0.2}]"])
def test_ecmp_spreads_and_keeps_flows(lab):
    w1, w2, w3 = (lab.wire(f"h{n}") for n in (1, 2, 3))
    flows = 64
    ways = {}
    for again in range(3):
        for n in range(flows):
            w1.send(udp(dst=f"10.9.{n}.1", sport=4000 + again))
            if n % 16 == 15:
                for name, wire in (("h2", w2), ("h3", w3)):
                    for frame in wire.drain(0.1, frames.is_ip):
                        ways.setdefault(Ether(frame)[IP].dst, set()).add(name)
    assert len(ways) == flows, f"{len(ways)} of {flows} arrived"
    assert all(len(w) == 1 for w in ways.values()), "a flow changed its way"
    by_h2 = sum(w == {"h2"} for w in ways.values())
    assert flows // 4 <= by_h2 <= flows * 3 // 4, f"{by_h2} of {flows} by h2"
    moved = lab.counters()
    assert moved["p1.rx_packets"] == moved["p2.tx_packets"] + moved["p3.tx_packets"] == 3 * flows


@needs(raw=True, port_more={1: ", rp_filter: strict"}, routes=["to: 0.0.0.0/0, via: 10.2.0.2"])
def test_rp_filter_strict(lab):
    drop_each(lab, [("a source that is behind p2", "rp_filter", udp(src=host_ip(2), dst="198.51.100.1")),
                    ("a source of the default route", "rp_filter", udp(src="203.0.113.5"))])
    pass_one(lab, udp())


@needs(raw=True, port_more={1: ", rp_filter: loose"})
def test_rp_filter_loose(lab):
    drop_each(lab, [("a source without a route", "rp_filter", udp(src="203.0.113.5"))])
    pass_one(lab, udp(src="10.2.0.9"))


@needs(raw=True, port_more={1: ", accept_local: true"})
def test_accept_local(lab):
    out = pass_one(lab, udp(src=port_ip(2)))
    assert out[IP].src == port_ip(2) and out[UDP].sport == 4000


@needs(raw=True)
def test_kernel_stays_silent(lab):
    """Even a kernel that would route: not one frame of its own, nor a second copy."""
    lab.run("sw", "sysctl -qw net.ipv4.ip_forward=1")
    lab.run("sw", "ip address add 10.1.0.9/24 dev p1")
    w1, w2 = lab.wire("h1"), lab.wire("h2")
    w1.send(udp(), frames.arp(target="10.1.0.9"), frames.tcp(dst="10.1.0.9"))
    assert w2.expect()[IP].dst == host_ip(2)
    w2.expect_nothing(0.3)
    answers = [frames.parse(f) for f in w1.drain(0.5, frames.is_arp)]
    assert not [a for a in answers if a.psrc == "10.1.0.9"], "the kernel answered ARP"
    lab.run("sw", "ip address del 10.1.0.9/24 dev p1")
    lab.run("sw", "sysctl -qw net.ipv4.ip_forward=0")
