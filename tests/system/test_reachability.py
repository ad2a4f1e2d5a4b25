# SPDX-License-Identifier: Apache-2.0
"""Ordinary hosts with ordinary tools: ping, iperf3 with the kernel's offloads as they are."""

from frames import host_ip, port_ip
from lab import needs, wait_for

QUIET = ("bytes", "burst")


def warm(lab):
    """Both ways resolved, so that no ARP is in what is counted next."""
    wait_for(lambda: lab.ping("h1", host_ip(2), 1)[0] and lab.ping("h2", host_ip(1), 1)[0], 5, "h1 and h2 speak")


def offloads(lab, host):
    text = lab.run(host, "ethtool -k eth0").stdout
    return {line.split(":")[0].strip(): line.split(":")[1].split()[0] for line in text.splitlines()[1:]}


def test_ping_across(lab):
    warm(lab)
    with lab.moves({"p1.rx_packets": 5, "p1.tx_packets": 5, "p2.rx_packets": 5, "p2.tx_packets": 5}):
        received, text = lab.ping("h1", host_ip(2), 5)
        assert received == 5 and "DUP" not in text and text.count("ttl=63") == 5, text


def test_ping_to_the_switch(lab):
    warm(lab)
    for to in (port_ip(1), port_ip(2)):
        with lab.moves({"p1.rx_packets": 5, "p1.tx_packets": 5, "p1.consumed.echo_request": 5,
                        "p1.originated.echo_reply": 5}):
            received, text = lab.ping("h1", to, 5)
            assert received == 5 and "DUP" not in text and text.count("ttl=64") == 5, text


def test_first_ping_is_not_lost(lab):
    """Held until ARP is done, not dropped."""
    received, text = lab.ping("h1", host_ip(2), 1)
    assert received == 1, text
    assert not any(".dropped." in k and not k.endswith((".ip6", ".arp_not_ours")) for k in lab.counters())


def test_large_ping(lab):
    warm(lab)
    with lab.moves({"p1.rx_packets": 3, "p1.tx_packets": 3, "p2.rx_packets": 3, "p2.tx_packets": 3}):
        assert lab.ping("h1", host_ip(2), 3, "-s 1472 -M do")[0] == 3


def test_fragmented_ping(lab):
    """3000 bytes are three fragments each way, none reassembled on the way."""
    warm(lab)
    with lab.moves({"p1.rx_packets": 9, "p1.tx_packets": 9, "p2.rx_packets": 9, "p2.tx_packets": 9}):
        assert lab.ping("h1", host_ip(2), 3, "-s 3000")[0] == 3


def test_ping_from_the_switch(lab):
    warm(lab)
    before = lab.settled()
    done = lab.cli_run("ping", "-c", "3", host_ip(1))
    moved = lab.moved(before)
    assert moved.get("p1.tx_packets") == moved.get("p1.rx_packets") == moved.get("p1.consumed.host") == 3, moved
    assert sum(v for k, v in moved.items() if k.endswith("originated.host")) == 3, moved
    assert host_ip(1) in done.stdout and "ttl=64" in done.stdout, done.stdout


def tcp_both_ways(lab, least=2e6):
    warm(lab)
    for host in ("h1", "h2"):
        # TSO is off by what the port does on its own end: the kernel then segments before the cable.
        state = offloads(lab, host)
        assert state["tx-checksumming"] == state["generic-segmentation-offload"] == "on", state
    before = lab.settled()
    for way in ("", "-R"):
        rate, _ = lab.iperf3("h1", "h2", host_ip(2), 2, way)
        assert rate > least, f"{rate / 1e6:.1f} MB/s {way}"
    for host in ("h1", "h2"):
        state = offloads(lab, host)
        assert state["tx-checksumming"] == "on", "the host's offloads were touched"
    moved = lab.moved(before)
    lost = {k: v for k, v in moved.items() if ".dropped." in k and not k.endswith(("tx_ring_full", "arp_not_ours"))}
    return moved, lost


def test_tcp(lab):
    _, lost = tcp_both_ways(lab)
    assert not lost, lost


@needs(driver="af_packet")
def test_tcp_af_packet(lab):
    """The stock driver with what can be had around it: no TSO, but right checksums. What it cuts is
    counted as truncated, and TCP goes on by smaller segments."""
    assert lab.ports()["p1"]["driver"] == "net_af_packet"
    moved, lost = tcp_both_ways(lab, least=1e4)
    assert moved.get("p1.checksum_completed", 0) > 0 and moved.get("p2.checksum_completed", 0) > 0, moved
    assert all(k.endswith("truncated") for k in lost), lost


def test_tcp_connect_and_close(lab):
    """One byte-exact transfer by TCP: what is sent arrives."""
    warm(lab)
    receiver = lab.spawn("h2", ["/usr/bin/python3", "-c",
                                "import socket,hashlib as h\ns=socket.create_server(('',7000))\nc=s.accept()[0]\n"
                                "d=h.sha256()\nwhile b:=c.recv(65536): d.update(b)\nc.send(d.hexdigest().encode())"])
    wait_for(lambda: ":7000" in lab.run("h2", "ss -Hltn").stdout, 5, "h2 listens")
    program = ("import socket,hashlib,os\nd=os.urandom(3000000)\ns=socket.create_connection(('%s',7000),5)\n"
               "s.sendall(d)\ns.shutdown(1)\nassert s.recv(99).decode()==hashlib.sha256(d).hexdigest()\n" % host_ip(2))
    lab.run("h1", ["/usr/bin/python3", "-c", program], timeout=20)
    receiver.wait(5)


def test_udp(lab):
    warm(lab)
    _, end = lab.iperf3("h1", "h2", host_ip(2), 2, "-u -b 20M -l 1400")
    lost = end["sum"]["lost_percent"]
    assert lost < 2, f"{lost} % lost"


def test_udp_and_tcp_closed_ports(lab):
    """h2's own kernel refuses: its ICMP and RST come back to h1."""
    warm(lab)
    program = ("import socket\ns=socket.socket(2,2)\ns.settimeout(2)\ns.connect(('%s',9))\ns.send(b'x')\n"
               "try: s.recv(1)\nexcept ConnectionRefusedError: print('udp refused')\n"
               "try: socket.create_connection(('%s',9),2)\nexcept ConnectionRefusedError: print('tcp refused')"
               % (host_ip(2), host_ip(2)))
    text = lab.run("h1", ["/usr/bin/python3", "-c", program]).stdout
    assert text.split() == ["udp", "refused", "tcp", "refused"], text
