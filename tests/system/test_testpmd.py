# SPDX-License-Identifier: Apache-2.0
"""What a port driver of ours is for: DPDK's own forwarder between the same two veths, for comparison."""

import subprocess

import frames
from lab import Failure, needs, wait_for

# One subnet, since testpmd's io mode hands frames from one port to the other as they are.
H2_BESIDE_H1 = "10.1.0.3"


def start_testpmd(lab):
    eal = "--no-huge -m 256 --no-pci --no-shconf --no-telemetry"
    vdevs = " ".join(f"--vdev=net_af_packet{n},iface=p{n}" for n in (1, 2))
    # It ends when it can read from its input, or that ends.
    process = lab.spawn("sw", f"dpdk-testpmd {eal} {vdevs} -- --forward-mode=io --auto-start --no-mlockall "
                              "--total-num-mbufs=16384", stdin=subprocess.PIPE)
    return process


def iperf3_passes(lab, to):
    server = lab.spawn("h2", "iperf3 -s -1")
    wait_for(lambda: ":5201" in lab.run("h2", "ss -Hltn").stdout, 5, "iperf3 listens")
    done = lab.run("h1", f"iperf3 -c {to} -t 2 --connect-timeout 3000", check=False)
    server.kill()
    server.wait()
    return done.returncode == 0


@needs(start=False)
def test_tcp_passes_where_testpmd_io_fails(lab):
    """Ping crosses both. TCP with the hosts' offloads as they are crosses vethway only: net_af_packet
    hands partial checksums on as if they were checksums."""
    lab.run("h2", f"ip address add {H2_BESIDE_H1}/24 dev eth0")
    testpmd = start_testpmd(lab)
    wait_for(lambda: lab.ping("h1", H2_BESIDE_H1, 1, "-W 1")[0], 10, "testpmd forwards pings")
    if iperf3_passes(lab, H2_BESIDE_H1):
        raise Failure("iperf3 passes through testpmd: the claim of the README no longer holds")
    testpmd.kill()
    testpmd.wait()
    lab.run("h2", f"ip address del {H2_BESIDE_H1}/24 dev eth0")
    for host in ("h1", "h2"):
        lab.run(host, "ip neigh flush dev eth0")
    lab.before = lab.settings()
    lab.start()
    assert lab.ping("h1", frames.host_ip(2), 2)[0] == 2
    assert iperf3_passes(lab, frames.host_ip(2))
