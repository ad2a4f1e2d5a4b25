# SPDX-License-Identifier: Apache-2.0
"""vethway itself: by its own port driver, or by DPDK's."""

import os
import subprocess
import tempfile

from lab import host_mac
from rivals import Rival


class Vethway(Rival):
    name = "vethway"
    what = "vethwayd, `veth:` ports"
    kinds = ("domain", "flood", "l2", "l3")
    driver = "veth"
    idle = "adaptive"

    @classmethod
    def daemon(cls, options):
        return os.path.join(options.build, "vethwayd")

    @classmethod
    def missing(cls, options, kind):
        daemon = cls.daemon(options)
        if not os.access(daemon, os.X_OK):
            return f"no {daemon}: ./dev build, or --build DIR"
        if kind != "l3":
            with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
                file.write("ports: [{name: p1, veth: p1}, {name: p2, veth: p2}]\n"
                           + cls.between(kind, ["p1", "p2"]))
                file.flush()
                done = subprocess.run([daemon, "--check", "--config", file.name],
                                      capture_output=True, check=False)
            if done.returncode:
                return "this build knows no " + ("xconnects" if kind == "l2" else "bridges")
        return super().missing(options, kind)

    @staticmethod
    def between(kind, ports):
        """What joins ports of one subnet."""
        if kind == "l2":
            pairs = zip(ports[::2], ports[1::2])
            return "xconnects: [" + ", ".join(f"[{a}, {b}]" for a, b in pairs) + "]\n"
        members = ", ".join(f"{{port: {port}}}" for port in ports)
        return f"bridges: [{{name: br0, members: [{members}]}}]\n"

    def port(self, _n, port):
        return f"{self.driver}: {port}"

    def config(self):
        cpu = self.options.switch_cpu
        lines = [f"dataplane: {{workers: [{cpu}], idle: {self.idle}}}", "ports:"]
        for n, port in enumerate(self.lab.ports, 1):
            address = f", addresses: [{self.lab.router_ip(n)}/24]" if self.lab.kind == "l3" else ""
            lines.append(f"  - {{name: {port}, {self.port(n, port)}{address}}}")
        if self.lab.kind == "l3":
            lines += ["neighbours:"] + [
                f"  - {{address: {self.lab.host_ip(n)}, mac: '{host_mac(n)}', port: p{n}}}"
                for n in (1, 2)]
        else:
            lines.append(self.between(self.lab.kind, self.lab.ports))
        lines.append(f"control: {{socket: {self.lab.dir}/vethway.sock}}")
        return "\n".join(lines) + "\n"

    def start(self):
        path = os.path.join(self.lab.dir, "vethway.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.config())
        # It pins its workers itself; its control thread goes where the scheduler puts it.
        self.spawn([self.daemon(self.options), "--config", path], cpu=None)


class VethwayBefore(Vethway):
    """For the author of a change: what it did to the numbers."""

    name = "vethway-before"
    what = "vethwayd of --before"
    optional = True

    @classmethod
    def daemon(cls, options):
        return os.path.join(options.before or "", "vethwayd")

    @classmethod
    def missing(cls, options, kind):
        return super().missing(options, kind) if options.before else "needs --before DIR"


class VethwayPoll(Vethway):
    name = "vethway-poll"
    what = "vethwayd, `idle: poll`"
    idle = "poll"
    optional = True


class VethwaySpin(Vethway):
    name = "vethway-spin"
    what = "vethwayd, `spin_us: 20000`"
    idle = "adaptive, spin_us: 20000"
    optional = True


class VethwayAfPacket(Vethway):
    name = "vethway-af_packet"
    what = "vethwayd, `af_packet:` ports"
    driver = "af_packet"
    hosts_offloads = False
    optional = True


class VethwayAfXdp(Vethway):
    name = "vethway-af_xdp"
    what = "vethwayd, `af_xdp:` ports"
    driver = "af_xdp"
    hosts_offloads = False
    optional = True


class VethwayMemif(Vethway):
    name = "vethway-memif"
    what = "vethwayd, `memif:` ports"
    medium = "memif"
    idle = "poll"  # as the others do on such ports

    def port(self, n, port):
        if n > 2:  # nobody is there to receive a flood
            return "'null': {}"
        return (f"memif: {{socket: {self.lab.socket(port)}, role: server}}, "
                f"mac: '{self.lab.router_mac(n)}'")
