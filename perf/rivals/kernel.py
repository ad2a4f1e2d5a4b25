# SPDX-License-Identifier: Apache-2.0
"""The kernel's own: what forwards without a process of its own, mostly on the sender's CPU."""

from lab import host_mac
from rivals import Rival


class Bridge(Rival):
    name = "bridge"
    kinds = ("domain", "flood", "l2")
    what = "Linux bridge; on the sender's CPU"
    has_process = False

    def start(self):
        commands = ["link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0"]
        commands += [f"link set {port} master br0" for port in self.lab.ports]
        for command in [*commands, "link set br0 up"]:
            self.lab.run("sw", "ip " + command)


class Router(Rival):
    name = "router"
    what = "Linux router (ip_forward); on the sender's CPU"
    kinds = ("l3",)
    has_process = False

    def start(self):
        for n, port in enumerate(self.lab.ports, 1):
            self.lab.run("sw", f"ip address add {self.lab.router_ip(n)}/24 dev {port}")
        for n in (1, 2):
            self.lab.run("sw", f"ip neigh replace {self.lab.host_ip(n)} lladdr {host_mac(n)} "
                               f"dev p{n} nud permanent")
        self.lab.run("sw", "sysctl -qw net.ipv4.ip_forward=1")
