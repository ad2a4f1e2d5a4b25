# SPDX-License-Identifier: Apache-2.0
"""run.py --random: frames at random through both routers, for as long as one likes. Of a difference that
differences.py does not explain, the smallest form is found and printed."""

import collections
import time
from http.client import HTTPException

import differences
import random_frames
import topology
from case import Case, knobs
from daemon import ApiError
from frames import is_ip
from sides import close_all
from support import Failure

MAX_FOUND = 10   # different ones: the rest would only take time
MAX_SMALLER = 150
# Which are limited by the sender, and the senders here are few.
NO_REDIRECTS = knobs(**{f"p{n}": {"send_redirects": False} for n in topology.PORTS})


def is_about_earlier(frame):
    """Time exceeded in reassembly: of a frame sent half a minute ago, beside another one now. The cases of
    cases_fragments.py wait for theirs."""
    icmp = frame[14 + (frame[14] & 15) * 4:][:2] if is_ip(frame) else b""
    return frame[23:24] == b"\x01" and icmp == b"\x0b\x01"


class RandomRun:
    """compare(case, sides) -> Comparison; make_sides as in Run.compare."""

    def __init__(self, compare, make_sides, seed):
        self.compare, self.make_sides, self.seed = compare, make_sides, seed
        self.sides, self.explained, self.found = [], collections.Counter(), []

    def one(self, recipe, number):
        """The comparison; the sides that it broke are made anew the next time."""
        if not self.sides:
            for make in self.make_sides:
                self.sides.append(make())
                self.sides[-1].leaves_out = is_about_earlier
        port, frame = random_frames.build(recipe, number)
        case = Case(f"random {self.seed}/{number}", "Linux does so", ((port, frame),), "report", learns=True,
                    knobs=NO_REDIRECTS)
        result = self.compare(case, self.sides)
        if not all(side.works() for side in self.sides):
            result.lost = [side.label for side in self.sides if not side.works()]
            broken, self.sides = self.sides, []
            close_all(broken, check=False)
        return result

    def unexplained(self, recipe, number):
        """(comparison, None), or (comparison, why they may differ)."""
        result = self.one(recipe, number)
        if getattr(result, "lost", None):
            return result, None
        if not result.differs and not result.noise:
            return None, None
        return result, differences.explained(*random_frames.build(recipe, number), result.outcomes)

    def smallest(self, recipe, number, result):
        tries = 0
        again = True
        while again:
            again = False
            for less in random_frames.smaller(recipe):
                tries += 1
                if tries > MAX_SMALLER:
                    return recipe, result
                other, why = self.unexplained(less, number)
                if other and not why:
                    recipe, result, again = less, other, True
                    break
        return recipe, result

    def try_number(self, number):
        recipe = random_frames.recipe(self.seed, number)
        result, why = self.unexplained(recipe, number)
        if not result:
            return
        if why:
            self.explained[why] += 1
            return
        recipe, result = self.smallest(recipe, number, result)
        what = (sorted(recipe), [o.split(" from ")[0] for o in result.outcomes])
        if what in self.found:
            return
        self.found.append(what)
        lost = f"; {' and '.join(result.lost)} forwards no more" if getattr(result, "lost", None) else ""
        print(f"FAILED  random {self.seed}/{number}: {recipe}{lost}\n{result.text()}", flush=True)

    def run(self, first, count, seconds):
        """Numbers first.. of the seed: `count` of them, or for so many seconds when there is no count.
        (tried, errors)"""
        began, number, error = time.monotonic(), first, ""
        try:
            while (number < first + count if count else time.monotonic() - began < seconds):
                self.try_number(number)
                number += 1
                if len(self.found) >= MAX_FOUND:
                    error = "too many differences: the rest was not tried"
                    break
            done, self.sides = self.sides, []
            close_all(done, check=True)
        except (Failure, OSError, ApiError, HTTPException) as failure:
            error = f"after {random_frames.recipe(self.seed, number)}: {failure}"
        finally:
            close_all(self.sides, check=False)
        return number - first, error


