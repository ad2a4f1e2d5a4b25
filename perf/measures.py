# SPDX-License-Identifier: Apache-2.0
"""The measures. Each is a function: a lab with a running switch in, its numbers out."""

import contextlib
import json
import math
import os
import re
import statistics
import subprocess
import time
from dataclasses import dataclass
from typing import Callable

from lab import UDP_PORT, Failure, wait_for

PING_INTERVAL = 0.01
IDLE_PORTS = 8
ALL_OF_IT = 0.97


@dataclass
class Measure:
    name: str
    title: str
    kind: str                    # the kind of lab
    metrics: dict                # {metric: whether the tables compare it}
    run: Callable                # (lab, rival, options) -> {metric: number}
    better: str = "higher"
    rivals: tuple = ()           # names; (): all that are not optional
    ports: int = 2
    only_processes: bool = False
    remark: Callable = lambda rival, runs: ""     # for the note, of all runs of a rival


# --- Throughput ------------------------------------------------------------------------------
@contextlib.contextmanager
def iperf3_server(lab):
    process = lab.spawn("h2", "iperf3 -s", log="iperf3.log")
    wait_for(lambda: ":5201" in lab.run("h2", "ss -Hltn").stdout, 5, "iperf3 listens")
    try:
        yield
    finally:
        lab.end(process)


def tcp(lab, _rival, options):
    with iperf3_server(lab):
        done = lab.run("h1", f"iperf3 -J -C {options.congestion} -c {lab.host_ip(2)} "
                             f"-t {math.ceil(options.seconds)} -O 1 --connect-timeout 3000", check=False, timeout=options.seconds + 10)
    try:
        result = json.loads(done.stdout)
        bits = result["end"]["sum_received"]["bits_per_second"]
    except (ValueError, KeyError):
        raise Failure(f"iperf3: {done.stdout[-200:]}{done.stderr.strip()}") from None
    if "error" in result or bits < 1e5:
        raise Failure(f"TCP does not pass: {result.get('error', '')} {bits / 1e6:.3f} Mbit/s")
    return {"Gbit/s": bits / 1e9}


def udp(flows):
    def run(lab, _rival, options):
        blast, warm = options.udp_blast(), 0.5
        lab.spawn("h2", [blast, "sink", str(UDP_PORT)], log="sink.log")
        wait_for(lambda: f":{UDP_PORT}" in lab.run("h2", "ss -Hlun").stdout, 5, "the sink listens")
        sender = lab.spawn("h1", [blast, "eth0", lab.next_mac(), lab.host_ip(1), lab.host_ip(2),
                                  str(UDP_PORT), str(flows), str(options.seconds + 2 * warm)],
                           cpu=options.host_cpu, log="blast.log")
        time.sleep(warm)
        packets, began = lab.counter("h2", "rx_packets"), time.monotonic()
        time.sleep(options.seconds)
        packets = lab.counter("h2", "rx_packets") - packets
        took = time.monotonic() - began
        sender.wait(10)
        tried = lab.log("blast.log").split()
        if not tried or not packets:
            raise Failure(f"UDP does not pass: {' '.join(tried)}")
        offered = int(tried[-1]) / (options.seconds + 2 * warm)
        return {"delivered Mpps": packets / took / 1e6, "offered Mpps": offered / 1e6}
    return run


def sender_limited(rival, runs):
    """What takes all that one CPU can send was not driven to its limit: say so."""
    if not rival.has_process:
        return ""  # it and the sender share a CPU: what is offered falls to what it delivers
    parts = [run["delivered Mpps"] / run["offered Mpps"] for run in runs if run]
    if parts and statistics.median(parts) > ALL_OF_IT:
        return "**took all that was offered: a lower bound**"
    return ""


# --- Round trips -----------------------------------------------------------------------------
def quantile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def ping(lab, options, interval, count):
    """Round trips in µs, in order."""
    done = lab.run("h1", f"ping -n -i {interval:g} -c {count} -W 1 {lab.host_ip(2)}", check=False,
                   timeout=interval * count + 15, cpu=options.host_cpu)
    times = [float(t) * 1e3 for t in re.findall(r"time=([\d.]+) ms", done.stdout)]
    if len(times) < count / 2:
        raise Failure(f"only {len(times)} of {count} pings came back")
    return times


def round_trips(lab, _rival, options):
    count = int(options.seconds / PING_INTERVAL)
    idle = ping(lab, options, PING_INTERVAL, count)
    with iperf3_server(lab):
        enough = math.ceil(options.seconds) + 10
        load = lab.spawn("h1", f"iperf3 -C {options.congestion} -c {lab.host_ip(2)} -t {enough}",
                         log="load.log")
        time.sleep(0.5)
        loaded = ping(lab, options, PING_INTERVAL, count)
        if load.poll() is not None:
            raise Failure(f"the load ended: {lab.log('load.log', 2)}")
        lab.end(load)
    return {"idle, median µs": quantile(idle, 0.5), "idle, p99 µs": quantile(idle, 0.99),
            "under TCP load, median µs": quantile(loaded, 0.5),
            "under TCP load, p99 µs": quantile(loaded, 0.99),
            "lost %": 100 * (1 - len(loaded) / count)}


def wake(lab, _rival, options):
    """One ping process all along: the first after each silence finds it as warm as the others."""
    busy = quantile(ping(lab, options, PING_INTERVAL, 100), 0.5)
    first = quantile(ping(lab, options, options.silence, options.wakes + 1)[1:], 0.5)
    return {"after the silence µs": first, "busy µs": busy,
            "after the silence / busy": first / busy}


# --- Idle ------------------------------------------------------------------------------------
def cpu_ns(pid):
    """{thread: ns on a CPU}: wake-ups too short for the ticks of /proc/N/stat count here."""
    used = {}
    for thread in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/task/{thread}/comm", encoding="utf-8") as f:
                name = f.read().strip()
            with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as f:
                used[f"{name} {thread}"] = int(f.read().split()[0])
    return used


def ticks(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idle(lab, rival, options):
    time.sleep(1)  # after the pings that showed that it runs
    pids = rival.pids()
    threads, stat, began = [cpu_ns(p) for p in pids], sum(map(ticks, pids)), time.monotonic()
    time.sleep(options.idle_seconds)
    took = time.monotonic() - began
    used = {}
    for pid, before in zip(pids, threads):
        for thread, ns in cpu_ns(pid).items():
            used[thread] = 100 * (ns - before.get(thread, 0)) / took / 1e9
    result = {"% of a CPU": sum(used.values()),
              "% by /proc/PID/stat": 100 * (sum(map(ticks, pids)) - stat) / took}
    for thread, percent in used.items():
        name = "thread " + re.sub(r" \d+$", "", thread)
        result[name] = result.get(name, 0) + percent
    return result


# --- All of them -----------------------------------------------------------------------------
WHERE = {"l2": "one subnet: a wire", "l3": "two subnets: a router",
         "domain": "one subnet: a bridge"}


def kinds(name, title, run, metrics, better="higher", rivals=(), of=("l2", "l3"), **more):
    return [Measure(f"{name}-{kind}", f"{title}, {WHERE[kind]}", kind, metrics, run, better, rivals,
                    **more) for kind in of]


UDP = {"delivered Mpps": True, "offered Mpps": False}
TRIPS = {"idle, median µs": True, "idle, p99 µs": True, "under TCP load, median µs": True,
         "under TCP load, p99 µs": True, "lost %": False}
WAKE = {"after the silence µs": True, "busy µs": False, "after the silence / busy": True}
FEW = ("vethway", "bridge", "router", "testpmd-af_packet", "testpmd-af_xdp")

MEASURES = [
    *kinds("tcp", "TCP, one iperf3 flow, default offloads", tcp, {"Gbit/s": True},
           of=WHERE),
    *kinds("udp1", "UDP, 64-byte frames, 1 flow, as fast as one CPU sends", udp(1), UDP,
           of=WHERE, remark=sender_limited),
    *kinds("udp1000", "UDP, 64-byte frames, 1000 flows, as fast as one CPU sends", udp(1000), UDP,
           remark=sender_limited),
    *kinds("ping", "Ping round trip", round_trips, TRIPS, "lower", FEW),
    *kinds("wake", "First packet after a silence", wake, WAKE, "lower", FEW),
    Measure("idle", f"Idle CPU of the switch's processes, {IDLE_PORTS} ports", "any",
            {"% of a CPU": True, "% by /proc/PID/stat": False}, idle, "lower", ports=IDLE_PORTS,
            only_processes=True),
]


def compile_blast(directory):
    """Path of the sender, built once."""
    path = os.path.join(directory, "udp_blast")
    if not os.path.exists(path):
        source = os.path.join(os.path.dirname(os.path.realpath(__file__)), "udp_blast.c")
        try:
            subprocess.run(["gcc", "-O2", "-o", path, source], check=True, capture_output=True,
                           text=True)
        except FileNotFoundError:
            raise Failure("the UDP sender needs gcc: apt-get install gcc libc6-dev") from None
        except subprocess.CalledProcessError as error:
            raise Failure(f"gcc: {error.stderr}") from None
    return path
