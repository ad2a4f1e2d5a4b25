# SPDX-License-Identifier: Apache-2.0
"""The vethway command: every command once, as a user types it."""

import json
import os
import signal
import subprocess
import time

from frames import host_ip, host_mac, port_ip, port_mac
from lab import BUILD, ApiError, needs, wait_for


def refused(lab, *args, word=""):
    """Status not 0, nothing on stdout, one line on stderr that says what is wrong."""
    done = lab.cli_run(*args, check=False)
    assert done.returncode != 0, f"{args} was accepted"
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1 and not done.stdout, f"{args}: {done.stdout}{done.stderr}"
    assert word in lines[0], lines[0]


def api_refuses(lab, method, path, body):
    """(status, error)"""
    try:
        answer = lab.api(method, path, body)
    except ApiError as error:
        return error.status, error.body["error"]
    raise AssertionError(f"{method} {path} was accepted: {answer}")


def prints(lab, *args, words=()):
    text = lab.cli_run(*args).stdout
    for word in words:
        assert word in text, f"{word!r} is not in what {args} printed:\n{text}"
    return text


def test_status(lab):
    prints(lab, "status", words=("DPDK",))
    status = lab.cli("status")
    assert status["ports"] == {"total": 2, "up": 2} and status["pid"] == lab.daemon.process.pid, status
    assert status["accounting"]["imbalance"] == 0 and status["dpdk"].startswith("DPDK "), status


def test_show_ports(lab):
    prints(lab, "show", "ports", words=("p1", "p2", port_mac(1), "10.1.0.1/24"))
    ports = {p["name"]: p for p in lab.cli("show", "ports")["ports"]}
    assert ports["p1"]["mac"] == port_mac(1) and ports["p1"]["addresses"] == ["10.1.0.1/24"]
    assert ports["p1"]["netdev"] == "p1" and ports["p1"]["mtu"] == 1500


@needs(port_more={1: ", rp_filter: strict"})
def test_knobs(lab):
    def shown(name):
        row = next(k for k in lab.cli("show", "knobs")["ports"] if k["name"] == name)
        return row["value"], row["ports"]["p1"], row["ports"]["p2"]

    prints(lab, "show", "knobs", words=("rp_filter", "arp_ignore", "icmp_ratelimit", "strict"))
    assert shown("rp_filter") == ("off", "strict", "off")
    lab.cli_run("port", "set", "p2", "arp_ignore", "8", "proxy_arp", "on", "rp_filter", "loose")
    assert (shown("arp_ignore"), shown("proxy_arp")) == ((0, 0, 8), (False, False, True))
    assert lab.ports()["p2"]["knobs"]["rp_filter"] == "loose"
    assert "arp_ignore: 8" in lab.cli_run("show", "config").stdout
    refused(lab, "port", "set", "p2", "arp_ignore", "4", word="0, 1, 2, 3 or 8")
    refused(lab, "port", "set", "p2", "proxy_arp", "1", word="on, off or default")
    lab.cli_run("port", "set", "p1", "rp_filter", "default")
    text = lab.cli_run("show", "config").stdout + "defaults: {rp_filter: loose}\nip4: {icmp_echo_ignore_all: true}\n"
    assert "defaults.rp_filter changed" in lab.cli_run("apply", "-", input=text).stdout
    assert shown("rp_filter") == ("loose", "loose", "loose")
    assert lab.ping("h1", port_ip(1), 1, "-W 1")[0] == 0
    lab.cli_run("reload")
    assert shown("rp_filter") == ("off", "strict", "off")
    assert lab.ping("h1", port_ip(1), 1)[0] == 1


@needs(routes=["to: 10.50.0.0/16, via: 10.2.0.2, metric: 20", "to: 192.0.2.0/24, action: blackhole"])
def test_show_routes(lab):
    prints(lab, "show", "routes", words=("10.1.0.0/24", "10.50.0.0/16", "10.2.0.2", "blackhole"))
    routes = {r["to"]: r for r in lab.cli("show", "routes")["routes"]}
    assert routes["10.50.0.0/16"]["metric"] == 20 and routes["10.50.0.0/16"]["active"]
    assert routes["192.0.2.0/24"]["type"] == "blackhole"
    assert routes["10.1.0.0/24"]["type"] == "connected"


def test_show_neighbours_and_drops(lab):
    assert lab.ping("h1", host_ip(2), 1)[0] == 1
    lab.ping("h1", "172.16.0.1", 1, "-W 1")
    prints(lab, "show", "neighbours", words=(host_ip(1), host_mac(2)))
    rows = {n["address"]: n for n in lab.cli("show", "neighbours")["neighbours"]}
    assert rows[host_ip(2)]["mac"] == host_mac(2) and rows[host_ip(2)]["port"] == "p2"
    prints(lab, "show", "drops", words=("no_route", "p1"))
    drops = {(d["port"], d["reason"]): d["packets"] for d in lab.cli("show", "drops")["drops"]}
    assert drops["p1", "no_route"] == 1, drops


def test_show_counters_lcores_config(lab):
    assert lab.ping("h1", host_ip(2), 1)[0] == 1
    prints(lab, "show", "counters", words=("p1",))
    ports = {p["port"]: p for p in lab.cli("show", "counters")["ports"]}
    assert ports["p1"]["rx_packets"] >= 2
    prints(lab, "show", "lcores", words=("p1",))
    lcores = lab.cli("show", "lcores")["lcores"]
    assert {"worker", "control"} <= {x["role"] for x in lcores}
    text = prints(lab, "show", "config", words=("veth: p1", "10.1.0.1/24"))
    lab.write_config(text, os.path.join(lab.dir, "shown.yaml"))
    done = lab.run("sw", [os.path.join(BUILD, "vethwayd"), "--check", "--config", os.path.join(lab.dir, "shown.yaml")])
    assert "ok" in done.stdout
    assert "veth" in lab.cli("show", "config")["yaml"]


def test_every_show_is_json(lab):
    for what in ("ports", "routes", "neighbours", "drops", "counters", "lcores", "config"):
        assert isinstance(lab.cli("show", what), dict), what


def test_routes(lab):
    lab.cli_run("route", "add", "10.50.0.0/16", "via", host_ip(2))
    assert lab.routes()["10.50.0.0/16"]["next_hops"][0]["via"] == host_ip(2)
    prints(lab, "route", "get", "10.50.1.1", words=(host_ip(2), "p2"))
    got = lab.cli("route", "get", "10.50.1.1")
    assert got["route"]["to"] == "10.50.0.0/16" and got["next_hop"]["port"] == "p2", got
    lab.run("h2", "ip address add 10.50.1.1/32 dev lo")
    assert lab.ping("h1", "10.50.1.1", 1)[0] == 1, "the route is used"
    refused(lab, "route", "add", "10.50.0.0/16", "via", host_ip(2), word="10.50.0.0/16")
    refused(lab, "route", "add", "10.51.0.0/16", "via", "172.16.0.1", word="172.16.0.1")
    refused(lab, "route", "add", "10.51.0.1/16", "via", host_ip(2), word="10.51.0.1/16")
    lab.cli_run("route", "del", "10.50.0.0/16")
    assert "10.50.0.0/16" not in lab.routes() and lab.ping("h1", "10.50.1.1", 1)[0] == 0
    refused(lab, "route", "del", "10.50.0.0/16", word="10.50.0.0/16")
    refused(lab, "route", "get", "10.50.1.1", word="10.50.1.1")
    lab.cli_run("route", "add", "default", "via", host_ip(2))
    assert "0.0.0.0/0" in lab.routes()
    lab.cli_run("route", "del", "default")


def test_route_with_two_ways_to_say_where(lab):
    hops = [{"via": host_ip(1)}, {"via": host_ip(2)}]
    for body in ({"via": host_ip(1), "next_hops": hops}, {"port": "p1", "next_hops": hops}, {"next_hops": []},
                 {"next_hops": {"via": host_ip(1)}}, {"next_hops": "x"}, {"next_hops": None}):
        status, error = api_refuses(lab, "POST", "/routes", {"to": "10.50.0.0/16", **body})
        assert status == 400 and "next_hops" in error, (body, error)
    refused(lab, "route", "add", "10.50.0.0/16", "via", host_ip(1), "nexthop", "via", host_ip(2), word="next_hops")
    refused(lab, "route", "add", "10.50.0.0/16", "via", host_ip(1), "via", host_ip(2), word="via is given twice")
    assert "10.50.0.0/16" not in lab.routes()
    lab.cli_run("route", "add", "10.50.0.0/16", "nexthop", "via", host_ip(1), "nexthop", "via", host_ip(2))
    assert len(lab.routes()["10.50.0.0/16"]["next_hops"]) == 2


def test_route_beyond_a_gateway(lab):
    lab.cli_run("route", "add", "10.50.0.0/16", "via", "10.77.0.1", "port", "p2", "onlink", "src", port_ip(1))
    row = lab.routes()["10.50.0.0/16"]
    assert row["next_hops"][0]["onlink"] and (row["source"], row["scope"]) == (port_ip(1), "global"), row
    prints(lab, "show", "routes", words=("10.50.0.0/16 via 10.77.0.1 port p2 onlink static", f"src {port_ip(1)}"))
    assert lab.cli("route", "get", "10.50.0.1")["source"] == port_ip(1)
    lab.cli_run("route", "add", "10.51.0.0/16", "port", "p2", "scope", "link")
    lab.cli_run("route", "add", "10.52.0.0/16", "via", "10.51.0.1")
    assert lab.routes()["10.52.0.0/16"]["next_hops"][0]["port"] == "p2", "10.51/16 is on its link"
    refused(lab, "route", "add", "10.53.0.0/16", "nhid", "7", word="there is no next hop with id 7")
    refused(lab, "route", "add", "10.53.0.0/16", "port", "p2", "scope", "site", word="scope")
    refused(lab, "route", "add", "10.53.0.0/16", "via", "10.77.0.1", "onlink", word="needs port")
    refused(lab, "route", "del", "10.51.0.0/16", word="10.51.0.1 is in no port's subnet")
    for to in ("10.52.0.0/16", "10.51.0.0/16", "10.50.0.0/16"):
        lab.cli_run("route", "del", to)


@needs(more="nexthops: [{id: 1, via: 10.2.0.2}, {id: 2, via: 10.1.0.2}, {id: 3, group: [1, 2]}]")
def test_route_by_the_number_of_a_next_hop(lab):
    lab.cli_run("route", "add", "10.50.0.0/16", "nhid", "3")
    assert [h["port"] for h in lab.routes()["10.50.0.0/16"]["next_hops"]] == ["p2", "p1"]
    prints(lab, "show", "routes", words=("10.50.0.0/16 nhid 3 static",))
    lab.run("h1", "ip address add 10.50.0.1/32 dev lo")
    lab.run("h2", "ip address add 10.50.0.1/32 dev lo")
    assert lab.ping("h1", "10.50.0.1", 1)[0] == 1
    lab.cli_run("port", "set", "p1", "down")
    row = lab.routes()["10.50.0.0/16"]
    assert [h["up"] for h in row["next_hops"]] == [True, False] and row["active"], row


def test_route_actions(lab):
    for action in ("blackhole", "unreachable", "prohibit", "throw"):
        lab.cli_run("route", "add", "10.50.0.0/16", action)
        assert lab.routes()["10.50.0.0/16"]["type"] == action
        lab.cli_run("route", "del", "10.50.0.0/16")


def test_neighbours(lab):
    lab.cli_run("neighbour", "add", "10.2.0.9", "02:00:00:00:02:09")
    row = lab.neighbours()["10.2.0.9"]
    assert (row["state"], row["mac"], row["port"]) == ("permanent", "02:00:00:00:02:09", "p2"), row
    refused(lab, "neighbour", "add", "10.2.0.9", "02:00:00", word="02:00:00")
    assert lab.ping("h1", host_ip(2), 1)[0] == 1
    lab.cli_run("neighbour", "flush")
    assert set(lab.neighbours()) == {"10.2.0.9"}, "the permanent one stays"
    assert lab.ping("h1", host_ip(2), 1)[0] == 1, "and is asked for again"
    lab.cli_run("neighbour", "del", "10.2.0.9")
    assert "10.2.0.9" not in lab.neighbours()
    refused(lab, "neighbour", "del", "10.2.0.9", word="10.2.0.9")


def test_addresses(lab):
    lab.cli_run("address", "add", "10.1.5.1/24", "port", "p1")
    assert lab.ports()["p1"]["addresses"] == ["10.1.0.1/24", "10.1.5.1/24"]
    assert lab.ping("h1", "10.1.5.1", 1)[0] == 1
    assert "10.1.5.0/24" in lab.routes()
    refused(lab, "address", "add", "10.2.0.1/24", "port", "p1", word="10.2.0.1")
    lab.cli_run("address", "add", "10.2.0.200/24", "port", "p1")  # on a subnet of another port's, too
    assert [(r["next_hops"][0]["port"], r["active"]) for r in lab.api("GET", "/routes")["routes"]
            if r["to"] == "10.2.0.0/24"] == [("p1", True), ("p2", False)]
    lab.cli_run("address", "del", "10.2.0.200/24", "port", "p1")
    assert lab.ping("h1", host_ip(2), 1)[0] == 1
    lab.cli_run("address", "del", "10.1.5.1/24", "port", "p1")
    assert lab.ping("h1", "10.1.5.1", 1, "-W 1")[0] == 0 and "10.1.5.0/24" not in lab.routes()
    refused(lab, "address", "add", "10.9.0.1/24", "port", "p9", word="p9")


def test_port_down_and_up(lab):
    assert lab.ping("h1", host_ip(2), 1)[0] == 1
    lab.cli_run("port", "set", "p2", "down")
    port = lab.ports()["p2"]
    assert (port["state"], port["reason"]) == ("down", "admin down"), port
    before = lab.settled()
    assert lab.ping("h1", host_ip(2), 2, "-W 1")[0] == 0
    assert "p2.tx_packets" not in lab.moved(before)
    lab.cli_run("port", "set", "p2", "up")
    wait_for(lambda: lab.ports()["p2"]["state"] == "up", 3, "p2 is up")
    assert lab.ping("h1", host_ip(2), 2)[0] == 2
    refused(lab, "port", "set", "p9", "down", word="p9")


def test_port_mtu(lab):
    assert lab.ping("h1", host_ip(2), 1)[0] == 1
    lab.cli_run("port", "set", "p2", "mtu", "1400")
    received, text = lab.ping("h1", host_ip(2), 1, "-s 1472 -M do")
    assert received == 0 and ("mtu = 1400" in text or "mtu=1400" in text), text


@needs(hosts=3, used=2)
def test_port_add_and_del(lab):
    lab.cli_run("port", "add", "p3", "veth", "p3", "address", "10.3.0.1/24")
    wait_for(lambda: lab.ports()["p3"]["state"] == "up", 3, "p3 is up")
    assert lab.ping("h1", host_ip(3), 2)[0] == 2
    lab.cli_run("neighbour", "add", host_ip(3), host_mac(3))
    prints(lab, "port", "del", "p3", words=("p3", host_ip(3)))
    assert "p3" not in lab.ports() and host_ip(3) not in lab.neighbours(), "its neighbours go with it"
    refused(lab, "port", "del", "p3", word="p3")


@needs(hosts=3, used=2)
def test_port_errors_say_what(lab):
    def says(line, *args):
        done = lab.cli_run(*args, check=False)
        assert (done.returncode, done.stderr) == (2, f"vethway: {line}\n"), (args, done.stderr)

    lab.cli_run("route", "add", "10.8.0.0/16", "via", host_ip(2))
    says("route 10.8.0.0/16 uses port p2: delete it first", "port", "del", "p2")
    says("route 10.8.0.0/16: 10.2.0.2 is in no port's subnet", "address", "del", "10.2.0.1/24", "port", "p2")
    lab.cli_run("route", "add", "10.9.0.0/16", "nexthop", "port", "p1", "nexthop", "port", "p2")
    says("route 10.8.0.0/16 and 1 more use port p2: delete them first", "port", "del", "p2")
    says("route 10.9.0.0/16 uses port p1: delete it first", "port", "del", "p1")
    assert set(lab.ports()) >= {"p1", "p2"}
    for args in (["port", "add", "x0"], ["port", "add", "x0", "veth", "p3", "mac", "02:00"],
                 ["port", "add", "x0", "veth", "p3", "address", "10.3.0.300/24"]):
        done = lab.cli_run(*args, check=False)
        assert done.returncode == 2 and len(done.stderr.splitlines()) == 1, (args, done.stderr)
        assert "request" not in done.stderr and "ports[" not in done.stderr, done.stderr


def test_ping(lab):
    text = prints(lab, "ping", "-c", "2", host_ip(1), words=(host_ip(1), "ttl=64", "0% packet loss"))
    assert text.count("icmp_seq=") == 2, text
    done = lab.cli_run("ping", "-c", "1", "10.1.0.99", check=False, timeout=30)
    assert done.returncode != 0, done.stdout
    done = lab.cli_run("ping", "-c", "1", "172.16.0.1", check=False)
    assert done.returncode != 0, done.stdout


def test_ping_ends_at_once_on_ctrl_c(lab):
    command = [os.path.join(BUILD, "vethway"), "--socket", lab.socket, "ping", "-W", "8", "10.1.0.99"]
    for more, word in (([], "1 packets transmitted, 0 received, 100% packet loss"), (["--json"], '"transmitted": 1')):
        ping = lab.spawn("sw", command + more, stdout=subprocess.PIPE)
        time.sleep(0.5)
        began = time.monotonic()
        ping.send_signal(signal.SIGINT)
        text, _ = ping.communicate(timeout=10)
        assert time.monotonic() - began < 0.5 and ping.returncode == 1 and word in text, (ping.returncode, text)
    ping = lab.spawn("sw", [*command[:-1], host_ip(1)], stdout=subprocess.PIPE)
    time.sleep(0.5)
    ping.send_signal(signal.SIGINT)
    text, _ = ping.communicate(timeout=10)
    assert ping.returncode == 0 and " 0% packet loss" in text, (ping.returncode, text)


def test_explain_drop(lab):
    prints(lab, "explain", "drop", "no_route", words=("no_route", "no route to the destination"))
    refused(lab, "explain", "drop", "nonsense", word="nonsense")


def test_apply_and_reload(lab):
    with open(lab.config_file) as f:
        good = f.read()
    path = lab.write_config(good + "routes: [{to: 10.50.0.0/16, via: 10.2.0.2}]\n", os.path.join(lab.dir, "new.yaml"))
    prints(lab, "apply", path, words=("10.50.0.0/16",))
    assert "10.50.0.0/16" in lab.routes()
    prints(lab, "reload", words=("10.50.0.0/16",))
    assert "10.50.0.0/16" not in lab.routes(), "the daemon's own file has no such route"
    bad = lab.write_config(good.replace("10.2.0.1/24", "10.2.0.300/24"), os.path.join(lab.dir, "bad.yaml"))
    done = lab.cli_run("apply", bad, check=False)
    assert done.returncode != 0 and "bad.yaml:3:" in done.stderr, done.stderr
    assert lab.ping("h1", host_ip(2), 1)[0] == 1
    refused(lab, "apply", "/nowhere/x.yaml", word="/nowhere/x.yaml")


def test_apply_takes_only_what_it_can_read(lab):
    before = lab.api("GET", "/config")
    refused(lab, "apply", lab.dir, word=f"{lab.dir}: Is a directory")
    done = lab.run("sw", ["bash", "-c", f"{os.path.join(BUILD, 'vethway')} --socket {lab.socket} apply - < {lab.dir}"],
                   check=False)
    assert done.returncode == 2 and "-: Is a directory" in done.stderr, done.stderr
    big = lab.write_config("#" * (17 << 20), os.path.join(lab.dir, "big.yaml"))
    refused(lab, "apply", big, word="big.yaml: larger than 16 MiB")
    assert lab.api("GET", "/config") == before
    assert "nothing to change" in lab.cli_run("apply", "-", input=before).stdout


def test_errors_are_one_line(lab):
    refused(lab, "nonsense", word='no such thing "nonsense"; there are: status, show, ')
    refused(lab, "show", "nonsense", word='show: no such thing "nonsense"; there are: ports, knobs, routes, ')
    refused(lab, "show", word="show: expected one of: ports, knobs, routes, ")
    refused(lab, word="expected one of: status, show, ")
    for args in (["route", "add", "10.0.0.0/8"],
                 ["route", "add", "10.0.0.0/33", "via", host_ip(2)]):
        refused(lab, *args)


@needs(start=False)
def test_without_a_daemon(lab):
    refused(lab, "status", word=lab.socket)


@needs(start=False, hosts=0)
def test_completion_and_help(lab):
    script = lab.cli_run("completion", "bash").stdout
    path = os.path.join(lab.dir, "completion")
    with open(path, "w") as f:
        f.write(script)
    done = lab.run("sw", ["bash", "--norc", "-ec", f". {path}; complete -p vethway"])
    assert "vethway" in done.stdout, done.stdout
    text = lab.cli_run("--help").stdout
    for command in ("status", "show", "route", "neighbour", "address", "port", "ping", "arping", "traceroute", "mtr", "doctor",
                    "apply", "reload"):
        assert command in text, command
    assert "0." in lab.cli_run("--version").stdout


def test_completion_asks_the_daemon(lab):
    """The command that scripts call, and bash's own script around it."""
    def words(*line):
        return lab.cli_run("complete", "--", *line).stdout.split()

    assert words("sho") == ["show"] and words("show", "po") == ["ports"]
    assert words("ping", "--c") == ["--count"] and words("doc") == ["doctor"]
    assert words("ping", "-I", "") == words("arping", "--port", "p") == words("traceroute", "-i", "") == ["p1", "p2"]
    assert {"add", "del", "set"} <= set(words("port", ""))
    assert words("port", "set", "") == words("address", "add", "10.9.0.1/24", "port", "p") == ["p1", "p2"]
    assert "show" in words("")
    script = os.path.join(lab.dir, "completion")
    with open(script, "w") as f:
        f.write(lab.cli_run("completion", "bash").stdout)
    for line, found in ((["sho"], "show"), (["port", "del", ""], "p1\np2"), (["--socket", lab.socket, "show", "dr"], "drops"),
                        (["--socket", lab.socket, "port", "set", "p"], "p1\np2")):
        quoted = " ".join(f"'{word}'" for word in ["vethway", *line])
        done = lab.run("sw", ["bash", "--norc", "-ec",
                              f"PATH={BUILD}:$PATH; export VETHWAY_SOCKET={lab.socket}; . {script}\n"
                              f"COMP_WORDS=({quoted}); COMP_CWORD={len(line)}; _vethway\n"
                              "printf '%s\\n' \"${COMPREPLY[@]}\""])
        assert done.stdout.strip() == found, (line, done.stdout)


def test_socket_is_guarded(lab):
    mode = os.stat(lab.socket).st_mode & 0o777
    assert mode == 0o660, oct(mode)


def test_api_refuses_deep_nesting(lab):
    for opening, closing in (("[", "]"), ('{"a":', "}")):
        for path in ("/ports", "/routes", "/probe"):
            for depth in (9, 100_000):
                text = opening * depth + "1" + closing * depth
                assert api_refuses(lab, "POST", path, text) == (400, "the request is nested too deeply"), (path, depth)
        assert "nested" not in api_refuses(lab, "POST", "/ports", opening * 8 + "1" + closing * 8)[1]
    assert lab.daemon.running()


def test_api_refuses_rubbish(lab):
    for method, path, body in (("POST", "/routes", "{"), ("POST", "/routes", {"to": 3}), ("POST", "/routes", {}),
                               ("PATCH", "/ports/p9", {"admin": "down"}), ("PATCH", "/ports/p1", {"mtu": 1}),
                               ("GET", "/nonsense", None), ("PUT", "/config", "a: ["),
                               ("POST", "/neighbours", {"address": "10.1.0.9"})):
        try:
            lab.api(method, path, body)
        except ApiError as error:
            text = error.body if isinstance(error.body, dict) else json.loads(error.body)
            assert 400 <= error.status < 500 and text["error"] and "\n" not in text["error"], (path, error)
        else:
            raise AssertionError(f"{method} {path} {body} was accepted")
    assert lab.ping("h1", host_ip(2), 1)[0] == 1 and lab.ping("h1", port_ip(1), 1)[0] == 1
