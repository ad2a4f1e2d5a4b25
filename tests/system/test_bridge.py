# SPDX-License-Identifier: Apache-2.0
"""Bridge domains: the same frames through a Linux bridge and through vethwayd come out alike; what has no
counterpart there, by itself."""

import random
import socket

import frames
from lab import Failure, Lab, wait_for
from switches import LinuxBridge, Vethway, frame, station, tag
from test_trace import explain, steps

PORTS = 4
BROADCAST = frames.BROADCAST
GROUPS = ("01:00:5e:00:00:05", "33:33:00:00:00:01", "01:80:c2:00:00:20")

# What both are told: (of the bridge by ip(8), in YAML, {port: by ip(8)}, {port: in YAML}).
SETTINGS = {
    "plain": ("", "", {}, {}),
    "switches": ("", "", {1: "flood off", 2: "mcast_flood off", 3: "bcast_flood off", 4: "learning off"},
                 {1: "flood_unicast: false", 2: "flood_multicast: false", 3: "flood_broadcast: false",
                  4: "learning: false"}),
    "hairpin": ("group_fwd_mask 0xfff8", "    group_fwd_mask: 65528", {1: "hairpin on", 2: "hairpin on"},
                {1: "hairpin: true", 2: "hairpin: true"}),
    "isolated": ("", "", {1: "isolated on", 2: "isolated on", 3: "isolated on"},
                 {1: "split_horizon: 5", 2: "split_horizon: 5", 3: "split_horizon: 5"}),
}
# Which ports a broadcast from a port comes to.
REACH = {"plain": lambda p: {*range(1, PORTS + 1)} - {p},
         "switches": lambda p: {1, 2, 4} - {p},
         "hairpin": lambda p: {*range(1, PORTS + 1)} - ({p} if p > 2 else set()),
         "isolated": lambda p: {4} if p < 4 else {1, 2, 3}}


def draw(rng):
    """A frame of a few stations, that move."""
    src = rng.choice([station(n) for n in range(1, 7)] * 8 + ["00:00:00:00:00:00", "01:00:5e:00:00:09"])
    dst = rng.choice([station(n) for n in range(1, 9)] * 3 + [BROADCAST, *GROUPS] +
                     [f"01:80:c2:00:00:{x:02x}" for x in range(16)])
    found = frame(src, dst, rng.choice((60, 61, 255, 256, 257, 300, 1000, 1514)))
    for _ in range(rng.choice((0, 0, 0, 1, 2))):
        found = tag(found, rng.randrange(65536), rng.choice((0x8100, 0x88A8)))[:1514]
    return found


def test_like_linux():
    """Learning, moves, flooding, its switches per port, hairpin, isolation, reserved groups, tags as payload."""
    seed = random.randrange(1 << 32)
    rng = random.Random(seed)
    with LinuxBridge(PORTS) as linux, Vethway(PORTS) as vethway:
        for name, (of_linux, of_vethway, linux_ports, members) in SETTINGS.items():
            linux.configure(of_linux, linux_ports)
            vethway.configure({n: f"{words}" for n, words in members.items()}, of_vethway + "\n    move_limit: 0")
            for _ in range(120):
                port, one = rng.randrange(1, PORTS + 1), draw(rng)
                reach = REACH[name](port)
                wanted = linux.exchange.run(port, [one], reach)
                got = vethway.exchange.run(port, [one], reach)
                if wanted != got:
                    raise Failure(f"{name}, seed {seed}: from port {port} {one[:24].hex()} [{len(one)}]: Linux "
                                  f"{shown(wanted)}, vethway {shown(got)}")


def shown(found):
    return {n: [f"{f[:22].hex()} [{len(f)}]" for f in some] for n, some in found.items() if some}


# --- By itself
def fdb(lab):
    return {s["mac"]: s for s in lab.cli("show", "fdb")["stations"]}


def test_stations():
    """Learned, aged, forgotten with the link; static ones by file and command; shown."""
    with Vethway(3) as lab:
        run = lab.exchange.run
        run(1, [frame(station(1), BROADCAST)], {2, 3})
        assert fdb(lab)[station(1)]["port"] == "p1", fdb(lab)
        got = run(2, [frame(station(2), station(1))], {1, 3})
        assert [len(got[n]) for n in (1, 2, 3)] == [1, 0, 0], shown(got)
        lab.cli_run("fdb", "add", station(9), "port", "p3")
        got = run(1, [frame(station(1), station(9)), frame(station(9), station(2))], {2, 3})
        assert [len(got[n]) for n in (1, 2, 3)] == [0, 1, 1], shown(got)
        assert (fdb(lab)[station(9)]["port"], fdb(lab)[station(9)]["kind"]) == ("p3", "static")
        assert station(9) in lab.cli_run("show", "config").stdout
        assert "expected a MAC" in refusal(lab, "fdb", "add", "nonsense", "port", "p3")
        assert "member of no bridge" in refusal(lab, "fdb", "add", station(8), "port", "p9")
        lab.cli_run("fdb", "del", station(9), "port", "p3")
        assert station(9) not in fdb(lab)
        lab.run("h1", "ip link set eth0 down")
        wait_for(lambda: station(1) not in fdb(lab), 3, "forgotten with its link")
        lab.run("h1", "ip link set eth0 up")
        lab.configure({}, "    ageing: 1")
        wait_for(lambda: lab.ports()["p1"]["state"] == "up", 3, "the link is back")
        lab.exchange.wires[1].socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)  # that it was down
        lab.exchange.run(2, [frame(station(2), BROADCAST)], {1, 3})
        assert station(2) in fdb(lab)
        wait_for(lambda: station(2) not in fdb(lab), 3, "aged after a second")
        text = lab.cli_run("show", "bridge").stdout
        assert "br1: up" in text and "ageing 1 s" in text, text


def refusal(lab, *args):
    done = lab.cli_run(*args, check=False)
    assert done.returncode != 0, f"{args}: not refused"
    return done.stderr


def test_flapping_is_damped_and_told():
    with Vethway(3, more="") as lab:
        lab.configure({}, "    move_limit: 3")
        for port in (1, 2) * 4:
            lab.exchange.run(port, [frame(station(1), BROADCAST)], {1, 2, 3} - {port})
        wait_for(lambda: fdb(lab)[station(1)]["damped"], 3, "damped")
        counters = {m["port"]: m["counters"] for m in lab.cli("show", "bridge")["bridges"][0]["members"]}
        assert sum(c["moved"] for c in counters.values()) == 3 and counters["p1"]["damped"] > 0, counters
        wait_for(lambda: f"station {station(1)} moves between ports too often" in lab.daemon.log, 3, "told")


def test_attack():
    """100000 made-up sources by one port: memory stays, who is known is still reached, and nobody else hears it."""
    with Vethway(3) as lab:
        lab.configure({3: "learn_limit: 500"}, "    learn_limit: 1000")
        run = lab.exchange.run
        run(1, [frame(station(1), BROADCAST)], {2, 3})
        run(2, [frame(station(2), BROADCAST)], {1, 3})
        before = lab.status()["memory"]["rss_bytes"]
        wire, tail = lab.exchange.wires[3].socket, b"\x88\xb5" + bytes(46)
        known, rng = bytes.fromhex(station(2).replace(":", "")), random.Random(1)
        for i in range(100_000):
            wire.send(known + b"\x02" + rng.randbytes(5) + tail)
        bridge = lab.cli("show", "bridge")["bridges"][0]
        assert bridge["stations"] <= 510 and bridge["members"][2]["stations"] == 500, bridge
        lab.exchange.wires[2].drain(0.05)
        assert run(1, [frame(station(1), station(2))], {2, 3})[3] == []
        grown = lab.status()["memory"]["rss_bytes"] - before
        assert grown < 8 << 20, f"grown by {grown} bytes"


def test_storm_limit():
    with Vethway(2) as lab:
        lab.configure({1: "storm_broadcast: 20"})
        before = lab.settled()
        for _ in range(60):
            lab.exchange.wires[1].send(frame(station(1), BROADCAST))
        wait_for(lambda: lab.moved(before).get("p1.rx_packets") == 60, 2, "received")
        dropped = lab.moved(before).get("p1.dropped.storm_limit", 0)
        assert 40 <= dropped <= 57, dropped
        lab.exchange.wires[2].drain(0.05)
        got = lab.exchange.run(2, [frame(station(2), BROADCAST)], {1})
        assert len(got[1]) == 1, shown(got)


def test_trace_and_metrics():
    with Vethway(3) as lab:
        lab.exchange.run(1, [frame(station(1), BROADCAST)], {2, 3})
        one = frame(station(2), station(1))
        status, story = explain(lab, "--port", "p2", "--hex", one.hex())
        assert (status, story["outcome"]) == (0, "forwarded"), story
        assert steps(story["packets"][0]) == ["received", "station_learned", "bridged", "sent"], story
        assert station(2) not in fdb(lab), "a what-if learns nothing"
        status, story = explain(lab, "--port", "p1", "--hex", frame(station(1), station(7)).hex())
        assert [p["steps"][-1].get("egress") for p in story["packets"]] == ["p3", "p2"], story
        assert len(story["packets"]) == 2 and story["packets"][1]["caused_by"] == 1, story


# --- As a link of hosts
HOSTS = """
ports:
  - {name: p1, veth: p1}
  - {name: p2, veth: p2}
  - {name: p3, veth: p3, addresses: [10.3.0.1/24]}
bridges:
  - {name: br1, members: [{port: p1}, {port: p2}], addresses: [10.1.0.1/24], mac: 02:00:00:00:b1:01}
control: {socket: '{socket}'}
"""


def test_hosts():
    """Real hosts, with the offloads that they have: to each other, to the bridge, and routed beyond."""
    with Lab(hosts=3, config=HOSTS) as lab:
        lab.run("h2", "ip address add 10.1.0.3/24 dev eth0")
        lab.run("h2", "ip route replace default via 10.1.0.1")
        assert lab.ping("h1", "10.1.0.3")[0] == 2
        assert lab.ping("h1", "10.1.0.1", args="-s 4000")[0] == 2
        assert lab.ping("h1", "10.3.0.2")[0] == 2
        assert lab.ping("h3", "10.1.0.3")[0] == 2
        assert "1 received" in lab.cli_run("ping", "-c", "1", "10.1.0.3").stdout
        rate, _ = lab.iperf3("h1", "h2", "10.1.0.3", 1)
        assert rate > 50e6, f"{rate / 1e6:.0f} MB/s within the bridge"
        rate, _ = lab.iperf3("h3", "h2", "10.1.0.3", 1)
        assert rate > 50e6, f"{rate / 1e6:.0f} MB/s routed into it"
        lab.cli_run("address", "add", "10.11.0.1/24", "port", "br1")
        assert lab.ports()["br1"]["addresses"] == ["10.1.0.1/24", "10.11.0.1/24"]
        assert "is a member of bridge br1" in refusal(lab, "port", "del", "p1")
        lab.run("h1", "ip link set eth0 down")
        lab.run("h2", "ip link set eth0 down")
        wait_for(lambda: lab.ports()["br1"]["reason"] == "no member is up", 3, lambda: lab.ports()["br1"])
