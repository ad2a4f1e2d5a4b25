# SPDX-License-Identifier: Apache-2.0
"""Link aggregation: flows over the members of a static LAG; LACP with Open vSwitch, and between two LAGs of ours."""

import re
import socket
import subprocess

import frames
from frames import ether, host_ip, host_mac, port_mac, udp
from lab import Lab, needs, wait_for
from switches import OpenVswitch
from test_bridge import refusal
from test_capture import Capture, comments, path_of
from test_trace import Trace, explain, steps

END = "control: {socket: '{socket}'}\nmetrics: {listen: 127.0.0.1:9464}\n"
BEYOND, LAG_MAC = "10.9.0.2", "02:00:00:00:a1:01"


def lag(lab, name="lag1"):
    return lab.cli("show", "lag", name)["lags"][0]


def members(lab, name="lag1"):
    return {m["port"]: m for m in lag(lab, name)["members"]}


def all_carry(lab, *names):
    return all(m["carries"] for name in names for m in lag(lab, name)["members"])


# --- Static: p1 and p2 are the LAG
STATIC = ("ports: [{name: p1, veth: p1}, {name: p2, veth: p2}, {name: p3, veth: p3, addresses: [10.3.0.1/24]}]\n"
          "lags: [{name: lag1, members: [p1, p2], mode: static, hash: layer3+4, addresses: [10.9.0.1/24],"
          f" mac: '{LAG_MAC}'MORE}}]\n"
          f"neighbours: [{{address: {BEYOND}, mac: '{host_mac(1)}', port: lag1}},"
          f" {{address: {host_ip(3)}, mac: '{host_mac(3)}', port: p3}}]\n" + END)
FLOWS = range(1000, 1040)


def flow(sport):
    return udp(sport=sport, src=host_ip(3), dst=BEYOND, eth=ether(src=host_mac(3), dst=port_mac(3)))


def way_of(lab, flows=FLOWS):
    """{flow: the host that it came out at}: each once, and none is lost."""
    wires = {n: lab.wire(f"h{n}") for n in (1, 2)}
    lab.wire("h3").send(*[flow(sport) for sport in flows])
    found = {}

    def take():
        for n, wire in wires.items():
            while (got := wire.receive(0, want=frames.is_ip)) is not None:
                sport = frames.parse(got).sport
                assert sport not in found, f"flow {sport} came twice"
                found[sport] = n
        return len(found) == len(flows)

    wait_for(take, 3, lambda: f"lost: {sorted({*flows} - {*found})}")
    return found


def unplug(lab, n):
    lab.run(f"h{n}", "ip link set eth0 down")
    for host, wire in lab.wires:
        if host == f"h{n}":
            wire.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)  # that it was down


@needs(hosts=3, raw=True, used=0, config=STATIC.replace("MORE", ""))
def test_static(lab):
    """Flows spread, and stay where they are when others' member goes."""
    before = way_of(lab)
    assert 8 < list(before.values()).count(1) < 32, before
    assert way_of(lab) == before
    w3 = lab.wire("h3")
    for n in (1, 2):  # in by either
        one = udp(src=BEYOND, dst=host_ip(3), eth=ether(src=host_mac(1), dst=LAG_MAC))
        lab.wire(f"h{n}").send(one)
        assert w3.expect().ttl == 63
    status, story = explain(lab, "--port", "p3", "--hex", flow(1000).hex())
    spread = [s for s in story["packets"][0]["steps"] if s["step"] == "spread"][0]
    assert (status, spread["egress"]) == (0, f"p{before[1000]}"), story
    assert "by layer3+4" in spread["words"] and "of 2 that carry" in spread["words"], spread
    _, story = explain(lab, "--port", "p1", "--src", BEYOND, "--dst", host_ip(3))
    assert steps(story["packets"][0])[:2] == ["received", "entered_lag"], story

    unplug(lab, 1)
    wait_for(lambda: not members(lab)["p1"]["carries"], 3, "p1 is out")
    assert set(way_of(lab).values()) == {2}
    assert "1 of 2 members carry" in lab.cli_run("show", "lag").stdout
    assert members(lab)["p1"]["why_not"] == "no carrier", members(lab)
    lab.run("h1", "ip link set eth0 up")
    wait_for(lambda: all_carry(lab, "lag1"), 3, "p1 is back")
    again = way_of(lab)
    moved = [sport for sport in FLOWS if before[sport] == 2 and again[sport] == 2]
    assert len(moved) >= list(before.values()).count(2) // 2, (before, again)

    changed = lab.write_config(STATIC.replace("MORE", ", min_links: 2"), lab.dir + "/next.yaml")
    lab.cli_run("apply", changed)
    unplug(lab, 2)
    wait_for(lambda: lab.ports()["lag1"]["reason"] == "1 of 2 members carry, min_links is 2", 3,
             lambda: lab.ports()["lag1"])
    assert "port lag1: link down: 1 of 2 members carry" in lab.daemon.log
    lab.run("h2", "ip link set eth0 up")
    wait_for(lambda: lab.ports()["lag1"]["state"] == "up", 3, lambda: lab.ports()["lag1"])
    assert "is a member of LAG lag1" in refusal(lab, "port", "del", "p1")
    assert "there is no LAG" in refusal(lab, "show", "lag", "lag9")
    metrics = lab.metrics()
    assert metrics['vethway_lag_members{lag="lag1"}'] == metrics['vethway_lag_carrying{lag="lag1"}'] == 2
    assert metrics['vethway_lag_min_links{lag="lag1"}'] == 2


@needs(hosts=3, raw=True, used=0, config=STATIC.replace("MORE", ""))
def test_shown_as_any_port(lab):
    w3, path = lab.wire("h3"), path_of(lab)
    with Trace(lab, "--port", "lag1", "udp") as trace, Capture(lab, "--port", "lag1", "-w", path, "udp"):
        for n in (1, 2):
            lab.wire(f"h{n}").send(udp(src=BEYOND, dst=host_ip(3), eth=ether(src=host_mac(1), dst=LAG_MAC)))
            w3.expect()
        w3.send(flow(1000))
        told = trace.wait_for(2)
    for n, story in enumerate(told, 1):
        assert (story["port"], story["outcome"]) == ("lag1", "forwarded"), story
        first = story["packets"][0]["steps"][0]
        assert first["step"] == "entered_lag" and first["words"].startswith(f"p{n} is a member of lag1"), first
    assert len(told) == 2, told
    rows = comments(path, "udp")
    assert [row[:2] for row in rows] == [("lag1", "in"), ("lag1", "in"), ("lag1", "out")], rows
    assert rows[0][2] == f"forwarded by p3 to {host_mac(3)}" and "of p3" in rows[2][2], rows


# --- LACP between two LAGs of one switch, each in a bridge with a host
BACK_TO_BACK = ("ports: [{name: p1, veth: p1}, {name: p2, veth: p2}, {name: a1, veth: a1}, {name: a2, veth: a2},"
                " {name: b1, veth: b1}, {name: b2, veth: b2}]\n"
                "lags: [{name: laga, members: [a1, a2], rate: fast, hash: layer3+4},"
                " {name: lagb, members: [b1, b2], activity: passive, rate: fast, hash: layer3+4, key: 7}]\n"
                "bridges: [{name: bra, members: [{port: p1}, {port: laga}]},"
                " {name: brb, members: [{port: p2}, {port: lagb}]}]\n" + END)


def cable(lab, one, ns, other):
    """From `one` of the switch's namespace to `other` in `ns`."""
    subprocess.run(["ip", "-n", lab.ns("sw"), "link", "add", one, "up", "type", "veth", "peer", "name", other,
                    "netns", ns], check=True)
    subprocess.run(["ip", "-n", ns, "link", "set", other, "up"], check=True)


def start(lab):
    """A LAG that speaks LACP is not up at once, and has buffers on their way at any time."""
    lab.start(ready=False)
    lab.daemon.wait_ready()
    lab.mbufs_before = 0


def test_lacp_back_to_back():
    with Lab(hosts=2, config=BACK_TO_BACK, start=False) as lab:
        lab.run("h1", "ip address replace 10.7.0.1/24 dev eth0")
        lab.run("h2", "ip address replace 10.7.0.2/24 dev eth0")
        for n in (1, 2):
            cable(lab, f"a{n}", lab.ns("sw"), f"b{n}")
        lab.before = lab.settings()
        start(lab)
        wait_for(lambda: all_carry(lab, "laga", "lagb"), 5, lambda: lab.cli_run("show", "lag").stdout)
        a, b = lag(lab, "laga")["lacp"], lag(lab, "lagb")["lacp"]
        assert a["partner"]["system"] == b["system"] and b["partner"]["key"] == 1 and a["partner"]["key"] == 7, (a, b)
        assert members(lab, "lagb")["b1"]["lacp"]["actor"]["flags"] == "**DCSGS*", members(lab, "lagb")
        assert lab.ping("h1", "10.7.0.2")[0] == 2
        rate, _ = lab.iperf3("h1", "h2", "10.7.0.2", 1)  # super-frames, and checksums left to the device
        assert rate > 1e6, f"{rate:.0f} bytes a second"
        lab.run("sw", "ip link set b1 down")
        wait_for(lambda: not members(lab, "laga")["a1"]["carries"], 3, "a1 is out")
        assert lab.ping("h1", "10.7.0.2", 5)[0] == 5
        assert members(lab, "laga")["a1"]["why_not"] == "no carrier"
        received = lab.metrics()['vethway_lacp_packets_total{lag="laga",port="a2",direction="rx"}']
        assert received >= 2, received
        text = lab.cli_run("show", "lag", "laga").stdout
        assert "1 of 2 members carry" in text and "collecting and distributing" in text, text
        lab.run("sw", "ip link set b1 up")
        for line in ("lag laga: a1: carries frames", "lag laga: a1: carries no frames any more"):
            assert line in lab.daemon.log, lab.daemon.log


# --- LACP with Open vSwitch
WITH_OVS = ("ports: [{name: l1, veth: l1}, {name: l2, veth: l2}, {name: p1, veth: p1, addresses: [10.1.0.1/24]}]\n"
            "lags: [{name: lag1, members: [l1, l2], rate: fast, hash: layer2+3, addresses: [10.9.0.1/24], key: 3}]\n"
            + END)


def appctl(ovs, words):
    return ovs.run("sw", f"ovs-appctl -t {ovs.dir}/vs.ctl {words}").stdout


def enabled(ovs):
    """How many members its bond uses."""
    return len(re.findall(r"^(?:member|slave) \w+: enabled", appctl(ovs, "bond/show bond0"), flags=re.M))


def ovs_says(ovs):
    """{member: {"actor sys_id": …}} of ovs-appctl lacp/show."""
    text = appctl(ovs, "lacp/show bond0")
    parts = re.split(r"^(?:member|slave): (\w+): (.*)$", text, flags=re.M)
    found = {}
    for name, state, body in zip(parts[1::3], parts[2::3], parts[3::3]):
        found[name] = {"state": state, **{k.strip(): v.strip() for k, _, v in
                                          (line.partition(":") for line in body.splitlines()) if v}}
    return found


FLAGS = (("expired", "E"), ("defaulted", "F"), ("distributing", "D"), ("collecting", "C"), ("synchronized", "S"),
         ("aggregation", "G"), ("timeout", "S"), ("activity", "A"))


def flags(words):
    return "".join(letter if word in words.split() else "*" for word, letter in FLAGS)


def agree(ovs, lab):
    """Both ends say the same of each other."""
    theirs, ours = ovs_says(ovs), members(lab)
    for name in ("l1", "l2"):
        their, our = theirs[name], ours[name]["lacp"]
        for at_us, at_them in (("actor", "partner"), ("partner", "actor")):
            said = {"system": their[f"{at_them} sys_id"], "system_priority": int(their[f"{at_them} sys_priority"]),
                    "key": int(their[f"{at_them} key"]), "port": int(their[f"{at_them} port_id"]),
                    "port_priority": int(their[f"{at_them} port_priority"]), "flags": flags(their[f"{at_them} state"])}
            assert our[at_us] == said, (name, at_us, our[at_us], said)


def test_lacp_with_open_vswitch():
    with OpenVswitch(1) as ovs, Lab(hosts=1, config=WITH_OVS, start=False) as lab:
        for n in (1, 2):
            cable(lab, f"l{n}", ovs.ns("sw"), f"l{n}")
        lab.before = lab.settings()
        start(lab)
        ovs.vsctl("add-port br0 p1 -- add-bond br0 bond0 l1 l2 lacp=active bond_mode=balance-slb "
                  "other_config:lacp-time=fast")
        ovs.run("h1", f"ip address add {BEYOND}/24 dev eth0")
        ovs.run("h1", "ip route add default via 10.9.0.1")
        wait_for(lambda: all_carry(lab, "lag1"), 8, lambda: lab.cli_run("show", "lag").stdout)
        wait_for(lambda: enabled(ovs) == 2, 5, lambda: appctl(ovs, "bond/show bond0"))
        agree(ovs, lab)
        assert ovs.ping("h1", "10.9.0.1")[0] == 2
        assert lab.ping("h1", BEYOND)[0] == 2, "routed into the LAG"
        ovs.run("sw", "ip link set l1 down")
        wait_for(lambda: not members(lab)["l1"]["carries"], 3, lambda: members(lab))
        wait_for(lambda: enabled(ovs) == 1, 5, lambda: appctl(ovs, "bond/show bond0"))
        assert lab.ping("h1", BEYOND, 5)[0] == 5
        ovs.run("sw", "ip link set l1 up")
        wait_for(lambda: all_carry(lab, "lag1") and enabled(ovs) == 2, 8, lambda: lab.cli_run("show", "lag").stdout)
        assert lab.ping("h1", BEYOND)[0] == 2
