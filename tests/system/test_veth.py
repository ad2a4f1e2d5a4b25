# SPDX-License-Identifier: Apache-2.0
"""The veth driver and what a port's interface may do: live elsewhere, come later, be made, be shared."""

from frames import host_ip, port_ip, udp
from lab import needs, wait_for

END = "control: {socket: '{socket}'}\n"


def offloads(lab, where, netdev):
    text = lab.run(where, f"ethtool -k {netdev}").stdout
    return dict(line.split(": ", 1) for line in text.splitlines()[1:] if ": " in line)


def tcp(lab, least=1e6, args=""):
    rate, _ = lab.iperf3("h1", "h2", host_ip(2), 1, args)
    assert rate > least, f"{rate / 1e6:.1f} MB/s"


def mean_frame(lab, port, before):
    moved = lab.moved(before)
    return moved[f"{port}.rx_bytes"] / moved[f"{port}.rx_packets"]


def test_super_frames_cross_whole(lab):
    """Both hosts keep all their offloads, and what one port got in one frame the other sent in one."""
    before = lab.settled()
    tcp(lab, 1e7)
    assert mean_frame(lab, "p1", before) > 5000, lab.moved(before)
    moved = lab.moved(before)
    assert "p1.consumed.segmented" not in moved, moved
    for host in ("h1", "h2"):
        state = offloads(lab, host, "eth0")
        assert state["tcp-segmentation-offload"] == state["tx-checksumming"] == "on", state


def test_interface_without_tso(lab):
    """`ethtool -K p2 tso off` on our end, as much advice goes: the kernel would drop super-frames."""
    lab.run("sw", "ethtool -K p2 tso off")
    wait_for(lambda: not lab.ports()["p2"]["super_frames"], 3, "the port knows")
    before = lab.settled()
    tcp(lab)
    moved = lab.moved(before)
    assert moved.get("p1.consumed.segmented", 0) > 100, moved
    lab.run("sw", "ethtool -K p2 tso on")
    wait_for(lambda: lab.ports()["p2"]["super_frames"], 3, "the port knows")


@needs(port_more={2: ", mtu: 1300"})
def test_mtu_is_about_segments(lab):
    """Path MTU discovery works for super-frames: the first is refused by its segments' size."""
    before = lab.settled()
    tcp(lab)
    moved = lab.moved(before)
    assert moved.get("p1.dropped.fragment_needed", 0) >= 1, moved
    assert f"mtu {1300}" in lab.run("h1", f"ip route get {host_ip(2)}").stdout


@needs(driver="af_xdp")
def test_segments_for_a_port_that_takes_none(lab):
    """In by the veth driver, out by one that knows no offloads."""
    with open(lab.config_file) as f:
        good = f.read()
    lab.write_config(good.replace("af_xdp: p1", "veth: {interface: p1}"))
    lab.daemon.stop()
    lab.start()
    before = lab.settled()
    tcp(lab)
    moved = lab.moved(before)
    assert moved.get("p1.consumed.segmented", 0) > 10, moved
    assert moved["p1.originated.segment"] > moved["p1.consumed.segmented"], moved


@needs(start=False)
def test_interfaces_in_another_namespace(lab):
    """vethwayd in the caller's namespace, its ports in the switch's."""
    sw = lab.ns("sw")
    lab.write_config("ports:\n" + "".join(
        f"  - {{name: p{n}, veth: {{netns: {sw}}}, addresses: [{port_ip(n)}/24]}}\n" for n in (1, 2)) + END)
    lab.start(outside=True)
    assert lab.ping("h1", host_ip(2), 2)[0] == 2
    lab.run("sw", "ip link set p2 down")
    wait_for(lambda: lab.ports()["p2"]["reason"] == "interface down", 2, "the port knows")
    lab.run("sw", "ip link set p2 up")
    wait_for(lambda: lab.ports()["p2"]["state"] == "up", 2, "it is back")
    wait_for(lambda: lab.ping("h1", host_ip(2), 1)[0], 5, "packets flow again")


def test_renamed_moved_and_back(lab):
    lab.run("sw", "ip link set p2 name other")
    wait_for(lambda: lab.ports()["p2"]["reason"] == "p2 was renamed to other", 0.5, "the port says so")
    lab.run("sw", "ip link set other name p2")
    wait_for(lambda: lab.ports()["p2"]["state"] == "up", 0.5, "back under its name")
    assert lab.ping("h1", host_ip(2), 1)[0] == 1
    lab.run("sw", f"ip link set p2 netns {lab.ns('h1')}")
    wait_for(lambda: lab.ports()["p2"]["reason"] == "no interface p2", 0.5, "the port says so")
    # With its old index, perhaps: nothing that was on it is on it now.
    # Up in the same message: what the daemon finds down when it takes it, it leaves down in the end.
    lab.run("h1", f"ip link set p2 netns {lab.ns('sw')} up")
    wait_for(lambda: lab.ports()["p2"]["state"] == "up", 2, "the port is back")
    wait_for(lambda: lab.ping("h1", host_ip(2), 1)[0], 5, "packets flow again")


@needs(hosts=1, used=0, start=False)
def test_pair_is_made_and_removed(lab):
    peer = f"create: {{peer: eth1, peer_netns: {lab.ns('h1')}}}"
    lab.write_config(f"ports:\n  - {{name: n1, veth: {{{peer}}}, addresses: [10.9.0.1/24]}}\n" + END)
    lab.start()
    lab.run("h1", "ip addr add 10.9.0.2/24 dev eth1")
    assert lab.ping("h1", "10.9.0.1", 1)[0] == 1
    lab.daemon.kill()  # what it left is known again, with the host's address
    lab.start()
    assert lab.ping("h1", "10.9.0.1", 1)[0] == 1
    lab.daemon.stop()
    assert lab.run("sw", "ip link show n1", check=False).returncode != 0
    lab.run("sw", "ip link add n1 type bridge")
    lab.start(ready=False)
    assert lab.daemon.process.wait(10) == 1
    assert "exists already and was not made by vethway" in lab.daemon.log
    lab.run("sw", "ip link del n1")
    lab.start()


@needs(used=0, raw=True, config="ports:\n  - {match: 'p[0-9]', adopt: addresses}\n" + END, start=False)
def test_interfaces_are_adopted_as_they_appear(lab):
    lab.run("sw", f"ip addr add {port_ip(1)}/24 dev p1")
    lab.start()
    assert lab.ports()["p1"]["addresses"] == [f"{port_ip(1)}/24"]
    lab.run("sw", f"ip addr add {port_ip(2)}/24 dev p2")
    lab.run("sw", f"ip route add 10.77.0.0/16 via {host_ip(2)}")
    wait_for(lambda: "10.77.0.0/16" in lab.routes(), 3, "address and route are taken over")
    for n in (1, 2):
        lab.run(f"h{n}", f"ip addr add {host_ip(n)}/24 dev eth0")
        lab.run(f"h{n}", f"ip route add default via {port_ip(n)}")
    assert lab.ping("h1", host_ip(2), 2)[0] == 2
    assert "match" in lab.cli_run("show", "config").stdout
    done = lab.cli_run("address", "add", "10.7.0.1/24", "port", "p1", check=False)
    assert done.returncode == 2 and "adopt: addresses): change that, by ip address add" in done.stderr, done
    lab.run("sw", "ip link del p2")
    wait_for(lambda: lab.ports()["p2"]["reason"] == "no interface p2", 2, "the port waits for it")
    lab.connect_host(2)
    lab.run("sw", f"ip addr add {port_ip(2)}/24 dev p2")
    lab.run("h2", f"ip addr add {host_ip(2)}/24 dev eth0")
    lab.run("h2", f"ip route add default via {port_ip(2)}")
    wait_for(lambda: lab.ping("h1", host_ip(2), 1)[0], 5, "packets flow again")
    for n in (1, 2):
        lab.run("sw", f"ip addr flush dev p{n}")


@needs(used=0, raw=True, config="ports:\n  - {match: 'p[0-9]'}\n" + END)
def test_adopted_ports_are_changed_as_any(lab):
    wait_for(lambda: {"p1", "p2"} <= set(lab.ports()), 3, "both are adopted")
    done = lab.cli_run("port", "del", "p2", check=False)
    assert done.returncode == 2 and "by a pattern (match)" in done.stderr, done
    for n in (1, 2):
        assert lab.cli_run("address", "add", f"{port_ip(n)}/24", "port", f"p{n}").stdout == f"port p{n} changed\n"
        lab.run(f"h{n}", f"ip addr add {host_ip(n)}/24 dev eth0")
        lab.run(f"h{n}", f"ip route add default via {port_ip(n)}")
    lab.cli_run("port", "set", "p1", "rp_filter", "strict")
    assert lab.ping("h1", host_ip(2), 1)[0] == 1
    config = lab.cli_run("show", "config").stdout
    assert 'match: "p[0-9]"' in config and port_ip(1) in config and "strict" in config, config
    assert lab.cli_run("reload").stdout == "port p1 changed\nport p2 changed\n"
    assert lab.ports()["p1"]["addresses"] == lab.ports()["p2"]["addresses"] == [], lab.ports()


@needs(used=0, config="ports:\n  - {name: p1, veth: {shield: false}, addresses: [10.1.0.1/24]}\n" + END)
def test_without_a_shield_the_kernel_is_there_too(lab):
    lab.run("sw", "ip addr add 10.1.0.77/24 dev p1")
    assert lab.ping("h1", "10.1.0.1", 1)[0] == 1
    assert lab.ping("h1", "10.1.0.77", 1)[0] == 1, "the kernel answers for its own address"
    assert "no shield" in lab.ports()["p1"]["note"]
    lab.run("sw", "ip addr flush dev p1")


@needs(used=0, raw=True, config="ports:\n  - {name: p1, veth: p1}\n  - {name: p2, veth: {qdisc_bypass: false}}\n"
       "xconnects: [[p1, p2]]\n" + END)
def test_queueing_discipline_is_met(lab):
    lab.run("sw", "tc qdisc add dev p2 root tbf rate 100mbit burst 100kb latency 50ms")
    w1, w2 = lab.wire("h1"), lab.wire("h2")
    frame = udp(size=100)
    w1.send(frame)
    assert w2.expect() is not None
    stats = lab.run("sw", "tc -s qdisc show dev p2").stdout
    assert "Sent 0 bytes" not in stats, stats
    lab.run("sw", "tc qdisc del dev p2 root")


@needs(config="dataplane: {workers: 2}\n" + "ports:\n" + "".join(
    f"  - {{name: p{n}, veth: p{n}, addresses: [{port_ip(n)}/24]}}\n" for n in (1, 2)) + END)
def test_flows_are_spread_over_workers_and_kept_in_order(lab):
    """Two queues a port: flows by hash, fragments as they are, nothing twice."""
    assert lab.ports()["p1"]["rx_queues"] == 2
    tcp(lab, 1e7, "-P 8")
    assert lab.ping("h1", host_ip(2), 2, "-s 4000")[0] == 2
    before = lab.settled()
    _, done = lab.iperf3("h1", "h2", host_ip(2), 1, "-u -b 20M -l 500 -P 4")
    assert all(s["udp"]["out_of_order"] == 0 for s in done["streams"]), done["streams"]
    assert lab.moved(before)["p1.rx_packets"] < 1.1 * done["sum"]["packets"] + 50


@needs(hosts=2, used=0, raw=True, config="ports: [{name: p1, veth: p1}, {name: p2, veth: p2}]\n"
       "xconnects: [[p1, p2]]\n" + END)
def test_xconnect_is_a_wire(lab):
    lab.run("h1", "ip addr add 10.5.0.1/24 dev eth0")
    lab.run("h2", "ip addr add 10.5.0.2/24 dev eth0")
    received, text = lab.ping("h1", "10.5.0.2", 2)
    assert received == 2 and text.count("ttl=64") == 2, text
    assert lab.ports()["p1"]["xconnect"] == "p2"
    lab.run("h2", "ip link set eth0 down")
    wait_for(lambda: lab.ports()["p2"]["state"] == "down", 3, "p2 is down")
    before = lab.settled()
    lab.run("h1", "ping -c 1 -W 1 10.5.0.2", check=False)
    assert lab.moved(before).get("p1.dropped.egress_down", 0) >= 1


def test_wakeups_are_measured(lab):
    for _ in range(5):
        lab.run("h1", f"ping -c 1 {host_ip(2)}")
    woken = [v for k, v in lab.metrics().items() if k.startswith("vethway_lcore_wakeup_seconds_count")]
    assert woken[0] >= 5, woken
