# SPDX-License-Identifier: Apache-2.0
"""No row of the matrix of intactness is one that DPDK's own forwarder does better: testpmd's io mode
between the same two veths by net_af_packet."""

import contextlib

import intact_rows as rows
import test_intact
from intact import IntactLab, Path
from lab import needs
from support import wait_for
from test_testpmd import start_testpmd

# What comes through testpmd, too. The rest does not: checksums go out unfinished, super-frames cut, fragments
# put together, TPIDs lost.
PASSES = {rows.wrong_checksum, rows.packet_sizes, rows.burst, rows.vlan, rows.sizes}


class TestpmdLab(IntactLab):
    """Nobody counts here."""

    def start(self, ready=True, **_):
        start_testpmd(self)
        w1, w2 = self.wire("h1"), self.wire("h2")

        def passes():
            w1.send(b"\xff" * 12 + b"\x88\xb5" + bytes(46))
            return w2.receive(0.1)

        wait_for(passes, 10, "testpmd forwards")

    def counters(self):
        return {}

    def moved(self, before):
        return before


@needs(kind=TestpmdLab, raw=True, config="")
def test_no_row_passes_there_alone(lab):
    column = test_intact.Column("testpmd", "testpmd", (), source_driver="testpmd")
    passed = set()
    for row in test_intact.WIRE:
        with contextlib.suppress(AssertionError, OSError):
            row(Path(lab, column))
            passed.add(row)
    assert passed == PASSES, sorted(f"{row.__name__} {row in passed}" for row in passed ^ PASSES)
    ours = set(test_intact.WIRE) - set(test_intact.LIMITS["xconnect"])
    assert passed <= ours, f"only through testpmd: {[row.__name__ for row in passed - ours]}"
