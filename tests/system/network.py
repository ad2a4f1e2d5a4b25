# SPDX-License-Identifier: Apache-2.0
"""The network of a lab: namespaces, cables, and what runs in them."""

import contextlib
import json
import os
import shlex
import subprocess
import time

import frames
from support import SLOW, Failure, wait_for
from wire import Wire


class Network:
    """Hosts h1, h2, … on cables to the ports p1, p2, … of namespace "sw"."""

    def __init__(self, name, directory, hosts, raw):
        self.name, self.dir, self.hosts, self.raw = name, directory, hosts, raw
        self.processes, self.wires, self.captures, self.namespaces = [], [], [], []

    def ns(self, name):
        return f"{self.name}-{name}"

    def add_namespace(self, name):
        ns = self.ns(name)
        subprocess.run(["ip", "netns", "add", ns], check=True)
        self.namespaces.append(ns)
        subprocess.run(["ip", "-n", ns, "link", "set", "lo", "up"], check=True)
        return ns

    def make_network(self):
        self.add_namespace("sw")
        for n in range(1, self.hosts + 1):
            self.add_host(n)

    def add_host(self, n):
        """Host hN on a cable to the switch's pN."""
        ns = self.add_namespace(f"h{n}")
        self.run(f"h{n}", "sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.disable_ipv6=1 "
                          "net.ipv6.conf.default.disable_ipv6=1")
        self.connect_host(n)

    def connect_host(self, n):
        """The cable, and what the host has on it."""
        ns = self.ns(f"h{n}")
        # Up from its first moment: a switch that waits for p1 to come would otherwise be the one that
        # set it up, and set it down again in the end.
        ip = ["link", "add", f"p{n}", "address", frames.port_mac(n), "up", "type", "veth", "peer", "name",
              "eth0", "address", frames.host_mac(n), "netns", ns]
        subprocess.run(["ip", "-n", self.ns("sw"), *ip], check=True)
        self.run(f"h{n}", "ip link set eth0 up")
        if not self.raw:
            self.run(f"h{n}", f"ip address add {frames.host_ip(n)}/24 dev eth0")
            self.run(f"h{n}", f"ip route add default via {frames.port_ip(n)}")

    def settings(self):
        """What a switch could leave behind on its kernel interfaces."""
        links = json.loads(self.run("sw", "ip -j -d link show").stdout)
        # Read from the namespace's own /sys and /proc, as `ip netns exec` shows them.
        sysctls = self.run("sw", "sh -c 'for i in all default $(ls /sys/class/net); do "
                                 "grep -H . /proc/sys/net/ipv6/conf/$i/disable_ipv6 "
                                 "/proc/sys/net/ipv4/conf/$i/*; done 2>/dev/null'", check=False).stdout
        drop = ("operstate", "stats64", "flags", "link_index", "link_netnsid", "ifindex")
        kept = {}
        for link in links:
            # LOWER_UP and the like follow the peer, promiscuous mode goes with the socket.
            flags = sorted(set(link.get("flags", [])) & {"NOARP", "UP", "PROMISC", "ALLMULTI", "MULTICAST"})
            kept[link["ifname"]] = {"flags": flags, **{k: v for k, v in link.items() if k not in drop}}
            filters = [self.run("sw", f"tc filter show dev {link['ifname']} {side}", check=False).stdout
                       for side in ("ingress", "egress")]
            kept[link["ifname"]]["filters"] = filters
        return {"links": kept, "sysctls": sorted(sysctls.splitlines())}

    def run(self, where, command, check=True, timeout=30, input=None):
        """In host `where` ("sw": the switch's namespace)."""
        words = shlex.split(command) if isinstance(command, str) else list(command)
        done = subprocess.run(["ip", "netns", "exec", self.ns(where), *words], text=True, input=input,
                              stdin=None if input is not None else subprocess.DEVNULL,
                              capture_output=True, timeout=timeout * SLOW)
        if check and done.returncode:
            raise Failure(f"[{where}] {' '.join(words)}: status {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def spawn(self, where, command, **options):
        """In the background until the lab closes."""
        words = shlex.split(command) if isinstance(command, str) else list(command)
        options = {"stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT,
                   "stdin": subprocess.DEVNULL, **options}
        process = subprocess.Popen(["ip", "netns", "exec", self.ns(where), *words], text=True, **options)
        self.processes.append(process)
        return process

    def ping(self, where, to, count=2, args=""):
        """(received, output)"""
        done = self.run(where, f"ping -n -c {count} -i 0.1 -W 2 {args} {to}", check=False)
        received = next((int(line.split(" received")[0].split()[-1])
                         for line in done.stdout.splitlines() if " received" in line), 0)
        return received, done.stdout + done.stderr

    def iperf3(self, client, server, to, seconds=2, args=""):
        """Bytes per second received."""
        process = self.spawn(server, "iperf3 -s -1")
        wait_for(lambda: ":5201" in self.run(server, "ss -Hltn").stdout, 5, "iperf3 listens")
        done = self.run(client, f"iperf3 -J -c {to} -t {seconds} --connect-timeout 5000 {args}", check=False)
        process.kill() if done.returncode else process.wait(10 * SLOW)
        result = json.loads(done.stdout)
        if done.returncode or "error" in result:
            raise Failure(f"iperf3: {result.get('error', done.stderr)}")
        total = result["end"]
        return total.get("sum_received", total.get("sum"))["bits_per_second"] / 8, total

    def wire(self, host):
        """The host's end of its cable; what came before is forgotten."""
        for known, wire in self.wires:
            if known == host:
                wire.drain(quiet=0)
                return wire
        wire = Wire(self.ns(host), "eth0")
        self.wires.append((host, wire))
        return wire

    @contextlib.contextmanager
    def capture(self, where, interface="eth0", args=""):
        """tcpdump around a block; yields a list that holds scapy's packets after it."""
        from scapy.utils import rdpcap

        path = os.path.join(self.dir, f"{where}-{len(self.captures)}.pcap")
        self.captures.append(path)
        process = self.spawn(where, f"tcpdump -i {interface} -U --immediate-mode -w {path} {args}",
                             stderr=subprocess.PIPE)
        while "listening on" not in process.stderr.readline():
            if process.poll() is not None:
                raise Failure("tcpdump did not start")
        packets = []
        try:
            yield packets
        finally:
            time.sleep(0.1 * SLOW)
            process.terminate()
            process.wait(5)
            process.stderr.close()
        packets.extend(rdpcap(path))

    def end_processes(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
        self.processes.clear()

    def remove_network(self):
        self.end_processes()
        for _, wire in self.wires:
            wire.close()
        for ns in self.namespaces:
            subprocess.run(["ip", "netns", "del", ns], check=False, stderr=subprocess.DEVNULL)
        self.namespaces.clear()
