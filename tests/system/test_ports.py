# SPDX-License-Identifier: Apache-2.0
"""Each kind of port, and ports whose cable comes and goes."""

import os

import frames
from frames import host_ip, host_mac, port_ip, udp
from lab import BUILD, Daemon, needs, wait_for
from scapy.layers.inet import ICMP, IP
from scapy.utils import rdpcap, wrpcap

END = "metrics: {listen: 127.0.0.1:9464}\ncontrol: {socket: '{socket}'}\n"
P1 = "  - {name: p1, veth: p1, addresses: [10.1.0.1/24]}\n"


def one_port_and(port, more=""):
    return {"hosts": 1, "raw": True, "config": "ports:\n" + P1 + f"  - {{{port}}}\n" + more + END}


def neighbours(*rows):
    return "neighbours:\n" + "".join(f"  - {{address: {a}, mac: '{m}', port: {p}}}\n" for a, m, p in rows)


def send_through(lab, moved, frame=None):
    with lab.moves({"p1.rx_packets": 1, **moved}):
        lab.wire("h1").send(frame or udp(dst="10.9.0.2"))


@needs(driver="af_packet", raw=True)
def test_af_packet(lab):
    port = lab.ports()["p1"]
    assert (port["driver"], port["kind"], port["netdev"]) == ("net_af_packet", "af_packet", "p1"), port
    w1, w2 = lab.wire("h1"), lab.wire("h2")
    with lab.moves({"p1.rx_packets": 1, "p2.tx_packets": 1}):
        w1.send(udp(size=1472))
        assert len(w2.expect()) == 1514


@needs(driver="af_xdp", raw=True)
def test_af_xdp(lab):
    port = lab.ports()["p1"]
    assert "af_xdp" in port["driver"] and port["kind"] == "af_xdp", port
    w1, w2 = lab.wire("h1"), lab.wire("h2")
    with lab.moves({"p1.rx_packets": 1, "p2.tx_packets": 1}):
        w1.send(udp(size=1472))
        assert len(w2.expect()) == 1514


@needs(driver="af_packet", raw=True, start=False)
def test_truncated_is_counted(lab):
    """What the stock driver cuts is dropped by name, never forwarded short. A peer of this MTU keeps
    the port from having its kernel cut to size what it sends; then the interface's own is raised, which
    the rings were sized by."""
    lab.run("h1", "ip link set eth0 mtu 9000")
    lab.start()
    lab.run("sw", "ip link set p1 mtu 9000")
    w2 = lab.wire("h2")
    with lab.moves({"p1.rx_packets": 1, "p1.dropped.truncated": 1}):
        lab.wire("h1").send(udp(size=4000))
        w2.expect_nothing(0.2)
    lab.run("sw", "ip link set p1 mtu 1500")


@needs(**one_port_and('name: n0, "null": {}, addresses: [10.9.0.1/24]',
                      neighbours(("10.9.0.2", host_mac(9), "n0"))))
def test_null(lab):
    assert lab.ports()["n0"]["driver"] == "net_null"
    send_through(lab, {"n0.tx_packets": 1})


@needs(**one_port_and('name: x0, devargs: "net_null9,no-rx=1", addresses: [10.9.0.1/24]',
                      neighbours(("10.9.0.2", host_mac(9), "x0"))))
def test_devargs(lab):
    send_through(lab, {"x0.tx_packets": 1})


@needs(**one_port_and("name: r0, ring: {}, mac: 02:00:00:00:09:01, addresses: [10.9.0.1/24]",
                      neighbours(("10.9.0.2", host_mac(9), "r0"))))
def test_ring(lab):
    """What it sends comes back: from our own MAC, which is no neighbour's."""
    send_through(lab, {"r0.tx_packets": 1, "r0.rx_packets": 1, "r0.dropped.own_source": 1})


@needs(hosts=1, config="ports:\n" + P1 + "  - {name: t0, tap: vwtap, addresses: [10.7.0.1/24]}\n" + END)
def test_tap(lab):
    lab.check_balance = True
    lab.run("sw", "sysctl -qw net.ipv6.conf.vwtap.disable_ipv6=1")
    lab.run("sw", "ip address add 10.7.0.2/24 dev vwtap")
    lab.run("sw", "ip link set vwtap up")
    wait_for(lambda: lab.ping("sw", "10.7.0.1", 1)[0], 5, "the host reaches its TAP's other end")
    lab.run("sw", "ip route add 10.1.0.0/24 via 10.7.0.1")
    received, text = lab.ping("h1", "10.7.0.2", 3)
    assert received == 3, text
    counters = lab.counters()
    assert counters["t0.tx_packets"] >= 4 and counters["t0.rx_packets"] >= 4


@needs(start=False, hosts=0, config=(
    "ports:\n"
    "  - {name: in0, pcap: {rx: '{dir}/in.pcap'}, mac: 02:00:00:00:01:01, addresses: [10.1.0.1/24]}\n"
    "  - {name: out0, pcap: {tx: '{dir}/out.pcap'}, mac: 02:00:00:00:02:01, addresses: [10.2.0.1/24]}\n"
    + neighbours((host_ip(2), host_mac(2), "out0")) + END))
def test_pcap_in_routed_to_pcap_out(lab):
    sent = [frames.parse(udp(id=n, ttl=64)) for n in range(50)] + [frames.parse(udp(ttl=1))]
    wrpcap(os.path.join(lab.dir, "in.pcap"), sent)
    lab.start()
    wait_for(lambda: lab.counters().get("out0.tx_packets") == 50, 5, "fifty packets went out")
    counters = lab.counters()
    assert counters["in0.rx_packets"] == 51 and counters["in0.dropped.ttl_expired"] == 1, counters
    lab.mbufs_before = None  # the file was being read while it started
    lab.check_books()
    lab.daemon.stop()
    out = rdpcap(os.path.join(lab.dir, "out.pcap"))
    assert [p[IP].id for p in out] == list(range(50)), len(out)
    assert all(p[IP].ttl == 63 and p.dst == host_mac(2) and frames.checksums_right(p) for p in out)


M0 = "  - {name: m0, memif: {socket: '{dir}/m.sock', role: %s}, mac: 02:00:00:00:0%d:aa, addresses: [10.8.0.%d/24]}\n"


@needs(config="ports:\n" + P1 + M0 % ("server", 8, 1) + "routes:\n  - {to: 10.2.0.0/24, via: 10.8.0.2}\n" + END,
       ready=False)
def test_memif_between_two(lab):
    """h1 - p1 [A] m0 - m0 [B] p2 - h2"""
    other = os.path.join(lab.dir, "b.sock")
    path = lab.write_config("ports:\n  - {name: p2, veth: p2, addresses: [10.2.0.1/24]}\n" + M0 % ("client", 9, 2)
                            + f"routes:\n  - {{to: 10.1.0.0/24, via: 10.8.0.1}}\ncontrol: {{socket: '{other}'}}\n",
                            os.path.join(lab.dir, "b.yaml"))
    lab.daemon.wait_ready()
    second = Daemon(path, other, os.path.join(lab.dir, "b.log"), lab.ns("sw"))
    try:
        second.wait_ready()
        wait_for(lambda: lab.ping("h1", host_ip(2), 1)[0], 10, "h1 reaches h2 by both")
        received, text = lab.ping("h1", host_ip(2), 3)
        assert received == 3 and text.count("ttl=62") == 3, text
        status, _ = second.stop()
        assert status == 0
        wait_for(lambda: lab.ports()["m0"]["state"] == "down", 5, "the other end is gone: link down")
    finally:
        second.kill()


def test_link_down_and_up(lab):
    assert lab.ping("h1", host_ip(2), 1)[0] == 1
    lab.run("h2", "ip link set eth0 down")
    port = wait_for(lambda: (p := lab.ports()["p2"])["state"] == "down" and p, 3, "p2 is down")
    assert (port["link"], port["reason"], port["admin"]) == ("down", "no carrier", "up"), port
    before = lab.settled()
    received, text = lab.ping("h1", host_ip(2), 2)
    assert received == 0, text
    moved = lab.moved(before)
    assert moved.get("p1.rx_packets", 0) >= 2 and "p2.tx_packets" not in moved, moved
    # Linux takes a route away with its link (a connected one): no route, or egress down.
    assert sum(moved.get(f"p1.dropped.{why}", 0) for why in ("no_route", "egress_down")) >= 2, moved
    lab.run("h2", "ip link set eth0 up")
    lab.run("h2", f"ip route replace default via {port_ip(2)}")
    wait_for(lambda: lab.ports()["p2"]["state"] == "up", 3, "p2 is up again")
    wait_for(lambda: lab.ping("h1", host_ip(2), 1)[0], 5, "packets flow again")


def recreate(lab, n):
    """As the restart of a container does: host and cable are new, with the same names and MACs."""
    lab.run(f"h{n}", "ip link del eth0")
    wait_for(lambda: lab.ports()[f"p{n}"]["state"] == "down", 3, "the port is down")
    lab.connect_host(n)


def test_interface_made_anew_comes_back(lab):
    assert lab.ping("h1", host_ip(2), 2)[0] == 2
    before = lab.settled()
    for _ in range(3):
        recreate(lab, 2)
        wait_for(lambda: lab.ports()["p2"]["state"] == "up", 5, "p2 is back")
        wait_for(lambda: lab.ping("h1", host_ip(2), 1)[0], 5, "packets flow again")
    after = lab.counters()
    assert all(after.get(k, 0) >= v for k, v in before.items()), "a counter went back"
    # Closing the lab asserts that no buffer went with the old ones, and nothing is left on the new one.


@needs(driver="af_packet")
def test_idle_after_its_interface_was_down(lab):
    """The sockets' error of then must not keep the worker awake for ever."""
    lab.run("sw", "ip link set p2 down")
    wait_for(lambda: lab.ports()["p2"]["state"] == "down", 3, "p2 is down")
    lab.run("sw", "ip link set p2 up")
    wait_for(lambda: lab.ports()["p2"]["state"] == "up", 3, "p2 is up")
    wait_for(lambda: lab.ping("h1", host_ip(2), 1)[0], 5, "packets flow again")
    used = lab.daemon.cpu_use(1.0)
    assert used < 0.10, f"{used:.0%} of a CPU while idle"


@needs(raw=True)
def test_mtu_changed_from_outside(lab):
    lab.run("sw", "ip link set p2 mtu 1400")
    wait_for(lambda: lab.ports()["p2"]["mtu"] == 1400, 3, "the port knows")
    w1 = lab.wire("h1")
    w1.send(udp(size=1472, flags="DF"))
    error = w1.expect()
    assert (error[ICMP].type, error[ICMP].code, error[ICMP].nexthopmtu) == (3, 4, 1400), error.show(dump=True)
    lab.run("sw", "ip link set p2 mtu 1500")
    wait_for(lambda: lab.ports()["p2"]["mtu"] == 1500, 3, "the port knows")


def test_mtu_left_out_again(lab):
    """A key that goes from the file leaves no trace: the interface is as without it."""
    with open(lab.config_file) as f:
        good = f.read()
    lab.write_config(good.replace("veth: p2,", "veth: p2, mtu: 1400,"))
    lab.cli_run("reload")
    assert lab.ports()["p2"]["mtu"] == 1400
    lab.write_config(good)
    lab.cli_run("reload")
    assert lab.ports()["p2"]["mtu"] == 1500
    assert "mtu 1500" in lab.run("sw", "ip link show p2").stdout


@needs(start=False)
def test_interface_with_a_large_mtu_of_its_own(lab):
    for where, name in (("h1", "eth0"), ("sw", "p1"), ("h2", "eth0"), ("sw", "p2")):
        lab.run(where, f"ip link set {name} mtu 3000")
    lab.before = lab.settings()
    lab.start()
    assert lab.ports()["p1"]["mtu"] == 3000
    received, text = lab.ping("h1", host_ip(2), 3, "-s 2900 -M do")
    assert received == 3, text


def test_one_interface_has_one_owner(lab):
    path = lab.write_config("ports:\n  - {name: mine, veth: p1, mtu: 1300}\ncontrol: {socket: '{dir}/other.sock'}\n",
                            os.path.join(lab.dir, "other.yaml"))
    done = lab.run("sw", [os.path.join(BUILD, "vethwayd"), "--config", path], check=False)
    assert done.returncode == 1 and "port mine: interface p1 belongs to another" in done.stderr, done.stderr
    assert lab.ports()["p1"]["mtu"] == 1500 and lab.ping("h1", host_ip(2), 2)[0] == 2


def test_counters_of_bytes(lab):
    assert lab.ping("h1", host_ip(2), 1)[0] == 1
    with lab.moves({"p1.rx_packets": 2, "p1.rx_bytes": 196, "p2.tx_packets": 2, "p2.tx_bytes": 196,
                    "p2.rx_packets": 2, "p2.rx_bytes": 196, "p1.tx_packets": 2, "p1.tx_bytes": 196}):
        assert lab.ping("h1", host_ip(2), 2)[0] == 2


@needs(port_more={1: ", mac: 02:00:00:00:01:55"})
def test_configured_mac(lab):
    assert lab.ping("h1", host_ip(2), 1)[0] == 1
    assert "02:00:00:00:01:55" in lab.run("h1", f"ip neigh show {port_ip(1)}").stdout
    assert lab.ports()["p1"]["mac"] == "02:00:00:00:01:55"


@needs(more="dataplane: {workers: 2}")
def test_two_workers(lab):
    if (os.cpu_count() or 1) < 2:
        return
    assert lab.status()["workers"] == 2
    received, text = lab.ping("h1", host_ip(2), 20, "-i 0.01")
    assert received == 20, text
