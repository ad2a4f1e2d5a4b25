# SPDX-License-Identifier: Apache-2.0
"""Open vSwitch's userspace datapath (netdev) on kernel ports, with its own database and sockets.
Flows name their output: no learning, and one cached flow a direction; where a bridge is asked for,
it is OVS's own (NORMAL)."""

import os

from lab import host_mac, wait_for
from rivals import Rival
from rivals.testpmd import free_hugepages

SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
PLAIN = "/usr/lib/openvswitch-switch/ovs-vswitchd"
WITH_DPDK = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk"

MEMORY_MIB = 600  # for the DPDK of OvsMemif


class Ovs(Rival):
    name = "ovs"
    what = "Open vSwitch, userspace datapath"
    kinds = ("domain", "flood", "l2", "l3")
    packages = ("openvswitch-switch",)
    hosts_offloads = False
    own_mac = True  # or the kernel would take each routed packet too
    daemon = PLAIN
    settings = ""

    def vsctl(self, command):
        self.lab.run("sw", f"ovs-vsctl --timeout=10 --db=unix:{self.lab.dir}/db.sock {command}")

    def type_of(self, _n, _port):
        return ""

    def start(self):
        at = self.lab.dir
        env = {"OVS_RUNDIR": at, "OVS_LOGDIR": at, "OVS_DBDIR": at, "OVS_SYSCONFDIR": at}
        self.lab.run("sw", f"ovsdb-tool create {at}/conf.db {SCHEMA}")
        self.spawn(f"ovsdb-server {at}/conf.db --remote=punix:{at}/db.sock --unixctl={at}/db.ctl "
                   f"--pidfile={at}/db.pid --log-file={at}/db.log", env=env)
        wait_for(lambda: os.path.exists(f"{at}/db.sock"), 5, "ovsdb-server listens")
        self.vsctl("--no-wait init")
        if self.settings:
            settings = self.settings.format(mask=1 << self.options.switch_cpu)
            self.vsctl(f"--no-wait set Open_vSwitch . {settings}")
        self.spawn(f"{self.daemon} unix:{at}/db.sock --unixctl={at}/vs.ctl --pidfile={at}/vs.pid "
                   f"--log-file={at}/vs.log", env=env)
        ports = " ".join(f"-- add-port br0 {port} -- set Interface {port} ofport_request={n}"
                         + self.type_of(n, port) for n, port in enumerate(self.lab.ports, 1))
        self.vsctl(f"add-br br0 -- set bridge br0 datapath_type=netdev fail-mode=secure {ports}")
        for flow in self.flows():
            self.lab.run("sw", ["ovs-ofctl", "add-flow", f"unix:{at}/br0.mgmt", flow])

    def flows(self):
        if self.lab.kind in ("domain", "flood"):
            return ["actions=normal"]
        return self.routes() if self.lab.kind == "l3" else self.wires()

    def wires(self):
        return [f"in_port={n},actions=output:{n + 1 if n % 2 else n - 1}"
                for n in range(1, len(self.lab.ports) + 1)]

    def routes(self):
        return [f"ip,nw_dst={self.lab.host_ip(n)},actions=mod_dl_src:{self.lab.router_mac(n)},"
                f"mod_dl_dst:{host_mac(n)},dec_ttl,output:{n}" for n in (1, 2)]


class OvsTso(Ovs):
    name = "ovs-tso"
    what = "Open vSwitch, userspace datapath, userspace-tso-enable"
    packages = ("openvswitch-switch", "openvswitch-switch-dpdk")
    hosts_offloads = True
    daemon = WITH_DPDK  # the plain one ignores the setting
    settings = "other_config:userspace-tso-enable=true"


class OvsMemif(Ovs):
    """One polling thread, on the switch's CPU. It has EAL use hugepages whatever it is told."""

    name = "ovs-memif"
    what = "Open vSwitch with DPDK, net_memif ports"
    packages = ("openvswitch-switch", "openvswitch-switch-dpdk")
    hosts_offloads = True
    daemon = WITH_DPDK
    medium = "memif"
    queues = 2  # it sends by one for each polling thread and one for the main thread
    settings = ("other_config:dpdk-init=true other_config:pmd-cpu-mask={mask} "
                "other_config:dpdk-socket-mem=512 "
                "'other_config:dpdk-extra=\"--no-pci --no-telemetry\"'")

    @classmethod
    def missing(cls, options, kind):
        why = super().missing(options, kind)
        if not why and free_hugepages() < MEMORY_MIB:
            why = (f"needs {MEMORY_MIB // 2} free hugepages: echo {MEMORY_MIB // 2} > "
                   "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages")
        return why

    def type_of(self, n, port):
        if n > 2:  # nobody is there to receive a flood
            return f" type=dpdk options:dpdk-devargs=net_null{n},no-rx=1"
        devargs = (f"net_memif{n},role=server,id=0,socket={self.lab.socket(port)},"
                   "socket-abstract=no")
        return f" type=dpdk options:n_rxq={self.queues} 'options:dpdk-devargs=\"{devargs}\"'"
