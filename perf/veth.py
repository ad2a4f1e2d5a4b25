#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""vethway and its rivals between two network namespaces, measured side by side.

    perf/veth.py                                  as root, on Debian 12; about 50 minutes
    perf/veth.py --quick --only tcp-l2,udp1-l2    3 repeats of 2 s
    perf/veth.py --list                           measures and rivals, and what apt has to bring
    perf/veth.py --json veth.json > veth.md
    perf/veth.py --before OLD/build --rivals vethway      a change, and what it did
    perf/veth.py --command "mine=/usr/bin/mine {p1} {p2}"     any program as a rival

How to read it: absolute numbers belong to the machine, so compare ratios. Each repeat runs all
rivals one after the other (A B C A B C), and a ratio is taken within a repeat; the table shows the
median of these ratios and their quartiles. If the quartiles span 1, the two are the same here. A
throughput ratio above 1 and a latency ratio below 1 are in vethway's favour. "fails" means that it
was tried and traffic did not pass; the note says why. Where the note says "hosts' offloads off",
the rival does not pass TCP at all with the kernel's defaults, and its number is for hosts on which
somebody ran ethtool -K. Each table ends with how many runs began on a machine that others used:
many of them, and it is worth running again, or with --calm 60. (It looks before a run, not during.)
A switch that "took all that was offered" can do more: its number is a lower bound, and the ratio to
it an upper one."""

import argparse
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile

import machine
import measures
import report
import rivals
from lab import Failure, Lab
from rivals.command import from_option

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
PROGRAMS = {"ip": "iproute2", "ss": "iproute2", "ethtool": "ethtool", "ping": "iputils-ping",
            "iperf3": "iperf3", "taskset": "util-linux", "sysctl": "procps"}
FAILURES_TO_GIVE_UP = 2


def parse(args):
    first, last = min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--repeat", type=int, metavar="N", help="runs of each rival in each measure (5)")
    add("--seconds", type=float, metavar="S", help="of one run (3)")
    add("--quick", action="store_true", help="3 repeats of 2 s")
    add("--only", metavar="NAME,...", help="these measures; tcp means tcp-l2 and tcp-l3")
    add("--rivals", metavar="NAME,...", help="these rivals, the optional ones too")
    add("--command", action="append", default=[], metavar="NAME[,l3][,no-offloads]=CMD",
        help="one more rival, run in the switch's namespace; {p1} {p2} {cpu} {dir} are filled in")
    add("--build", default=os.environ.get("VETHWAY_BUILD", os.path.join(ROOT, "build")),
        metavar="DIR", help="where vethwayd is (build/)")
    add("--before", metavar="DIR", help="another build of vethway, as rival vethway-before")
    add("--host-cpu", type=int, default=first, metavar="N",
        help=f"of UDP and ping senders ({first})")
    add("--switch-cpu", type=int, default=last, metavar="N", help=f"of the switch ({last})")
    add("--congestion", default="cubic", metavar="NAME",
        help="TCP's congestion control, whatever the machine's is (cubic, as Linux has it)")
    add("--silence", type=float, default=5, metavar="S", help="before the first packet of wake (5)")
    add("--wakes", type=int, default=2, metavar="N", help="silences in one run of wake (2)")
    add("--idle-seconds", type=float, default=5, metavar="S", help="of one run of idle (5)")
    add("--calm", type=float, default=0, metavar="S",
        help="before each run wait up to S seconds for a machine that nobody else uses (0)")
    add("--awake", action="store_true",
        help="CPUs do not halt while it measures, as with idle=poll: how long one takes to wake, "
             "tens of us in a virtual machine, is then no part of a latency")
    add("--json", metavar="FILE", help="all numbers of all runs")
    add("--list", action="store_true", help="measures and rivals")
    options = parser.parse_args(args)
    options.repeat = options.repeat or (3 if options.quick else 5)
    options.seconds = options.seconds or (2.0 if options.quick else 3.0)
    options.build = os.path.realpath(options.build)
    options.before = os.path.realpath(options.before) if options.before else None
    if options.repeat < 1 or options.seconds <= 0:
        parser.error("--repeat and --seconds must be positive")
    try:
        options.commands = [from_option(text) for text in options.command]
    except ValueError as error:
        parser.error(str(error))
    return options


def say(text):
    print(text, file=sys.stderr, flush=True)


def pick(wanted, known, what):
    """The known names that are wanted, or that begin with NAME-."""
    for name in wanted:
        if not any(k == name or k.startswith(name + "-") for k in known):
            sys.exit(f"no such {what}: {name}; there are: {', '.join(known)}")
    return [k for k in known if any(k == n or k.startswith(n + "-") for n in wanted)]


class Bench:
    def __init__(self, options):
        self.options = options
        self.rivals = rivals.find()  # the --command ones are among them
        self.results, self.environment = {}, {}
        self.disturbed = 0  # runs of this measure that began on a machine in use

        if options.rivals:
            pick(options.rivals.split(","), [r.name for r in self.rivals], "rival")

    def measures(self):
        names = [m.name for m in measures.MEASURES]
        only = self.options.only
        wanted = pick(only.split(","), names, "measure") if only else names
        return [m for m in measures.MEASURES if m.name in wanted]

    def fits(self, measure, rival):
        if rival.medium != "veth":
            return False
        if measure.only_processes and not rival.has_process:
            return False
        if rival.name == "vethway-before" and self.options.before:
            return True
        if self.options.rivals:
            return rival.name in self.options.rivals.split(",") or rival in self.options.commands
        if rival in self.options.commands:
            return True
        return not rival.optional and (not measure.rivals or rival.name in measure.rivals)

    def kind(self, measure, rival):
        """Idle is measured of any kind; the router's, if it can be one."""
        return measure.kind if measure.kind != "any" else rival.kinds[-1]

    def rivals_of(self, measure):
        """(those that can run, {name: why not} of those that can't)"""
        able, missing = [], {}
        for rival in self.rivals:
            kind = self.kind(measure, rival)
            if kind not in rival.kinds or not self.fits(measure, rival):
                continue
            why = rival.missing(self.options, kind)
            if why:
                missing[rival.name] = why
            else:
                able.append(rival)
        return able, missing

    def one_run(self, measure, rival):
        used = machine.wait_calm(self.options.calm)
        if used > machine.CALM:
            self.disturbed += 1
        kind = self.kind(measure, rival)
        with Lab(kind, measure.ports, rival.hosts_offloads, rival.own_mac) as lab:
            switch = rival(lab, self.options)
            with switch:
                try:
                    lab.wait_through(switch.check_alive)
                    with machine.awake(self.options.awake):
                        return measure.run(lab, switch, self.options)
                except Failure:
                    say(lab.log())
                    raise

    def run(self, measure):
        able, missing = self.rivals_of(measure)
        runs, notes, self.disturbed = {r.name: [] for r in able}, {}, 0
        failures = dict.fromkeys(runs, 0)
        for rival in able:
            offloads = "" if rival.hosts_offloads else "; hosts' offloads off"
            notes[rival.name] = rival.what + offloads
        for repeat in range(self.options.repeat):
            for rival in able:
                result = {}
                if failures[rival.name] < FAILURES_TO_GIVE_UP:
                    try:
                        result = self.one_run(measure, rival)
                        shown = ", ".join(f"{k} {report.number(v)}" for k, v in result.items())
                    except Failure as failure:
                        failures[rival.name] += 1
                        shown = f"FAILS: {failure}"
                        why = " ".join(str(failure).split())[:120]
                        if why not in notes[rival.name]:
                            notes[rival.name] += f"; failed: {why}"
                    say(f"{measure.name} {repeat + 1}/{self.options.repeat} {rival.name}: {shown}")
                runs[rival.name].append(result)
        for rival in able:
            if remark := measure.remark(rival, runs[rival.name]):
                notes[rival.name] += f"; {remark}"
        self.keep(measure, runs, notes, missing)

    def keep(self, measure, runs, notes, missing):
        self.results[measure.name] = {"runs": runs, "notes": notes, "missing": missing,
                                      "disturbed": self.disturbed}
        print(report.section(measure, runs, notes))
        print(report.quiet(self.disturbed, sum(map(len, runs.values()))) + "\n")
        if missing:
            print("Not run: " + "; ".join(f"{k} ({v})" for k, v in missing.items()) + "\n")
        sys.stdout.flush()
        if self.options.json:
            with open(self.options.json, "w", encoding="utf-8") as file:
                json.dump({"environment": self.environment, "results": self.results}, file,
                          indent=1)

    def list(self):
        print("measures:")
        for measure in self.measures():
            able, _ = self.rivals_of(measure)
            print(f"  {measure.name:12} {measure.title} [{', '.join(r.name for r in able)}]")
        print("rivals:")
        for rival in self.rivals:
            why = {kind: rival.missing(self.options, kind) for kind in rival.kinds}
            state = "; ".join(f"{kind}: {why[kind] or 'ok'}" for kind in rival.kinds)
            optional = " (optional)" if rival.optional else ""
            print(f"  {rival.name:18} {rival.what} [{state}]{optional}")


def check_machine(options):
    if os.geteuid() != 0:
        sys.exit("run as root: the bench makes network namespaces")
    lacking = sorted({package for name, package in PROGRAMS.items() if not shutil.which(name)})
    if lacking:
        sys.exit("apt-get install " + " ".join(lacking))
    if options.host_cpu == options.switch_cpu:
        say("warning: sender and switch share a CPU")
    if os.getloadavg()[0] > 0.5:
        say(f"warning: load {os.getloadavg()[0]}: something else runs here")


def end_by_signals():
    """By an exception, which closes the lab; a second signal does not disturb that."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def end(number, _frame):
        for one in signals:
            signal.signal(one, signal.SIG_IGN)
        sys.exit(128 + number)

    for one in signals:
        signal.signal(one, end)


def main(args):
    options = parse(args)
    bench = Bench(options)
    if options.list:
        bench.list()
        return 0
    check_machine(options)
    end_by_signals()
    bench.environment = machine.record(options)
    bench.environment["TCP"] = (f"{options.congestion}; the machine's is "
                                + machine.read("/proc/sys/net/ipv4/tcp_congestion_control"))
    print(f"# vethway and its rivals on veth: {options.repeat} repeats of {options.seconds:g} s\n")
    print(report.environment(bench.environment), flush=True)
    with contextlib.ExitStack() as stack:
        made = stack.enter_context(tempfile.TemporaryDirectory(prefix=f"vwb{os.getpid()}."))
        options.udp_blast = lambda: measures.compile_blast(made)
        for measure in bench.measures():
            bench.run(measure)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
