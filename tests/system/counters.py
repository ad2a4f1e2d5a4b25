# SPDX-License-Identifier: Apache-2.0
"""What the switch counts, and what moved."""

import contextlib
import time

from support import Failure, wait_for


class Counting:
    """A part of Lab: needs its api()."""

    def counters(self):
        """{"p1.rx_packets": 3, "p1.dropped.no_route": 1, …} without the zeros."""
        flat = {}

        def walk(prefix, value):
            if isinstance(value, dict):
                for key, inner in value.items():
                    walk(f"{prefix}.{key}", inner)
            elif isinstance(value, (int, float)) and not isinstance(value, bool) and value:
                flat[prefix] = value

        for port in self.api("GET", "/counters")["ports"]:
            walk(port["port"], {k: v for k, v in port.items() if k not in ("port", "index")})
        return flat

    def moved(self, before):
        now = self.settled()
        return {k: now.get(k, 0) - before.get(k, 0) for k in {*now, *before}
                if now.get(k, 0) != before.get(k, 0)}

    def settled(self, timeout_s=0.5):
        """The counters when nothing moves: a frame is on the wire before the books with it are closed."""
        deadline, found = time.monotonic() + timeout_s, self.counters()
        while time.monotonic() < deadline:
            time.sleep(0.02)
            if (again := self.counters()) == found:
                break
            found = again
        return found

    @contextlib.contextmanager
    def moves(self, expected, ignore=("bytes", "burst"), timeout=2.0):
        """Asserts that because of the block exactly these counters move, by exactly so much.
        ignore: parts of names that may move too, besides those named."""
        before = self.settled()
        yield
        seen = {}

        def same():
            seen.clear()
            seen.update({k: v for k, v in self.moved(before).items()
                         if k in expected or not any(part in k for part in ignore)})
            return seen == expected

        try:
            wait_for(same, timeout)
            time.sleep(0.05)  # and stays so
            if not same():
                raise Failure("")
        except Failure:
            wrong = {k: (expected.get(k, 0), seen.get(k, 0)) for k in sorted({*expected, *seen})
                     if expected.get(k, 0) != seen.get(k, 0)}
            raise Failure("counters: " + "; ".join(f"{k}: wanted {w}, got {g}" for k, (w, g) in
                                                   wrong.items())) from None
