#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the packet's path and its tables cost: the microbenches of perf/bench beside their floors and rivals,
in one run, and against the last one that was recorded.

  ./dev bench --quick               3 minutes: what forwarding, dropping, tables cost
  ./dev bench micro [OPTIONS]       the same with options (perf/bench.py --help)
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time

import machine
from report import table

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAM = os.path.join(ROOT, "build", "perf", "bench", "vethway_bench")
RECORD = os.path.join(ROOT, "build", "bench-record.json")

HUGEPAGES = 420  # of 2 MiB, that the tables of the rivals want
FEW, MANY = 32 * 100, 32 * 600  # packets: the difference leaves out the start
COUNTED = ("forward/1", "forward/10000", "io/1", "l3fwd/1", "l3fwd_checksum/1", "graph/1", "bridge/1",
           "bridge/1000", "bridge_flood", "drop_checksum", "drop_ttl", "drop_no_route", "attack")

# Of each group the first is what the others are compared with.
GROUPS = {
    "IPv4 forwarding on memory ports, 1 flow": ["io/1", "forward/1", "l3fwd/1", "l3fwd_checksum/1", "graph/1",
                                                "testpmd io, net_null", "testpmd macswap, net_null"],
    "10 000 destinations": ["io/10000", "forward/10000", "l3fwd/10000", "l3fwd_checksum/10000", "graph/1000"],
    "1 flow, by one of two workers, while the other forwards the other way": ["forward/1", "forward_of_two/1"],
    "10 000 destinations, likewise": ["forward/10000", "forward_of_two/10000"],
    "bridging on memory ports, 1 station to 1, 1000 to 1000, a flood to 16": [
        "io/1", "bridge/1", "bridge/1000", "bridge_flood", "testpmd io, net_null", "testpmd macswap, net_null"],
    "bridging beside another port's frames: of 1000 stations, of 10 M never seen before": [
        "bridge_beside/0", "bridge_beside/1"],
    "dropping": ["forward/1", "drop_checksum", "drop_ttl", "drop_no_route", "attack"],
    "stages, each with those before it": ["stage_0_nothing/0", "stage_1_ip4_plain/1", "stage_2_ip4_lookup/2",
                                          "stage_3_ip4_forward/3", "stage_4_resolve_tx/4", "stage_5_straight/5"],
    "FIB, 1 M prefixes, addresses anywhere": ["fib4/0", "rte_fib_scalar/0", "rte_fib_vector/0", "lpm_lookup/0",
                                              "lpm_lookupx4/0"],
    "FIB, 1 M prefixes, addresses in routes": ["fib4/1", "rte_fib_scalar/1", "rte_fib_vector/1", "lpm_lookup/1",
                                               "lpm_lookupx4/1"],
    "neighbours": ["neighbour_find/16", "neighbour_find/1024", "neighbour_find/65536"],
}


def free_hugepages():
    return int(machine.read("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "0"))


def run_benches(options):
    """{name: [of each repetition, what Google Benchmark says of it]}"""
    small = ["--small"] if free_hugepages() < HUGEPAGES else []
    wanted = options.filter or ("^(forward|io|l3fwd|graph|bridge|drop|attack|stage|neighbour)" if small else ".")
    if small:
        print(f"not {HUGEPAGES} free hugepages of 2 MiB: no FIB of a million prefixes", file=sys.stderr)
    done = subprocess.run(
        [PROGRAM, *small, f"--benchmark_filter={wanted}", "--benchmark_format=json",
         f"--benchmark_repetitions={options.repeats}", f"--benchmark_min_time={options.seconds}",
         "--benchmark_enable_random_interleaving=true"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{PROGRAM} failed: {done.stderr[-500:]}")
    said = json.loads(done.stdout)
    runs = {}
    for run in said["benchmarks"]:
        if run.get("error_occurred"):
            sys.exit(f"{run['name']}: {run['error_message']}")
        if run.get("run_type") == "iteration":
            name = re.sub(r"/iterations:\d+|/repeats:\d+", "", run["run_name"])
            runs.setdefault(name, []).append(run)
    return runs, float(said["context"]["tsc_hz"])


def testpmd_cycles(mode, tsc_hz, seconds):
    """Of a packet: testpmd itself, on two net_null of its own, whose packets are empty."""
    cpu = (os.cpu_count() or 1) - 1
    child = subprocess.Popen(
        ["dpdk-testpmd", f"--lcores=0@0,1@{cpu}", "--no-huge", "-m", "256", "--no-pci", "--no-shconf",
         "--no-telemetry", "--vdev=net_null0", "--vdev=net_null1", "--", f"--forward-mode={mode}",
         "--nb-cores=1", "--total-num-mbufs=16384", "--no-mlockall", "-i"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def say(words):
        child.stdin.write(words + "\n")
        child.stdin.flush()

    def worker_ns():
        threads = f"/proc/{child.pid}/task"
        return max(int(machine.read(f"{threads}/{t}/schedstat", "0").split()[0]) for t in os.listdir(threads)
                   if machine.read(f"{threads}/{t}/comm").endswith("worker-1"))

    say("start")
    time.sleep(2)  # until it has come up
    say("clear port stats all")
    time.sleep(0.05)
    before = worker_ns()
    time.sleep(seconds)
    used = worker_ns() - before
    say("show port stats all")
    said, _ = child.communicate("stop\nquit\n", timeout=30)
    sent = [int(n) for n in re.findall(r"TX-packets: (\d+)", said)]
    return used * tsc_hz / 1e9 / sum(sent[:2])  # behind those are the ones that "stop" shows


def instructions(name, iterations):
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", PROGRAM, "--small",
         f"--iterations={iterations}", f"--benchmark_filter=^{name}/iterations:{iterations}$"],
        capture_output=True, text=True, check=True)
    return int(re.search(r"Collected\s*:\s*(\d+)", done.stderr)[1])


def measure(options):
    """{name: {metric: median}}, cycles and instructions of one packet or address."""
    runs, tsc_hz = run_benches(options)
    result = {}
    for name, all_of in runs.items():
        cycles = [tsc_hz / run["items_per_second"] for run in all_of if run.get("items_per_second")]
        result[name] = {"cycles": statistics.median(cycles)} if cycles else {}
        result[name] |= {k: statistics.median(run[k] for run in all_of) for k in ("MiB", "load_ms", "learned")
                         if k in all_of[0]}
        if name.startswith("route_table_load"):
            result[name]["load_ms"] = statistics.median(run["cpu_time"] for run in all_of)
        if name.startswith("route_table_churn"):
            result[name]["updates/s"] = statistics.median(run["items_per_second"] for run in all_of)
    if not options.filter:
        for mode in ("io", "macswap"):
            result[f"testpmd {mode}, net_null"] = {"cycles": statistics.median(
                testpmd_cycles(mode, tsc_hz, 0.5) for _ in range(3))}
    for name in COUNTED if not options.uncounted else ():
        if name in result:
            result[name]["instructions"] = (instructions(name, MANY) - instructions(name, FEW)) / (MANY - FEW)
    return result


def against(now, before, metric):
    return f"{now[metric] / before[metric]:.3f}" if before and metric in now and metric in before else ""


def group_table(title, names, result, last):
    base = result.get(names[0])
    rows = [[title, "cycles, ratio to the first", "cycles beyond it", "instructions", "MiB",
             "cycles / last recorded", "instructions / last recorded"]]
    for name in names:
        now = result.get(name)
        if now is None:
            continue
        before = last.get(name)
        rows.append([name, against(now, base, "cycles"), f"{now['cycles'] - base['cycles']:.1f}",
                     f"{now['instructions']:.0f}" if "instructions" in now else "",
                     f"{now['MiB']:.1f}" if "MiB" in now else "",
                     against(now, before, "cycles"), against(now, before, "instructions")])
    return table(rows) if len(rows) > 1 else ""


def changes(result, last):
    rows = [["routes", "now", "now / last recorded"]]
    for name, metric in (("route_table_load", "load_ms"), ("rte_fib_scalar/0", "load_ms"),
                         ("route_table_churn", "updates/s")):
        if metric in result.get(name, {}):
            rows.append([f"{name}: {metric}", f"{result[name][metric]:.0f}",
                         against(result[name], last.get(name), metric)])
    return table(rows) if len(rows) > 1 else ""


def attacked(result):
    now = result.get("bridge_beside/1")
    return f"\n10 M unknown stations: {now['learned']:.0f} learned, memory grew by {now['MiB']:.1f} MiB" if now else ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="of each bench, in random order")
    parser.add_argument("--seconds", type=float, default=0.1, help="of each of them")
    parser.add_argument("--filter", help="only benches that this regular expression matches, and no testpmd")
    parser.add_argument("--uncounted", action="store_true", help="count no instructions: they take a minute")
    parser.add_argument("--record", action="store_true", help="later runs are compared with this one")
    options = parser.parse_args()
    last = {}
    if os.path.exists(RECORD):
        with open(RECORD, encoding="utf-8") as f:
            last = json.load(f)
    used = machine.busy()
    result = measure(options)
    for title, names in GROUPS.items():
        if text := group_table(title, names, result, last):
            print(text + "\n")
    print(changes(result, last) + attacked(result))
    if used > machine.CALM:
        print("\nOthers used this machine: compare instructions, and ratios within a table only.")
    if options.record or not last:
        with open(RECORD, "w", encoding="utf-8") as f:
            json.dump(result, f, indent=1)
        print(f"\nrecorded in {os.path.relpath(RECORD)}")


if __name__ == "__main__":
    main()
