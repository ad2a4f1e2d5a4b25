# SPDX-License-Identifier: Apache-2.0
"""vethway-gen between the two hosts of a lab, on their ends of the cables: a series of trials on ports that stay open.

    with Generator(lab, options, size=64) as gen:
        gen.trial(rate=250_000, seconds=1)["lost"]"""

import json
import os
import select
import subprocess

from lab import Failure, die_with_the_bench

PROGRAM = "perf/gen/vethway-gen"
HELD = 0.98   # of the frames wanted: fewer, and the trial was not at its load
TRIES = 2     # of a trial in which the generator was disturbed


class Generator:
    """One CPU sends and receives: nothing of it starves. `on_trial` is told of each trial."""

    def __init__(self, lab, options, size, on_trial=lambda wanted, result: None):
        program = os.path.join(options.build, PROGRAM)
        self.lab, self.on_trial, self.trials, self.disturbed = lab, on_trial, [], 0
        sink = f"{{veth: {{interface: eth0, netns: {lab.ns('h2')}}}}}"
        words = [program, "--trials", "--quiet", "--lcores", options.host_cpu, "--tx", "veth eth0", "--rx", sink,
                 "--dst-mac", lab.next_mac(), "--src", lab.host_ip(1), "--dst", lab.host_ip(2),
                 "--flows", options.flows, "--size", size, "--drain", options.drain]
        self.errors = open(os.path.join(lab.dir, "gen.log"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(lab.words("h1", map(str, words)), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.errors, text=True,
                                        preexec_fn=die_with_the_bench)
        lab.processes.append(self.process)
        self.answer(20)

    def answer(self, seconds):
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        line = self.process.stdout.readline() if ready else ""
        if not line:
            self.errors.seek(0)
            said = self.errors.read().strip().split("\n")[-1]
            raise Failure(f"vethway-gen: {said or f'no answer in {seconds:g} s'}")
        result = json.loads(line)
        if "error" in result:
            raise Failure(f"vethway-gen: {result['error']}")
        return result

    def once(self, wanted):
        self.process.stdin.write(json.dumps(wanted) + "\n")
        self.process.stdin.flush()
        result = self.answer(wanted.get("seconds", 60) + 30)
        if "problem" in result:
            raise Failure(f"vethway-gen: {result['problem']}")
        own = result["drivers"]["rx"]["rx_missed"] + result["drivers"]["rx"]["rx_no_buffer"]
        # What its own port had no room for is not the device's loss.
        result["own_loss"] = min(own, result["lost"])
        result["device_loss"] = (result["lost"] - result["own_loss"]) / max(1, result["sent"])
        return result

    @staticmethod
    def held(wanted, result):
        """Whether it was a trial of the load that was wanted, by a sender and a sink that nobody disturbed."""
        rate, seconds = wanted.get("rate"), wanted.get("seconds")
        if result["own_loss"]:
            return False
        if not seconds or rate in (None, "max") or "then_rate" in wanted:
            return True
        return result["sent"] >= HELD * rate * seconds

    def trial(self, **wanted):
        """The result, with "device_loss", a ratio, and "held"; the last of some, if the generator was disturbed."""
        for _ in range(TRIES):
            result = self.once(wanted)
            result["held"] = self.held(wanted, result)
            self.trials.append({"wanted": wanted, **{k: v for k, v in result.items() if k != "drivers"}})
            self.on_trial(wanted, result)
            if result["held"]:
                break
        self.disturbed += not result["held"]
        return result

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lab.end(self.process)
        self.process.stdout.close()
        self.errors.close()
