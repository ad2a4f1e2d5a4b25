# SPDX-License-Identifier: Apache-2.0
"""DPDK's stock forwarder and drivers: testpmd hands each frame to the other port. It spins."""

from rivals import Rival


def free_hugepages():
    with open("/proc/meminfo", encoding="ascii") as f:
        values = dict(line.split(":") for line in f)
    return int(values["HugePages_Free"]) * int(values["Hugepagesize"].split()[0]) // 1024


class Testpmd(Rival):
    packages = ("dpdk-dev",)
    hosts_offloads = False
    driver = ""

    def where(self, port):
        return f"iface={port}"

    def start(self):
        options = self.options
        # DPDK 22.11 takes --no-huge or --in-memory, not both.
        memory = "--in-memory" if free_hugepages() >= 600 else "--no-huge"
        vdevs = " ".join(f"--vdev={self.driver}{n},{self.where(port)}"
                         for n, port in enumerate(self.lab.ports, 1))
        # Its main thread sleeps; the forwarding lcore is lcore 1. It ends when its input does.
        lcores = f"0@{options.host_cpu},1@{options.switch_cpu}"
        self.spawn(f"dpdk-testpmd --lcores={lcores} {memory} -m 512 --no-pci --no-shconf "
                   f"--no-telemetry {vdevs} -- --forward-mode=io --auto-start --no-mlockall "
                   "--nb-cores=1 --total-num-mbufs=65536", cpu=None)


class TestpmdAfPacket(Testpmd):
    name = "testpmd-af_packet"
    what = "testpmd io, stock net_af_packet"
    driver = "net_af_packet"


class TestpmdAfXdp(Testpmd):
    name = "testpmd-af_xdp"
    what = "testpmd io, stock net_af_xdp"
    driver = "net_af_xdp"


class TestpmdMemif(Testpmd):
    name = "testpmd-memif"
    what = "testpmd io, net_memif"
    driver = "net_memif"
    medium = "memif"

    def where(self, port):
        return f"role=server,id=0,socket={self.lab.socket(port)},socket-abstract=no"
