# SPDX-License-Identifier: Apache-2.0
"""VLANs: the same frames through Open vSwitch and through vethwayd come out alike; and ports that are VLANs."""

import random

import frames
from frames import host_mac, ip4, port_mac
from lab import Failure, Lab, needs, wait_for
from switches import OpenVswitch, Vethway, frame, station, tag
from test_bridge import GROUPS, refusal, shown
from test_capture import Capture, comments, path_of
from test_trace import Trace, steps

# {port: (of ovs-vsctl, in YAML)}. Of the native VLAN a frame without a tag comes, and goes.
MEMBERS = {1: ("tag=10", "vlan: 10"),
           2: ("tag=20", "vlan: 20"),
           3: ("trunks=10,20", "trunk: [10, 20]"),
           4: ("vlan_mode=native-untagged tag=10 trunks=10,20,30", "trunk: [10, 20, 30], native: 10"),
           5: ("trunks=20,30", "trunk: [20, 30]"),
           6: ("tag=10", "vlan: 10")}
UNTAGGED = {1: 10, 2: 20, 4: 10, 6: 10}
TAGGED = {3: (10, 20), 4: (20, 30), 5: (20, 30)}


def carries(port):
    return {*TAGGED.get(port, ()), *([UNTAGGED[port]] if port in UNTAGGED else [])}


def in_vlan(port, vlan, plain):
    """How a frame of the VLAN looks at the port."""
    return plain if UNTAGGED.get(port) == vlan else tag(plain, vlan)


def draw(rng, port):
    src = station(rng.randrange(1, 6))
    dst = rng.choice([station(n) for n in range(1, 8)] * 2 + [frames.BROADCAST, *GROUPS[:2]])
    plain = frame(src, dst, rng.choice((60, 256, 300, 1400)))
    kind = rng.randrange(6)
    if kind == 0:
        return plain
    if kind == 1:  # a priority, and no VLAN
        return tag(plain, rng.randrange(8) << 13)
    if kind == 2:  # a tag behind the tag
        plain = tag(plain, rng.randrange(1, 4095))
    vlan = rng.choice((10, 20, 30, 40, *carries(port)))
    return tag(plain, rng.randrange(8) << 13 | vlan)


def test_like_open_vswitch():
    """Access, trunk and native ports, priorities, VLANs that are not carried. Differences: none is known."""
    seed = random.randrange(1 << 32)
    rng = random.Random(seed)
    with OpenVswitch(6) as ovs, Vethway(6, {n: words for n, (_, words) in MEMBERS.items()}) as vethway:
        ovs.configure({n: words for n, (words, _) in MEMBERS.items()})
        vethway.configure({n: words for n, (_, words) in MEMBERS.items()}, "    move_limit: 0")
        for _ in range(250):
            port = rng.randrange(1, 7)
            one, vlan = draw(rng, port), rng.choice(sorted(carries(port)))
            reach = {n for n in MEMBERS if vlan in carries(n) and n != port}

            def dress(at, marker, vlan=vlan):
                return in_vlan(at, vlan, marker)

            got = vethway.exchange.run(port, [one], reach, dress)
            wanted = ovs.ask(port, one, reach, dress, got)
            if wanted != got:
                raise Failure(f"seed {seed}: from port {port} {one[:24].hex()} [{len(one)}]: Open vSwitch "
                              f"{shown(wanted)}, vethway {shown(got)}")


def test_translation_and_qinq():
    members = {1: "vlan: 10, tag: 802.1ad", 2: "trunk: [10], tag: 802.1ad",
               3: "translate: [{wire: 77, vlan: 10}], native: 30"}
    with Vethway(3, members) as lab:
        run = lab.exchange.run

        def dress(port, plain):
            return {1: plain, 2: tag(plain, 10, 0x88A8), 3: tag(plain, 77)}[port]

        inner = tag(frame(station(1), frames.BROADCAST), 5)
        got = run(1, [inner], {2, 3}, dress)
        assert (got[2], got[3]) == ([tag(inner, 10, 0x88A8)], [tag(inner, 77)]), shown(got)
        got = run(3, [tag(frame(station(3), station(1)), 77)], {1, 2}, dress)
        assert got[1] == [frame(station(3), station(1))], shown(got)
        text = lab.cli_run("show", "vlan").stdout
        assert "802.1ad 10" in text and "802.1q 77" in text and "p1 (untagged)" in text, text
        lab.cli_run("fdb", "add", station(8), "port", "p2", "vlan", "10")
        got = run(3, [tag(frame(station(3), station(8)), 77)], {1, 2}, dress)
        assert len(got[2]) == 1 and got[1] == [], shown(got)
        assert "say in which the station is" in refusal(lab, "fdb", "add", station(8), "port", "p2")


SUB_PORTS = """
ports:
  - {name: p1, veth: p1, addresses: [10.1.0.1/24]}
  - {name: p1.100, vlan: 100, parent: p1, addresses: [10.100.0.1/24]}
  - {name: p1.100.7, vlan: 7, parent: p1.100, addresses: [10.107.0.1/24]}
  - {name: p1.s5, vlan: 5, parent: p1, tag: 802.1ad, addresses: [10.105.0.1/24]}
  - {name: p2, veth: p2, addresses: [10.2.0.1/24]}
neighbours:
  - {address: 10.100.0.2, mac: '02:00:00:00:01:02', port: p1.100}
  - {address: 10.107.0.2, mac: '02:00:00:00:01:02', port: p1.100.7}
  - {address: 10.2.0.2, mac: '02:00:00:00:02:02', port: p2}
control: {socket: '{socket}'}
"""


def shown_as_ports(lab):
    """A frame as the port of its VLAN has it, without the tag, which a filter need not know of."""
    w1, w2, path = lab.wire("h1"), lab.wire("h2"), path_of(lab)
    with Trace(lab, "--port", "p1.100", "udp") as trace, Capture(lab, "--port", "p1.100", "-w", path, "udp"):
        w1.send(tag(frames.udp(src="10.100.0.2", dst="10.2.0.2"), 100))
        w2.expect()
        w2.send(frames.udp(src="10.2.0.2", dst="10.100.0.2", eth=frames.ether(src=host_mac(2), dst=port_mac(2))))
        assert w1.receive(2)
        told = trace.wait_for(1)
    assert len(told) == 1 and steps(told[0]["packets"][0])[0] == "entered_vlan", told
    rows = comments(path, "udp && !vlan")
    assert [row[:2] for row in rows] == [("p1.100", "in"), ("p1.100", "out")] and "of p2" in rows[1][2], rows


@needs(raw=True, config=SUB_PORTS)
def test_ports_that_are_vlans(lab):
    w1, w2 = lab.wire("h1"), lab.wire("h2")
    ways = {"10.100.0.2": ((100, 0x8100),), "10.107.0.2": ((7, 0x8100), (100, 0x8100))}
    for host, tags in ways.items():
        w2.send(ip4(src="10.2.0.2", dst=host, eth=frames.ether(src=host_mac(2), dst=port_mac(2))))
        out = w1.receive(2)
        wanted = b"".join(t.to_bytes(2, "big") + v.to_bytes(2, "big") for v, t in reversed(tags)) + b"\x08\x00"
        assert out and out[12:12 + len(wanted)] == wanted, out
        back = ip4(src=host, dst="10.2.0.2")
        for vlan, tpid in tags:
            back = tag(back, vlan, tpid)
        w1.send(back)
        assert w2.expect()[frames.IP].src == host
    # ARP in a service VLAN
    w1.send(tag(frames.arp(sender="10.105.0.9", target="10.105.0.1"), 5, 0x88A8))
    answer = w1.receive(2)
    assert answer and answer[12:18] == b"\x88\xa8\x00\x05\x08\x06", answer
    with lab.moves({"p1.rx_packets": 1, "p1.dropped.vlan_unknown": 1}):
        w1.send(tag(ip4(), 101))
    shown_as_ports(lab)
    ports = lab.ports()
    assert ports["p1.100"]["counters"]["rx_packets"] == 3 and ports["p1.100"]["mtu"] == 1500, ports["p1.100"]
    assert (ports["p1.100.7"]["mtu"], ports["p1.s5"]["mtu"]) == (1496, 1496)
    lab.cli_run("port", "add", "p2.9", "vlan", "9", "parent", "p2", "address", "10.9.0.1/24")
    w2.send(tag(frames.arp(sender="10.9.0.2", target="10.9.0.1", mac=host_mac(2)), 9))
    answer = w2.receive(2)
    assert answer and answer[12:18] == b"\x81\x00\x00\x09\x08\x06", answer
    assert "is a VLAN of port p2" in refusal(lab, "port", "del", "p2")
    lab.run("h1", "ip link set eth0 down")
    wait_for(lambda: lab.ports()["p1.100.7"]["reason"] == "p1.100 is down", 3, lambda: lab.ports()["p1.100.7"])


VLAN_ROUTER = """
ports:
  - {name: p1, veth: p1}
  - {name: p2, veth: p2}
  - {name: br1.10, vlan: 10, parent: br1, addresses: [10.1.0.1/24]}
  - {name: br1.20, vlan: 20, parent: br1, addresses: [10.2.0.1/24]}
bridges:
  - {name: br1, members: [{port: p1, vlan: 10}, {port: p2, vlan: 20}]}
control: {socket: '{socket}'}
"""


def test_routes_between_vlans():
    """Two hosts of two VLANs, with the offloads that they have."""
    with Lab(hosts=2, config=VLAN_ROUTER) as lab:
        path = path_of(lab)
        with Capture(lab, "--port", "br1.10", "-w", path, "icmp"):
            received, output = lab.ping("h1", "10.2.0.2")
        assert received == 2 and "ttl=63" in output, output
        assert [row[:2] for row in comments(path)] == [("br1.10", "in"), ("br1.10", "out")] * 2, comments(path)
        rate, _ = lab.iperf3("h1", "h2", "10.2.0.2", 1)
        assert rate > 50e6, f"{rate / 1e6:.0f} MB/s"
