# SPDX-License-Identifier: Apache-2.0
"""vethway-gen between the two hosts of a lab, on their ends of the cables: a series of trials on ports that stay open.

    with Generator(lab, options, size=64) as gen:
        gen.trial(rate=250_000, seconds=1)["lost"]"""

import json
import os
import select
import subprocess

from lab import Failure, die_with_the_bench, host_mac, wait_for

PROGRAM = "perf/gen/vethway-gen"
HELD = 0.98   # of the frames wanted: fewer, and the trial was not at its load
TRIES = 2     # of a trial in which the generator was disturbed


class Generator:
    """One CPU sends and receives: nothing of it starves. `on_trial` is told of each trial."""

    def __init__(self, lab, options, size, on_trial=lambda wanted, result: None, medium="veth", queues=1):
        program = os.path.join(options.build, PROGRAM)
        self.lab, self.on_trial, self.trials, self.disturbed = lab, on_trial, [], 0
        words = [program, "--trials", "--quiet", "--lcores", options.host_cpu, "--tx", self.port(1, medium), "--rx", self.port(2, medium),
                 "--dst-mac", lab.next_mac(), "--src", lab.host_ip(1), "--dst", lab.host_ip(2),
                 "--flows", options.flows, "--size", size, "--drain", options.drain, "--queues", queues]
        self.errors = open(os.path.join(lab.dir, "gen.log"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(lab.words("h1", map(str, words)), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.errors, text=True,
                                        preexec_fn=die_with_the_bench)
        lab.processes.append(self.process)
        self.answer(20)

    def port(self, n, medium):
        """The end of host n's cable, or the other side of the switch's memif."""
        if medium == "memif":
            return f"memif socket={self.lab.socket(self.lab.ports[n - 1])},role=client mac {host_mac(n)}"
        return f"{{veth: {{interface: eth0, netns: {self.lab.ns(f'h{n}')}}}}}"

    def wait_through(self, dead, seconds=15):
        """Nothing is measured of a switch that has not passed a frame. dead(): why it never will."""
        def through():
            if why := dead():
                raise Failure(why)
            return self.once({"rate": 1000, "frames": 20})["received"]

        wait_for(through, seconds, "frames cross the switch", 0.2)

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
        return self.judged(wanted, result)

    @staticmethod
    def judged(wanted, result):
        """With "device_loss", the ratio that the device lost or did not take; "held", whether it was a trial of the
        load that was wanted, by a sender and a sink that nobody disturbed; and "not_shown", what a search is to go
        by: of a load that was not held, what was never sent was not shown to pass."""
        own = result["drivers"]["rx"]["rx_missed"] + result["drivers"]["rx"]["rx_no_buffer"]
        # What its own port had no room for on arrival is not the device's loss; what the device's ring had no room
        # for, and was given up, is.
        own, refused = min(own, result["lost"]), result["missed"] if result["tx_full"] else 0
        rate, seconds = wanted.get("rate"), wanted.get("seconds")
        paced = bool(seconds) and rate not in (None, "max") and "then_rate" not in wanted
        tried = result["sent"] + refused
        held = not paced or tried >= HELD * rate * seconds
        loss = (result["lost"] - own + refused) / max(1, tried)
        return {**result, "own_loss": own, "refused": refused, "held": held and not own, "device_loss": loss,
                "not_shown": loss if held else 1 - (1 - loss) * tried / (rate * seconds)}

    def trial(self, **wanted):
        """The result as judged(); the last of some, if the generator was disturbed."""
        for _ in range(TRIES):
            result = self.once(wanted)
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
