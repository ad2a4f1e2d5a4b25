#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the system tests: ./dev test system, or tests/system/run.py [MODULE | TEST | MODULE.TEST]...

A test is a function test_* of a module test_*.py. With a parameter `lab` it gets a fresh Lab, made from
the module's LAB = dict(...) or the function's own decorator @needs(...); SHARED = True in a module gives
all its tests one and the same, shared="name" in their @needs those that stand together and say so;
kind=Class makes it another than Lab. A test that is `explicit` runs only when it is named itself.
Tests wait more than they compute: when all are run, modules are run as many at a time as there are CPUs, each in a
process of its own, and told of when they have ended. ALONE = True says of a module that it judges times, or changes
what the machine has but once (its hugepages): it is run when the others have ended.
Its last line is "N passed, N failed"."""

import importlib
import inspect
import os
import re
import signal
import sys
import tempfile
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import lab as lab_module  # noqa: E402

TIMEOUT_S = 60


class Timeout(Exception):
    pass


def on_alarm(*_):
    raise Timeout(f"took longer than {TIMEOUT_S * lab_module.SLOW:g} s")


class Runner:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.shared = self.shared_name = None

    def sum(self):
        return f"{self.passed} passed, {self.failed} failed" + (f", {self.skipped} skipped" if self.skipped else "")

    def run_module(self, name, tests):
        module = importlib.import_module(name)
        for test in tests:
            self.run_test(module, name, test)
        self.close_shared(name)

    def close_shared(self, module_name):
        if not self.shared:
            return
        lab, self.shared = self.shared, None
        which = "close" if self.shared_name is True else f"close_{self.shared_name}"
        self.guarded(f"{module_name}.{which}", lambda labs: lab.close(), [lab])

    def run_test(self, module, module_name, name):
        function = getattr(module, name)
        wants_lab = "lab" in inspect.signature(function).parameters
        options = dict(getattr(function, "lab_options", getattr(module, "LAB", {})))
        shared = options.pop("shared", getattr(module, "SHARED", False) and not hasattr(function, "lab_options"))
        make = options.pop("kind", lab_module.Lab)
        if shared and shared != self.shared_name:
            self.close_shared(module_name)

        def body(labs):
            if not wants_lab:
                function()
                return
            if shared and self.shared:
                labs.append(self.shared)
                if not self.shared.daemon.running():
                    raise lab_module.Failure("vethwayd has ended in a test before this one")
                function(self.shared)
                return
            lab = make(**options)
            labs.append(lab)
            if shared:
                self.shared, self.shared_name = lab, shared
                function(lab)
            else:
                with lab:
                    function(lab)

        self.guarded(f"{module_name}.{name}", body, [])

    def guarded(self, name, body, labs):
        began = time.monotonic()
        verdict, why = "ok", ""
        signal.alarm(int(TIMEOUT_S * lab_module.SLOW))
        try:
            body(labs)
            self.passed += 1
        except lab_module.Skip as skip:
            verdict, why = "skipped", str(skip)
            self.skipped += 1
        except BaseException as error:  # KeyboardInterrupt is raised again below
            signal.alarm(0)
            verdict, why = "FAILED", self.explain(error, labs)
            self.failed += 1
            if isinstance(error, KeyboardInterrupt):
                raise
        finally:
            signal.alarm(0)
            for one in labs:
                if one is not self.shared:
                    one.remove()
                    one.remove_files()
        took = time.monotonic() - began
        print(f"{verdict:8}{took:6.2f} s  {name}{': ' + why if why else ''}", flush=True)

    @staticmethod
    def explain(error, labs):
        stack = traceback.extract_tb(error.__traceback__)
        here = [f for f in stack if os.path.basename(f.filename).startswith("test_")]
        lines = [f"{type(error).__name__}: {error}"]
        lines += [f"  at {os.path.basename(f.filename)}:{f.lineno}: {f.line}" for f in here]
        if not here:
            lines += [x.rstrip() for x in traceback.format_tb(error.__traceback__)[-3:]]
        lines += [one.report() for one in labs]
        return "\n".join(lines).replace("\n", "\n    ")


def discover(wanted):
    """{module: [tests]} in the order of the files; names that fit nothing are an error."""
    here = os.path.dirname(os.path.realpath(__file__))
    found, unused = {}, set(wanted)
    for file in sorted(os.listdir(here)):
        name = file[:-3]
        if not (file.startswith("test_") and file.endswith(".py")):
            continue
        module = importlib.import_module(name)
        tests = [n for n, f in vars(module).items()
                 if n.startswith("test_") and callable(f) and f.__module__ == name]
        for test in tests:
            fits = {w for w in wanted if w in (name, name[5:], test, f"{name}.{test}")}
            unused -= fits
            by_itself = fits & {test, f"{name}.{test}"}
            if by_itself or (fits or not wanted) and not getattr(vars(module)[test], "explicit", False):
                found.setdefault(name, []).append(test)
    if unused:
        sys.exit(f"no such test: {' '.join(sorted(unused))}")
    return found


class Lanes:
    """Modules run beside each other, by processes that are forks of this one."""

    def __init__(self, lanes):
        self.lanes = lanes
        self.running = {}  # {process: what it prints}

    def run(self, modules, runner):
        waiting = list(modules.items())
        while waiting or self.running:
            while waiting and len(self.running) < self.lanes:
                self.start(*waiting.pop(0))
            self.wait_for_one(runner)

    def start(self, name, tests):
        output = tempfile.TemporaryFile("w+")
        process = os.fork()
        if process == 0:
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
            own, status = Runner(), 1
            try:
                own.run_module(name, tests)
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                if own.shared:
                    own.shared.remove()
                print(own.sum(), flush=True)
                os._exit(status)
        self.running[process] = output

    def wait_for_one(self, runner):
        process, status = os.wait()
        output = self.running.pop(process)
        output.seek(0)
        *lines, last = output.read().splitlines() or [""]
        found = re.fullmatch(r"(\d+) passed, (\d+) failed(?:, (\d+) skipped)?", last)
        sums = tuple(int(n or 0) for n in found.groups()) if found else (0, 0, 0)
        if status or not found:
            lines.append(f"FAILED  the runner of a module ended by status {status}: {last}")
            sums = (sums[0], sums[1] + 1, sums[2])
        print("\n".join(lines), flush=True)
        runner.passed, runner.failed, runner.skipped = (a + b for a, b in zip(
            (runner.passed, runner.failed, runner.skipped), sums))

    def end(self):
        for process in self.running:
            os.kill(process, signal.SIGINT)
        while self.running:
            self.running.pop(os.wait()[0]).close()


def main(args):
    if args[:1] == ["--list"]:
        for name, tests in discover([]).items():
            print("\n".join(f"{name}.{test}" for test in tests))
        return 0
    if os.geteuid() != 0:
        sys.exit("run as root: the tests make network namespaces")
    signal.signal(signal.SIGALRM, on_alarm)
    runner = Runner()
    modules = discover(args)
    beside = {} if args else {m: tests for m, tests in modules.items()
                              if not getattr(importlib.import_module(m), "ALONE", False)}
    lanes = Lanes(os.cpu_count() or 1)
    try:
        lanes.run(beside, runner)
        for name, tests in modules.items():
            if name not in beside:
                runner.run_module(name, tests)
    finally:
        lanes.end()
        if runner.shared:
            runner.shared.remove()
    print(runner.sum())
    return 1 if runner.failed or not runner.passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
