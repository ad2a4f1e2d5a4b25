# SPDX-License-Identifier: Apache-2.0
"""A lab of the bench: two hosts on veth cables to the ports of namespace "sw", and what runs there.

    with Lab("l2") as lab:                   # h1 eth0 - p1 [sw] p2 - eth0 h2, 10.1.0.2 - 10.1.0.3
        lab.run("h1", "ping -c1 10.1.0.3")

Every run of a rival gets a fresh one, so that nothing of the rival before it is left. Neighbours
are static on the hosts: what is measured is forwarding, not ARP."""

import contextlib
import ctypes
import itertools
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time

_libc = ctypes.CDLL(None)
_numbers = itertools.count()
UDP_PORT = 9000


class Failure(Exception):
    """What a rival could not do; the bench goes on with the next one."""


def wait_for(check, timeout, what, interval=0.02):
    """The first true value of check(); Failure when there was none in time."""
    deadline = time.monotonic() + timeout
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failure(f"not within {timeout:g} s: {what}")
        time.sleep(interval)


def die_with_the_bench():
    _libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: so nothing outlives a killed bench


def host_mac(n):
    return f"02:00:00:00:{n:02x}:02"


class Lab:
    """kind: "l3", a router between two subnets, or one of those that have both hosts in one
    (rivals.Rival.kinds). ports: how many, with hosts at the first two. offloads: False turns the hosts' checksum and segmentation offloads off.
    own_mac: the switch routes with a MAC that its veth ends do not have. cables: False makes none:
    the switch has memif sockets in their place (socket()), and a generator is the hosts."""

    def __init__(self, kind, ports=2, offloads=True, own_mac=False, cables=True):
        self.kind, self.own_mac = kind, own_mac
        self.name = f"vwb{os.getpid()}-{next(_numbers)}"
        self.ports = [f"p{n}" for n in range(1, ports + 1)]
        self.dir = tempfile.mkdtemp(prefix=self.name + ".")
        self.namespaces, self.processes = [], []
        try:
            for where in ("sw", "h1", "h2"):
                self.add_namespace(where)
            for n in range(1, ports + 1 if cables else 1):
                self.add_cable(n)
            for n in (1, 2) if cables else ():
                self.address_host(n)
                if not offloads:
                    self.run(f"h{n}", "ethtool -K eth0 tx off tso off gso off")
        except BaseException:
            self.close()
            raise

    # --- the network
    def ns(self, where):
        return f"{self.name}-{where}"

    def add_namespace(self, where):
        subprocess.run(["ip", "netns", "add", self.ns(where)], check=True)
        self.namespaces.append(self.ns(where))
        self.run(where, "ip link set lo up")
        self.run(where, "sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.disable_ipv6=1 "
                        "net.ipv6.conf.default.disable_ipv6=1")

    def add_cable(self, n):
        """Ports from the third on have their other end in h1, where nobody uses it."""
        host, end = (f"h{n}", "eth0") if n <= 2 else ("h1", f"eth{n}")
        self.run("sw", f"ip link add p{n} address 02:00:00:00:{n:02x}:01 up type veth "
                       f"peer name {end} address {host_mac(n)} netns {self.ns(host)}")
        self.run(host, f"ip link set {end} up")

    def address_host(self, n):
        other = 3 - n
        self.run(f"h{n}", f"ip address add {self.host_ip(n)}/24 dev eth0")
        if self.kind != "l3":
            near, mac = self.host_ip(other), host_mac(other)
        else:
            near, mac = self.router_ip(n), self.router_mac(n)
            self.run(f"h{n}", f"ip route add default via {near}")
        self.run(f"h{n}", f"ip neigh replace {near} lladdr {mac} dev eth0 nud permanent")

    def host_ip(self, n):
        return f"10.{n}.0.2" if self.kind == "l3" else f"10.1.0.{n + 1}"

    def router_ip(self, n):
        return f"10.{n}.0.1"

    def router_mac(self, n):
        return f"02:00:00:00:{n:02x}:{'fe' if self.own_mac else '01'}"

    def socket(self, port):
        return os.path.join(self.dir, f"{port}.sock")

    def next_mac(self):
        """What h1 writes into a frame for h2."""
        if self.kind == "flood":
            return "ff:ff:ff:ff:ff:ff"
        return self.router_mac(1) if self.kind == "l3" else host_mac(2)

    def counter(self, where, name):
        path = f"/sys/class/net/eth0/statistics/{name}"
        return int(self.run(where, ["cat", path]).stdout)

    def wait_through(self, dead, seconds=15):
        """Nothing is measured of a switch that has not passed a ping. dead(): why it never will."""
        def through():
            if why := dead():
                raise Failure(why)
            done = self.run("h1", f"ping -n -c 1 -W 1 {self.host_ip(2)}", check=False)
            return done.returncode == 0

        wait_for(through, seconds, "a ping crosses the switch", 0.1)

    def wait_sockets(self, dead, seconds=15):
        """A client can't begin before its server. dead(): why there will be none."""
        def there():
            if why := dead():
                raise Failure(why)
            return all(os.path.exists(self.socket(port)) for port in self.ports[:2])

        wait_for(there, seconds, "the switch listens on its memif sockets", 0.1)

    # --- processes
    def words(self, where, command, cpu=None):
        words = shlex.split(command) if isinstance(command, str) else list(command)
        pin = ["taskset", "-c", str(cpu)] if cpu is not None else []
        return ["ip", "netns", "exec", self.ns(where), *pin, *words]

    def run(self, where, command, check=True, timeout=20, cpu=None):
        try:
            done = subprocess.run(self.words(where, command, cpu), text=True, timeout=timeout,
                                  stdin=subprocess.DEVNULL, capture_output=True, check=False,
                                  preexec_fn=die_with_the_bench)
        except subprocess.TimeoutExpired:
            raise Failure(f"{command}: not done in {timeout:g} s") from None
        if check and done.returncode:
            raise Failure(f"{command}: status {done.returncode}: {done.stderr.strip()}")
        return done

    def spawn(self, where, command, cpu=None, log="log", env=None):
        """Runs until the lab closes. Its pid is the command's: ip and taskset exec it."""
        with open(os.path.join(self.dir, log), "ab") as out:
            process = subprocess.Popen(self.words(where, command, cpu), stdin=subprocess.PIPE,
                                       stdout=out, stderr=out, env={**os.environ, **(env or {})},
                                       preexec_fn=die_with_the_bench)
        self.processes.append(process)
        return process

    def log(self, name="log", lines=8):
        with contextlib.suppress(OSError):
            with open(os.path.join(self.dir, name), errors="replace") as f:
                return "\n".join(f.read().splitlines()[-lines:])
        return ""

    def end(self, process, patience=3):
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                process.kill()
        process.wait()
        process.stdin.close()
        if process in self.processes:
            self.processes.remove(process)

    # --- the end
    def close(self):
        for process in list(self.processes):
            self.end(process, 1)
        for ns in self.namespaces:
            subprocess.run(["ip", "netns", "del", ns], check=False, stderr=subprocess.DEVNULL)
        self.namespaces.clear()
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
