# SPDX-License-Identifier: Apache-2.0
"""A router with a host on each port, that takes frames and gives back what came out: the kernel's own, or
vethwayd.

Nothing waits for "long enough". After a frame come markers: ordinary packets from the same port to every
port, which any router forwards. Where the marker has come out, so has what was before it. A router that
works in bursts may let a marker overtake its own ICMP error, so there are two rounds; the second is read
only when the burst of the first is done with."""

import itertools
import os
import select
import tempfile
import time

import frames
import topology
from lab import Lab
from network import Network
from support import SLOW, Failure

MARK = b"vethway-differential-marker:"
LOST = b""  # stands in a port's frames where a marker did not come out
ROUNDS = 2
GRACE_S = 0.002
_tokens = itertools.count(1)
_numbers = itertools.count(1)


def marker_frames(source):
    """{port: marker from port `source` to it}. No UDP checksum, so that the token at its end can change."""
    found = {}
    for to in topology.PORTS:
        found[to] = frames.ip4(
            frames.UDP(sport=9, dport=9, chksum=0) / frames.Raw(MARK + bytes(8)), src=f"10.{source}.0.9",
            dst=f"10.{to}.0.9", eth=frames.ether(src=frames.host_mac(source), dst=frames.port_mac(source)))
    return found


class Side:
    """`network` is a Network whose namespace "sw" is a router in the topology."""

    marker_timeout_s = 3.0

    def __init__(self, label, network):
        self.label, self.network = label, network
        self.wires = {n: network.wire(f"h{n}") for n in topology.PORTS}
        self.sockets = {wire.socket: n for n, wire in self.wires.items()}
        self.markers = {n: marker_frames(n) for n in topology.PORTS}
        self.frames, self.early, self.awaited = {}, {}, {}
        self.lost = False
        self.knobs = ()
        self.leaves_out = lambda frame: False  # what is of no case

    # --- one case
    def begin(self):
        """What still comes here is of no case: a router that is not quiet."""
        self.frames = {n: [] for n in topology.PORTS}
        self.gather(lambda: False, 0)
        self.early = {n: found for n, found in self.frames.items() if found}
        self.frames = {n: [] for n in topology.PORTS}
        for wire in self.wires.values():
            wire.log.clear()

    def send(self, port, frame):
        self.wires[port].send(frame)

    def sync(self, port):
        """Until all that the router does about what came in by `port` has come out."""
        for _ in range(ROUNDS):
            token = next(_tokens).to_bytes(8, "big")
            self.awaited = {n: token for n in topology.PORTS}
            self.wires[port].send(*(frame[:-8] + token for frame in self.markers[port].values()))
            if not self.gather(lambda: not self.awaited, self.marker_timeout_s):
                for n in self.awaited:
                    self.frames[n].append(LOST)
                self.lost = True
                return

    def wait_for(self, count, timeout_s):
        self.gather(lambda: sum(len(many) for many in self.frames.values()) >= count, timeout_s)

    def finish(self):
        """{port: [frame, …]} of the case, when nothing has come for a moment."""
        while self.gather_once(GRACE_S * SLOW):
            pass
        return self.frames

    # --- receiving
    def gather(self, done, timeout_s):
        """Whether done() came true in time."""
        deadline = time.monotonic() + timeout_s * SLOW
        while not done():
            left = deadline - time.monotonic()
            if not self.gather_once(max(0, left)) and left <= 0:
                return False
        return True

    def gather_once(self, timeout_s):
        """Whether anything came."""
        ready = select.select(list(self.sockets), [], [], timeout_s)[0]
        for one in ready:
            port = self.sockets[one]
            frame = self.wires[port].receive(1.0)  # its drain() and receive(0) would read nothing
            at = frame.find(MARK)
            if at < 0:
                if not self.leaves_out(frame):
                    self.frames[port].append(frame)
            elif frame[at + len(MARK):] == self.awaited.get(port):
                del self.awaited[port]
        return bool(ready)

    def turn(self, knobs):
        """Makes these the knobs that are not as usual."""
        if knobs != self.knobs:
            self.turn_from(self.knobs, knobs)
            self.knobs = knobs

    def restart(self, port):
        """Down and up again; the router has forgotten too much for another case."""
        self.lost = True
        self.set_port(port, "down")
        self.set_port(port, "up")

    # --- for each router in its own way
    def settle(self):
        """Until it has done all that it has to do about what came in."""

    def turn_from(self, before, knobs):
        raise NotImplementedError

    def set_port(self, port, state):
        raise NotImplementedError

    def forget_neighbours(self):
        """All but the permanent ones; what a router says because of it is not heard."""
        self.flush()
        self.begin()
        self.sync(next(iter(topology.PORTS)))
        self.begin()

    def flush(self):
        raise NotImplementedError

    def notes(self):
        """More about the last case, for who reads a failure."""
        return ""

    def works(self):
        """Whether it is of use for another case: it forwards."""
        return not self.lost

    def close(self, check):
        raise NotImplementedError


class KernelSide(Side):
    def __init__(self, label="linux", changes=()):
        """changes: commands run in the router's namespace in the end, to make it a broken one."""
        name = f"vwd{os.getpid()}-{next(_numbers)}"
        network = Network(name, tempfile.mkdtemp(prefix=name + "."), len(topology.PORTS), raw=True)
        try:
            network.make_network()
            network.run("sw", ["sysctl", "-qw", *topology.kernel_sysctls()])
            network.run("sw", "ip -batch -", input="\n".join(topology.kernel_commands()) + "\n")
            for change in changes:
                network.run("sw", change)
            super().__init__(label, network)
        except BaseException:
            network.remove_network()
            os.rmdir(network.dir)
            raise

    def flush(self):
        self.network.run("sw", "ip neigh flush all", check=False)  # fails when there is none

    def turn_from(self, before, knobs):
        usual = [topology.usual_knob(where, name) for where, name, _ in before]
        self.network.run("sw", ["sysctl", "-qw", *usual, *(topology.kernel_knob(*k) for k in knobs)])

    def set_port(self, port, state):
        self.network.run("sw", ["ip", "link", "set", port, state])

    def close(self, check):
        self.network.remove_network()
        os.rmdir(self.network.dir)


class VethwaySide(Side):
    def __init__(self, label="vethway"):
        lab = Lab(hosts=len(topology.PORTS), raw=True, config=topology.vethway_yaml())
        try:
            super().__init__(label, lab)
        except BaseException:
            lab.remove()
            lab.remove_files()
            raise
        self.before = {}

    def begin(self):
        super().begin()
        self.before = self.network.counters()

    def flush(self):
        self.network.api("POST", "/neighbours/flush", {})

    def turn_from(self, before, knobs):
        self.network.api("PUT", "/config", topology.vethway_yaml(knobs).replace("{socket}", self.network.socket))

    def settle(self):
        for _ in range(2):  # the second one is asked by a control thread that has looked at its descriptors
            self.network.api("GET", "/status")

    def set_port(self, port, state):
        self.network.api("PATCH", f"/ports/{port}", {"admin": state})

    def notes(self):
        if not self.network.daemon.running():
            status = self.network.daemon.process.returncode
            return f"vethwayd has ended with status {status}\n{self.network.report()}"
        moved = self.network.moved(self.before)
        return "counted: " + " ".join(f"{k}+{v}" for k, v in sorted(moved.items())
                                      if any(part in k for part in (".dropped.", "originated", "consumed")))

    def works(self):
        return super().works() and self.network.daemon.running()

    def close(self, check):
        try:
            self.network.close(check)
        except Failure as failure:
            raise Failure(f"{failure}\n{self.network.report()}") from None
        finally:
            self.network.remove_files()


def close_all(sides, check):
    """Each of them, whatever happens to another; the first failure is raised in the end."""
    failed = None
    for side in sides:
        try:
            side.close(check)
        except Exception as error:
            failed = failed or error
    if failed:
        raise failed
