# SPDX-License-Identifier: Apache-2.0
"""Spanning trees, with a Linux bridge and Open vSwitch at the other end of two cables; guards; and loops where
there is no spanning tree."""

import contextlib
import re
import subprocess
import time

import frames
from lab import METRICS, Failure, Lab, wait_for
from switches import LinuxBridge, OpenVswitch, Vethway, frame, station

# Members 1 and 2 lead to the other switch, at 3 there is a host.
OURS, THEIRS = "10.9.0.3/24", "10.9.0.1/24"
SCRAPED = "metrics: {listen: %s:%d}\n" % METRICS


@contextlib.contextmanager
def two_cables(other, bridge, members=None):
    """(lab, other): `other`, with a host on its p1, has q1 and q2 to the members 1 and 2 of the lab's bridge."""
    config = Vethway.yaml(3, members, bridge=f"    move_limit: 0\n{bridge}") + SCRAPED
    with other, Lab(hosts=3, raw=True, config=config) as lab:
        for n in (1, 2):
            lab.run(f"h{n}", "ip link set eth0 down")
            subprocess.run(["ip", "-n", lab.ns(f"h{n}"), "link", "set", "eth0", "netns", other.ns("sw"), "name",
                            f"q{n}", "address", f"02:00:00:00:0f:{n:02x}"], check=True)
        lab.run("h3", f"ip address add {OURS} dev eth0")
        other.run("h1", f"ip address add {THEIRS} dev eth0")
        yield lab, other


def plug(other, n, state="up"):
    other.run("sw", f"ip link set q{n} {state}")


def tree(lab):
    found = lab.cli("show", "stp")["spanning_trees"][0]
    return found, {m["port"]: m for m in found["members"]}


def roles(lab):
    return {name: (m["role"], m["state"]) for name, m in tree(lab)[1].items()}


def settled(lab, wanted, seconds=10):
    """Seconds until the members have these roles and states."""
    began = time.monotonic()
    wait_for(lambda: all(roles(lab).get(n) == w for n, w in wanted.items()), seconds,
             lambda: f"{wanted}: {roles(lab)}")
    return time.monotonic() - began


def one_way(lab, other):
    """Each end reaches the other, and a broadcast comes once."""
    received, output = lab.ping("h3", THEIRS.split("/")[0], 2)
    if received != 2:
        raise Failure(output)
    here, there = lab.wire("h3"), other.wire("h1")
    marked = frame(station(7), frames.BROADCAST, 77)
    there.drain(0)
    here.send(marked)
    copies, deadline = 0, time.monotonic() + 0.3
    while time.monotonic() < deadline:
        copies += there.receive(0.05) == marked
    assert copies == 1, f"{copies} copies"


ROOT, ALTERNATE, DESIGNATED = ("root", "forwarding"), ("alternate", "discarding"), ("designated", "forwarding")


def test_with_linux_bridge():
    """It speaks the old protocol. It becomes the root; the way by it is lost, and back; then we are the root."""
    with two_cables(LinuxBridge(1), "    stp: {mode: rstp, priority: 32768}") as (lab, linux):
        linux.run("sw", "ip link set br0 type bridge priority 4096 forward_delay 200 hello_time 100 max_age 600 "
                        "stp_state 1")
        for n in (1, 2):
            linux.run("sw", f"ip link set q{n} master br0 up")
        settled(lab, {"p1": ROOT, "p2": ALTERNATE, "p3": DESIGNATED})
        found, members = tree(lab)
        mac = linux.run("sw", "cat /sys/class/net/br0/address").stdout.strip()
        assert found["root"] == f"1000.{mac}" and found["forward_delay"] == 2, found
        assert members["p1"]["protocol"] == members["p2"]["protocol"] == "stp" and members["p3"]["edge"], members
        wait_for(lambda: linux.run("sw", "bridge link").stdout.count("state forwarding") == 3, 10, "Linux forwards")
        one_way(lab, linux)
        # The alternate port takes over at once, though the other end knows the old protocol only.
        plug(linux, 1, "down")
        assert settled(lab, {"p2": ROOT}) < 1.5
        one_way(lab, linux)
        assert tree(lab)[0]["topology_changes"] > 0
        linux.run("sw", "ip link set br0 type bridge priority 61440")
        settled(lab, {"p2": DESIGNATED})
        plug(linux, 1)
        wait_for(lambda: "state blocking" in linux.run("sw", "bridge link show dev q2").stdout, 10,
                 "Linux blocks q2")
        assert tree(lab)[0]["is_root"]
        text = lab.cli_run("show", "stp").stdout
        assert "br1: rstp, bridge 8000." in text and "this is the root" in text and "speaks STP" in text, text


def test_with_open_vswitch():
    """It speaks RSTP, so all is settled by agreement, and not by waiting."""
    with two_cables(OpenVswitch(1), "    stp: {mode: rstp, priority: 32768}") as (lab, ovs):
        ovs.vsctl("set bridge br0 rstp_enable=true other_config:rstp-priority=4096 -- add-port br0 p1 -- "
                  "add-port br0 q1 -- add-port br0 q2 -- set port q2 other_config:rstp-port-priority=240")
        plug(ovs, 1)
        plug(ovs, 2)
        settled(lab, {"p1": ROOT, "p2": ALTERNATE, "p3": DESIGNATED})
        assert tree(lab)[0]["root"].startswith("1000."), tree(lab)
        assert tree(lab)[1]["p1"]["protocol"] == "rstp"
        wait_for(lambda: lab.ping("h3", THEIRS.split("/")[0], 1)[0], 10, "the host behind it is an edge")
        one_way(lab, ovs)
        plug(ovs, 1, "down")
        assert settled(lab, {"p2": ROOT}) < 1.5
        one_way(lab, ovs)


def bpdu(source):
    from scapy.layers.l2 import LLC, STP, Dot3
    return bytes(Dot3(dst="01:80:c2:00:00:00", src=source) / LLC(dsap=0x42, ssap=0x42, ctrl=3) /
                 STP(rootid=0, rootmac=source, bridgeid=0, bridgemac=source)) + bytes(8)


def guarded(lab):
    """{(member, what holds it)}, as Prometheus sees it."""
    return {tuple(re.search(f'{label}="(\\w+)"', key)[1] for label in ("port", "by"))
            for key, value in lab.metrics().items() if key.startswith("vethway_bridge_member_guarded{") and value == 1}


def test_guards():
    """BPDU guard shuts a member and says so, until it is opened; root guard blocks it while it would be the root's."""
    members = {2: "stp: {bpdu_guard: true, edge: always}", 3: "stp: {root_guard: true, edge: always}"}
    bridge = "    stp: rstp"
    with Lab(hosts=3, raw=True, config=Vethway.yaml(3, members, bridge=bridge) + SCRAPED) as lab:
        assert not guarded(lab)
        settled(lab, {"p2": DESIGNATED, "p3": DESIGNATED}, 3)
        for n in (2, 3):
            lab.wire(f"h{n}").send(bpdu("00:00:00:00:00:01"))
        settled(lab, {"p2": ("disabled", "discarding"), "p3": ("alternate", "discarding")}, 3)
        held = {name: m["held_by"] for name, m in tree(lab)[1].items()}
        assert held == {"p1": "", "p2": "BPDU guard", "p3": "root guard"}, held
        assert guarded(lab) == {("p2", "bpdu_guard"), ("p3", "root_guard")}, lab.metrics_text()
        wait_for(lambda: "bridge br1: p2: BPDU guard: shut, a BPDU came from 00:00:00:00:00:01" in lab.daemon.log, 3,
                 lambda: lab.daemon.log)
        lab.cli_run("bridge", "recover", "p2")
        settled(lab, {"p2": DESIGNATED}, 3)
        for words, why in ((("recover", "p2"), "port p2 is not shut"), (("recover", "p9"), "member of no bridge"),
                           (("migrate", "p9"), "no bridge with stp: rstp")):
            done = lab.cli_run("bridge", *words, check=False)
            assert done.returncode != 0 and why in done.stderr, done.stderr
        # Without a spanning tree members are as the configuration says, at once.
        path = lab.write_config(Vethway.yaml(3) + SCRAPED, f"{lab.dir}/next.yaml")
        lab.cli_run("apply", path)
        states = [m["state"] for m in lab.cli("show", "bridge")["bridges"][0]["members"]]
        assert states == ["forwarding"] * 3, states
        assert "no bridge has a spanning tree" in lab.cli_run("show", "stp").stdout


def test_loops_without_the_others_help():
    """A switch that knows no spanning tree, on two cables: told of, or one shut while it lasts; with ours, a backup."""
    def shut(lab):
        return [m["port"] for m in lab.cli("show", "bridge")["bridges"][0]["members"] if m["shut"]]

    def apply(lab, bridge, members=None):
        text = Vethway.yaml(3, members, bridge=f"    move_limit: 0\n{bridge}") + SCRAPED
        lab.cli_run("apply", lab.write_config(text, f"{lab.dir}/next.yaml"))

    with two_cables(LinuxBridge(1), "    loop_detection: tell") as (lab, linux):
        for n in (1, 2):
            linux.run("sw", f"ip link set q{n} master br0 up")
        wait_for(lambda: "frames of the bridge's own come back: there is a loop" in lab.daemon.log, 5, "told")
        apply(lab, "    loop_detection: shut\n    loop_recovery: 1")
        wait_for(lambda: shut(lab) == ["p2"], 5, lambda: f"one is shut: {shut(lab)}")
        one_way(lab, linux)
        assert "shut: a loop" in lab.cli_run("show", "bridge").stdout
        assert guarded(lab) == {("p2", "loop_detection")}, lab.metrics_text()
        lab.cli_run("bridge", "recover", "p2")
        wait_for(lambda: lab.daemon.log.count("p2: shut, because of a loop") == 2, 5, "shut again")
        apply(lab, "    stp: rstp", {n: "stp: {edge: always}" for n in (1, 2, 3)})
        settled(lab, {"p1": DESIGNATED, "p2": ("backup", "discarding"), "p3": DESIGNATED})
        one_way(lab, linux)
        apply(lab, "    loop_detection: shut\n    loop_recovery: 1")
        plug(linux, 1, "down")
        wait_for(lambda: not shut(lab), 10, "open, as the loop is gone")
        one_way(lab, linux)


def probe_vlans(wire, found, seconds=0):
    """Takes in {VLAN: probe}, without a tag 0, of those that came."""
    while (got := wire.receive(seconds)) is not None:
        tagged = got[12:14] == b"\x81\x00"
        if got[16:18] == b"\x90\x00" if tagged else got[12:14] == b"\x90\x00":
            found[int.from_bytes(got[14:16], "big") if tagged else 0] = got
    return found


def test_a_loop_in_one_vlan():
    """Each VLAN is looked at, and the one is named; of many VLANs no more probes go than so many a second."""
    members = {1: "trunk: [10, 20-29], native: 5", 2: "trunk: [10, 20-29]", 3: "vlan: 20"}
    with Lab(hosts=3, raw=True, config=Vethway.yaml(3, members, bridge="    loop_detection: shut")) as lab:
        w1, w2, probes = lab.wire("h1"), lab.wire("h2"), {}
        wait_for(lambda: set(probe_vlans(w1, probes)) == {0, 10, *range(20, 30)}, 3, lambda: f"in each: {set(probes)}")
        w2.send(probes[23])
        wait_for(lambda: "bridge br1: p2: shut, because of a loop in VLAN 23" in lab.daemon.log, 3, lambda: lab.daemon.log)
        assert "p2: frames of the bridge's own come back in VLAN 23: there is a loop" in lab.daemon.log
        assert "shut: a loop in VLAN 23" in lab.cli_run("show", "bridge").stdout
        many = Vethway.yaml(3, {n: "trunk: [1-4094]" for n in (1, 2, 3)}, bridge="    loop_detection: tell")
        lab.cli_run("apply", lab.write_config(many, f"{lab.dir}/next.yaml"))
        before = lab.ports()["p1"]["counters"]["originated"]
        began = time.monotonic()
        wait_for(lambda: lab.ports()["p1"]["counters"]["originated"] > before, 3, "it goes on")
        time.sleep(0.5)
        sent = lab.ports()["p1"]["counters"]["originated"] - before
        assert sent <= 500 * (time.monotonic() - began) + 50, sent
