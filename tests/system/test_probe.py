# SPDX-License-Identifier: Apache-2.0
"""What the switch sends of its own to find out who answers: vethway ping, arping, traceroute, mtr.
Their words and their exit status are those of the tools of the same names."""

import re
import signal
import subprocess
import time

from frames import BROADCAST, host_ip, host_mac, port_ip, port_mac
from lab import ApiError, needs
from scapy.layers.inet import ICMP, IP
from test_capture import VETHWAY, Capture, comments, path_of
from test_trace import Trace

FAR = "10.9.0.2"
LAB = {"routes": ["to: 10.9.0.0/16, via: 10.2.0.2", "to: 192.0.2.0/24, action: blackhole"]}


def add_far(lab, mtu=1500):
    """Behind h2, which is a router of Linux then: 10.9.0.1 - 10.9.0.2."""
    far = lab.add_namespace("far")
    lab.run("h2", f"ip link add far0 mtu {mtu} type veth peer name eth0 mtu {mtu} netns {far}")
    lab.run("h2", "ip link set far0 up")
    lab.run("h2", "ip address add 10.9.0.1/24 dev far0")
    lab.run("h2", "sysctl -qw net.ipv4.ip_forward=1 net.ipv4.icmp_ratelimit=0")
    lab.run("far", "ip link set eth0 up")
    lab.run("far", "ip address add 10.9.0.2/24 dev eth0")
    lab.run("far", "ip route add default via 10.9.0.1")
    lab.run("far", "sysctl -qw net.ipv4.icmp_ratelimit=0")


def without_numbers(text):
    """Times and the like don't repeat themselves."""
    return re.sub(r"\d+\.\d+ ms|\d+ms|= [\d./]+ ms|time=\d+ ms", "T", text)


def same_as_ping(lab, args, where="h1", sends_to=port_ip(1), ours=host_ip(1)):
    """vethway ping says to `ours` what ping(8) on a host says to the switch; the hosts' names differ."""
    linux = lab.run(where, f"ping -n {args} {sends_to}", check=False)
    own = lab.cli_run("ping", *args.split(), ours, check=False)
    assert without_numbers(own.stdout) == without_numbers(linux.stdout).replace(sends_to, ours), (
        own.stdout + own.stderr, linux.stdout + linux.stderr)
    assert own.returncode == linux.returncode
    return own


def test_ping_says_what_ping_says(lab):
    for args in ("-c 3 -i 0.2", "-c 1 -s 0", "-c 2 -i 0.2 -s 1472", "-c 2 -i 0.2 -s 3000", "-c 1 -s 65507", "-q -c 2 -i 0.2",
                 "-c 1 -t 7", "-c 1 -Q 184", "-c 1 -s 1472 -M do", "-c 1 -s 3000 -M want", "-c 1 -s 3000 -M dont",
                 "-c 1 -w 3"):
        # Where the payload has no room for a time ping(8) says none.
        own = same_as_ping(lab, args) if "-s 0" not in args else lab.cli_run("ping", "-c1", "-s0", host_ip(1))
        assert own.returncode == 0, args


def test_ping_too_large(lab):
    linux = lab.run("h1", f"ping -n -c 2 -i 0.2 -s 1473 -M do {port_ip(1)}", check=False)
    own = lab.cli_run("ping", "-c", "2", "-i", "0.2", "-s", "1473", "-M", "do", host_ip(1), check=False)
    assert own.returncode == linux.returncode == 1
    assert own.stderr == "vethway: local error: message too long, mtu=1500\n" * 2
    assert "2 packets transmitted, 0 received, +2 errors, 100% packet loss" in own.stdout, own.stdout
    assert lab.moved(lab.counters()) == {}


def test_ping_fragments_arrive(lab):
    with lab.capture("h1", args="icmp or ip[6:2] & 0x3fff != 0") as packets:
        lab.cli_run("ping", "-c", "1", "-s", "3000", host_ip(1))
    requests = [p for p in packets if p[IP].src == port_ip(1)]
    assert [(p[IP].frag * 8, str(p[IP].flags)) for p in requests] == [(0, "MF"), (1480, "MF"), (2960, "")], requests


def test_ping_marks_do_not_fragment(lab):
    with lab.capture("h1", args="icmp") as packets:
        for how in ("do", "want", "dont"):
            lab.cli_run("ping", "-c", "1", "-M", how, "-t", "9", "-Q", "8", "-s", "3", host_ip(1))
    sent = [p[IP] for p in packets if p[ICMP].type == 8]
    assert [(str(p.flags), p.ttl, p.tos, p.len) for p in sent] == [("DF", 9, 8, 31), ("DF", 9, 8, 31), ("", 9, 8, 31)]


def test_ping_errors_from_the_way(lab):
    add_far(lab, mtu=1300)
    lab.run("h2", "ip route add unreachable 10.9.7.0/24")
    for args, to, said in (((), "10.9.7.1", "From 10.2.0.2 icmp_seq=1 Destination Host Unreachable"),
                           (("-t", "1"), FAR, "From 10.2.0.2 icmp_seq=1 Time to live exceeded"),
                           (("-M", "do", "-s", "1400"), FAR,
                            "From 10.2.0.2 icmp_seq=1 Frag needed and DF set (mtu = 1300)")):
        done = lab.cli_run("ping", "-c", "1", *args, to, check=False)
        assert done.returncode == 1 and said in done.stdout.splitlines(), done.stdout
        assert "1 packets transmitted, 0 received, +1 errors, 100% packet loss" in done.stdout
    # The way's MTU is known from then on, as Linux has it in its route.
    done = lab.cli_run("ping", "-c", "2", "-i", "0.2", "-M", "do", "-s", "1400", FAR, check=False)
    assert done.stderr == "vethway: local error: message too long, mtu=1300\n" * 2, done
    known = lab.cli_run("show", "paths").stdout
    assert re.fullmatch(re.escape(FAR) + r" mtu 1300 expires (600|59\d)s\n", known), known
    done = lab.cli_run("ping", "-c", "2", "-i", "0.2", "-M", "want", "-s", "1400", FAR)
    assert "2 packets transmitted, 2 received, 0% packet loss" in done.stdout, done.stdout
    assert lab.cli_run("path", "flush").stdout == "1 flushed\n"
    assert "nothing is known" in lab.cli_run("show", "paths").stdout
    done = lab.cli_run("ping", "-c", "3", "-i", "0.2", "-M", "want", "-s", "1400", FAR)
    assert "3 packets transmitted, 2 received, +1 errors" in done.stdout, done.stdout
    assert lab.cli_run("ping", "-c", "1", "-s", "1400", FAR).returncode == 0


def test_ping_by_a_port(lab):
    """As bound to a device: what has no route by it is on its link."""
    began = time.monotonic()
    with lab.capture("h1", args="arp") as packets:
        done = lab.cli_run("ping", "-c", "1", "-I", "p1", "1.1.1.1", check=False)
    assert 2.5 < time.monotonic() - began < 6
    assert done.returncode == 1 and done.stdout.splitlines()[:2] == [
        "PING 1.1.1.1 (1.1.1.1) from 10.1.0.1 p1: 56(84) bytes of data.",
        "From 10.1.0.1 icmp_seq=1 Destination Host Unreachable"], done.stdout
    asked = [(p.psrc, p.pdst) for p in packets if p.op == 1]
    assert asked == [(port_ip(1), "1.1.1.1")] * 3, asked
    lab.run("h1", "ip address add 10.2.0.77/32 dev eth0")
    done = lab.cli_run("ping", "-c", "1", "-I", "p1", "10.2.0.77")
    assert "64 bytes from 10.2.0.77: icmp_seq=1 ttl=64" in done.stdout, done.stdout
    done = lab.cli_run("ping", "-c", "1", "-I", port_ip(2), host_ip(1))
    assert f"PING {host_ip(1)} ({host_ip(1)}) from {port_ip(2)}: 56(84)" in done.stdout, done.stdout
    with lab.capture("h1", args="icmp") as packets:
        lab.cli_run("ping", "-c", "1", "-I", "p1", "-I", port_ip(2), host_ip(1))
    assert {(p[IP].src, p[IP].dst) for p in packets} == {(port_ip(2), host_ip(1)), (host_ip(1), port_ip(2))}


@needs(hosts=0, start=False, config="""
ports:
  - {name: veth0, veth: veth0, addresses: [10.70.2.10/24], accept_local: true}
  - {name: veth1, veth: veth1, addresses: [10.70.3.11/24], accept_local: true}
control: {socket: '{socket}'}
""")
def test_both_ends_of_a_cable(lab):
    """The request goes out of one port and comes in by the other; the answer goes by lo."""
    lab.run("sw", "ip link add veth0 up type veth peer name veth1")
    lab.run("sw", "ip link set veth1 up")
    lab.before = lab.settings()
    lab.start()
    done = lab.cli_run("ping", "-c", "1", "-I", "veth0", "10.70.3.11", check=False)
    assert done.returncode == 0 and "64 bytes from 10.70.3.11: icmp_seq=1 ttl=64" in done.stdout, done.stdout
    moved = lab.counters()
    assert moved["veth0.tx_packets"] == moved["veth1.rx_packets"] == 2, moved  # ARP, echo
    assert moved["lo.rx_packets"] == moved["lo.tx_packets"] == 1, moved
    done = lab.cli_run("ping", "-c", "1", "-I", "veth0", "10.70.3.99", check=False)
    assert "From 10.70.2.10 icmp_seq=1 Destination Host Unreachable" in done.stdout.splitlines(), done.stdout


def test_own_addresses_are_on_lo(lab):
    path = path_of(lab)
    with lab.moves({"lo.rx_packets": 4, "lo.tx_packets": 4, "lo.originated.host": 2, "lo.originated.echo_reply": 2,
                    "lo.consumed.echo_request": 2, "lo.consumed.host": 2}), Capture(lab, "-w", path, "-p", "lo", "icmp"):
        done = lab.cli_run("ping", "-c", "2", "-i", "0.2", port_ip(2))
    assert f"64 bytes from {port_ip(2)}: icmp_seq=2 ttl=64" in done.stdout, done.stdout
    ways = [row[:2] for row in comments(path, "")]
    assert ways.count(("lo", "out")) == ways.count(("lo", "in")) == 4, ways
    assert lab.ports()["lo"]["counters"]["rx_packets"] == 4
    with lab.moves({"lo.rx_packets": 2, "lo.tx_packets": 2, "lo.originated.host": 1, "lo.originated.echo_reply": 1,
                    "lo.consumed.echo_request": 1, "lo.consumed.host": 1}):
        lab.cli_run("ping", "-c", "1", "-s", "65507", "-I", "lo", port_ip(1))


def test_trace_of_lo(lab):
    with Trace(lab, "--port", "lo", "-n", "1") as trace:
        lab.cli_run("ping", "-c", "1", port_ip(1))
        story = trace.wait_for(1)[0]
    assert f"{port_ip(1)} > {port_ip(1)}: ICMP echo request" in story["packets"][0]["summary"], story


def test_ping_refusals_are_one_line(lab):
    for args, said in ((("-I", "p9", host_ip(1)), 'there is no port "p9"'),
                       (("-I", "10.1.0.77", host_ip(1)), "10.1.0.77 is not an address of ours"),
                       (("172.16.0.1",), "no route to 172.16.0.1"),
                       (("192.0.2.1",), "no way to 192.0.2.1: 192.0.2.0/24 is a blackhole route"),
                       (("10.1.0.255",), "10.1.0.255 is a broadcast address"),
                       (("224.0.0.1",), "224.0.0.1 is no host's address"),
                       (("-I", "lo", host_ip(1)), "10.1.0.2 is not an address of ours: nothing else is on lo"),
                       (("example.org",), 'to: expected an IPv4 address, got "example.org"')):
        done = lab.cli_run("ping", "-c", "1", *args, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", f"vethway: {said}\n"), done
    lab.cli_run("port", "set", "p1", "down")
    done = lab.cli_run("ping", "-c", "1", "-I", "p1", host_ip(1), check=False)
    assert done.stderr == "vethway: port p1 is down (admin down)\n", done
    done = lab.cli_run("ping", "-c", "1", "-s", "65508", host_ip(1), check=False)
    assert done.returncode == 2 and "not in range 0 to 65507" in done.stderr and done.stderr.count("\n") == 1, done.stderr


def test_two_pings_at_once_hear_their_own(lab):
    add_far(lab)
    command = [VETHWAY, "--socket", lab.socket, "ping", "-c", "40", "-i", "0.02", "-q"]
    pings = [lab.spawn("sw", [*command, *args], stdout=subprocess.PIPE)
             for args in ((host_ip(1),), (host_ip(1),), (FAR,), ("-t", "1", FAR))]
    said = [p.communicate(timeout=20)[0] for p in pings]
    for text in said[:3]:
        assert "40 packets transmitted, 40 received, 0% packet loss" in text, said
    assert "40 packets transmitted, 0 received, +40 errors, 100% packet loss" in said[3], said


def test_ping_until_interrupted(lab):
    ping = lab.spawn("sw", [VETHWAY, "--socket", lab.socket, "ping", "-i", "0.1", host_ip(1)], stdout=subprocess.PIPE)
    time.sleep(0.55)
    ping.send_signal(signal.SIGINT)
    text, _ = ping.communicate(timeout=10)
    sent = int(re.search(r"(\d+) packets transmitted, \1 received, 0% packet loss", text).group(1))
    assert ping.returncode == 0 and 4 <= sent <= 8, text
    before = lab.settled()
    time.sleep(0.3)
    assert lab.moved(before) == {}, "nothing is sent for a client that has gone"
    report = lab.cli("ping", "-c", "2", "-i", "0.1", host_ip(1))
    assert (report["transmitted"], report["received"], len(report["answers"])) == (2, 2, 2), report
    assert report["answers"][1]["rtt_ms"] > 0 and report["from"] == port_ip(1) and report["port"] == "p1"


def test_api_refuses_what_is_no_probe(lab):
    for body, said in (({}, "to: "), ({"to": host_ip(1), "kind": "tcp"}, "kind: expected one of echo, udp, arp"),
                       ({"to": host_ip(1), "path_mtu": 3}, "path_mtu"), ({"to": host_ip(1), "count": 0}, "count"),
                       ({"to": host_ip(1), "size": 65508}, "size"), ({"to": host_ip(1), "id": 7}, "id")):
        try:
            lab.api("POST", "/probe", body)
        except ApiError as error:
            assert error.status == 400 and said in str(error.body), (body, error.body)
        else:
            raise AssertionError(f"{body} was accepted")


def same_as_arping(lab, args, own_args=None):
    """vethway arping says to h1 what arping(8) on h1 says to the switch."""
    def form(text, sends_to, ours, port):
        text = re.sub(r"\d+\.\d+ms", "T", re.sub(r"\[[0-9A-F:]+\]", "[MAC]", text))
        return text.replace(sends_to, "THERE").replace(ours, "HERE").replace(port, "PORT")

    linux = lab.run("h1", f"arping {args} -I eth0 {port_ip(1)}", check=False)
    own = lab.cli_run("arping", *(own_args or args).split(), "-I", "p1", host_ip(1), check=False)
    theirs, ours = form(linux.stdout, port_ip(1), host_ip(1), "eth0"), form(own.stdout, host_ip(1), port_ip(1), "p1")
    assert ours == theirs, (own.stdout + own.stderr, linux.stdout + linux.stderr)
    assert own.returncode == linux.returncode


def test_arping_says_what_arping_says(lab):
    for args in ("-c 2", "-c 1 -q", "-b -c 2", "-f", "-D -c 2"):
        same_as_arping(lab, args)


def test_arping_counts(lab):
    with lab.moves({"p1.originated.arp_request": 2, "p1.tx_packets": 2, "p1.rx_packets": 2, "p1.consumed.arp_reply": 2,
                    "p1.originated.arp_copy": 2, "p1.consumed.host": 2}):
        report = lab.cli("arping", "-c", "2", "-i", "0.2", host_ip(1))
    assert (report["transmitted"], report["received"], report["port"], report["from"]) == (2, 2, "p1", port_ip(1))
    assert report["answers"][0]["mac"] == host_mac(1), report
    with lab.moves({"p1.originated.arp_request": 1, "p1.tx_packets": 1}):
        done = lab.cli_run("arping", "-c", "1", "-W", "0.3", "10.1.0.99", check=False)
    assert done.returncode == 1 and "Sent 1 probes (1 broadcast(s))\nReceived 0 response(s)\n" in done.stdout, done
    # A host that is not on the port's subnet, asked from another address of ours.
    lab.run("h1", "ip address add 172.16.0.7/32 dev eth0")
    lab.run("h1", "ip route add 10.2.0.1/32 dev eth0")
    done = lab.cli_run("arping", "-c", "1", "-I", "p1", "-s", port_ip(2), "172.16.0.7")
    assert f"ARPING 172.16.0.7 from {port_ip(2)} p1\nUnicast reply from 172.16.0.7" in done.stdout, done.stdout


def test_arping_finds_conflicts(lab):
    done = lab.cli_run("arping", "-D", "-c", "2", "-i", "0.2", "-W", "0.3", "-I", "p1", port_ip(1), check=False)
    assert done.returncode == 0 and "Received 0 response(s)" in done.stdout, done
    with lab.capture("h1", args="arp") as packets:
        lab.run("h1", f"ip address add {port_ip(1)}/32 dev eth0")
        done = lab.cli_run("arping", "-D", "-c", "2", port_ip(1), check=False)
    assert done.returncode == 1, done
    assert f"Unicast reply from {port_ip(1)} [{host_mac(1).upper()}]" in done.stdout, done.stdout
    probe = next(p for p in packets if p.psrc == "0.0.0.0")
    assert (probe.op, probe.pdst, probe.hwdst, probe.dst) == (1, port_ip(1), "00:00:00:00:00:00", BROADCAST)


def test_arping_announces(lab):
    for flag, op, target in (("-U", 1, "00:00:00:00:00:00"), ("-A", 2, port_mac(1))):
        began = time.monotonic()
        with lab.capture("h1", args="arp") as packets:
            done = lab.cli_run("arping", flag, "-c", "1", port_ip(1))
        assert time.monotonic() - began < 3 and "Sent 1 probes (1 broadcast(s))" in done.stdout, done.stdout
        assert [(p.op, p.psrc, p.pdst, p.hwsrc, p.hwdst, p.dst) for p in packets] == [
            (op, port_ip(1), port_ip(1), port_mac(1), target, BROADCAST)]


def test_arping_refusals_are_one_line(lab):
    for args, said in ((("-I", "p9", host_ip(1)), 'there is no port "p9"'),
                       (("172.16.0.1",), "no port has 172.16.0.1 on its link: name one with -I PORT"),
                       (("-U", host_ip(1)), "10.1.0.2 is not an address of ours: there is nothing to announce"),
                       (("-s", "9.9.9.9", host_ip(1)), "9.9.9.9 is not an address of ours")):
        done = lab.cli_run("arping", "-c", "1", *args, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", f"vethway: {said}\n"), done


def hops_of(text):
    return re.sub(r"\d+\.\d+ ms", "T", text).splitlines()


def test_traceroute_says_what_traceroute_says(lab):
    """From h1 the switch is a hop more."""
    add_far(lab)
    lab.run("h2", "ip route add 10.1.0.0/24 via 10.2.0.1")
    for args, more in (("-n", ""), ("-n -I", ""), ("-n -q 1", ""), ("-q 2", ""), ("-n -f 2", ""), ("-n -m 1", ""),
                       ("-n -p 40000", "")):
        shifted = {"-n -f 2": "-n -f 3", "-n -m 1": "-n -m 2"}.get(args, args)
        linux = hops_of(lab.run("h1", f"traceroute {shifted} {FAR}").stdout)
        own = hops_of(lab.cli_run("traceroute", *args.split(), FAR, check=False).stdout)
        theirs = [f"{int(line[:2]) - 1:2}" + line[2:] for line in linux[1:] if not line.startswith(" 1 ")]
        assert own[1:] == theirs, (args, own, linux)
        first = f"traceroute to {FAR} ({FAR}), {1 if '-m' in args else 30} hops max, 60 byte packets"
        assert own[0] == first, own


def test_traceroute_where_it_ends_badly(lab):
    add_far(lab)
    lab.run("h2", "ip route add unreachable 10.9.7.0/24")
    lab.run("h2", "ip route add prohibit 10.9.8.0/24")
    lab.run("h2", "ip route add blackhole 10.9.6.0/24")
    # From one address Linux answers only a handful at once (ip_error() of net/ipv4/route.c).
    for to, note, source in (("10.9.7.1", "!H", port_ip(2)), ("10.9.8.1", "!X", port_ip(1))):
        own = lab.cli_run("traceroute", "-n", "-s", source, to, check=False)
        assert hops_of(own.stdout)[1:] == [f" 1  10.2.0.2  T {note}  T {note}  T {note}"], own.stdout
        assert own.returncode == 0
    began = time.monotonic()
    own = lab.cli_run("traceroute", "-n", "-q", "2", "-m", "3", "-w", "0.5", "10.9.6.1", check=False)
    assert hops_of(own.stdout)[1:] == [" 1  * *", " 2  * *", " 3  * *"], own.stdout
    assert time.monotonic() - began < 2, "all are waited for together"
    own = lab.cli("traceroute", FAR)
    assert own["reached"] and [h["answers"][0]["from"] for h in own["hops"]] == ["10.2.0.2", FAR], own
    own = lab.cli_run("traceroute", "-n", "-i", "p2", "-q", "1", "10.9.0.1")
    assert hops_of(own.stdout)[1:] == [" 1  10.9.0.1  T"], own.stdout
    own = lab.cli_run("traceroute", "-n", port_ip(1))
    assert hops_of(own.stdout)[1:] == [f" 1  {port_ip(1)}  T  T  T"], own.stdout
    for args, said in ((("172.16.0.1",), "no route to 172.16.0.1"), (("-f", "3", "-m", "2", FAR), "is beyond the last")):
        done = lab.cli_run("traceroute", *args, check=False)
        assert done.returncode == 2 and said in done.stderr and done.stderr.count("\n") == 1, done


def test_mtr(lab):
    add_far(lab)
    done = lab.cli_run("mtr", "-r", "-c", "3", "-i", "0.2", FAR)
    lines = done.stdout.splitlines()
    assert lines[0].split()[0] == "HOST:" and lines[0].split()[2:] == ["Loss%", "Snt", "Last", "Avg", "Best", "Wrst", "StDev"]
    assert [line.split()[:4] for line in lines[1:]] == [["1.|--", "10.2.0.2", "0.0%", "3"], ["2.|--", FAR, "0.0%", "3"]], lines
    report = lab.cli("mtr", "-u", "-c", "2", "-i", "0.2", "-Z", "0.5", FAR)
    assert report["reached"] and [h["sent"] for h in report["hops"]] == [2, 2], report
    assert report["hops"][1]["from"] == [FAR] and report["hops"][1]["loss_percent"] == 0, report
    mtr = lab.spawn("sw", [VETHWAY, "--socket", lab.socket, "mtr", "-i", "0.1", FAR], stdout=subprocess.PIPE)
    time.sleep(0.6)
    mtr.send_signal(signal.SIGINT)
    text, _ = mtr.communicate(timeout=10)
    assert mtr.returncode == 0 and FAR in text, text
