#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What tracing costs a forwarded packet: the same program with tracing compiled out, off, beside a flight
recorder, and with a filter that nothing matches. Instructions as valgrind's callgrind counts them, and packets
per second of CPU in rounds, each of which runs all four one after the other.

  ./dev bench trace [ROUNDS]        (or perf/trace_cost.py, once ./dev build has run)
"""

import os
import re
import statistics
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FEW, MANY = 50, 250  # bursts of 32 packets: the difference leaves out the start
ROUND = 50_000       # bursts of a run that is timed
SETUP = ["--buildtype=release", "--unity=on", "--unity-size=6"]


def program(directory, *options):
    path = os.path.join(ROOT, directory)
    if not os.path.exists(os.path.join(path, "build.ninja")):
        subprocess.run(["meson", "setup", path, ROOT, *SETUP, *options], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", path, "perf/trace_cost"], check=True, stdout=subprocess.DEVNULL)
    return os.path.join(path, "perf", "trace_cost")


def instructions(binary, mode, bursts):
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", binary, mode, str(bursts)],
                          capture_output=True, text=True, check=True)
    return int(re.search(r"Collected\s*:\s*(\d+)", done.stderr)[1])


def per_packet(binary, mode):
    return (instructions(binary, mode, MANY) - instructions(binary, mode, FEW)) / ((MANY - FEW) * 32)


def ns(binary, mode):
    done = subprocess.run([binary, mode, str(ROUND)], capture_output=True, text=True, check=True)
    return int(done.stdout) / (ROUND * 32)


def rounds(runs, count):
    """Rates of each run against the first, one a round. Each round begins with another one."""
    ratios = {run: [] for run in runs}
    for n in range(count):
        taken = {runs[i % len(runs)]: ns(*runs[i % len(runs)]) for i in range(n, n + len(runs))}
        for run in runs:
            ratios[run].append(taken[runs[0]] / taken[run])
    return ratios


def main(count=40):
    untraced, traced = program("build-untraced", "-Dcpp_args=-DVETHWAY_WITHOUT_TRACE"), program("build")
    words = {(untraced, "off"): "tracing compiled out", (traced, "off"): "tracing off",
             (traced, "recorder"): "off, flight recorder, no drops",
             (traced, "unmatched"): "a filter that nothing matches"}
    runs = list(words)
    counts = {run: per_packet(*run) for run in runs}
    rates = rounds(runs, int(count))
    print(f"{'':32}{'instructions a packet':>30}{f'rate, {count} rounds':>30}")
    for run in runs:
        low, middle, high = statistics.quantiles(rates[run], n=4) if run != runs[0] else (1, 1, 1)
        print(f"{words[run]:32}{counts[run]:>18.1f}  × {counts[run] / counts[runs[0]]:.3f} "
              f"{'':>9}× {middle:.3f}  ({low:.3f} … {high:.3f})")


if __name__ == "__main__":
    main(*sys.argv[1:])
