# SPDX-License-Identifier: Apache-2.0
"""What was dropped can be looked at afterwards: the last packets, what a reason means, how fast counters go,
and what was counted since a moment of the user's own."""

import json
import os
import re
import signal
import stat
import subprocess
import time

import frames
from frames import host_ip, host_mac, port_mac
from lab import BUILD, ApiError, needs, wait_for

LAB = {"raw": True}
VETHWAY = os.path.join(BUILD, "vethway")


def last(lab, n=20, **options):
    words = [word for key, value in options.items() for word in (f"--{key}", value)]
    return lab.cli("show", "drops", "--last", str(n), *words)["drops"]


def wait_for_drops(lab, packets):
    wait_for(lambda: sum(d["packets"] for d in lab.cli("show", "drops")["drops"]) == packets, 3,
             lambda: f"{packets} drops: {lab.cli('show', 'drops')['drops']}")


def test_last_drops_are_what_was_sent(lab):
    began = time.time()
    sent = [(1, frames.udp(dst="172.16.0.9", size=400), "no_route", "ip4_lookup",
             f"IP {host_ip(1)}.4000 > 172.16.0.9.5000: UDP, length 400"),
            (2, frames.arp(sender=host_ip(2), target="10.2.0.77", mac=host_mac(2)), "arp_not_ours", "arp",
             f"ARP, Request who-has 10.2.0.77 tell {host_ip(2)}, length 28"),
            (1, frames.vlan(tag=30), "vlan_unknown", "classify",
             f"vlan 30, p 0, IP {host_ip(1)}.4000 > {host_ip(2)}.5000: UDP, length 8"),
            (1, frames.tcp(dst="172.16.0.9"), "no_route", "ip4_lookup",
             f"IP {host_ip(1)}.4000 > 172.16.0.9.5000: Flags [S], seq 0, win 8192, length 0"),
            (1, frames.ip4(ttl=1), "ttl_expired", "ip4_forward",
             f"IP {host_ip(1)}.4000 > {host_ip(2)}.5000: UDP, length 8"),
            (1, frames.ether(dst=port_mac(1), type=0x88CC).build() + bytes(46), "ethertype_unknown", "classify",
             "ethertype 0x88cc, length 60")]
    for i, (port, frame, *_) in enumerate(sent):
        lab.wire(f"h{port}").send(frame)
        wait_for_drops(lab, i + 1)
    rows = last(lab)
    assert len(rows) == len(sent), rows
    for row, (port, frame, reason, stage, words) in zip(rows, sent):
        assert (row["port"], row["reason"], row["stage"]) == (f"p{port}", reason, stage), row
        assert row["packet"] == words and row["length"] == len(frame), row
        assert bytes.fromhex(row["bytes"]) == frame[:64], row
    times = [row["time"] for row in rows]
    assert times == sorted(times), times
    at = subprocess.run(["date", "+%s.%N", "-d", times[-1]], capture_output=True, text=True, check=True).stdout
    assert began - 1 < float(at) < time.time() + 1, (began, at)

    text = lab.cli_run("show", "drops", "--last", "2").stdout.splitlines()
    assert re.fullmatch(r"TIME +PORT +STAGE +REASON +LENGTH +PACKET", text[0]), text
    assert len(text) == 3 and text[2].endswith("p1    classify     ethertype_unknown      60  ethertype 0x88cc, length 60"), text
    assert [r["reason"] for r in last(lab, 2)] == ["ttl_expired", "ethertype_unknown"], "the newest, in order"
    assert [r["reason"] for r in last(lab, port="p2")] == ["arp_not_ours"]
    assert [r["packet"] for r in last(lab, 1, reason="no_route")] == [sent[3][4]], "the newest of those"
    assert last(lab, reason="no_route", port="p2") == []
    assert "no such drops" in lab.cli_run("show", "drops", "--last", "5", "--reason", "ip6").stdout


def test_last_drops_refuses(lab):
    for query, status, word in (("n=x", 400, "n: expected a number"), ("n=100001", 400, "n: expected"),
                                ("n=-1", 400, "n: expected"), ("reason=nonsense", 404, "nonsense"),
                                ("port=p9", 404, "p9")):
        try:
            lab.api("GET", f"/drops/last?{query}")
        except ApiError as error:
            assert error.status == status and word in error.body["error"], (query, error.body)
        else:
            raise AssertionError(f"{query} was accepted")
    done = lab.cli_run("show", "drops", "--last", "3", "--port", "p 9&n=1", check=False)
    assert done.returncode == 2 and done.stderr == 'vethway: there is no port "p 9&n=1"\n', done.stderr


@needs(raw=True, permanent=False)
def test_what_the_control_thread_gives_up_is_recorded(lab):
    """A packet that waited for a neighbour which did not answer."""
    frame = frames.udp(dst="10.2.0.99")
    lab.wire("h1").send(frame)
    wait_for(lambda: last(lab, reason="neighbour_failed"), 6, "the neighbour fails")
    row = last(lab, reason="neighbour_failed")[-1]
    assert row["port"] == "p1" and "10.2.0.99.5000: UDP, length 8" in row["packet"], row


def test_of_a_flood_all_are_told(lab):
    """By a record each, or with the one before; those that others are dropped beside by their own."""
    for _ in range(3):
        lab.wire("h1").send(*[frames.udp(dst="172.16.0.9")] * 100)
        lab.wire("h2").send(frames.udp(src=host_ip(2), dst="172.16.0.9", eth=frames.ether(src=host_mac(2), dst=port_mac(2))))
    wait_for_drops(lab, 303)
    rows = last(lab, 1000)
    told = {port: sum(1 + row["more"] for row in rows if row["port"] == port) for port in ("p1", "p2")}
    assert told == {"p1": 300, "p2": 3} and [row["port"] for row in rows].count("p2") == 3, rows
    text = lab.cli_run("show", "drops", "--last", "1000").stdout
    assert text.count("more like it)") == sum(row["more"] > 0 for row in rows), text


@needs(raw=True, more="dataplane: {flight_recorder: 3}")
def test_recorder_keeps_as_many_as_configured(lab):
    for i in range(8):
        lab.wire("h1").send(frames.udp(sport=100 + i, dst="172.16.0.9"))
        wait_for_drops(lab, i + 1)
    assert [r["packet"].split(" > ")[0] for r in last(lab)] == [f"IP {host_ip(1)}.{n}" for n in (105, 106, 107)]


@needs(raw=True, more="dataplane: {flight_recorder: 0}")
def test_recorder_off(lab):
    lab.wire("h1").send(frames.udp(dst="172.16.0.9"))
    wait_for_drops(lab, 1)
    assert last(lab) == []
    assert "flight_recorder is 0" in lab.cli_run("show", "drops", "--last", "5").stdout


@needs(raw=True, hosts=3)
def test_drops_outlive_their_port(lab):
    """The index of a removed port is the next one's; its drops keep its name."""
    lab.wire("h3").send(frames.udp(src=host_ip(3), dst="172.16.0.9",
                                eth=frames.ether(src=host_mac(3), dst=port_mac(3))))
    wait_for_drops(lab, 1)
    lab.cli_run("neighbour", "del", host_ip(3))
    lab.cli_run("port", "del", "p3")
    lab.cli_run("port", "add", "n0", "null")
    assert [r["port"] for r in last(lab)] == ["p3"] == [r["port"] for r in last(lab, port="p3")]
    assert last(lab, port="n0") == []


def test_explain_drop(lab):
    for port in (1, 1, 2):
        lab.wire(f"h{port}").send(frames.udp(src=host_ip(port), dst="172.16.0.9",
                                       eth=frames.ether(src=host_mac(port), dst=port_mac(port))))
    wait_for_drops(lab, 3)
    text = lab.cli_run("explain", "drop", "no_route").stdout.splitlines()
    assert text[0] == "no_route: no route to the destination", text
    assert text[1:] == ["    stage    ip4_lookup",
                        "    to do    vethway route add PREFIX via ADDRESS; vethway route get ADDRESS shows what is found",
                        "    packets  3: p1 2, p2 1"], text
    assert lab.cli("explain", "drop", "no_route")["ports"] == {"p1": 2, "p2": 1}
    for word, hint in (("no_rout", "did you mean no_route?"), ("qqqqqqqq", "vethway show drops --all lists them")):
        done = lab.cli_run("explain", "drop", word, check=False)
        assert (done.returncode, done.stdout) == (2, ""), done
        assert done.stderr == f'vethway: there is no drop reason "{word}"; {hint}\n', done.stderr
    for row in lab.cli("show", "drops", "--all")["drops"]:
        assert row["remedy"] and "\n" not in row["remedy"], row


def test_zero_is_the_users_own(lab):
    environment = f"XDG_RUNTIME_DIR={lab.dir}"

    def vethway(*words, check=True):
        return lab.run("sw", ["env", environment, VETHWAY, "--socket", lab.socket, *words], check)

    def since_zero(*words):
        return json.loads(vethway("show", *words, "--since-zero", "--json").stdout)

    assert vethway("show", "drops", "--since-zero", check=False).returncode == 2, "there is none yet"
    lab.wire("h1").send(*[frames.udp(dst="172.16.0.9")] * 3)
    wait_for_drops(lab, 3)
    vethway("show", "drops", "--zero")
    lab.wire("h1").send(*[frames.udp(dst="172.16.0.9")] * 2)
    lab.wire("h1").send(frames.vlan())
    wait_for_drops(lab, 6)
    drops = {d["reason"]: d["packets"] for d in since_zero("drops")["drops"]}
    assert drops == {"no_route": 2, "vlan_unknown": 1}, drops
    assert {d["reason"]: d["packets"] for d in since_zero("drops", "--all")["drops"] if d["packets"]} == drops
    counters = since_zero("counters")
    port = next(p for p in counters["ports"] if p["port"] == "p1")
    assert port["rx_packets"] == 3 and port["dropped"] == {"no_route": 2, "vlan_unknown": 1}, port
    assert counters["accounting"]["rx"] == counters["accounting"]["dropped"] == 3 and counters["per_second"], counters
    assert re.search(r"rx +3 packets, \d+ bytes \([\d.]+ packets/s, ", vethway("show", "counters", "--since-zero").stdout)
    assert sum(d["packets"] for d in lab.cli("show", "drops")["drops"]) == 6, "the daemon's own go on"
    kept = [f for f in os.listdir(lab.dir) if f.startswith("vethway-zero")]
    assert len(kept) == 1 and stat.S_IMODE(os.stat(os.path.join(lab.dir, kept[0])).st_mode) == 0o600, kept
    lab.daemon.stop()
    lab.start()
    done = vethway("show", "counters", "--since-zero", check=False)
    assert done.returncode == 2 and "started anew" in done.stderr and not done.stdout, done.stderr


def test_watch_tells_rates_until_ctrl_c(lab):
    for words, end in ((["show", "counters", "--watch", "0.2", "--json"], signal.SIGINT),
                       (["show", "drops", "-w", "0.2", "--json"], signal.SIGTERM)):
        watch = lab.spawn("sw", [VETHWAY, "--socket", lab.socket, *words], stdout=subprocess.PIPE)
        first = json.loads(watch.stdout.readline())
        assert first["per_second"] == {}, "nothing to compare with"
        lab.wire("h1").send(*[frames.udp(dst="172.16.0.9")] * 10)
        readings = [json.loads(watch.stdout.readline()) for _ in range(6)]
        watch.send_signal(end)
        watch.communicate(timeout=5)
        assert watch.returncode == 0, watch.returncode
        counted = seen = 0
        before = first["at_s"]
        for reading in readings:
            rows = reading["per_second"].get("drops") or [
                {"packets": p["dropped"].get("no_route", 0)} for p in reading["per_second"].get("ports", [])]
            counted += sum(row["packets"] for row in rows) * (reading["at_s"] - before)
            seen += any(row["packets"] > 0 for row in rows)
            before = reading["at_s"]
        assert abs(counted - 10) < 0.01 and 1 <= seen <= 2, (counted, readings)


def test_watch_redraws(lab):
    lab.wire("h1").send(frames.udp(dst="172.16.0.9"))
    wait_for_drops(lab, 1)
    watch = lab.spawn("sw", ["script", "-qec", f"{VETHWAY} --socket {lab.socket} show drops --watch 0.2", "/dev/null"],
                      stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    time.sleep(0.7)
    watch.send_signal(signal.SIGTERM)
    text, _ = watch.communicate(timeout=5)
    text = text if isinstance(text, str) else text.decode()
    assert text.count("\033[H\033[2J") >= 2 and "PER S" in text and "no_route" in text, text


def test_counters_by_worker(lab):
    lab.wire("h1").send(*[frames.udp(dst="172.16.0.9")] * 4)
    wait_for_drops(lab, 4)
    answer = lab.cli("show", "counters")
    rows = answer["workers"]
    assert [r["worker"] for r in rows] == [str(i) for i in range(len(rows) - 1)] + ["control"], rows
    for key in ("rx", "originated", "tx", "consumed", "dropped", "held"):
        assert sum(r[key] for r in rows) == answer["accounting"][key], (key, answer)
    assert all(r["imbalance"] == 0 for r in rows) and answer["accounting"]["dropped"] == 4, answer
    lines = lab.cli_run("show", "counters", "--by-worker").stdout.splitlines()
    assert lines[0].split() == ["WORKER", "RX", "ORIGINATED", "TX", "CONSUMED", "DROPPED", "HELD", "IMBALANCE"]
    assert len(lines) == len(rows) + 2 and lines[-1].endswith(": balanced"), lines
