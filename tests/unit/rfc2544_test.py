#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What of the RFC 2544 bench needs no switch: perf/mlrsearch.py and perf/searches.py against devices that are
functions, the tests against a generator that is one, the report and its plots of made-up runs."""

import os
import random
import re
import sys
import tempfile
import unittest
import xml.dom.minidom
from types import SimpleNamespace

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "perf"))

import plot  # noqa: E402
import rfc2544_report  # noqa: E402
import rfc2544_tests  # noqa: E402
import searches  # noqa: E402
from generator import Generator  # noqa: E402
from mlrsearch import Goal, Search, Trial, classify, conditional_throughput, phases  # noqa: E402

GOALS = [Goal("NDR", 0.0), Goal("PDR", 0.005)]


def device(capacity, spoilt=0.0, seed=1):
    """Forwards `capacity`; of trials the part `spoilt` loses a little by chance, whatever the load."""
    drawn = random.Random(seed)

    def loss(load):
        lost = max(0.0, 1 - capacity / load)
        return max(lost, 0.001) if drawn.random() < spoilt else lost

    return loss


def run(search, loss):
    while wanted := search.next_trial():
        search.record(Trial(wanted.load, wanted.seconds, loss(wanted.load)))
    return search


class Classification(unittest.TestCase):
    goal = Goal("g", 0.0, exceed=0.5, final_s=1, sum_s=5)

    def of(self, *trials, goal=None):
        goal = goal or self.goal
        return classify([Trial(100, seconds, lost) for seconds, lost in trials], goal, goal.final_s, goal.sum_s)

    def test_undecided_until_nothing_to_come_could_change_it(self):
        good, bad = (1, 0.0), (1, 0.1)
        self.assertIsNone(self.of())
        self.assertIsNone(self.of(good, good))
        self.assertEqual(self.of(good, good, good), "lower")  # two bad ones more are half of the time at most
        self.assertIsNone(self.of(bad, bad))
        self.assertEqual(self.of(bad, bad, bad), "upper")
        self.assertIsNone(self.of(good, bad, good, bad))
        self.assertEqual(self.of(good, bad, good, bad, good), "lower")
        self.assertEqual(self.of(good, bad, good, bad, bad), "upper")

    def test_without_tolerance_one_bad_one_is_enough(self):
        strict = Goal("strict", 0.0, exceed=0, final_s=1, sum_s=3)
        self.assertEqual(self.of((1, 0.0), (1, 0.1), goal=strict), "upper")
        self.assertIsNone(self.of((1, 0.0), (1, 0.0), goal=strict))
        self.assertEqual(self.of((1, 0.0), (1, 0.0), (1, 0.0), goal=strict), "lower")

    def test_short_trials_can_only_condemn(self):
        self.assertIsNone(self.of(*[(0.5, 0.0)] * 20))
        self.assertEqual(self.of(*[(0.5, 0.1)] * 6), "upper")
        # As many good short ones explain the bad ones.
        self.assertIsNone(self.of(*[(0.5, 0.1)] * 6, *[(0.5, 0.0)] * 6))

    def test_throughput_is_of_the_trial_at_the_quantile(self):
        trials = [Trial(100, 1, lost) for lost in (0.0, 0.001, 0.002, 0.3, 0.4)]
        self.assertAlmostEqual(conditional_throughput(100, trials, Goal("g", 0.005)), 99.8)

    def test_phases_end_with_the_goal(self):
        last = phases(Goal("g", 0, initial_s=0.25, final_s=1, sum_s=5, width=0.01))
        self.assertEqual([p.full_s for p in last], [0.25, 0.5, 1])
        self.assertEqual([p.width for p in last], [0.04, 0.02, 0.01])
        self.assertEqual((last[-1].sum_s, last[0].sum_s), (5, 0.25))


class Searching(unittest.TestCase):
    def test_finds_the_capacity_of_a_steady_device(self):
        for capacity in (1_234, 98_765, 777_777, 1_999_000):
            search = run(Search(GOALS, 1000, 2e6), device(capacity))
            for name, exact in (("NDR", capacity), ("PDR", capacity / 0.995)):
                found = search.result(name)
                self.assertTrue(found.narrow, (capacity, found))
                self.assertLessEqual(found.lower, exact + 1)
                self.assertGreaterEqual(found.lower, exact * 0.985, found)
                self.assertTrue(found.upper is None or found.upper > exact - 1)
            self.assertLess(len(search.trials), 45, capacity)

    def test_one_that_takes_all_has_no_upper_bound(self):
        found = run(Search(GOALS, 1000, 2e6), device(5e6)).result("NDR")
        self.assertEqual((found.lower, found.upper, found.narrow), (2e6, None, True))

    def test_one_that_takes_nothing_has_no_lower_bound(self):
        search = run(Search(GOALS, 1000, 2e6), lambda load: 1.0)
        found = search.result("PDR")
        self.assertEqual((found.lower, found.upper, found.narrow), (None, 1000, True))

    def test_noise_within_the_goal_does_no_harm(self):
        """Of the trials a fifth loses something at any load: NDR asks for half of the time without."""
        near = 0
        for seed in range(20):
            search = run(Search(GOALS, 1000, 2e6, most_trials=120), device(500_000, 0.2, seed))
            found = search.result("NDR")
            near += found.lower is not None and 0.97 * 500_000 <= found.lower <= 500_001
            self.assertLessEqual(search.result("NDR").lower or 0, search.result("PDR").lower)
        self.assertGreaterEqual(near, 17)

    def test_trials_are_bounded_and_the_bounds_still_true(self):
        """A device that never behaves the same twice ends the search all the same."""
        drawn = random.Random(3)
        search = run(Search(GOALS, 1000, 2e6, most_trials=40), lambda load: drawn.choice((0.0, 0.2)))
        self.assertLessEqual(len(search.trials), 40)
        few = run(Search(GOALS, 1000, 2e6, most_trials=5), device(500_000))
        found = few.result("NDR")
        self.assertFalse(found.narrow)
        self.assertTrue(found.lower is None or found.lower <= 500_000)

    def test_every_load_is_within_the_limits(self):
        for capacity in (10, 1500, 3e6):
            search = run(Search(GOALS, 1000, 2e6), device(capacity))
            self.assertTrue(all(1000 <= t.load <= 2e6 for t in search.trials))

    def test_limits_that_make_no_sense(self):
        with self.assertRaises(ValueError):
            Search(GOALS, 2e6, 1000)


class Rfc2544(unittest.TestCase):
    def test_throughput(self):
        for capacity in (2_000, 123_456, 999_000):
            asked = []
            loss = device(capacity)
            found = searches.throughput(lambda load: asked.append(load) or loss(load), 1000, 1e6)
            self.assertTrue(capacity * 0.989 <= found <= capacity, (capacity, found))
            self.assertLessEqual(len(asked), 20)
        self.assertEqual(searches.throughput(device(2e6), 1000, 1e6), 1e6)
        self.assertIsNone(searches.throughput(device(10), 1000, 1e6))

    def test_loss_by_load_ends_after_two_without(self):
        found = searches.loss_by_load(device(650), 1000)
        self.assertEqual([round(load) for load, _ in found], [1000, 900, 800, 700, 600, 500])
        self.assertAlmostEqual(found[0][1], 0.35)
        self.assertEqual([lost for _, lost in found[-2:]], [0, 0])
        self.assertEqual(len(searches.loss_by_load(lambda load: 0.5, 1000)), 10)

    def test_back_to_back(self):
        for room in (100, 4096, 60_000):
            found = searches.back_to_back(lambda n: max(0, n - room) / n, 100_000)
            self.assertTrue(room * 0.97 - 16 <= found <= room, (room, found))
        self.assertEqual(searches.back_to_back(lambda n: 0, 1000), 1000)
        self.assertEqual(searches.back_to_back(lambda n: 1, 1000), 0)


class FakeGenerator:
    """Sends 400 kpps at most; behind it is a device that forwards `capacity` and holds `room` frames beyond."""

    def __init__(self, capacity, room=1000):
        self.capacity, self.room, self.asked = capacity, room, []

    def trial(self, rate="max", seconds=None, frames=None, then_rate=None, then_after=0, warm_up=0):
        self.asked.append(rate)
        load = 400e3 if rate == "max" else rate
        sent = frames or load * seconds
        lost = max(0, sent * (1 - self.capacity / load) - self.room) if load > self.capacity else 0
        return {"tx_pps": load, "rx_pps": min(load, self.capacity), "sent": sent, "lost": lost, "own_loss": 0, "tx_full": 0,
                "device_loss": lost / sent, "not_shown": lost / sent, "recovery_s": 0.004 if then_rate else None, "disturbed": False,
                "latency_us": {"percentiles": {p: float(p) for p in rfc2544_tests.PERCENTILES}}}


OPTIONS = SimpleNamespace(seconds=1, width=0.01, reach=0.95, sum=5, exceed=0.5, most_trials=60)


class Tests(unittest.TestCase):
    def test_all_of_a_device_that_is_the_limit(self):
        gen = FakeGenerator(200e3)
        found = rfc2544_tests.run(gen, OPTIONS, list(rfc2544_tests.TESTS))
        metrics = found["metrics"]
        self.assertEqual(metrics["flat out: forwarded kpps"], 200)
        # Within a trial the device's room hides what is a little too much.
        self.assertTrue(197 <= metrics["throughput kpps"] <= 201.1, metrics)
        self.assertTrue(197 <= metrics["NDR kpps"] <= 201.1, metrics)
        self.assertTrue(metrics["NDR kpps"] <= metrics["PDR kpps"] <= 203, metrics)
        self.assertTrue(1900 <= metrics["back-to-back frames"] <= 2000, metrics)
        self.assertEqual(metrics["recovery ms"], 4)
        self.assertEqual(metrics["latency at half, 99 % µs"], 99)
        self.assertEqual(found["loss"][-1][1], 0)
        self.assertFalse(found["took all"])

    def test_a_device_that_takes_all(self):
        found = rfc2544_tests.run(FakeGenerator(1e6), OPTIONS, ["throughput", "recovery"])
        self.assertTrue(found["took all"])
        self.assertEqual(found["throughput"], 380e3)
        self.assertNotIn("recovery ms", found["metrics"])
        self.assertNotIn("NDR kpps", found["metrics"])

    def test_what_is_needed_is_run_too(self):
        found = rfc2544_tests.run(FakeGenerator(200e3), OPTIONS, ["latency"])
        self.assertIn("throughput", found)
        self.assertIn("latency", found)
        self.assertNotIn("loss", found)

    def judged(self, wanted, sent, lost=0, own=0, missed=0, tx_full=0):
        result = {"sent": sent, "lost": lost, "missed": missed, "tx_full": tx_full,
                  "drivers": {"rx": {"rx_missed": own, "rx_no_buffer": 0}}}
        found = Generator.judged(wanted, result)
        return found["held"], round(found["device_loss"], 6), round(found["not_shown"], 6)

    def test_a_trial_is_held_if_the_load_was_there(self):
        wanted = {"rate": 1000, "seconds": 2}
        self.assertEqual(self.judged(wanted, 1990, lost=199), (True, 0.1, 0.1))
        self.assertEqual(self.judged(wanted, 1900, missed=100), (False, 0, 0.05), "the sender was late")
        self.assertEqual(self.judged(wanted, 1000, lost=500, missed=1000), (False, 0.5, 0.75))
        self.assertEqual(self.judged(wanted, 2000, lost=50, own=50), (False, 0, 0), "the sink was late")
        self.assertEqual(self.judged({"rate": "max", "frames": 9}, 9), (True, 0, 0))

    def test_what_a_full_ring_did_not_take_is_lost(self):
        self.assertEqual(self.judged({"rate": 1000, "seconds": 2}, 1500, lost=100, missed=500, tx_full=40),
                         (True, 0.3, 0.3))


def made_up(rate, **more):
    return {"metrics": {"throughput kpps": rate, "PDR kpps": rate * 1.1, "recovery ms": 1}, "trials": 10,
            "loss": [(rate * 1e3, 0.0), (rate * 2e3, 0.5)],
            "latency": {"at throughput": {"50": 1.0, "99.99": 1000.0}}, **more}


class Report(unittest.TestCase):
    def write(self, runs):
        with tempfile.TemporaryDirectory() as directory:
            text = rfc2544_report.write(directory, "title", {"kernel": "6.1"}, {"64": runs, "imix": runs},
                                        {"vethway": "ours"}, {"ovs": "not there"}, rfc2544_tests.RATES)
            with open(os.path.join(directory, "report.md"), encoding="utf-8") as file:
                self.assertEqual(file.read(), text)
            for name in re.findall(r"\((\S+\.svg)\)", text):
                xml.dom.minidom.parse(os.path.join(directory, name))
            return text

    def test_ratios_are_taken_within_a_repeat(self):
        text = self.write({"vethway": [made_up(200), made_up(100)], "router": [made_up(100), made_up(25)]})
        self.assertIn("| throughput kpps | 150 (125 to 175) | 62.5 (43.8 to 81.2) | 3 (2.5 to 3.5) |", text)
        self.assertIn("![rate by size](rate.svg)", text)
        self.assertIn("![loss of imix bytes](loss-imix.svg)", text)
        self.assertIn("Not run: ovs (not there)", text)

    def test_what_failed_is_a_dash_and_what_was_disturbed_is_said(self):
        text = self.write({"vethway": [made_up(200, disturbed=4)], "router": [{}]})
        self.assertIn("| throughput kpps | 200 (200 to 200) | - | - |", text)
        self.assertIn("4 of 10 trials were not held", text)
        self.assertIn("Do not quote", text)
        self.assertNotIn("Do not quote", self.write({"vethway": [made_up(200, disturbed=1)]}))

    def test_remarks(self):
        mlr = {"NDR": {"narrow": False}, "PDR": {"narrow": True}}
        text = self.write({"vethway": [made_up(200, **{"took all": True, "mlr": mlr})]})
        self.assertIn("- vethway: ours; **took all that was offered: a lower bound**; 1 MLRsearches ended", text)


class Plot(unittest.TestCase):
    def test_ticks_are_round_and_around_all(self):
        self.assertEqual([label for _, label in plot.round_ticks(0, 14.1)], ["0", "5", "10", "15"])
        self.assertEqual([value for value, _ in plot.decades(0.5, 99)], [0.1, 1, 10, 100])
        for low, high in ((0, 1e-6), (3, 7e9), (999, 1000)):
            ticks = [value for value, _ in plot.round_ticks(low, high)]
            self.assertTrue(ticks[0] <= low and ticks[-1] >= high and 3 <= len(ticks) <= 9, ticks)

    def test_points_are_where_they_belong(self):
        x, y = plot.Axis("x", [0, 10]), plot.Axis("y", [1, 100], log=True)
        svg = plot.chart("a < b", x, y, {"one": [(0, 1), (10, 100), (5, 10), (7, 0)]})
        right, bottom = plot.WIDTH - plot.RIGHT, plot.HEIGHT - plot.BOTTOM
        middle_x, middle_y = (plot.LEFT + right) / 2, (plot.TOP + bottom) / 2
        self.assertIn(f'points="{plot.LEFT:.1f},{bottom:.1f} {middle_x:.1f},{middle_y:.1f} '
                      f'{right:.1f},{plot.TOP:.1f}"', svg, "in order, without the zero that no logarithm has")
        self.assertIn("a &lt; b", svg)


def main():
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    result = unittest.TextTestRunner(verbosity=0).run(suite)
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
