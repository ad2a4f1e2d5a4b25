# SPDX-License-Identifier: Apache-2.0
"""IGMP and MLD snooping: beside a Linux bridge, with real hosts, with a Linux bridge that asks. What Linux does
otherwise, and is not asked for here:

- It floods reports of IGMPv3 and MLDv2 and who leaves; here all of them go to routers only (RFC 4541 2.1.1).
- It goes by IP addresses; here groups go by MACs, of which 32 IPv4 groups share one (RFC 4541 allows either).
- It keeps IPv6 groups of the link to those that want them; here they are flooded, as ARP is.
- It takes a report that blocks sources for one that wants the group; here it changes nothing.
- Its questions are of IGMP 2 and MLD 1, unless told otherwise; here of 3 and 2, which all hosts understand.
"""

import contextlib
import random
import socket
import struct
import time

from lab import METRICS, Failure, Lab, wait_for
from scapy.layers.inet import IP, UDP, IPOption_Router_Alert
from scapy.layers.inet6 import (ICMPv6MLDMultAddrRec, ICMPv6MLDone, ICMPv6MLQuery, ICMPv6MLReport, ICMPv6MLReport2,
                                IPv6, IPv6ExtHdrHopByHop, RouterAlert)
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from scapy.utils import checksum
from support import inside
from switches import Exchange, LinuxBridge, Vethway, station, tag
from test_bridge import shown
from test_metrics import one as metric
from test_trace import explain

GROUPS4 = ("239.1.2.3", "239.1.2.4", "225.0.1.5")
GROUPS6 = ("ff05::1:3", "ff0e::101")
ALL_SYSTEMS, ALL_ROUTERS, V3_ROUTERS = "224.0.0.1", "224.0.0.2", "224.0.0.22"


def group_mac(group):
    if ":" in group:
        low = socket.inet_pton(socket.AF_INET6, group)[-4:]
        return "33:33:" + ":".join(f"{b:02x}" for b in low)
    b, c, d = socket.inet_aton(group)[1:]
    return f"01:00:5e:{b & 127:02x}:{c:02x}:{d:02x}"


def igmp(kind, group, port, to, code=0, rest=b"", source=None):
    message = struct.pack("!BBH", kind, code, 0) + rest if rest else \
        struct.pack("!BBH4s", kind, code, 0, socket.inet_aton(group))
    message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]
    return bytes(Ether(src=station(port), dst=group_mac(to)) /
                 IP(src=source or f"10.0.0.{port}", dst=to, ttl=1, proto=2, options=[IPOption_Router_Alert()]) /
                 Raw(message))


def igmp3(group, record, port):
    rest = struct.pack("!HH", 0, 1) + struct.pack("!BBH4s", record, 0, 0, socket.inet_aton(group))
    return igmp(0x22, group, port, V3_ROUTERS, rest=rest)


def mld(message, port, to):
    return bytes(Ether(src=station(port), dst=group_mac(to)) / IPv6(src=f"fe80::{port}", dst=to, hlim=1) /
                 IPv6ExtHdrHopByHop(options=[RouterAlert()]) / message)


def mld2(group, record, port):
    return mld(ICMPv6MLReport2(records=[ICMPv6MLDMultAddrRec(rtype=record, dst=group)]), port, "ff02::16")


def join(group, port, version):
    """RFC 3376 4.2.12: 4 is "to all but none"."""
    if ":" in group:
        return mld2(group, 4, port) if version == 3 else mld(ICMPv6MLReport(mladdr=group), port, group)
    return igmp3(group, 4, port) if version == 3 else igmp(0x16, group, port, group)


def leave(group, port, version):
    """3 is "to only none"."""
    if ":" in group:
        return mld2(group, 3, port) if version == 3 else mld(ICMPv6MLDone(mladdr=group), port, "ff02::2")
    return igmp3(group, 3, port) if version == 3 else igmp(0x17, group, port, ALL_ROUTERS)


def queries(port):
    """Answers are due within a tenth of a second."""
    return (igmp(0x11, "0.0.0.0", port, ALL_SYSTEMS, code=1),
            mld(ICMPv6MLQuery(mladdr="::", mrd=100), port, "ff02::1"))


def data(group, port):
    ip = IPv6(src=f"2001:db8::{port}", dst=group) if ":" in group else IP(src=f"10.0.0.{port}", dst=group)
    return bytes(Ether(src=station(port), dst=group_mac(group)) / ip / UDP(sport=1, dport=2) / b"to a group")


def snooping(lab):
    return lab.cli("show", "bridge")["bridges"][0]["snooping"]


def heard(lab):
    return sum(snooping(lab)["messages"][kind] for kind in ("queries", "reports"))


def test_like_linux():
    """Who joins, who leaves and who asks, in a drawn order: what is sent to groups comes out alike."""
    seed = random.randrange(1 << 32)
    rng = random.Random(seed)
    with LinuxBridge(4) as linux, Vethway(4) as vethway:
        linux.run("sw", "ip link set br0 type bridge mcast_snooping 1")
        linux.configure("", {n: "fastleave on" for n in range(1, 5)})
        vethway.configure({n: "multicast_fast_leave: true" for n in range(1, 5)}, "    multicast_snooping: true")
        own = bytes.fromhex(linux.run("sw", "cat /sys/class/net/br0/address").stdout.strip().replace(":", ""))
        said = 0

        def through(one, port):
            out = [x.exchange.run(port, [one], {1, 2, 3, 4} - {port}) for x in (linux, vethway)]
            return [{n: [f for f in some if f[6:12] != own] for n, some in found.items()} for found in out]

        def say(one, port):
            nonlocal said
            said += 1
            out = through(one, port)
            wait_for(lambda: heard(vethway) == said, 3, "it is heard")
            return out

        def compare(one, port, wanted, got):
            if wanted != got:
                raise Failure(f"seed {seed}: from port {port} {one.hex()}: Linux {shown(wanted)}, vethway {shown(got)}")

        def ask():
            for one in queries(4):
                compare(one, 4, *say(one, 4))

        compare(data(GROUPS4[0], 1), 1, *through(data(GROUPS4[0], 1), 1))  # nobody has asked: to all
        ask()
        wait_for(lambda: all(snooping(vethway)["vlans"][0][v]["in_force"] for v in ("ip4", "ip6")), 3, "hosts had time")
        delivered = 0
        for _ in range(150):
            port, group = rng.randrange(1, 4), rng.choice(GROUPS4 + GROUPS6)
            what = rng.randrange(5)
            if what == 0:
                version = rng.choice((2, 3))
                one = join(group, port, version)
                out = say(one, port)
                if version == 2:
                    compare(one, port, *out)
            elif what == 1:
                say(leave(group, port, rng.choice((2, 3))), port)
            else:
                one = data(group, rng.randrange(1, 5))
                out = through(one, one[11])
                delivered += sum(len(some) for some in out[0].values())
                compare(one, one[11], *out)
        assert delivered > 20, f"seed {seed}: {delivered} frames came through"
        assert snooping(vethway)["vlans"][0]["routers"] == ["p4"]


# --- Real hosts
HOSTS = """
ports:
  - {name: p1, veth: p1}
  - {name: p2, veth: p2}
  - {name: p3, veth: p3}
bridges:
  - name: br1
    addresses: [10.9.0.9/24]
    members: [p1, p2, p3]
    multicast_snooping: true
    QUERIER
metrics: {listen: METRICS}
control: {socket: '{socket}'}
""".replace("[p1, p2, p3]", "[{port: p1}, {port: p2}, {port: p3}]")


def lab_of(querier, **options):
    return Lab(hosts=3, config=HOSTS.replace("QUERIER", querier).replace("METRICS", "%s:%d" % METRICS), **options)


@contextlib.contextmanager
def member(lab, host, group):
    """A socket of the host's that is in the group."""
    with inside(lab.ns(host)):
        family = socket.AF_INET6 if ":" in group else socket.AF_INET
        one = socket.socket(family, socket.SOCK_DGRAM)
        index = socket.if_nametoindex("eth0")
    with one:
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                           socket.inet_pton(family, group) + struct.pack("=I", index))
        else:
            one.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                           socket.inet_aton(group) + struct.pack("=4sI", bytes(4), index))
        yield one


def reached(lab, exchange, group):
    """The ports that a frame from host 1 to the group comes out of."""
    one = data(group, 1)
    return {n for n, some in exchange.run(1, [one], {2, 3}).items() if one in some}


def groups(lab):
    return {g["group"]: g["ports"] for g in lab.cli("show", "groups")["groups"]}


def test_hosts_that_the_bridge_asks():
    with lab_of("multicast_querier: true\n    multicast_query_interval: 2") as lab:
        exchange = Exchange(lab, 3)
        assert reached(lab, exchange, "239.1.2.3") == {2, 3}, "until hosts have been asked"
        wait_for(lambda: snooping(lab)["vlans"][0]["ip4"]["in_force"], 5, "hosts had time")
        assert reached(lab, exchange, "239.1.2.3") == set()
        lab.run("h3", "sysctl -qw net.ipv6.conf.all.disable_ipv6=0")
        with member(lab, "h2", "239.1.2.3"), member(lab, "h3", "ff05::1:3"):
            wait_for(lambda: groups(lab).get("239.1.2.3") == ["p2"] and groups(lab).get("ff05::1:3") == ["p3"], 5,
                     lambda: f"both are known: {groups(lab)}")
            assert (reached(lab, exchange, "239.1.2.3"), reached(lab, exchange, "ff05::1:3")) == ({2}, {3})
            time.sleep(6)  # a membership lasts 5 s: it was asked for, and said again
            assert (reached(lab, exchange, "239.1.2.3"), reached(lab, exchange, "ff05::1:3")) == ({2}, {3})
            with member(lab, "h3", "239.1.2.3"):
                wait_for(lambda: groups(lab)["239.1.2.3"] == ["p2", "p3"], 5, "another one is known")
            wait_for(lambda: groups(lab)["239.1.2.3"] == ["p2"], 5, "it has left, and nobody else is there")
            text = lab.cli_run("show", "groups").stdout
            assert "learned" in text and "239.1.2.3" in text, text
            text = lab.cli_run("show", "bridge").stdout
            assert "IPv4: asked by the bridge" in text and "IPv6: asked by the bridge" in text, text
            status, story = explain(lab, "--port", "p1", "--hex", data("239.1.2.3", 1).hex())
            words = [s["words"] for s in story["packets"][0]["steps"]]
            assert (status, "to the 1 port that wants the group" in words) == (0, True), words
            seen = lab.metrics()
            assert metric(seen, "vethway_bridge_groups", bridge="br1") == 2, groups(lab)
            assert metric(seen, "vethway_bridge_snooped_messages_total", bridge="br1", kind="report") > 3
            assert metric(seen, "vethway_bridge_queries_sent_total", bridge="br1") > 3
            lab.run("sw", "ip link set p2 down")
            wait_for(lambda: "239.1.2.3" not in groups(lab), 5, "behind a port without a link there is nobody")
            lab.run("sw", "ip link set p2 up")
            wait_for(lambda: groups(lab).get("239.1.2.3") == ["p2"], 10, "it is asked again")


def test_a_linux_bridge_that_asks():
    with lab_of("multicast_querier: true") as lab:
        exchange = Exchange(lab, 3)
        lab.run("h3", "ip link add br0 up type bridge mcast_querier 1 mcast_query_use_ifaddr 1 "
                      "mcast_query_interval 100 mcast_query_response_interval 50 mcast_startup_query_interval 50")
        lab.run("h3", "ip address add 10.9.0.1/24 dev br0")
        lab.run("h3", "ip link set eth0 master br0")
        wait_for(lambda: snooping(lab)["vlans"][0]["ip4"]["address"] == "10.9.0.1", 5,
                 lambda: f"it is believed: {snooping(lab)}")
        view = snooping(lab)["vlans"][0]
        assert view["routers"] == ["p3"] and view["ip4"]["port"] == "p3" and not view["ip4"]["self"], view
        wait_for(lambda: snooping(lab)["vlans"][0]["ip4"]["in_force"], 15, "hosts had time")
        assert reached(lab, exchange, "239.1.2.3") == {3}, "to the router"
        with member(lab, "h2", "239.1.2.3"):
            wait_for(lambda: groups(lab).get("239.1.2.3") == ["p2"], 5, "it is known")
            assert reached(lab, exchange, "239.1.2.3") == {2, 3}
            status, story = explain(lab, "--port", "p2", "--hex", join("239.1.2.3", 2, 3).hex())
            words = [s["words"] for s in story["packets"][0]["steps"]]
            assert (status, "to the 1 port that multicast routers are behind" in words) == (0, True), words
            # The Linux bridge has heard of it, by the report that the switch passed on to it.
            wait_for(lambda: "grp 239.1.2.3" in lab.run("h3", "bridge mdb show dev br0").stdout, 5, "so does Linux")
        wait_for(lambda: "239.1.2.3" not in groups(lab), 5, "it has left: the other one asked")
        text = lab.cli_run("show", "bridge").stdout
        assert "IPv4: asked by 10.9.0.1 at p3" in text and "routers at p3" in text, text


def test_questions_in_vlans():
    members = {1: "trunk: [10, 20], native: 20", 2: "vlan: 10", 3: "vlan: 20"}
    with Vethway(3) as lab:
        wires = {n: lab.wire(f"h{n}") for n in (1, 2, 3)}
        lab.configure(members, "    multicast_snooping: true\n    multicast_querier: true")

        def is_question(one):
            return one[:6] == bytes.fromhex("01005e000001")

        plain = wires[2].receive(2.0, is_question)
        assert Ether(plain)[IP].dst == ALL_SYSTEMS and Ether(plain)[IP].src == "0.0.0.0", plain.hex()
        assert wires[3].receive(2.0, is_question) == plain
        seen = {wires[1].receive(2.0, is_question) for _ in range(2)}
        assert seen == {plain, tag(plain, 10)}, [f.hex() for f in seen]
        wires[1].send(tag(join("239.1.2.3", 1, 2), 10), join("239.1.2.4", 1, 3))
        wait_for(lambda: len(lab.cli("show", "groups")["groups"]) == 2, 3, "both are known")
        seen = {(g["vlan"], g["group"]): g["ports"] for g in lab.cli("show", "groups")["groups"]}
        assert seen == {(10, "239.1.2.3"): ["p1"], (20, "239.1.2.4"): ["p1"]}, seen
        assert "VLAN 10, IPv4: asked by the bridge" in lab.cli_run("show", "bridge").stdout


def test_more_messages_than_are_heard():
    """Of a host that says the same all the time a bounded part is heard, and the switch goes on."""
    with Vethway(2) as lab:
        lab.configure({}, "    multicast_snooping: true")
        wire, one = lab.wire("h1"), join("239.1.2.3", 1, 2)
        for sent in range(100, 2001, 100):
            wire.send(*[one] * 100)
            wait_for(lambda sent=sent: lab.counters().get("p1.rx_packets", 0) >= sent, 5, "all came")
        lab.settled()
        counted = lab.cli("show", "bridge")["bridges"][0]["members"][0]["counters"]
        assert counted["snooped"] + counted["snoop_limited"] == 2000 and counted["snoop_limited"] > 0, counted
        assert lab.cli("show", "groups")["groups"][0]["ports"] == ["p1"]
