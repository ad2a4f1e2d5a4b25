#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""vethway and its rivals by RFC 2544 and MLRsearch (RFC 9971), with vethway-gen on both sides of them.

    ./dev bench rfc2544 --quick                        as root; a few minutes
    perf/rfc2544.py --sizes 64,512,1518,imix --rivals vethway,router
    perf/rfc2544.py --only mlr --seconds 5 --repeat 5 --calm 60
    perf/rfc2544.py --list

Throughput (26.1), latency at it and at half of it (26.2), loss by load (26.3), back-to-back frames (26.4), recovery
from overload (26.5); and by MLRsearch the highest loads of which nothing (NDR) and no more than 0.5 % (PDR) is lost in
more than half of the trials, which one disturbed trial does not spoil. RFC 2544 wants trials of 60 s: --seconds 60.

Rates are frames a second between two veth ports (or, --ports memif, two shared memories), and 100 % is what the generator can send there from the one CPU with
which it also receives: where a switch "took all that was offered", its number is a lower bound. Compare ratios. Each
repeat runs all rivals one after the other (A B A B), in a lab of its own; ratios are taken within a repeat. The report
is in --report DIR, with plots: loss by load, latency percentiles, rate by size; results.json has every trial."""

import argparse
import contextlib
import json
import os
import sys

import machine
import report
import rfc2544_report
import rfc2544_tests
import rivals
from generator import PROGRAM, Generator
from lab import Failure, Lab
from rivals.command import from_option
from veth import FAILURES_TO_GIVE_UP, ROOT, check_machine, end_by_signals, pick, say


def parse(args):
    first, last = min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--sizes", metavar="BYTES,...", help="of frames with FCS, or imix (64,256,1518)")
    add("--repeat", type=int, metavar="N", help="runs of each rival at each size (3)")
    add("--seconds", type=float, metavar="S", help="of one trial (1)")
    add("--quick", action="store_true", help="64 bytes, 2 repeats of trials of 0.3 s, 3 trials a load")
    add("--only", metavar="NAME,...", help="of: " + ", ".join(rfc2544_tests.TESTS))
    add("--kind", choices=("l2", "domain", "flood", "l3"), default="l3",
        help=f"a wire, a bridge, a bridge of which each frame leaves by {rivals.FLOOD_PORTS} ports, or a router (l3)")
    add("--ports", choices=("veth", "memif"), default="veth", help="what the switch and the generator have (veth)")
    add("--flows", type=int, default=1, metavar="N", help="by source port (1)")
    add("--width", type=float, default=0.02, metavar="R", help="of what a search ends with (0.02)")
    add("--reach", type=float, default=0.95, metavar="R",
        help="the highest load tried, of what the generator can send (0.95)")
    add("--sum", type=float, metavar="N", help="trials' time that MLRsearch wants of a load, in --seconds (5)")
    add("--exceed", type=float, default=0.5, metavar="R", help="of it, in which more may be lost (0.5)")
    add("--most-trials", type=int, default=60, metavar="N", help="of one MLRsearch (60)")
    add("--drain", type=float, default=0.2, metavar="S", help="to wait for late frames (0.2)")
    add("--rivals", metavar="NAME,...", help="these, the optional ones too")
    add("--command", action="append", default=[], metavar="NAME[,l3][,no-offloads]=CMD",
        help="one more rival, as perf/veth.py has it")
    add("--build", default=os.environ.get("VETHWAY_BUILD", os.path.join(ROOT, "build")), metavar="DIR",
        help="where vethwayd and vethway-gen are (build/)")
    add("--before", metavar="DIR", help="another build of vethway, as rival vethway-before")
    add("--host-cpu", type=int, default=first, metavar="N", help=f"of the generator ({first})")
    add("--switch-cpu", type=int, default=last, metavar="N", help=f"of the switch ({last})")
    add("--calm", type=float, default=0, metavar="S", help="before each run wait so long for a machine not in use (0)")
    add("--report", default=os.path.join(ROOT, "build", "rfc2544"), metavar="DIR", help="(build/rfc2544)")
    add("--list", action="store_true", help="tests and rivals")
    options = parser.parse_args(args)
    options.repeat = options.repeat or (2 if options.quick else 3)
    options.seconds = options.seconds or (0.3 if options.quick else 1.0)
    options.sum = options.sum or (3 if options.quick else 5)
    options.sizes = (options.sizes or ("64" if options.quick else "64,256,1518")).split(",")
    options.build = os.path.realpath(options.build)
    options.before = os.path.realpath(options.before) if options.before else None
    options.only = pick(options.only.split(","), list(rfc2544_tests.TESTS), "test") if options.only \
        else list(rfc2544_tests.TESTS)
    if options.repeat < 1 or options.seconds <= 0 or not 0 < options.width < 1 or not 0 < options.reach <= 1 \
            or not 0 <= options.exceed < 1:
        parser.error("--repeat and --seconds must be positive, --width, --reach and --exceed parts of 1")
    try:
        options.commands = [from_option(text) for text in options.command]
    except ValueError as error:
        parser.error(str(error))
    return options


class Progress:
    """What happens, on the terminal: a line that is written over for each trial, one that stays for each test."""

    def __init__(self):
        self.live = sys.stderr.isatty()
        self.begin("")

    def begin(self, where):
        self.where, self.trials, self.told = where, 0, set()

    def trial(self, wanted, result):
        self.trials += 1
        if self.live:
            rate = f"{result['tx_pps'] / 1e3:.1f} kpps"
            print(f"\r\x1b[K{self.where}: trial {self.trials}: {rate}, {100 * result['device_loss']:.3f} % lost",
                  end="", file=sys.stderr, flush=True)

    def test(self, name, found):
        self.clear()
        numbers = ", ".join(f"{k} {report.number(v)}" for k, v in found["metrics"].items() if k not in self.told)
        self.told |= set(found["metrics"])
        say(f"{self.where}: {name} done after {self.trials} trials{': ' * bool(numbers)}{numbers}")

    def clear(self):
        if self.live:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


class Bench:
    def __init__(self, options):
        self.options, self.progress = options, Progress()
        self.all = rivals.find()  # the --command ones are among them
        self.results, self.trials, self.environment = {}, [], {}
        self.notes, self.missing, self.failures = {}, {}, {}
        if options.rivals:
            pick(options.rivals.split(","), [r.name for r in self.all], "rival")

    def able(self):
        found = []
        for rival in self.all:
            wanted = self.options.rivals.split(",") if self.options.rivals else None
            named = rival in self.options.commands or (rival.name == "vethway-before" and self.options.before)
            if rival.medium != self.options.ports or self.options.kind not in rival.kinds or not (named or (rival.name in wanted if wanted is not None
                                                                     else not rival.optional)):
                continue
            if why := rival.missing(self.options, self.options.kind):
                self.missing[rival.name] = why
            else:
                found.append(rival)
                self.notes.setdefault(rival.name, rival.what)
        return found

    def one_run(self, rival, size):
        used = machine.wait_calm(self.options.calm)
        cables = rival.medium == "veth"
        ports = 1 + rivals.FLOOD_PORTS if self.options.kind == "flood" else 2
        with Lab(self.options.kind, ports, rival.hosts_offloads, rival.own_mac, cables) as lab:
            switch = rival(lab, self.options)
            with switch:
                try:
                    if cables:
                        lab.wait_through(switch.check_alive)
                    else:
                        lab.wait_sockets(switch.check_alive)
                    with Generator(lab, self.options, size, self.progress.trial, rival.medium, rival.queues) as gen:
                        gen.wait_through(switch.check_alive)
                        found = rfc2544_tests.run(gen, self.options, self.options.only, self.progress.test)
                    if why := switch.check_alive():
                        raise Failure(why)
                except Failure:
                    say(lab.log())
                    raise
        self.trials.append({"rival": rival.name, "size": size, "trials": gen.trials})
        return {**found, "trials": len(gen.trials), "disturbed": gen.disturbed, "in use before": used}

    def run_guarded(self, rival, size):
        if self.failures.get(rival.name, 0) >= FAILURES_TO_GIVE_UP:
            return {}
        try:
            return self.one_run(rival, size)
        except Failure as failure:
            self.failures[rival.name] = self.failures.get(rival.name, 0) + 1
            why = " ".join(str(failure).split())[:120]
            say(f"{self.progress.where}: FAILS: {why}")
            if why not in self.notes[rival.name]:
                self.notes[rival.name] += f"; failed: {why}"
            return {}

    def run(self):
        able = self.able()
        if not able:
            sys.exit("no rival can run: " + "; ".join(f"{k}: {v}" for k, v in self.missing.items()))
        for size in self.options.sizes:
            runs = self.results[size] = {rival.name: [] for rival in able}
            for repeat in range(self.options.repeat):
                for rival in able:
                    self.progress.begin(f"{size} bytes {repeat + 1}/{self.options.repeat} {rival.name}")
                    runs[rival.name].append(self.run_guarded(rival, size))
                self.keep()  # so that what is there so far survives whatever comes
        return self.keep()

    def keep(self):
        options = self.options
        title = f"RFC 2544 and MLRsearch, {options.kind}: {options.repeat} repeats, trials of {options.seconds:g} s"
        text = rfc2544_report.write(options.report, title, self.environment, self.results, self.notes, self.missing,
                                    rfc2544_tests.RATES)
        with open(os.path.join(options.report, "results.json"), "w", encoding="utf-8") as file:
            settings = {k: v for k, v in vars(options).items() if k != "commands"}
            json.dump({"environment": self.environment, "options": settings, "results": self.results,
                       "notes": self.notes, "missing": self.missing, "trials": self.trials}, file, indent=1)
        return text

    def list(self):
        print("tests: " + ", ".join(rfc2544_tests.TESTS))
        for rival in self.all:
            if self.options.kind in rival.kinds and self.options.ports == rival.medium:
                state = rival.missing(self.options, self.options.kind) or "ok"
                print(f"  {rival.name:18} {rival.what} [{state}]{' (optional)' if rival.optional else ''}")


def environment(options):
    generator = os.path.join(options.build, PROGRAM)
    rows = machine.record(options)
    rows["CPUs"] = f"generator {options.host_cpu}, switch {options.switch_cpu}"
    rows["vethway-gen"] = f"{machine.first_line(generator, '--version')}, {machine.digest(generator)}"
    return rows


def main(args):
    options = parse(args)
    bench = Bench(options)
    if options.list:
        bench.list()
        return 0
    check_machine(options)
    end_by_signals()
    if not os.access(os.path.join(options.build, PROGRAM), os.X_OK):
        sys.exit(f"no {options.build}/{PROGRAM}: ./dev build, or --build DIR")
    bench.environment = environment(options)
    with contextlib.suppress(BrokenPipeError):
        print(bench.run())
    say(f"{options.report}/report.md, with plots and results.json")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
