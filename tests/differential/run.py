#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""vethway beside the Linux kernel's router: the same frames into both, and every frame that comes out of
any port compared.

    tests/differential/run.py [NAME_PATTERN...] [--self] [--list] [-v]
    tests/differential/run.py --random [--self] [--seed S] [--first N] [--count N | --seconds T]

Without arguments: all cases; some frames at random, the same ones each time; the kernel against itself,
where nothing may differ; and routers broken on purpose, which must be noticed. With patterns (shell patterns of any part of a name): only those.
--self: without vethwayd, kernel against kernel and the broken ones. -v: the frames of both sides.
--random: frames made at random from a seed (random_frames.py); a difference is shown in its smallest form.
The cases are in cases_*.py, what may differ in differences.py. The last line is "N passed, N failed"."""

import argparse
import fnmatch
import os
import signal
import subprocess
import sys
import time
from http.client import HTTPException

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "system")]
import cases_arp  # noqa: E402
import cases_forward  # noqa: E402
import cases_fragments  # noqa: E402
import cases_icmp  # noqa: E402
import cases_ip4  # noqa: E402
import cases_knobs_arp  # noqa: E402
import cases_knobs_icmp  # noqa: E402
import cases_knobs_ip4  # noqa: E402
import cases_local  # noqa: E402
import cases_options  # noqa: E402
import cases_paths  # noqa: E402
import cases_resolve  # noqa: E402
import cases_routes  # noqa: E402
import differences  # noqa: E402
from decode import decoded, normal, outcome  # noqa: E402
from daemon import ApiError  # noqa: E402
from mutants import MUTANTS  # noqa: E402
from random_run import RandomRun  # noqa: E402
from sides import KernelSide, VethwaySide, close_all  # noqa: E402
from support import Failure  # noqa: E402

AT_RANDOM = 250  # frames, where no more are asked for

# Fragments come last: what stays incomplete is told of by vethway after 30 seconds.
CASES = [c for m in (cases_ip4, cases_forward, cases_options, cases_icmp, cases_local, cases_arp, cases_resolve,
                     cases_knobs_ip4, cases_knobs_icmp, cases_knobs_arp, cases_routes, cases_paths, cases_fragments) for c in m.CASES]
CASES += cases_knobs_arp.RESTARTS  # after which the routers are made anew


def described(case):
    return [f"rule ({case.level}): {case.rule}",
            *(f"with {where} {name} {value}" for where, name, value in case.knobs),
            *(f"sent into p{port}: {decoded(frame)}" for port, frame in case.steps)]


class Comparison:
    """What two sides made of one case."""

    def __init__(self, case, sides):
        self.case, self.sides = case, sides
        for side in sides:
            side.turn(case.knobs)
        for side in sides:
            side.begin()
        for port, frame in case.steps:
            for side in sides:
                side.send(port, frame)
            for side in sides:
                side.sync(port)
                if case.punts:
                    side.settle()
        if case.restarts:
            for side in sides:
                side.restart(case.restarts)
        if case.until:
            for side in sides:
                side.wait_for(*case.until)
        self.raw = [side.finish() for side in sides]
        self.found = [normal(raw) for raw in self.raw]
        self.outcomes = [outcome(found) for found in self.found]
        self.notes = [side.notes() for side in sides]
        self.noise = "; ".join(f"{side.label}: {outcome(side.early)}" for side in sides if side.early)
        if case.learns:
            for side in sides:
                side.forget_neighbours()

    @property
    def differs(self):
        return self.found[0] != self.found[1]

    def wrong(self, expected=None):
        """Why this fails, or "". expected: the entry of differences.py."""
        if self.noise:
            return f"not quiet before the case: {self.noise}"
        if not self.differs:
            return f"listed in differences.py, but they agree: {self.outcomes[0]}" if expected else ""
        if expected is None:
            return "the sides differ, and differences.py does not say so"
        wanted = expected.linux, expected.vethway
        for side, pattern, got in zip(self.sides, wanted, self.outcomes):
            if not fnmatch.fnmatchcase(got, pattern):
                return f"another difference than the listed one: {side.label} was to do: {pattern}"
        return ""

    def text(self):
        """The rule, the frames sent, and what each side sent."""
        lines = described(self.case)
        for n, side in enumerate(self.sides):
            lines.append(f"{side.label}: {self.outcomes[n]}")
            lines += [f"    p{port} {decoded(frame)}" for port, many in self.raw[n].items() for frame in many]
            lines += self.first_difference(n)
            lines += [f"    {line}" for line in self.notes[n].splitlines()]
        return "\n".join("    " + line for line in lines)

    def first_difference(self, n):
        """For frames that read the same: where their bytes are not."""
        if n == 0 or self.outcomes[0] != self.outcomes[1]:
            return []
        for port, many in self.found[0].items():
            for a, b in zip(many, self.found[1][port]):
                at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
                if a != b:
                    return [f"    first differs at byte {at} of a frame of p{port}: "
                            f"{a[at:at + 8].hex()} and {b[at:at + 8].hex()}"]
        return []


class Run:
    max_losses = 10  # of sides that died or stopped forwarding: the rest would only take its time

    def __init__(self, verbose):
        self.passed = self.failed = 0
        self.verbose = verbose

    def report(self, name, began, wrong, text="", note=""):
        self.failed += bool(wrong)
        self.passed += not wrong
        verdict, why = ("FAILED", wrong) if wrong else ("ok", note)
        print(f"{verdict:8}{time.monotonic() - began:6.2f} s  {name}{': ' + why if why else ''}", flush=True)
        if text and (wrong or self.verbose):
            print(text, flush=True)

    def compare(self, make_sides, cases, judge):
        """judge(comparison or error, case, began). A side that has died, or does not listen, is made anew."""
        sides, losses = [], 0
        try:
            for case in cases:
                if losses >= self.max_losses:
                    judge(Failure("not run: too many routers were lost before"), case, time.monotonic())
                    continue
                began = time.monotonic()
                try:
                    if not sides:
                        for make in make_sides:  # one by one, so that those that are there get closed
                            sides.append(make())
                    result = Comparison(case, sides)
                except (Failure, OSError, ApiError, HTTPException, subprocess.SubprocessError) as error:
                    result = error
                judge(result, case, began)
                if isinstance(result, Exception) or not all(side.works() for side in sides):
                    losses, dead, sides = losses + (not case.restarts), sides, []
                    close_all(dead, check=False)
            done, sides = sides, []
            close_all(done, check=True)
        finally:
            close_all(sides, check=False)

    # --- the parts
    def against_vethway(self, cases):
        def judge(result, case, began):
            if isinstance(result, Exception):
                text = "\n".join("    " + line for line in described(case))
                return self.report(case.name, began, str(result) or type(result).__name__, text)
            listed = differences.listed(case.name)
            wrong = result.wrong(listed)
            if not case.restarts and (dead := [side.label for side in result.sides if not side.works()]):
                wrong = f"{dead[0]} has ended, or does not forward any more"
            self.report(case.name, began, wrong, result.text(), f"differs: {listed.why}" if listed else "")

        began = time.monotonic()
        wrong = ""
        try:
            self.compare([KernelSide, VethwaySide], cases, judge)
        except (Failure, OSError, ApiError, HTTPException) as failure:  # of the books, or of its end
            wrong = str(failure)
        self.report(f"vethway_against_kernel ({len(cases)} cases): books balance, clean end", began, wrong)

    def against_itself(self, cases):
        began, failures = time.monotonic(), []

        def judge(result, case, _):
            wrong = str(result) if isinstance(result, Exception) else result.wrong()
            if wrong:
                failures.append(f"    {case.name}: {wrong}" +
                                ("" if isinstance(result, Exception) else "\n" + result.text()))
            elif self.verbose:
                print(f"{case.name}\n{result.text()}", flush=True)

        self.compare([KernelSide, lambda: KernelSide("linux again")], cases, judge)
        wrong = f"{len(failures)} differ, so the test itself is wrong" if failures else ""
        self.report(f"kernel_against_kernel ({len(cases)} cases)", began, wrong, "\n".join(failures))

    def against_mutants(self, mutants):
        by_name = {case.name: case for case in CASES}
        for mutant in mutants:
            began, wrong = time.monotonic(), []

            def judge(result, case, _, mutant=mutant, wrong=wrong):
                if isinstance(result, Exception):
                    wrong.append(f"{case.name}: {result}")
                elif result.differs != (case.name in mutant.caught):
                    wrong.append(f"{case.name}: {'differs' if result.differs else 'no difference seen'}: "
                                 f"{' | '.join(result.outcomes)}")

            self.compare([KernelSide, lambda changes=mutant.changes: KernelSide("broken", changes)],
                         [by_name[name] for name in mutant.caught + mutant.same], judge)
            self.report(mutant.name, began, "; ".join(wrong))

    def at_random(self, only_self, seed, first, count, seconds):
        began = time.monotonic()
        other = (lambda: KernelSide("linux again")) if only_self else VethwaySide
        run = RandomRun(Comparison, [KernelSide, other], seed)
        tried, error = run.run(first, count, seconds)
        for why, times in run.explained.most_common():
            print(f"        {times:6} times: {why}")
        self.failed += len(run.found)
        self.report(f"random: seed {seed}, {tried} frames from {first}, "
                    f"{tried / (time.monotonic() - began):.0f} a second", began, error)


def chosen(things, patterns):
    return [t for t in things if not patterns or any(fnmatch.fnmatchcase(t.name, f"*{p}*") for p in patterns)]


def check_data():
    names = [case.name for case in CASES]
    double = sorted({n for n in names if names.count(n) > 1})
    unknown = {n for m in MUTANTS for n in m.caught + m.same} - set(names)
    wrong = [f"two cases have one name: {n}" for n in double]
    wrong += [f"mutants.py: no such case: {n}" for n in sorted(unknown)]
    wrong += differences.mistakes(names)
    if wrong:
        sys.exit("\n".join(wrong))


def arguments(args):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("patterns", nargs="*", metavar="NAME_PATTERN")
    parser.add_argument("--self", action="store_true", dest="only_self", help="without vethwayd")
    parser.add_argument("--list", action="store_true", help="names, rules, known differences")
    parser.add_argument("-v", "--verbose", action="store_true", help="print the frames of both sides")
    parser.add_argument("--random", action="store_true", help="frames made at random")
    parser.add_argument("--seed", default="1", help="of those (1)")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first (0)")
    parser.add_argument("--count", type=int, default=0, metavar="N", help="so many")
    parser.add_argument("--seconds", type=float, default=60, metavar="T", help="without --count: for so long (60)")
    return parser.parse_args(args)


def print_list(cases, mutants):
    for case in cases:
        listed = differences.listed(case.name)
        print(f"{case.name}  ({case.level}: {case.rule}){'  differs: ' + listed.why if listed else ''}")
    for mutant in mutants:
        print(mutant.name)
    print(f"{len(cases)} cases, {len(mutants)} broken routers", file=sys.stderr)


def main(args):
    options = arguments(args)
    check_data()
    cases, mutants = chosen(CASES, options.patterns), chosen(MUTANTS, options.patterns)
    if unused := [p for p in options.patterns if not chosen(CASES + MUTANTS, [p])]:
        sys.exit(f"no such case: {' '.join(unused)}")
    if options.list:
        print_list(cases, mutants)
        return 0
    if os.geteuid() != 0:
        sys.exit("run as root: the test makes network namespaces")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that it cleans up
    run = Run(options.verbose)
    if options.random:
        run.at_random(options.only_self, options.seed, options.first, options.count, options.seconds)
        print(f"{run.passed} passed, {run.failed} failed")
        return 1 if run.failed else 0
    if cases and not options.only_self:
        run.against_vethway(cases)
    if not options.patterns and not options.only_self:
        run.at_random(False, options.seed, 0, AT_RANDOM, 0)
    if cases and (options.only_self or not options.patterns):
        run.against_itself(cases)
    run.against_mutants(mutants)
    print(f"{run.passed} passed, {run.failed} failed")
    return 1 if run.failed or not run.passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
