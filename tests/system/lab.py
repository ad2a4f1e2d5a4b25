# SPDX-License-Identifier: Apache-2.0
"""A lab: hosts and the switch in network namespaces of their own, vethwayd running in the switch's.

    with Lab() as lab:                       # h1 - p1 [switch] p2 - h2, 10.N.0.2 - 10.N.0.1
        lab.run("h1", "ping -c1 10.2.0.2")

Closing it asserts what must hold after every test: all packets accounted for, no buffer lost, a quick
and clean end, and the kernel interfaces as they were before.
"""

import http.client
import itertools
import json
import os
import shutil
import subprocess
import tempfile

import frames
from counters import Counting
from daemon import ApiError, Daemon
from network import Network
from support import BUILD, METRICS, ROOT, SLOW, Failure, Skip, difference, inside, needs, wait_for

__all__ = ["ApiError", "BUILD", "Daemon", "Failure", "Lab", "METRICS", "ROOT", "SLOW", "Skip", "inside",
           "needs", "wait_for"]

_numbers = itertools.count()


class Lab(Network, Counting):
    """hosts: how many, or 0; used: how many of their ports are in the configuration.
    raw: hosts without addresses, so that their kernel says nothing, and (permanent) their MACs in the
    configuration: every frame and counter is the test's own doing.
    driver: the key of the ports in the configuration. routes, more: YAML put into the default one.
    config: the whole YAML instead, in which {socket} and {dir} stand for what they say."""

    def __init__(self, hosts=2, used=None, raw=False, permanent=True, driver="veth", routes=(), more="",
                 port_more=None, config=None, start=True, ready=True):
        name = f"vwt{os.getpid()}-{next(_numbers)}"
        super().__init__(name, tempfile.mkdtemp(prefix=name + "."), hosts, raw)
        self.socket = os.path.join(self.dir, "vethway.sock")
        self.config_file = os.path.join(self.dir, "vethway.yaml")
        self.used = hosts if used is None else used
        self.permanent, self.driver = permanent, driver
        self.daemon = self.mbufs_before = self.started_with = None
        self.check_balance = True
        try:
            self.make_network()
            self.before = self.settings()
            self.write_config(config if config is not None else
                              self.default_config(routes, more, port_more or {}))
            if start:
                self.start(ready)
        except BaseException as error:
            self.remove()
            report = self.report()
            self.remove_files()
            if isinstance(error, Failure):
                raise Failure(f"{error}\n{report}") from None
            raise

    def default_config(self, routes=(), more="", port_more=None):
        """port_more: {N: ", key: value"} for port N."""
        lines = ["ports:"] if self.used else []
        for n in range(1, self.used + 1):
            extra = (port_more or {}).get(n, "")
            lines.append(f"  - {{name: p{n}, {self.driver}: p{n}, addresses: [{frames.port_ip(n)}/24]{extra}}}")
        if routes:
            lines.append("routes:")
            lines += [f"  - {{{route}}}" for route in routes]
        if self.raw and self.permanent:
            lines.append("neighbours:")
            lines += [f"  - {{address: {frames.host_ip(n)}, mac: '{frames.host_mac(n)}', port: p{n}}}"
                      for n in range(1, self.used + 1)]
        lines.append(more)
        lines.append("metrics: {listen: %s:%d}" % METRICS)
        lines.append("control: {socket: '{socket}'}")
        return "\n".join(lines) + "\n"

    def write_config(self, text, path=None):
        path = path or self.config_file
        with open(path, "w") as f:
            f.write(text.replace("{socket}", self.socket).replace("{dir}", self.dir))
        return path

    # --- the daemon
    def start(self, ready=True, outside=False, **options):
        """outside: in the caller's network namespace, not the switch's."""
        self.daemon = Daemon(self.config_file, self.socket, os.path.join(self.dir, "log"),
                             None if outside else self.ns("sw"), **options)
        if ready:
            status = self.daemon.wait_ready(10)
            self.wait_ports_up()
            with open(self.config_file) as f:
                config = f.read()
            if config != self.started_with:  # started again, it may be while traffic flows
                self.started_with, self.mbufs_before = config, self.mbufs_used(status)
        return self.daemon

    @staticmethod
    def mbufs_used(status):
        return sum(status["memory"][pool]["used"] for pool in ("mbufs", "large_mbufs"))

    def wait_ports_up(self):
        self.daemon.wait_ports_up()

    def api(self, method, path, body=None, **options):
        return self.daemon.api(method, path, body, **options)

    def status(self):
        return self.api("GET", "/status")

    def ports(self):
        return self.daemon.ports()

    def neighbours(self):
        return {n["address"]: n for n in self.api("GET", "/neighbours")["neighbours"]}

    def routes(self):
        return {r["to"]: r for r in self.api("GET", "/routes")["routes"]}

    def cli_run(self, *args, check=True, timeout=20, input=None):
        return self.run("sw", [os.path.join(BUILD, "vethway"), "--socket", self.socket, *args], check, timeout,
                        input)

    def cli(self, *args):
        """`vethway … --json`, parsed."""
        text = self.cli_run(*args, "--json").stdout
        try:
            return json.loads(text)
        except ValueError:
            raise Failure(f"vethway {' '.join(args)} --json printed no JSON:\n{text}") from None

    def metrics_text(self, timeout=5):
        with inside(self.ns("sw")):
            connection = http.client.HTTPConnection(*METRICS, timeout=timeout * SLOW)
            connection.request("GET", "/metrics")
            answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        if answer.status != 200:
            raise Failure(f"/metrics: {answer.status}")
        return text

    def metrics(self):
        """{'name{label="value"}': number}, labels as written."""
        found = {}
        for line in self.metrics_text().splitlines():
            if line and not line.startswith("#"):
                key, value = line.rsplit(" ", 1)
                found[key] = float(value)
        return found

    # --- the end
    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.close(check=kind is None)

    def close(self, check=True):
        try:
            self.end_processes()
            if check and self.daemon and self.daemon.running():
                self.check_books()
                status, seconds = self.daemon.stop()
                if status != 0:
                    raise Failure(f"vethwayd ended with status {status}")
                if seconds > 10 * SLOW:  # test_lifecycle, which has the machine to itself, is strict
                    raise Failure(f"vethwayd took {seconds:.2f} s to end")
                if os.path.exists(self.socket):
                    raise Failure("the control socket was left behind")
                after = wait_for(self.settings, 1)
                if self.before != after:
                    raise Failure(f"left behind on the interfaces: {difference(self.before, after)}")
        finally:
            self.remove()

    def check_books(self):
        def balanced():
            return self.status()["accounting"]["imbalance"] == 0

        if self.check_balance:
            wait_for(balanced, 2, lambda: f"accounting balances: {self.status()['accounting']}")
        if self.mbufs_before is None:
            return
        self.api("POST", "/neighbours/flush", {})
        # AF_XDP lends frames to the kernel and takes them back with the next burst.
        xdp = sum("xdp" in p["driver"] for p in self.ports().values())

        def returned():
            status = self.status()  # fragments of what never came whole wait for half a minute
            used = self.mbufs_used(status) - status["accounting"]["held"]
            return abs(used - self.mbufs_before) <= 128 * xdp

        wait_for(returned, 2, lambda: f"buffers come back: {self.mbufs_before} used at start, now "
                                      f"{self.status()['memory']}")

    def remove(self):
        if self.daemon:
            self.daemon.kill()
        self.remove_network()

    def remove_files(self):
        shutil.rmtree(self.dir, ignore_errors=True)

    def report(self):
        """What helps to understand a failure."""
        lines = []
        if self.daemon:
            log = self.daemon.log.splitlines()
            lines += ["the daemon's log:"] + ["    " + line for line in log[-40:]]
        for host, wire in self.wires:
            lines += [f"frames at {host} (> sent, < received):"]
            for way, frame in wire.log[-30:]:
                try:
                    summary = frames.parse(frame).summary()
                except Exception:  # a frame broken on purpose
                    summary = ""
                lines.append(f"    {way} {summary} [{len(frame)}] {frame[:64].hex()}")
        for path in self.captures:
            if os.path.exists(path):
                text = subprocess.run(["tcpdump", "-nnr", path, "-c", "30"], text=True,
                                      capture_output=True, check=False).stdout
                lines += [f"capture {os.path.basename(path)}:"] + ["    " + x for x in text.splitlines()]
        return "\n".join(lines)
