# SPDX-License-Identifier: Apache-2.0
"""MLRsearch (RFC 9971): the highest loads at which a device loses no more than a goal says, for several goals in
one search. Pure: it says which trial is wanted next, and is told what came of it.

    search = Search([Goal("PDR", 0.005), Goal("NDR", 0.0)], least=1000, most=2e6)
    while (wanted := search.next_trial()):
        search.record(Trial(wanted.load, wanted.seconds, loss_ratio=measure(wanted)))
    search.result("NDR").lower

Loads are frames a second. A goal is met by a load if of trials of at least `final_s` each, together `sum_s`, at most
the part `exceed` (by time) lose more than `loss`. Shorter trials come first and narrow where to look: they may
show that a load is too high, never that it is low enough."""

import math
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Goal:
    name: str
    loss: float           # the ratio that may be lost
    exceed: float = 0.5   # the part of the trials' time in which more may be
    initial_s: float = 0.25
    final_s: float = 1.0
    sum_s: float = 5.0    # 0.5 and 5 s of 1 s: the median of five
    width: float = 0.01   # of the bounds found, relative to the upper one


@dataclass(frozen=True)
class Trial:
    load: float
    seconds: float
    loss_ratio: float = 0.0


@dataclass
class Result:
    goal: Goal
    lower: float | None       # the highest load that meets the goal; None: not even the least does
    upper: float | None       # the lowest above it that does not; None: the most meets it
    throughput: float | None  # conditional throughput: what got through at `lower`
    narrow: bool              # the bounds are as close as the goal asks
    trials: int               # of the whole search


def classify(trials, goal, full_s, sum_s):
    """"lower", "upper" or None (undecided): what trials of one load say of it. Long ones, of at least full_s, count
    by their time; short ones with too much loss beyond what short ones without explain count as well (RFC 9971:
    a device that fails in a short trial would fail in a long one)."""
    def seconds(long, good):
        return sum(t.seconds for t in trials
                   if (t.seconds >= full_s) == long and (t.loss_ratio <= goal.loss) == good)

    long_good = seconds(True, True)
    explained = seconds(False, True) * goal.exceed / (1 - goal.exceed)
    bad = seconds(True, False) + max(0.0, seconds(False, False) - explained)
    whole = max(sum_s, long_good + bad)
    small = 1e-9 * whole
    if bad > whole * goal.exceed + small:
        return "upper"  # even if all that is still to come were good
    if whole - long_good <= whole * goal.exceed + small:
        return "lower"  # even if it were bad
    return None


def conditional_throughput(load, trials, goal):
    """The load less the loss of the trial that is as bad as the goal lets a trial be counted."""
    long = sorted((t for t in trials if t.seconds >= goal.final_s), key=lambda t: t.loss_ratio)
    wanted = max(goal.sum_s, sum(t.seconds for t in long)) * (1 - goal.exceed)
    passed = 0.0
    for trial in long:
        passed += trial.seconds
        if passed >= wanted - 1e-9:
            return load * (1 - trial.loss_ratio)
    return load * (1 - long[-1].loss_ratio) if long else None


@dataclass
class Phase:
    """What bounds are to be like for now: `full_s` and `sum_s` of the trials, `width` of the interval."""
    goal: Goal
    full_s: float
    sum_s: float
    width: float


def phases(goal):
    """From short trials and a wide interval to what the goal wants; each twice as long and half as wide."""
    steps = max(0, math.ceil(math.log2(goal.final_s / goal.initial_s) - 1e-9))
    found = [Phase(goal, goal.final_s / 2 ** n, goal.final_s / 2 ** n, min(0.5, goal.width * 2 ** n))
             for n in range(steps, 0, -1)]
    return [*found, Phase(goal, goal.final_s, goal.sum_s, goal.width)]


@dataclass
class Search:
    goals: list
    least: float
    most: float
    most_trials: int = 60
    trials: list = field(default_factory=list)

    def __post_init__(self):
        if not 0 < self.least < self.most:
            raise ValueError(f"loads from {self.least} to {self.most}")
        # The goal that lets most be lost first: its bounds say where those of the others are.
        ordered = [phases(goal) for goal in sorted(self.goals, key=lambda g: -g.loss)]
        longest = max(map(len, ordered))
        self.plan = [p[n - longest] for n in range(longest) for p in ordered if n - longest >= -len(p)]
        self.by_load = {}

    # --- What came of it
    def record(self, trial):
        self.trials.append(trial)
        self.by_load.setdefault(trial.load, []).append(trial)

    def bounds(self, goal, full_s, sum_s):
        """(highest lower bound below the lowest upper bound, lowest upper bound), None where there is none. A load
        above a bad one is not looked at, however good it may have seemed."""
        lower = upper = None
        for load in sorted(self.by_load):
            verdict = classify(self.by_load[load], goal, full_s, sum_s)
            if verdict == "upper":
                upper = load
                break
            if verdict == "lower":
                lower = load
        return lower, upper

    def result(self, name):
        goal = next(g for g in self.goals if g.name == name)
        lower, upper = self.bounds(goal, goal.final_s, goal.sum_s)
        through = None if lower is None else conditional_throughput(lower, self.by_load[lower], goal)
        return Result(goal, lower, upper, through, self.is_narrow(lower, upper, goal.width), len(self.trials))

    def is_narrow(self, lower, upper, width):
        if lower is None:
            return upper is not None and upper <= self.least
        if upper is None:
            return lower >= self.most
        return upper - lower <= width * upper * (1 + 1e-9)

    # --- What is wanted next
    def next_trial(self):
        """None: all is found, or there were as many trials as there may be."""
        if len(self.trials) >= self.most_trials:
            return None
        if len(self.trials) < 2:
            return self.first_trials()
        for phase in self.plan:
            load = self.wanted_load(phase)
            if load is not None:
                return Trial(load, phase.full_s)
        return None

    def first_trials(self):
        """As much as there may be, and what of it got through."""
        seconds = self.plan[0].full_s
        if not self.trials:
            return Trial(self.most, seconds)
        forwarded = self.most * (1 - self.trials[0].loss_ratio)
        return Trial(self.rounded(max(self.least, min(self.most, forwarded))), seconds)

    def wanted_load(self, phase):
        lower, upper = self.bounds(phase.goal, phase.full_s, phase.sum_s)
        if self.is_narrow(lower, upper, phase.width):
            return None
        begun = self.begun_between(phase, lower, upper)
        if begun is not None:
            return begun
        if lower is None and upper is None:
            return self.guess(phase)
        if upper is None:
            return self.above(phase, lower)
        if lower is None:
            return self.below(phase, upper)
        return self.middle(lower, upper, phase.width)

    def begun_between(self, phase, lower, upper):
        """An undecided load on which long trials have been spent already: a few more decide it."""
        for load, trials in sorted(self.by_load.items()):
            inside = (lower is None or load > lower) and (upper is None or load < upper)
            if inside and any(t.seconds >= phase.full_s for t in trials):
                if classify(trials, phase.goal, phase.full_s, phase.sum_s) is None:
                    return load
        return None

    def guess(self, phase):
        """Of a phase that knows nothing yet: what the one before has found, on shorter trials."""
        for earlier in reversed(self.plan[:self.plan.index(phase)]):
            if earlier.goal is phase.goal:
                lower, _ = self.bounds(earlier.goal, earlier.full_s, earlier.sum_s)
                if lower is not None:
                    return lower
        good = [load for load, trials in self.by_load.items()
                if any(t.loss_ratio <= phase.goal.loss for t in trials)]
        return max(good) if good else self.rounded(max(self.least, min(self.by_load) / 2))

    def above(self, phase, lower):
        known = [load for load in self.by_load if load > lower]
        step = lower * (1 + 2 * phase.width)
        # What shorter trials found too much is likely still that.
        near = min(known, default=self.most)
        return near if near <= step or near >= self.most else self.rounded(min(self.most, step))

    def below(self, phase, upper):
        """Ever further down, twice as far with each that was bad."""
        bad = sum(classify(trials, phase.goal, phase.full_s, phase.sum_s) == "upper"
                  for trials in self.by_load.values())
        known = [load for load, trials in self.by_load.items()
                 if load < upper and any(t.loss_ratio <= phase.goal.loss for t in trials)]
        step = upper * max(0.0, 1 - phase.width * 2 ** bad)
        best = max([load for load in known if load >= step], default=step)
        return self.rounded(max(self.least, best)) if best not in self.by_load else best

    def middle(self, lower, upper, width):
        """Halves, in ratio; the last step ends exactly as narrow as is wanted."""
        middle = math.sqrt(lower * upper)
        if upper * (1 - width) > middle and upper * (1 - width) ** 2 <= lower:
            middle = upper * (1 - width)
        middle = self.rounded(middle)
        return middle if lower < middle < upper else (lower + upper) / 2

    @staticmethod
    def rounded(load):
        return float(round(load)) if load >= 100 else load
