# SPDX-License-Identifier: Apache-2.0
"""ARP: what is answered, what is learnt, and packets that wait for an answer."""

import frames
from frames import arp, arp_reply, host_ip, host_mac, patched, port_ip, port_mac, udp
from lab import needs, wait_for
from scapy.layers.inet import IP
from scapy.layers.l2 import ARP

LAB = {"raw": True, "permanent": False}

ANSWERED = {"p1.rx_packets": 1, "p1.consumed.arp_request": 1, "p1.originated.arp_reply": 1,
            "p1.tx_packets": 1}


def answer(lab, request):
    w1 = lab.wire("h1")
    with lab.moves(ANSWERED):
        w1.send(request)
        got = w1.expect(want=frames.is_arp)
        w1.expect_nothing(0.1)  # no second answer: the kernel is kept off
    return got


def test_own_address_is_answered(lab):
    got = answer(lab, arp())
    assert (got.src, got.dst) == (port_mac(1), host_mac(1))
    reply = got[ARP]
    assert (reply.op, reply.psrc, reply.hwsrc) == (2, port_ip(1), port_mac(1))
    assert (reply.pdst, reply.hwdst) == (host_ip(1), host_mac(1))
    neighbour = lab.neighbours()[host_ip(1)]
    assert (neighbour["mac"], neighbour["port"], neighbour["state"]) == (host_mac(1), "p1", "stale")


def test_request_to_our_mac_and_padded(lab):
    answer(lab, arp(eth_dst=port_mac(1)) + bytes(18))


def test_other_port_address_is_answered_as_linux_does(lab):
    assert answer(lab, arp(target=port_ip(2)))[ARP].psrc == port_ip(2)


def test_other_addresses_are_not_answered(lab):
    w1 = lab.wire("h1")
    for target in ("10.1.0.77", host_ip(2), "10.1.0.255", "10.1.0.0"):
        with lab.moves({"p1.rx_packets": 1, "p1.dropped.arp_not_ours": 1}):
            w1.send(arp(target=target))
            w1.expect_nothing(0.1)
    assert lab.neighbours() == {}, "nothing is learnt from requests to others"


def test_probe_is_answered_and_teaches_nothing(lab):
    assert answer(lab, arp(sender="0.0.0.0"))[ARP].pdst == "0.0.0.0"
    assert lab.neighbours() == {}


@needs(port_more={1: ", arp_notify: true"})
def test_new_address_is_told(lab):
    w1 = lab.wire("h1")
    w1.drain()
    for change in (("address", "add", "10.1.9.1/24", "port", "p1"), ("port", "set", "p1", "mac", "02:00:00:00:01:77"),
                   ("port", "set", "p1", "down"), ("port", "set", "p1", "up")):
        lab.cli_run(*change)
        told = set()
        while len(told) < (1 if "add" in change else 0 if "down" in change else 2):
            got = w1.expect(want=frames.is_arp)
            assert (got.dst, got[ARP].op, got[ARP].psrc) == (frames.BROADCAST, 1, got[ARP].pdst), got
            assert got.src == got[ARP].hwsrc == lab.ports()["p1"]["mac"]
            told.add(got[ARP].psrc)
        assert told <= {"10.1.9.1", port_ip(1)}, told
        w1.expect_nothing(0.1, want=frames.is_arp)


def test_malformed(lab):
    w1, good = lab.wire("h1"), arp()
    cases = [("arp_malformed", frame) for frame in (
        patched(good, 14, b"\x00\x07"), patched(good, 16, b"\x86\xdd"), patched(good, 18, b"\x08"),
        patched(good, 19, b"\x10"), patched(good, 20, b"\x00\x08"), patched(good, 20, b"\x00\x00"),
        good[:14 + 27], good[:14])]
    cases += [("arp_bad_sender", frame) for frame in (
        patched(good, 22, b"\x01\x00\x5e\x00\x00\x01"), patched(good, 22, bytes(6)),
        arp(sender=port_ip(1)), arp(sender=port_ip(2)), arp(sender="224.0.0.1"), arp(sender="127.0.0.1"),
        arp(sender="255.255.255.255"))]
    for reason, frame in cases:
        with lab.moves({"p1.rx_packets": 1, f"p1.dropped.{reason}": 1}):
            w1.send(frame)
            w1.expect_nothing(0.08)
    assert lab.neighbours() == {}


def test_unsolicited_reply(lab):
    w1 = lab.wire("h1")
    with lab.moves({"p1.rx_packets": 1, "p1.dropped.arp_unsolicited": 1}):
        w1.send(arp_reply(1))
    assert lab.neighbours() == {}


def test_held_packets_leave_in_order(lab):
    w1, w2 = lab.wire("h1"), lab.wire("h2")
    with lab.moves({"p1.rx_packets": 5, "p2.originated.arp_request": 1, "p2.tx_packets": 6,
                    "p2.rx_packets": 1, "p2.consumed.arp_reply": 1}):
        w1.send(*[udp(id=n) for n in range(5)])
        request = w2.expect(want=frames.is_arp)
        assert (request.dst, request.pdst, request.psrc) == (frames.BROADCAST, host_ip(2), port_ip(2))
        assert (request.src, request.hwsrc) == (port_mac(2), port_mac(2))
        assert wait_for(lambda: lab.status()["accounting"]["held"] == 5, 1, "five packets are held")
        assert lab.neighbours()[host_ip(2)]["state"] == "incomplete"
        w2.send(arp_reply(2))
        assert [w2.expect()[IP].id for _ in range(5)] == list(range(5))
    neighbour = lab.neighbours()[host_ip(2)]
    assert (neighbour["state"], neighbour["mac"], neighbour["held"]) == ("reachable", host_mac(2), 0)


@needs(**LAB, more="neighbour_table: {unres_qlen: 64}")
def test_queue_is_bounded(lab):
    w1, w2 = lab.wire("h1"), lab.wire("h2")
    with lab.moves({"p1.rx_packets": 70, "p2.originated.arp_request": 1, "p1.dropped.neighbour_queue_full": 6,
                    "p2.tx_packets": 65, "p2.rx_packets": 1, "p2.consumed.arp_reply": 1}):
        w1.send(*[udp(id=n) for n in range(70)])
        w2.expect(want=frames.is_arp)
        wait_for(lambda: lab.counters().get("p1.dropped.neighbour_queue_full") == 6, 1, "six made way")
        assert lab.status()["accounting"]["held"] == 64
        w2.send(arp_reply(2))
        assert [w2.expect()[IP].id for _ in range(64)] == list(range(6, 70)), "the oldest made way"
        w2.expect_nothing(0.1)


def test_request_of_the_wanted_host_releases_too(lab):
    """RFC 826: h2 asks us while we wait for it."""
    w1, w2 = lab.wire("h1"), lab.wire("h2")
    w1.send(udp())
    w2.expect(want=frames.is_arp)
    w2.send(arp(sender=host_ip(2), mac=host_mac(2), target=port_ip(2)))
    assert w2.expect()[IP].dst == host_ip(2)


def test_permanent_neighbour_is_not_overwritten(lab):
    lab.api("POST", "/neighbours", {"address": host_ip(2), "mac": host_mac(2), "port": "p2"})
    w1, w2 = lab.wire("h1"), lab.wire("h2")
    w2.send(arp(sender=host_ip(2), mac="02:00:00:00:02:66", target=port_ip(2)))
    w2.expect(want=frames.is_arp)
    with lab.moves({"p1.rx_packets": 1, "p2.tx_packets": 1}):
        w1.send(udp())
        assert w2.expect().dst == host_mac(2)


def test_reply_to_another_mac_moves_the_neighbour(lab):
    w1, w2 = lab.wire("h1"), lab.wire("h2")
    w1.send(udp())
    w2.expect(want=frames.is_arp)
    w2.send(arp_reply(2))
    assert w2.expect().dst == host_mac(2)
    new = "02:00:00:00:02:66"
    w2.send(arp(sender=host_ip(2), mac=new, target=port_ip(2)))  # it asks: a hint, taken at once
    w2.expect(want=frames.is_arp)
    w1.send(udp())
    assert w2.expect().dst == new


@needs()
def test_arping(lab):
    text = lab.run("h1", f"arping -c 3 -w 5 -I eth0 {port_ip(1)}", check=False).stdout
    assert "Received 3 response(s)" in text or text.count("reply from") == 3, text
    assert port_mac(1).upper() in text.upper()
    text = lab.run("h1", "arping -c 1 -w 1 -I eth0 10.1.0.77", check=False).stdout
    assert "Received 0 response" in text, text


@needs()
def test_kernel_neighbours_agree(lab):
    assert lab.ping("h1", host_ip(2), 1)[0] == 1
    text = lab.run("h1", f"ip neigh show {port_ip(1)}").stdout
    assert port_mac(1) in text, text
    ours = lab.neighbours()
    assert ours[host_ip(1)]["mac"] == host_mac(1) and ours[host_ip(2)]["mac"] == host_mac(2)
