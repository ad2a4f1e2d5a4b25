# SPDX-License-Identifier: Apache-2.0
"""What RFC 2544 and RFC 9971 (MLRsearch) ask of one device at one size of frames. Each test is a function: a
generator with a running switch between its ports in, numbers out into `found`, an earlier test's among them."""

import searches
from mlrsearch import Goal, Search, Trial

LEAST = 1000              # frames a second: what can't do that is not measured further
OVERLOAD = 1.1            # 26.5
BURST = 32                # frames that the generator gives its port at once
LONGEST_BURST_S = 2       # 26.4: as long as a trial
PERCENTILES = ("50", "90", "99", "99.9", "99.99")


def flat_out(gen, options, found):
    """What the generator can send here when it also receives: the scale of everything else."""
    result = gen.trial(rate="max", seconds=options.seconds)
    found["most"] = result["tx_pps"]
    # A ring that is full holds its sender up, so that nothing is lost: then this is what the switch can do.
    found["held up"] = result["tx_full"] * BURST > 0.01 * result["sent"]
    found["metrics"]["flat out: forwarded kpps"] = result["rx_pps"] / 1e3


def lost_of(gen, seconds):
    def trial(load):
        return gen.trial(rate=round(load), seconds=seconds)["not_shown"]
    return trial


def throughput(gen, options, found):
    """26.1"""
    most = found["most"] * options.reach
    rate = searches.throughput(lost_of(gen, options.seconds), LEAST, most, options.width)
    found["throughput"] = rate or 0
    found["took all"] = rate == most and not found["held up"]
    found["metrics"]["throughput kpps"] = found["throughput"] / 1e3


def percentiles(gen, rate, seconds):
    latency = gen.trial(rate=max(1, round(rate)), seconds=seconds, warm_up=min(0.2, seconds))["latency_us"]
    return latency["percentiles"] if latency else {}


def latency(gen, options, found):
    """26.2, at the throughput, and at half of it, where queues are short."""
    if not found.get("throughput"):
        return
    found["latency"] = {}
    for name, part in (("at throughput", 1.0), ("at half", 0.5)):
        values = percentiles(gen, found["throughput"] * part, options.seconds * 2)
        found["latency"][name] = {p: values[p] for p in PERCENTILES if p in values}
        for p in ("50", "99", "99.99"):
            if p in values:
                found["metrics"][f"latency {name}, {p} % µs"] = values[p]


def loss(gen, options, found):
    """26.3"""
    def trial(load):
        return gen.trial(rate=round(load), seconds=options.seconds)["device_loss"]

    found["loss"] = searches.loss_by_load(trial, found["most"] * options.reach)


def back_to_back(gen, options, found):
    """26.4"""
    def trial(frames):
        return gen.trial(rate="max", frames=frames)["device_loss"]

    most = round(found["most"] * min(LONGEST_BURST_S, options.seconds))
    found["longest burst tried"] = most
    found["metrics"]["back-to-back frames"] = searches.back_to_back(trial, most)


def recovery(gen, options, found):
    """26.5: from the end of an overload until the last frame lost; none where none could be made."""
    rate = found.get("throughput") or 0
    overload = min(rate * OVERLOAD, found["most"])
    if not rate or overload <= rate * 1.02:
        return
    result = gen.trial(rate=round(overload), then_rate=max(1, round(rate / 2)), then_after=options.seconds,
                       seconds=2 * options.seconds)
    if result["lost"] > result["own_loss"]:
        found["metrics"]["recovery ms"] = 1e3 * result["recovery_s"]


def goals(options):
    times = {"initial_s": options.seconds / 4, "final_s": options.seconds, "sum_s": options.seconds * options.sum,
             "exceed": options.exceed, "width": options.width}
    return [Goal("PDR", 0.005, **times), Goal("NDR", 0.0, **times)]


def mlr(gen, options, found):
    search = Search(goals(options), LEAST, max(found["most"] * options.reach, 2 * LEAST), options.most_trials)
    while wanted := search.next_trial():
        lost = gen.trial(rate=wanted.load, seconds=wanted.seconds)["not_shown"]
        search.record(Trial(wanted.load, wanted.seconds, lost))
    found["mlr"] = {}
    for name in ("NDR", "PDR"):
        result = search.result(name)
        found["mlr"][name] = {"lower": result.lower, "upper": result.upper, "throughput": result.throughput,
                              "narrow": result.narrow, "trials": result.trials}
        found["metrics"][f"{name} kpps"] = (result.lower or 0) / 1e3
    return search


TESTS = {"throughput": throughput, "latency": latency, "loss": loss, "back-to-back": back_to_back,
         "recovery": recovery, "mlr": mlr}
NEEDS = {"latency": "throughput", "recovery": "throughput"}
RATES = ("flat out: forwarded kpps", "throughput kpps", "NDR kpps", "PDR kpps", "back-to-back frames")


def run(gen, options, chosen, say=lambda name, found: None):
    """{"metrics": {name: number}, "most": …, "loss": [(load, ratio)], "latency": {…}, "mlr": {…}}"""
    found = {"metrics": {}}
    flat_out(gen, options, found)
    for name in TESTS:
        if name in chosen or any(NEEDS.get(other) == name for other in chosen):
            TESTS[name](gen, options, found)
            say(name, found)
    return found
