# SPDX-License-Identifier: Apache-2.0
"""What the world does to interfaces and processes, again and again (VETHWAY_CHAOS times, 10 if not set),
under traffic: afterwards packets flow, the books balance and nothing has grown."""

import os
import signal
import time

from frames import host_ip
from lab import SLOW, wait_for
from support import difference
from tagging import tcx_programs

TIMES = int(os.environ.get("VETHWAY_CHAOS", "10"))
WARM_UP = 3
MOST_GROWTH = 2 << 20  # of resident memory, bytes


def flows(lab, timeout=5):
    wait_for(lambda: lab.ping("h1", host_ip(2), 1, "-W 1")[0], timeout, "packets flow again")


def flood(lab):
    """Pings as fast as they are answered, a hundred a second at least."""
    return lab.spawn("h1", f"ping -n -q -f {host_ip(2)}")


def descriptors(lab):
    return len(os.listdir(f"/proc/{lab.daemon.process.pid}/fd"))


def resident(lab):
    with open(f"/proc/{lab.daemon.process.pid}/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def repeat(lab, upset, times=TIMES, warm_up=WARM_UP):
    """upset() so often, with packets flowing after each; what the first few leave is no growth."""
    signal.alarm(int((60 + 3 * times) * SLOW))
    before = None
    for n in range(warm_up + times):
        if n == warm_up:
            before = descriptors(lab), resident(lab)
        upset()
        flows(lab)
    after = wait_for(lambda: descriptors(lab) <= before[0] and descriptors(lab), 2,
                     lambda: f"descriptors: {before[0]} before, now {descriptors(lab)}")
    assert after == before[0], (after, before[0])
    growth = resident(lab) - before[1]
    assert growth <= MOST_GROWTH, f"{growth >> 10} KiB more in memory after {times} times"


def port_state(lab, name):
    port = lab.ports()[name]
    return port["state"], port["reason"]


def wait_down(lab, name, reason):
    """The switch knows at once."""
    began = time.monotonic()
    wait_for(lambda: port_state(lab, name) == ("down", reason), 2,
             lambda: f"{name} is down because {reason!r}: {port_state(lab, name)}", 0.005)
    took = time.monotonic() - began
    assert took < 0.1 * SLOW, f"{name} was down after {took * 1000:.0f} ms"


def wait_up(lab, name):
    wait_for(lambda: port_state(lab, name)[0] == "up", 5, lambda: f"{name} is up: {port_state(lab, name)}")


def test_interfaces_made_anew(lab):
    """As containers that restart, both at once and in turn."""
    flows(lab)
    flood(lab)

    def upset():
        for n in (1, 2):
            lab.run(f"h{n}", "ip link del eth0")
            lab.connect_host(n)
        wait_up(lab, "p1")
        wait_up(lab, "p2")

    repeat(lab, upset)


def test_killed(lab):
    """SIGKILL leaves nothing on the interfaces, and the next one starts as if nothing had been."""
    flows(lab)
    flood(lab)
    for _ in range(max(4, TIMES // 5)):
        assert tcx_programs(lab.ns("sw"), "p1") == 2
        lab.daemon.kill()
        wait_for(lambda: lab.settings() == lab.before, 2,
                 lambda: f"left behind: {difference(lab.before, lab.settings())}")
        assert tcx_programs(lab.ns("sw"), "p1") == 0
        lab.start()
        flows(lab)


def test_paused(lab):
    flows(lab)
    flood(lab)

    def upset():
        lab.daemon.process.send_signal(signal.SIGSTOP)
        time.sleep(2)
        lab.daemon.process.send_signal(signal.SIGCONT)

    repeat(lab, upset, max(1, TIMES // 20), warm_up=1)


def down_and_back(lab, where, down, reason, *back):
    """p2 goes by one command and says why; it is back after the others."""
    flows(lab)
    flood(lab)

    def upset():
        lab.run(where, down)
        wait_down(lab, "p2", reason)
        for step_where, command in back:
            lab.run(step_where, command)
        wait_up(lab, "p2")

    repeat(lab, upset)


def test_set_down_and_up(lab):
    down_and_back(lab, "sw", "ip link set p2 down", "interface down", ("sw", "ip link set p2 up"))


def test_renamed_and_back(lab):
    down_and_back(lab, "sw", "ip link set p2 name x", "p2 was renamed to x", ("sw", "ip link set x name p2"))


def test_moved_away_and_back(lab):
    # Up before it has its name again: vethwayd would else be the one that set it up.
    down_and_back(lab, "sw", f"ip link set p2 netns {lab.ns('h1')}", "no interface p2",
                  ("h1", f"ip link set p2 name x netns {lab.ns('sw')}"),
                  ("sw", "ip link set x up"), ("sw", "ip link set x name p2"))


def test_peer_set_down_and_up(lab):
    flows(lab)

    def upset():
        lab.run("h2", "ip link set eth0 down")
        wait_down(lab, "p2", "no carrier")
        lab.run("h2", "ip link set eth0 up")
        lab.run("h2", "ip route replace default via 10.2.0.1")
        wait_up(lab, "p2")

    repeat(lab, upset)
