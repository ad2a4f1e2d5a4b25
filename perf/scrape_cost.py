#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What being scraped each second costs a switch of 100 veth ports, by turns with and without a scraper: TCP between two
hosts, which share the CPUs with the switch, and how long a scrape takes meanwhile; and a wire on which frames come
without end, whose worker has a CPU for itself. As root, once ./dev build has run.

  perf/scrape_cost.py [ROUNDS]        40 s a round
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
WIRE = "  - {name: w0, 'null': {generate: true}}\n  - {name: w1, 'null': {}}\nxconnects: [[w0, w1]]\n"
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


def rounds_of(rounds, measure, lab, took):
    """(rates by whether it was scraped, their ratios by rounds), of measure()."""
    rates, ratios = {True: [], False: []}, []
    for _ in range(rounds):
        found = {True: [], False: []}
        for scraped in (False, True, True, False):  # ABBA: what drifts meanwhile hits both alike
            with Scraper(lab, took) if scraped else contextlib.nullcontext():
                found[scraped].append(measure())
        for which, of in found.items():
            rates[which] += of
        ratios.append(sum(found[True]) / sum(found[False]))
    return rates, ratios


def say(what, unit, scale, rates, ratios):
    without, scraped = (statistics.median(rates[which]) * scale for which in (False, True))
    print(f"{what} {without:.2f} {unit} without, {scraped:.2f} {unit} scraped each second")
    print(f"  scraped / not, by rounds: median {statistics.median(ratios):.4f}, {min(ratios):.4f} to {max(ratios):.4f}")


def frames_s(lab):
    """What w1 sends in SECONDS, a second."""
    def sent():
        return lab.ports()["w1"]["counters"]["tx_packets"], time.monotonic()
    before, began = sent()
    time.sleep(SECONDS)
    after, ended = sent()
    return (after - before) / (ended - began)


@contextlib.contextmanager
def switch(more="", dataplane=""):
    with contextlib.closing(Unhurried(start=False)) as lab:
        for n in range(PORTS - 2):
            lab.run("sw", f"ip link add n{n} up type veth peer name m{n}")
            lab.run("sw", f"ip link set m{n} up")
        with open(lab.config_file) as f:
            text = f.read()
        lab.write_config(dataplane + text.replace("metrics:", MORE_PORTS + more + "metrics:", 1))
        lab.start()
        yield lab


def main(rounds):
    took = []
    with switch() as lab:
        series = [line for line in lab.metrics_text().splitlines() if line and not line.startswith("#")]
        idle = [scrape_s(lab) for _ in range(20)]
        lab.iperf3("h1", "h2", "10.2.0.2", SECONDS)  # to warm up
        rates, ratios = rounds_of(rounds, lambda: lab.iperf3("h1", "h2", "10.2.0.2", SECONDS)[0], lab, took)
    of_a_port = sum('port="n0"' in line for line in series)
    print(f"{PORTS} ports and lo: {len(series)} series, {of_a_port} a port")
    print(f"a scrape takes {statistics.median(idle) * 1000:.1f} ms; under traffic {statistics.median(took) * 1000:.1f} ms, at most {max(took) * 1000:.1f} ms")
    say("TCP, whose hosts share the CPUs:", "Gbit/s", 8e-9, rates, ratios)
    # As many ports and a wire on which frames come without end; the worker has the last CPU for itself, as it should.
    with switch(WIRE, f"dataplane: {{workers: [{max(os.sched_getaffinity(0))}]}}\n") as lab:
        say("a worker by itself:", "Mpps", 1e-6, *rounds_of(rounds, lambda: frames_s(lab), lab, took))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
