#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What tracing costs a forwarded packet, in instructions: the same program counted by valgrind's callgrind,
with tracing compiled out, off, beside a flight recorder, and with a filter that nothing matches.

  ./dev bench trace        (or perf/trace_cost.py, once ./dev build has run)
"""

import os
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FEW, MANY = 50, 250  # bursts of 32 packets: the difference leaves out the start
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


def main():
    without = per_packet(program("build-untraced", "-Dcpp_args=-DVETHWAY_WITHOUT_TRACE"), "off")
    traced = program("build")
    print(f"{'instructions a packet':34}{'':>8}  ratio")
    print(f"{'tracing compiled out':34}{without:8.1f}  1.000")
    for mode, words in (("off", "tracing off"), ("recorder", "off, flight recorder, no drops"),
                        ("unmatched", "a filter that nothing matches")):
        count = per_packet(traced, mode)
        print(f"{words:34}{count:8.1f}  {count / without:.3f}")


if __name__ == "__main__":
    main()
