# SPDX-License-Identifier: Apache-2.0
"""vethway top, in a terminal that tmux makes and reads."""

import contextlib
import itertools
import json
import os
import re
import signal
import subprocess
import time

from frames import host_ip
from lab import BUILD, SLOW, needs, wait_for

_numbers = itertools.count()
PPS = re.compile(r"^(p\d|lo) +(up|down) +(\S+) +(\S+) +(\S+) +(\S+) +(\S+) +(\S+)", re.M)


class Terminal:
    """A shell line in a terminal of its own; its exit status is printed when it ends."""

    def __init__(self, lab, command, size=(130, 36)):
        self.tmux = ["tmux", "-S", os.path.join(lab.dir, f"tmux{next(_numbers)}"), "-f", "/dev/null"]
        environment = {**os.environ, "LC_ALL": "C.UTF-8"}
        environment.pop("TMUX", None)
        subprocess.run([*self.tmux, "new-session", "-d", "-x", str(size[0]), "-y", str(size[1]),
                        f"{command}; echo ended with $?; stty -a; exec sleep 1000"], env=environment, check=True)

    def run(self, *words):
        return subprocess.run([*self.tmux, *words], text=True, capture_output=True, check=True).stdout

    def text(self):
        return self.run("capture-pane", "-p")

    def keys(self, *keys):
        self.run("send-keys", *keys)

    def resize(self, width, height):
        self.run("resize-window", "-x", str(width), "-y", str(height))

    def shows(self, pattern, timeout=8):
        wait_for(lambda: re.search(pattern, self.text(), re.M), timeout,
                 lambda: f"{pattern!r} on the screen:\n{self.text()}", interval=0.1)

    def ports(self):
        """[(name, state, rx pps, tx pps, …)] from above."""
        return PPS.findall(self.text())

    def close(self):
        subprocess.run([*self.tmux, "kill-server"], check=False, stderr=subprocess.DEVNULL)


@contextlib.contextmanager
def top(lab, *options, **more):
    line = " ".join([os.path.join(BUILD, "vethway"), "--socket", lab.socket, "top", "--interval 0.3", *options])
    terminal = Terminal(lab, line, **more)
    try:
        yield terminal
    finally:
        terminal.close()


@contextlib.contextmanager
def traffic(lab):
    """200 packets a second each way, and some that have no route; about, on a machine with others on it."""
    pings = [lab.spawn("h1", f"ping -n -q -i 0.005 {host_ip(2)}", stdout=subprocess.DEVNULL),
             lab.spawn("h1", "ping -n -q -i 0.02 172.16.0.1", stdout=subprocess.DEVNULL)]
    try:
        yield
    finally:
        for ping in pings:
            ping.kill()
            ping.wait()


def near_200(text):
    return re.fullmatch(r"\d+", text) and 100 <= int(text) <= 300


def test_rates_of_traffic(lab):
    with traffic(lab), top(lab) as terminal:
        terminal.shows(r"books balanced +mbufs \d+/\d+ \(\d+%\)")
        wait_for(lambda: [p for p in terminal.ports() if p[0] == "p2" and near_200(p[2]) and near_200(p[3])], 8,
                 lambda: f"about 200 packets a second:\n{terminal.text()}")
        terminal.shows(r"^p1 +up .*[▁▂▃▄▅▆▇█]{3}")
        terminal.shows(r"^p1 +no_route +[1-9]\S* +\d+  no route to the destination")
        terminal.shows(r"^1 +\d+ +\d+\.\d% +\d+\.\d% +\d+\.\d% .* 1\.\d +\d+ .*p1\.0")  # bursts of 1
        terminal.shows(r"^NEIGHBOURS\n.*(reachable|delay) \d")
        terminal.shows(r"^TOP TALKERS[^\n]*\n.*PKT/S.*\n(.*\n)*10\.1\.0\.2 .*10\.2\.0\.2 .*icmp +[1-9]")


def test_keys(lab):
    with traffic(lab), top(lab) as terminal:
        wait_for(lambda: [p[0] for p in terminal.ports()][:1] == ["p1"], 8, terminal.text)  # receives most
        for name in ("tx pps", "rx bit/s", "tx bit/s", "drops/s"):
            terminal.keys("s")
            terminal.shows(f"^sorted by {name}$")
        terminal.keys("s")
        wait_for(lambda: [p[0] for p in terminal.ports()] == ["lo", "p1", "p2"], 5, terminal.text)
        terminal.keys("r")
        wait_for(lambda: [p[0] for p in terminal.ports()] == ["p2", "p1", "lo"], 5, terminal.text)

        terminal.keys("/", "p", "2")
        terminal.shows("^ports with: p2_$")
        terminal.keys("Enter")
        wait_for(lambda: [p[0] for p in terminal.ports()] == ["p2"], 5, terminal.text)
        assert "no_route" not in terminal.text(), "those are p1's"
        terminal.keys("/", "x", "Enter")
        terminal.shows("^no port's name has that in it$")
        terminal.keys("Escape")
        wait_for(lambda: len(terminal.ports()) == 3, 5, terminal.text)

        terminal.keys("?")
        terminal.shows("^space +look again at once")
        terminal.keys("x")
        terminal.shows("^WORKERS$")
        terminal.keys("p")
        terminal.shows("PAUSED$")
        time.sleep(0.2)
        paused = terminal.text()
        time.sleep(1)
        assert terminal.text() == paused, "it moved in its pause"
        terminal.keys("Space")
        wait_for(lambda: terminal.text() != paused, 5, "space reads once more")
        assert "PAUSED" in terminal.text()
        terminal.keys("q")
        terminal.shows("^ended with 0$")


def test_any_size_of_terminal(lab):
    with traffic(lab), top(lab) as terminal:
        terminal.shows(r"^TOP TALKERS[^\n]*\n.*PKT/S.*\n.*icmp")
        for size in ((1, 1), (2, 5), (200, 2), (30, 4), (5, 50)):
            terminal.resize(*size)
            time.sleep(0.1)
        terminal.resize(60, 8)
        terminal.shows("^PORT .*DROP/s$")  # which fits no size before it: it is drawn for this one
        assert "icmp" not in terminal.text(), "the talkers are below the screen"
        assert all(len(line) <= 60 for line in terminal.text().splitlines()), terminal.text()
        terminal.keys("End")
        terminal.shows(" icmp *")  # the last line, however many there are
        assert not re.search("^PORT ", terminal.text(), re.M), "that is above the screen"
        terminal.keys("PPage", "PPage", "PPage", "PPage", "PPage")
        terminal.shows("^PORT ")
        terminal.keys("Down")
        wait_for(lambda: "PORT " not in terminal.text(), 5, terminal.text)
        terminal.resize(130, 36)
        terminal.shows("^PORT .*RX AND TX$")
        terminal.shows("^NEIGHBOURS$")
    with top(lab, size=(1, 1)) as terminal:
        terminal.resize(100, 20)
        terminal.shows("^WORKERS$")


def test_survives_a_restart_of_the_daemon(lab):
    with top(lab) as terminal:
        terminal.shows("^p1 +up ")
        lab.check_books()
        assert lab.daemon.stop()[0] == 0
        terminal.shows("^trying again: cannot reach vethwayd at ")
        assert [p[0] for p in terminal.ports()], "what was known stays"
        lab.start()
        with traffic(lab):
            wait_for(lambda: [p for p in terminal.ports() if p[0] == "p1" and near_200(p[3])], 8, terminal.text)
        assert "trying again" not in terminal.text()
        terminal.keys("q")
        terminal.shows("^ended with 0$")


@needs(start=False)
def test_starts_before_the_daemon(lab):
    with top(lab) as terminal:
        terminal.shows("^trying again: cannot reach vethwayd at ")
        lab.start()
        terminal.shows("^p2 +up ")


def test_signals_give_the_terminal_back(lab):
    for end, status in (("C-c", 130), ("TERM", 143)):
        with top(lab) as terminal:
            terminal.shows("^WORKERS$")
            if end == "C-c":
                terminal.keys(end)
            else:
                shell = terminal.run("list-panes", "-F", "#{pane_pid}").strip()
                with open(f"/proc/{shell}/task/{shell}/children") as f:
                    os.kill(int(f.read()), signal.SIGTERM)
            terminal.shows(f"^ended with {status}$")
            terminal.shows(r"(?<!-)\becho\b")  # what stty says behind it
            terminal.shows(r"(?<!-)\bicanon\b")


def test_a_hung_daemon_holds_up_no_key(lab):
    with top(lab) as terminal:
        terminal.shows("^WORKERS$")
        os.kill(lab.daemon.process.pid, signal.SIGSTOP)
        try:
            terminal.shows("^trying again: ")
            began = time.monotonic()
            terminal.keys("q")
            terminal.shows("^ended with 0$")
            assert time.monotonic() - began < 2.5 * SLOW
        finally:
            os.kill(lab.daemon.process.pid, signal.SIGCONT)


def test_once(lab):
    with traffic(lab):
        lab.ping("h1", host_ip(2), 1)
        text = lab.cli_run("top", "--once", "--interval", "0.5", "--filter", "p2").stdout
        found = PPS.findall(text)
        assert [p[0] for p in found] == ["p2"] and near_200(found[0][2]), text
        assert "\x1b" not in text and "WORKERS" in text, text
        answer = json.loads(lab.cli_run("top", "--once", "--json").stdout)
    rates = {p["name"]: p["rates"] for p in answer["ports"]}
    assert 100 < rates["p1"]["rx_pps"] < 350 and rates["p1"]["drops_per_s"] > 20, rates
    # An echo request in a frame of 98 bytes.
    assert abs(rates["p2"]["tx_bits_per_s"] - rates["p2"]["tx_pps"] * 98 * 8) < 0.2 * rates["p2"]["tx_bits_per_s"], rates
    assert answer["imbalance"] == 0 and answer["workers"][0]["use"]["burst"] >= 1, answer
    drops = {(d["port"], d["reason"]): d["drops_per_s"] for d in answer["drops"]}
    assert drops["p1", "no_route"] > 20, drops


def test_refusals_are_one_line(lab):
    for arguments, environment, word in (([], {}, "--once"), (["--json", "--once", "--interval", "0"], {}, "--interval"),
                                         (["--json"], {}, "--once")):
        done = lab.run("sw", [os.path.join(BUILD, "vethway"), "--socket", lab.socket, "top", *arguments], check=False)
        assert done.returncode == 2 and not done.stdout, done
        assert len(done.stderr.splitlines()) == 1 and word in done.stderr, done.stderr
    for term in ("dumb", "nosuch"):
        terminal = Terminal(lab, f"TERM={term} {os.path.join(BUILD, 'vethway')} --socket {lab.socket} top")
        try:
            terminal.shows(f"^vethway: top: .*\"{term}\".*--once")
            terminal.shows("^ended with 2$")
        finally:
            terminal.close()
