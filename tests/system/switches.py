# SPDX-License-Identifier: Apache-2.0
"""A switch with a host on each port, that takes frames and gives back what came out where: vethwayd, or what it
is compared with, the Linux bridge and Open vSwitch's userspace datapath.

Nothing waits for "long enough": behind the frames comes a marker from the same port, a broadcast, and where that
has come out, so has what was before it. A burst goes out port by port, so that a second marker, sent when the first
one is there, says that the first one's burst is out by all ports."""

import itertools
import os
import select
import socket
import tempfile
import time

import frames
from lab import Lab
from network import Network
from support import SLOW, Failure, wait_for

MARK = b"vethway-bridge-marker:"
MARKER_MAC = "02:00:00:00:fe:%02x"
SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
_tokens = itertools.count(1)
_numbers = itertools.count(1)


def tag(frame, tci, tpid=0x8100):
    return frame[:12] + tpid.to_bytes(2, "big") + tci.to_bytes(2, "big") + frame[12:]


class Exchange:
    """The ports of a network, whose hosts are raw, frame by frame."""

    def __init__(self, network, ports):
        self.wires = {n: network.wire(f"h{n}") for n in range(1, ports + 1)}

    def run(self, port, sent, reach, dress=lambda port, marker: marker):
        """{port: frames} that came out for the frames `sent` by `port`. reach: the ports that a broadcast from it
        comes to; dress: how the marker looks at a port (its tag)."""
        plain = bytes.fromhex("ffffffffffff") + bytes.fromhex((MARKER_MAC % port).replace(":", "")) + b"\x88\xb6"

        def marker(token):
            return dress(port, plain + token + bytes(20))

        found = {n: [] for n in self.wires}
        tokens = [MARK + next(_tokens).to_bytes(8, "big") for _ in range(2)]
        self.wires[port].send(*sent, marker(tokens[0]))
        self.collect(tokens[0], port, reach, found)
        self.wires[port].send(marker(tokens[1]))
        self.collect(tokens[1], port, reach, found)
        return found

    def collect(self, token, port, reach, found):
        """Adds what comes out to `found`, until the marker with the token has come to `reach`."""
        waits = set(reach)
        sockets = {wire.socket: n for n, wire in self.wires.items()}
        deadline = time.monotonic() + 3 * SLOW
        while True:
            left = deadline - time.monotonic() if waits else 0
            ready = select.select(list(sockets), [], [], max(0, left))[0]
            if not ready:
                break
            for one in ready:
                got = self.wires[sockets[one]].receive(0)
                if got is None:
                    continue
                if MARK not in got:
                    found[sockets[one]].append(got)
                elif token in got:
                    waits.discard(sockets[one])
        if waits:
            raise Failure(f"the marker from port {port} did not come to {sorted(waits)}")

    def drain(self):
        for wire in self.wires.values():
            wire.drain(quiet=0)


class Reference(Network):
    """A network whose "sw" is the switch that vethwayd is compared with."""

    def __init__(self, ports):
        name = f"vwo{os.getpid()}-{next(_numbers)}"
        super().__init__(name, tempfile.mkdtemp(prefix=name + "."), ports, True)
        try:
            self.make_network()
            self.run("sw", "sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1")
            self.start()
        except BaseException:
            self.close()
            raise
        self.exchange = Exchange(self, ports)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.remove_network()
        for file in os.listdir(self.dir):
            os.unlink(os.path.join(self.dir, file))
        os.rmdir(self.dir)


class LinuxBridge(Reference):
    def start(self):
        self.run("sw", "ip link add br0 up type bridge stp_state 0 mcast_snooping 0")
        for n in range(1, self.hosts + 1):
            self.run("sw", f"ip link set p{n} master br0")
        wait_for(lambda: self.run("sw", "bridge link").stdout.count("forwarding") == self.hosts, 5, "ports forward")

    def configure(self, bridge="", ports=()):
        """As ip-link(8) has it, from what it is at the start."""
        self.run("sw", f"ip link set br0 type bridge group_fwd_mask 0 {bridge}")
        for n in range(1, self.hosts + 1):
            usual = "hairpin off flood on mcast_flood on bcast_flood on learning on isolated off neigh_suppress off"
            self.run("sw", f"ip link set p{n} type bridge_slave {usual} {dict(ports).get(n, '')}")
        self.run("sw", "ip link set br0 type bridge fdb_flush")


class OpenVswitch(Reference):
    """With a database and sockets of its own; the machine's, if there is one, is not touched."""

    def start(self):
        at = self.dir
        env = {**os.environ, "OVS_RUNDIR": at, "OVS_LOGDIR": at, "OVS_DBDIR": at, "OVS_SYSCONFDIR": at}
        self.run("sw", f"ovsdb-tool create {at}/conf.db {SCHEMA}")
        self.spawn("sw", f"ovsdb-server {at}/conf.db --remote=punix:{at}/db.sock --unixctl={at}/db.ctl "
                         f"--pidfile={at}/db.pid --log-file={at}/db.log", env=env)
        wait_for(lambda: os.path.exists(f"{at}/db.sock"), 5, "ovsdb-server listens")
        self.vsctl("--no-wait init")
        self.spawn("sw", f"/usr/lib/openvswitch-switch/ovs-vswitchd unix:{at}/db.sock --unixctl={at}/vs.ctl "
                         f"--pidfile={at}/vs.pid --log-file={at}/vs.log", env=env)
        self.vsctl("add-br br0 -- set bridge br0 datapath_type=netdev")

    def vsctl(self, command):
        self.run("sw", f"ovs-vsctl --timeout=10 --db=unix:{self.dir}/db.sock {command}")

    def settle(self):
        """Forgets the flows that it keeps, by which it would go on as before for half a second."""
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(5 * SLOW)
            control.connect(f"{self.dir}/vs.ctl")
            control.sendall(b'{"method":"revalidator/purge","params":[],"id":1}')
            if b'"error":null' not in control.recv(4096):
                raise Failure("revalidator/purge was refused")

    def ask(self, port, one, reach, dress, expected):
        """What comes out for one frame. What it gets while it forgets its flows it may lose, or send behind the
        marker: unless it is what is expected, it is asked again, and what was late is thrown away."""
        for again in range(4):
            if again:
                time.sleep(0.1 * again * SLOW)
                self.exchange.drain()
            found = self.exchange.run(port, [one], reach, dress)
            self.settle()
            if found == expected:
                break
        return found

    def configure(self, ports):
        """{port: what ovs-vsctl sets of it}."""
        self.vsctl(" -- ".join(f"add-port br0 p{n} -- set Port p{n} {words}" for n, words in ports.items()))


class Vethway(Lab):
    """members: what is said of the port in its entry of `members`, by number."""

    def __init__(self, ports, members=None, more=""):
        super().__init__(hosts=ports, raw=True, config=self.yaml(ports, members, more))
        self.exchange = Exchange(self, ports)

    @staticmethod
    def yaml(ports, members=None, more="", bridge=""):
        lines = ["ports:"] + [f"  - {{name: p{n}, veth: p{n}}}" for n in range(1, ports + 1)] + [more]
        lines += ["bridges:", "  - name: br1", "    members:"]
        lines += [f"      - {{port: p{n}{', ' if (members or {}).get(n) else ''}{(members or {}).get(n, '')}}}"
                  for n in range(1, ports + 1)]
        return "\n".join(lines + [bridge, "control: {socket: '{socket}'}"]) + "\n"

    def configure(self, members, bridge=""):
        path = self.write_config(self.yaml(self.hosts, members, bridge=bridge), os.path.join(self.dir, "next.yaml"))
        self.cli_run("apply", path)
        self.cli_run("fdb", "flush")


def station(n):
    return f"02:00:00:00:ee:{n:02x}"


def frame(src, dst, size=60, kind=0x88B5):
    return bytes(frames.Ether(src=src, dst=dst, type=kind)) + bytes(i & 0xFF for i in range(size - 14))
