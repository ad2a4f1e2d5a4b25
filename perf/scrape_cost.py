#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What being scraped each second costs a switch of 100 veth ports: TCP between two hosts with and without a scraper,
by turns, and how long a scrape takes meanwhile. As root, once ./dev build has run.

  perf/scrape_cost.py [ROUNDS]        20 s a round
"""

import contextlib
import os
import statistics
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "system"))

from lab import Lab  # noqa: E402  # pylint: disable=wrong-import-position

SECONDS = 5
PORTS = 100
MORE_PORTS = "".join(f"  - {{name: n{n}, veth: n{n}}}\n" for n in range(PORTS - 2))


def scrape_s(lab):
    began = time.monotonic()
    lab.metrics_text()
    return time.monotonic() - began


class Scraper:
    """Each second, until it is told to stop."""

    def __init__(self, lab, took):
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(lab, took))

    def run(self, lab, took):
        while not self.stopped.wait(1):
            took.append(scrape_s(lab))

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()


class Unhurried(Lab):
    """The kernel takes seconds to take back a hundred ports' sockets."""

    def close(self, check=False):
        super().close(check)


def main(rounds):
    rates, took, ratios = {True: [], False: []}, [], []
    with contextlib.closing(Unhurried(start=False)) as lab:
        for n in range(PORTS - 2):
            lab.run("sw", f"ip link add n{n} up type veth peer name m{n}")
            lab.run("sw", f"ip link set m{n} up")
        with open(lab.config_file) as f:
            text = f.read()
        lab.write_config(text.replace("metrics:", MORE_PORTS + "metrics:", 1))
        lab.start()
        series = [line for line in lab.metrics_text().splitlines() if line and not line.startswith("#")]
        idle = [scrape_s(lab) for _ in range(20)]
        lab.iperf3("h1", "h2", "10.2.0.2", SECONDS)  # to warm up

        def measure(scraped):
            if not scraped:
                return lab.iperf3("h1", "h2", "10.2.0.2", SECONDS)[0]
            with Scraper(lab, took):
                return lab.iperf3("h1", "h2", "10.2.0.2", SECONDS)[0]

        for _ in range(rounds):  # ABBA: what drifts meanwhile hits both alike
            found = {True: [], False: []}
            for scraped in (False, True, True, False):
                found[scraped].append(measure(scraped))
            for scraped, of in found.items():
                rates[scraped] += of
            ratios.append(sum(found[True]) / sum(found[False]))
    gbit = {scraped: statistics.median(of) * 8e-9 for scraped, of in rates.items()}
    of_a_port = sum('port="n0"' in line for line in series)
    print(f"{PORTS} ports and lo: {len(series)} series, {of_a_port} a port")
    print(f"a scrape takes {statistics.median(idle) * 1000:.1f} ms; under traffic {statistics.median(took) * 1000:.1f} ms, at most {max(took) * 1000:.1f} ms")
    print(f"TCP {gbit[False]:.2f} Gbit/s without, {gbit[True]:.2f} Gbit/s scraped each second")
    print(f"scraped / not, by rounds: median {statistics.median(ratios):.4f}, {min(ratios):.4f} to {max(ratios):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 6)
