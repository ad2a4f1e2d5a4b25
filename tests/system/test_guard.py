# SPDX-License-Identifier: Apache-2.0
"""What a bridge knows of IP: guards, ARP suppression and groups. The same frames through a Linux bridge with
neigh_suppress, and with entries in its mdb, come out alike. What it does otherwise, and is not asked for here:

- It learns groups from IGMP and MLD; here without multicast_snooping (test_snooping.py) both are flooded. So are the
  IPv6 groups of the link, by which hosts ask each other's addresses.
- It goes by IP addresses; here groups go by MACs, of which 32 IPv4 groups share one (RFC 4541 allows either).
- Its mdb is of no effect until somebody on the link asks for members; here the table always is.
- It suppresses its own ARP, too; here all members hear it. Where it has no address, it takes 0.0.0.0 for one.
"""

import platform
import random

import frames
from frames import arp, ether, ip4, udp
from lab import Failure, Lab, wait_for
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import ICMPv6ND_RA, ICMPv6ND_RS, IPv6
from scapy.layers.l2 import LLC, SNAP, Dot1Q, Dot3
from switches import MARKER_MAC, LinuxBridge, Vethway, frame, station
from test_bridge import shown
from test_trace import explain

BROADCAST = frames.BROADCAST


def ip(n):
    return f"10.0.0.{n}"


def bindings(entries):
    """entries: (address, station's MAC, port or None)"""
    return "    bindings: [%s]" % ", ".join(
        f"{{address: {address}, mac: '{mac}'{f', port: {port}' if port else ''}}}" for address, mac, port in entries)


# --- Guards
MARKER = (ip(200), MARKER_MAC % 1, "p1")  # what says that all before it is through
ONE, TWO = station(1), station(2)
GUARDED = bindings([(ip(1), ONE, "p1"), (ip(2), TWO, "p2"), MARKER])


def sent_by(src, payload, dst=BROADCAST, **fields):
    return bytes(ether(src=src, dst=dst, **fields) / payload)


def as_802_3(one):
    """The frame behind an 802.2 header (RFC 1042)."""
    kind, rest = int.from_bytes(one[12:14], "big"), one[14:]
    return bytes(Dot3(src=frames.parse(one).src, dst=frames.parse(one).dst) / LLC(dsap=0xAA, ssap=0xAA, ctrl=3) /
                 SNAP(OUI=0, code=kind) / rest)


def dhcp(sport, dport, src="0.0.0.0", mac=ONE):
    return udp(sport=sport, dport=dport, src=src, dst="255.255.255.255", eth=ether(src=mac, dst=BROADCAST))


def tagged(one, *vlans):
    tags = b"".join(b"\x81\x00" + v.to_bytes(2, "big") for v in vlans)
    return one[:12] + tags + one[12:]


# (what is said of p1, frames that pass, frames that don't)
GUARDS = {
    "mac_guard": (f"macs: ['{ONE}', '{MARKER[1]}']", [frame(ONE, TWO)], [frame(TWO, ONE), frame(station(9), BROADCAST)]),
    "arp_guard": ("arp_guard: true",
                  [arp(sender=ip(1), mac=ONE, target=ip(2)), arp(sender="0.0.0.0", mac=ONE, target=ip(1)),
                   arp(op=2, sender=ip(1), mac=ONE, target=ip(1)), ip4(src=ip(2), eth=ether(src=ONE, dst=TWO))],
                  [arp(sender=ip(2), mac=ONE, target=ip(3)), arp(sender=ip(1), mac=ONE)[:41],
                   sent_by(station(3), arp(sender=ip(1), mac=ONE)[14:], type=0x806),
                   tagged(arp(sender=ip(2), mac=ONE), 0), tagged(arp(sender=ip(2), mac=ONE), 0, 0, 0),
                   as_802_3(arp(sender=ip(2), mac=ONE))]),
    "dhcp_guard": ("dhcp_guard: true", [dhcp(68, 67), ip4(b"\x00\x43\x00\x44" + bytes(20), proto=17, frag=1, src=ip(1))],
                   [dhcp(67, 68, ip(1)), dhcp(5000, 68, ip(1)),
                    sent_by(ONE, IPv6(dst="ff02::1") / UDP(sport=547, dport=546))]),
    "ra_guard": ("ra_guard: true", [sent_by(ONE, IPv6(dst="ff02::2") / ICMPv6ND_RS())],
                 [sent_by(ONE, IPv6(dst="ff02::1") / ICMPv6ND_RA()),
                  sent_by(ONE, Dot1Q(vlan=0) / IPv6(dst="ff02::1") / ICMPv6ND_RA())]),
    "source_guard": ("source_guard: true",
                     [ip4(src=ip(1), eth=ether(src=ONE, dst=TWO)), dhcp(68, 67), arp(sender=ip(1), mac=ONE),
                      frame(ONE, BROADCAST), ip4(src=ip(1), frag=5, eth=ether(src=ONE, dst=TWO))],
                     [ip4(src=ip(3), eth=ether(src=ONE, dst=TWO)), ip4(src=ip(2), eth=ether(src=TWO, dst=ONE)),
                      dhcp(68, 67, mac=TWO), arp(sender=ip(2), mac=ONE), frame(station(9), BROADCAST),
                      ip4(src=ip(3), frag=5, eth=ether(src=ONE, dst=TWO)), ip4(src=ip(1), eth=ether(src=ONE))[:33],
                      tagged(ip4(src=ip(3), eth=ether(src=ONE, dst=TWO)), 0)]),
}


def test_guards():
    """What each lets in, what it does not, that what it refuses is counted and not learned from, and said."""
    with Vethway(3) as lab:
        for reason, (member, good, bad) in GUARDS.items():
            lab.configure({1: member}, GUARDED)
            before = lab.settled()
            got = lab.exchange.run(1, good, {2, 3})
            assert got[2] == got[3] == good, (reason, shown(got))
            assert f"p1.dropped.{reason}" not in lab.moved(before), lab.moved(before)
            got = lab.exchange.run(1, bad, {2, 3})
            assert got[2] == got[3] == [], (reason, shown(got))
            wait_for(lambda: lab.moved(before).get(f"p1.dropped.{reason}") == len(bad), 2,
                     lambda: f"{reason}: {lab.moved(before)}")
            known = {s["mac"] for s in lab.cli("show", "fdb")["stations"]}
            assert known <= {ONE, MARKER[1], "02:00:00:00:01:02"}, (reason, known)
            # By another member the same frames may come in.
            got = lab.exchange.run(2, bad[-1:], {1, 3})
            assert got[3] == bad[-1:], (reason, shown(got))
        status, story = explain(lab, "--port", "p1", "--hex", GUARDS["source_guard"][2][0].hex())
        words = [s["words"] for s in story["packets"][0]["steps"]]
        assert (status, story["reasons"]) == (5, ["source_guard"]), story
        assert f"no binding is of {ip(3)}, which {ONE} claims" in words, words
        text = lab.cli_run("show", "bridge").stdout
        assert "3 bindings, 0 groups" in text and "source_guard" in text, text
        seen = {b["address"]: (b["mac"], b["port"], b["seen_at"]) for b in lab.cli("show", "bindings")["bindings"]}
        assert seen == {ip(1): (ONE, "p1", "p2"), ip(2): (TWO, "p2", None),
                        MARKER[0]: (MARKER[1], "p1", "p1")}, seen


# --- ARP suppression
ASKED = [ip(n) for n in range(1, 7)] + ["127.0.0.1", "224.0.0.9"]
SUPPRESSING = {2: "neigh_suppress on", 3: "neigh_suppress on"}
KNOWN = [(ip(n), station(n)) for n in (1, 2, 3, 4)]


# Older kernels answer also for who is asked by its MAC, beside the one who is asked.
BY_MAC = tuple(int(n) for n in platform.release().split(".")[:2]) >= (6, 18)


def draw_arp(rng, port):
    """A message of host `port`, or of one that asks, probes, announces or answers in its name."""
    sender = rng.choice([ip(port)] * 4 + ["0.0.0.0", "0.1.2.3", ip(9)])
    target = rng.choice(ASKED + [sender])
    op = rng.choice((1, 1, 1, 1, 2, 3, 8))
    by_mac = [station(2), station(3), station(4)] if BY_MAC or op != 1 else []
    one = arp(op=op, sender=sender, target=target, mac=station(port), eth_dst=rng.choice([BROADCAST] * 4 + by_mac))
    return rng.choice([one] * 8 + [frames.patched(one, 16, b"\x86\xdd"), frames.patched(one, 18, b"\x08"), one[:41],
                                   one + bytes(18)])


def test_suppresses_arp_like_linux():
    seed = random.randrange(1 << 32)
    rng = random.Random(seed)
    with LinuxBridge(4) as linux, Vethway(4) as vethway:
        linux.configure("", SUPPRESSING)
        for address, mac in KNOWN:
            linux.run("sw", f"ip neigh add {address} lladdr {mac} dev br0 nud permanent")
        vethway.configure({2: "neigh_suppress: true", 3: "neigh_suppress: true"},
                          bindings([(*known, None) for known in KNOWN]))
        for one in (linux, vethway):
            for port in (1, 2, 3):  # 4 is known, and not seen
                one.exchange.run(port, [frame(station(port), BROADCAST)], {1, 2, 3, 4} - {port})
        answered = 0
        for _ in range(250):
            port = rng.choice((1, 1, 1, 2, 3))
            one = draw_arp(rng, port)
            reach = {1, 2, 3, 4} - {port}
            wanted, got = linux.exchange.run(port, [one], reach), vethway.exchange.run(port, [one], reach)
            answered += len(got[port])
            if wanted != got:
                raise Failure(f"seed {seed}: from port {port} {one.hex()}: Linux {shown(wanted)}, vethway {shown(got)}")
        assert answered > 0
        counters = vethway.cli("show", "bridge")["bridges"][0]["members"][0]["counters"]
        assert counters["suppressed"] == answered, (counters, answered)
        status, story = explain(vethway, "--port", "p1", "--hex", arp(sender=ip(1), target=ip(2), mac=ONE).hex())
        words = [s["words"] for s in story["packets"][0]["steps"]]
        assert f"answered for {ip(2)}, who is at {TWO} behind p2" in words, (status, words)


# --- Groups
GROUPS = {"239.1.2.3": (2, 3), "239.1.2.4": (1,), "225.0.1.5": (1, 2, 4), "01:00:0c:cc:cc:cc": (4,)}
ROUTER = 3


def group_frame(group, src, payload=None):
    """To a group's MAC, from the station `src`."""
    if ":" in group:
        return frame(src, group)
    a, b, c, d = (int(x) for x in group.split("."))
    return bytes(ether(src=src, dst=f"01:00:5e:{b & 127:02x}:{c:02x}:{d:02x}") /
                 IP(src=ip(1), dst=group) / (payload or UDP(sport=1, dport=2) / b"x"))


def test_groups_like_linux():
    seed = random.randrange(1 << 32)
    rng = random.Random(seed)
    with LinuxBridge(4) as linux, Vethway(4) as vethway:
        # Of its querier it waits first for as long as answers may take.
        linux.run("sw", "ip link set br0 type bridge mcast_snooping 1 mcast_query_response_interval 1")
        linux.configure("mcast_querier 1",
                        {ROUTER: "mcast_router 2", 4: "mcast_flood off"})
        for group, ports in GROUPS.items():
            for port in ports:
                linux.run("sw", f"bridge mdb add dev br0 port p{port} grp {group} permanent")
        listed = ", ".join(f"{{group: '{g}', ports: {[f'p{n}' for n in ports]}}}" for g, ports in GROUPS.items())
        vethway.configure({ROUTER: "multicast_router: true", 4: "flood_multicast: false"},
                          f"    groups: [{listed}]\n    unknown_multicast: routers")
        own = bytes.fromhex(linux.run("sw", "cat /sys/class/net/br0/address").stdout.strip().replace(":", ""))
        to_all = ["224.0.0.1", "224.0.0.251", "01:80:c2:00:00:20", "01:00:5e:00:00:09"]
        for _ in range(150):
            port = rng.randrange(1, 5)
            one = group_frame(rng.choice([*GROUPS, "239.1.2.5", "232.9.9.9", *to_all]), station(port))
            reach = {1, 2, 3, 4} - {port}
            wanted, got = linux.exchange.run(port, [one], reach), vethway.exchange.run(port, [one], reach)
            wanted = {n: [f for f in some if f[6:12] != own] for n, some in wanted.items()}  # but its queries
            if wanted != got:
                raise Failure(f"seed {seed}: from port {port} {one.hex()}: Linux {shown(wanted)}, vethway {shown(got)}")
        seen = {g["group"]: (g["mac"], g["ports"], g["routers"]) for g in vethway.cli("show", "groups")["groups"]}
        assert seen["225.0.1.5"] == ("01:00:5e:00:01:05", ["p1", "p2", "p4"], ["p3"]), seen
        status, story = explain(vethway, "--port", "p1", "--hex", group_frame("239.1.2.3", ONE).hex())
        words = [s["words"] for s in story["packets"][0]["steps"]]
        assert (status, "to the 2 ports that want the group" in words) == (0, True), words


# --- Changes while it runs
REFUSED = {("binding", "add", ip(9), ONE, "port", "p9"): 'port "p9" is a member of no bridge',
           ("binding", "add", ip(9), ONE, "port", "p2"): f"binding {ip(9)} {ONE} port p2: {ONE} is said to be behind p1",
           ("binding", "add", "224.0.0.9", ONE): "224.0.0.9 can't be a host's address",
           ("binding", "add", ip(9), ONE, "vlan", "10"): "the bridge knows no VLANs",
           ("binding", "add", ip(9), ONE, "bridge", "br9"): 'there is no bridge "br9"',
           ("binding", "add", ip(9)): "expected a MAC",
           ("binding", "del", ip(9)): f"there is no binding {ip(9)}",
           ("group", "add", "239.1.2.3"): "expected port NAME",
           ("group", "add", "239.1.2.3", "port", "p3"): "port p3 is there already",
           ("group", "add", "224.0.0.1", "port", "p3"): "what is sent to 224.0.0.1 goes to all members",
           ("group", "add", "10.1.1.1", "port", "p3"): "group: expected a group like 239.1.2.3",
           ("group", "del", "239.1.2.3", "port", "p1"): "there is no group 239.1.2.3 port p1"}


def test_changed_while_it_runs():
    with Vethway(3) as lab:
        lab.configure({1: "source_guard: true"}, bindings([MARKER]))

        def said(*words):
            return lab.cli_run("bridge", *words).stdout

        def out(port, one):
            """The ports that it comes out by."""
            got = lab.exchange.run(port, [one], {1, 2, 3} - {port})
            return [n for n, some in got.items() if some]

        spoken, groupcast = ip4(src=ip(1), eth=ether(src=ONE, dst=TWO)), group_frame("239.1.2.3", TWO)
        assert out(1, spoken) == []
        assert said("binding", "add", ip(1), ONE, "port", "p1") == f"binding {ip(1)} {ONE} port p1 added\n"
        assert out(1, spoken) == [2, 3]
        assert said("binding", "add", ip(1), "lladdr", TWO, "bridge", "br1").endswith(" replaced\n")
        assert out(1, spoken) == []
        assert said("binding", "add", ip(1), ONE, "port", "p1").endswith(" replaced\n")

        assert out(2, groupcast) == [1, 3]
        assert said("group", "add", "239.1.2.3", "port", "p3") == "group 239.1.2.3 port p3 added\n"
        assert out(2, groupcast) == [3]
        for words, why in REFUSED.items():
            done = lab.cli_run("bridge", *words, check=False)
            assert done.returncode == 2 and why in done.stderr and done.stderr.count("\n") == 1, (words, done)
        said("group", "add", "239.1.2.3", "port", "p1")
        assert out(2, groupcast) == [1, 3]
        said("group", "del", "239.1.2.3", "port", "p3")
        assert out(2, groupcast) == [1]
        config = lab.cli_run("show", "config").stdout
        assert "239.1.2.3" in config and ONE in config, config
        assert said("group", "del", "239.1.2.3", "port", "p1") == "group 239.1.2.3 port p1 removed\n"
        assert out(2, groupcast) == [1, 3] and lab.cli("show", "groups")["groups"] == []
        assert said("binding", "del", ip(1)) == f"binding {ip(1)} removed\n"
        assert out(1, spoken) == []
        said("group", "add", "01:00:5e:01:02:03", "port", "p3")
        assert "bridge br1 changed" in lab.cli_run("reload").stdout, "what the file does not say goes"
        assert lab.cli("show", "groups")["groups"] == lab.cli("show", "bindings")["bindings"] == []


def test_vlans_of_bindings_and_groups():
    with Vethway(2, {1: "trunk: [10, 20]", 2: "trunk: [10, 20]"}) as lab:
        for vlan in ("10", "20"):
            lab.cli_run("bridge", "binding", "add", ip(1), ONE, "port", "p1", "vlan", vlan)
            lab.cli_run("bridge", "group", "add", "ff05::1:3", "port", "p2", "vlan", vlan)
        for words in (("binding", "del", ip(1)), ("group", "del", "ff05::1:3")):
            done = lab.cli_run("bridge", *words, check=False)
            assert done.returncode == 2 and "in several VLANs: say which, by vlan N" in done.stderr, done
            lab.cli_run("bridge", *words, "vlan", "20")
            lab.cli_run("bridge", *words)
        assert lab.cli("show", "groups")["groups"] == lab.cli("show", "bindings")["bindings"] == []
        for line in (("bridge", "binding", "add", ip(1), ONE, ""), ("bridge", "group", "del", "ff05::1:3", "")):
            assert {"bridge", "port", "vlan"} <= set(lab.cli_run("complete", "--", *line).stdout.split()), line


# --- Real hosts
HOSTS = """
ports: [{name: p1, veth: p1}, {name: p2, veth: p2}]
bridges:
  - name: br1
    members: [{port: p1, source_guard: true}, {port: p2, source_guard: true, neigh_suppress: true}]
    bindings: [{address: 10.1.0.2, mac: '%s', port: p1}, {address: 10.1.0.3, mac: '%s', port: p2}]
control: {socket: '{socket}'}
"""


def test_hosts():
    """Hosts go on as if nothing were; one that takes another address is not heard."""
    macs = [frames.host_mac(n) for n in (1, 2)]
    with Lab(hosts=2, config=HOSTS % tuple(macs)) as lab:
        for n, mac in enumerate(macs, 1):
            lab.run(f"h{n}", f"ip link set eth0 address {mac}")
        lab.run("h2", "ip address add 10.1.0.3/24 dev eth0")
        assert lab.ping("h1", "10.1.0.3", args="-s 4000")[0] == 2
        lab.run("h1", "ip neigh flush dev eth0")
        assert lab.ping("h1", "10.1.0.3")[0] == 2
        assert lab.cli("show", "bridge")["bridges"][0]["members"][0]["counters"]["suppressed"] > 0
        lab.run("h1", "ip address add 10.1.0.9/24 dev eth0")
        before = lab.settled()
        lab.run("h1", "ping -c1 -W1 -I 10.1.0.9 10.1.0.3", check=False)
        wait_for(lambda: lab.moved(before).get("p1.dropped.source_guard", 0) > 0, 2, "refused")
