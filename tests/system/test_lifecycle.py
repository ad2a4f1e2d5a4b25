# SPDX-License-Identifier: Apache-2.0
"""Starting, reloading, ending; and every way in which a start can't work."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import time

from frames import host_ip, port_ip
from lab import BUILD, Daemon, Failure, Lab, Skip, needs, wait_for

ALONE = True

HUGEPAGES = "/sys/kernel/mm/hugepages/hugepages-2048kB"


def run_daemon(lab, config, *args, timeout=10):
    """A start that is meant to end by itself."""
    path = lab.write_config(config, os.path.join(lab.dir, "other.yaml"))
    return lab.run("sw", [os.path.join(BUILD, "vethwayd"), "--config", path, *args], check=False, timeout=timeout)


def one_line(done, *words):
    """The start failed, and one line says why and names what it is about."""
    assert done.returncode not in (0, None) and done.returncode > 0, f"status {done.returncode}\n{done.stderr}"
    lines = [x for x in (done.stdout + done.stderr).splitlines() if x.strip()]
    assert len(lines) == 1, "\n".join(lines)
    for word in words:
        assert word in lines[0], f"{word!r} is not in: {lines[0]}"


def reload(lab, ok=True):
    def verdicts():
        return len(re.findall(r"reload: \d+ changes|reload refused", lab.daemon.log))

    before = verdicts()
    lab.daemon.process.send_signal(signal.SIGHUP)
    wait_for(lambda: verdicts() > before, 5, "reload")
    assert wait_for(lambda: lab.status()["last_reload"]["ok"] is ok, 1, lambda: f"{lab.status()['last_reload']}")


@needs(start=False)
def test_check_good(lab):
    done = lab.run("sw", [os.path.join(BUILD, "vethwayd"), "--check", "--config", lab.config_file])
    assert "ok" in done.stdout and not done.stderr, done.stderr
    assert not os.path.exists(lab.socket)


@needs(start=False)
def test_check_finds_every_error_in_one_pass(lab):
    done = run_daemon(lab, "ports:\n"
                           "  - {name: p1, veth: p1, mac: 02:00:00, colour: red}\n"
                           "  - {name: p1, veth: p2, addresses: [10.2.0.300/24]}\n"
                           "routes:\n"
                           "  - {to: 10.0.0.0/33, via: 10.2.0.9}\n", "--check")
    assert done.returncode > 0
    lines = done.stderr.strip().splitlines()
    for where, word in ((2, "mac"), (2, "colour"), (3, "addresses"), (5, "to")):
        assert any(re.match(rf".*other\.yaml:{where}:\d+: .*{word}", line) for line in lines), done.stderr
    assert all(re.match(r".*other\.yaml:\d+:\d+: ", line) for line in lines), done.stderr


@needs(start=False)
def test_no_such_file(lab):
    done = lab.run("sw", [os.path.join(BUILD, "vethwayd"), "--config", "/nowhere/x.yaml"], check=False)
    one_line(done, "/nowhere/x.yaml")


@needs(start=False)
def test_missing_interface(lab):
    one_line(run_daemon(lab, "ports:\n  - {name: p9, veth: nope, addresses: [10.1.0.1/24]}\n"
                             "control: {socket: '{socket}'}\n"), "p9", "nope")
    assert not os.path.exists(lab.socket), "the socket was left behind"


@needs(start=False)
def test_unavailable_cpu(lab):
    config = lab.default_config() + "dataplane: {workers: [63]}\n"
    one_line(run_daemon(lab, config), "63")


@needs(start=False)
def test_metrics_address_in_use(lab):
    holder = lab.spawn("sw", ["/usr/bin/python3", "-c",
                              "import socket,time\ns=socket.create_server(('127.0.0.1',9464))\ntime.sleep(60)"])
    wait_for(lambda: ":9464" in lab.run("sw", "ss -Hltn").stdout, 5, "the address is taken")
    done = run_daemon(lab, lab.default_config())
    assert done.returncode > 0 and "9464" in done.stderr.strip().splitlines()[-1], done.stderr
    holder.kill()


def test_second_on_the_same_socket(lab):
    done = run_daemon(lab, "ports: []\ncontrol: {socket: '{socket}'}\n")
    one_line(done, lab.socket)
    assert lab.ping("h1", host_ip(2), 2)[0] == 2, "the first one goes on"


@needs(config="ports:\n  - {name: p1, veth: p1, addresses: [10.1.0.1/24]}\ncontrol: {socket: '{socket}'}\n")
def test_two_side_by_side(lab):
    other = os.path.join(lab.dir, "other.sock")
    path = lab.write_config("ports:\n  - {name: p2, veth: p2, addresses: [10.2.0.1/24]}\n"
                            f"control: {{socket: '{other}'}}\n", os.path.join(lab.dir, "other.yaml"))
    second = Daemon(path, other, os.path.join(lab.dir, "other.log"), lab.ns("sw"))
    try:
        second.wait_ready()
        wait_for(lambda: lab.ping("h1", port_ip(1), 1)[0] and lab.ping("h2", port_ip(2), 1)[0], 5, "both answer")
        status, seconds = second.stop()
        assert status == 0 and seconds < 1.5, (status, seconds)
        assert lab.ping("h1", port_ip(1), 2)[0] == 2, "the other one goes on"
    finally:
        second.kill()


@needs(hosts=3, used=2)
def test_reload_adds_port_and_route(lab):
    assert lab.ping("h1", host_ip(2), 3)[0] == 3
    before = lab.settled()
    lab.used = 3
    lab.write_config(lab.default_config(routes=["to: 10.50.0.0/16, via: 10.3.0.2"]))
    reload(lab)
    lab.wait_ports_up()
    assert lab.routes()["10.50.0.0/16"]["next_hops"][0]["port"] == "p3"
    wait_for(lambda: lab.ping("h1", host_ip(3), 1)[0], 5, "h3 is reached by the new port")
    after = lab.counters()
    assert all(after.get(k, 0) >= v for k, v in before.items()), "a counter went back"
    lab.mbufs_before = None  # another port's buffers

    lab.used = 2
    lab.write_config(lab.default_config())
    reload(lab)
    assert "p3" not in lab.ports() and "10.50.0.0/16" not in lab.routes()
    assert lab.ping("h1", host_ip(2), 3)[0] == 3


def test_bad_reload_is_refused(lab):
    with open(lab.config_file) as f:
        good = f.read()
    before = lab.api("GET", "/config")
    for bad in (good.replace("veth: p2", "veth: nope"), good.replace("ports:", "prots:"), "a: [", "",
                good + "dataplane: {workers: 1, hugepages: off, mbufs: 4096}\n"):
        lab.write_config(bad)
        reload(lab, ok=False)
        assert lab.status()["last_reload"]["error"], bad
        assert lab.ping("h1", host_ip(2), 1)[0] == 1, "it goes on as before"
    assert lab.api("GET", "/config") == before
    lab.write_config(good)
    reload(lab)


def test_reload_under_traffic_loses_nothing(lab):
    """Twenty reloads that change a route, while pings go by."""
    assert lab.ping("h1", host_ip(2), 1)[0] == 1
    ping = lab.spawn("h1", f"ping -n -q -i 0.01 -c 300 {host_ip(2)}", stdout=subprocess.PIPE)
    for n in range(20):
        lab.write_config(lab.default_config(routes=[f"to: 10.{60 + n}.0.0/16, via: 10.2.0.2"]))
        reload(lab)
    text, _ = ping.communicate(timeout=30)
    assert " 300 received, 0% packet loss" in text, text


def test_kill_under_traffic_and_restart(lab):
    lab.check_balance = False
    ping = lab.spawn("h1", f"ping -n -q -i 0.01 -c 2000 {host_ip(2)}")
    time.sleep(0.3)
    lab.daemon.kill()
    lab.start()
    wait_for(lambda: lab.ping("h1", host_ip(2), 1)[0], 3, "packets flow again")
    ping.kill()
    lab.check_balance = True


def test_sigint_ends_it_too(lab):
    status, seconds = lab.daemon.stop(signal.SIGINT)
    assert status == 0 and seconds < 1.5, (status, seconds)


def test_sigterm_under_traffic(lab):
    ping = lab.spawn("h1", f"ping -n -q -f {host_ip(2)}")
    time.sleep(0.3)
    status, seconds = lab.daemon.stop()
    assert status == 0 and seconds < 1.5, (status, seconds)
    ping.kill()
    assert lab.before == lab.settings()


def test_sigterm_while_requests_wait(lab):
    """A ping that nobody answers, and a stream of requests; each client hears why it ends."""
    vethway = [os.path.join(BUILD, "vethway"), "--socket", lab.socket]
    ping = lab.spawn("sw", [*vethway, "ping", "-W", "20", "10.1.0.99"], stderr=subprocess.PIPE)
    asking = lab.spawn("sw", ["bash", "-c", f"while {' '.join(vethway)} status; do :; done"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    status, seconds = lab.daemon.stop()
    assert status == 0 and seconds < 1, (status, seconds)
    _, said = ping.communicate(timeout=2)
    assert ping.returncode == 2 and said == "vethway: vethwayd is stopping\n", said
    asking.wait(5)


@needs(start=False)
def test_sd_notify(lab):
    path = os.path.join(lab.dir, "notify")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(path)
    listener.settimeout(10)
    lab.start(env={"NOTIFY_SOCKET": path})
    assert b"READY=1" in listener.recv(1000)
    lab.daemon.process.send_signal(signal.SIGHUP)
    assert b"RELOADING=1" in listener.recv(1000) and b"READY=1" in listener.recv(1000)
    lab.daemon.stop()
    assert b"STOPPING=1" in listener.recv(1000)
    listener.close()


@needs(start=False)
def test_as_process_1(lab):
    lab.start(prefix=["unshare", "-pf", "--mount-proc"])
    assert lab.status()["pid"] == 1
    assert lab.ping("h1", host_ip(2), 2)[0] == 2
    outer = lab.daemon.process.pid
    with open(f"/proc/{outer}/task/{outer}/children") as f:
        child = int(f.read())
    began = time.monotonic()
    os.kill(child, signal.SIGTERM)
    assert lab.daemon.process.wait(5) == 0
    assert time.monotonic() - began < 1.5
    assert lab.before == lab.settings()


@needs(more="dataplane: {hugepages: off}")
def test_hugepages_off(lab):
    memory = lab.status()["memory"]
    assert memory["mode"] == "plain" and memory["hugepages_bytes"] == 0, memory
    assert lab.ping("h1", host_ip(2), 2)[0] == 2


def hugepages_are(which):
    with open(f"{HUGEPAGES}/{which}") as f:
        return int(f.read())


@contextlib.contextmanager
def free_hugepages(wanted):
    """As many are free meanwhile, no more and no less."""
    total = hugepages_are("nr_hugepages")

    def reserve(pages):
        with open(f"{HUGEPAGES}/nr_hugepages", "w") as f:
            f.write(str(pages))

    try:
        try:
            reserve(total + wanted - hugepages_are("free_hugepages"))
        except OSError:
            raise Skip("hugepages can't be reserved here") from None
        if hugepages_are("free_hugepages") != wanted:
            raise Skip("not enough hugepages could be reserved")
        yield
    finally:
        reserve(total)


def test_hugepages_required():
    more = "dataplane: {hugepages: required}"
    with free_hugepages(0), Lab(more=more, start=False) as lab:
        done = lab.run("sw", [os.path.join(BUILD, "vethwayd"), "--config", lab.config_file], check=False)
        one_line(done, "hugepages")
    lab.remove_files()
    with free_hugepages(64), Lab(more=more) as lab:
        memory = lab.status()["memory"]
        assert memory["mode"] == "hugepages" and memory["hugepages_bytes"] > 0, memory
        assert lab.ping("h1", host_ip(2), 2)[0] == 2
    lab.remove_files()


def test_hugepages_that_others_take():
    """Four that start at once see the same free pages: whoever comes too late does without."""
    with free_hugepages(70), contextlib.ExitStack() as ending:
        labs = []
        for _ in range(4):
            labs.append(Lab(hosts=1, start=False))
            ending.callback(labs[-1].remove_files)
            ending.enter_context(labs[-1])
        for lab in labs:
            lab.start(ready=False)
        modes = []
        for lab in labs:
            lab.daemon.wait_ready()
            lab.wait_ports_up()
            modes.append(lab.status()["memory"]["mode"])
            assert lab.ping("h1", port_ip(1), 2)[0] == 2
        assert "hugepages" in modes and "plain" in modes, modes


def test_starts_within_a_second(lab):
    ready = lab.status()["start_to_ready_ms"]
    assert ready < 1000, f"{ready:.0f} ms"


def test_idle_costs_nothing(lab):
    """Adaptive: with nothing to do the process sleeps."""
    time.sleep(0.5)
    used = lab.daemon.cpu_use(2)
    if used > 0.10:
        raise Failure(f"{used:.0%} of a CPU while idle")


@needs(hosts=1, start=False)
def test_log_as_json(lab):
    lab.start(args=("--log-format", "json"))
    lab.run("h1", "ip link set eth0 down")
    wait_for(lambda: "p1: link down" in lab.daemon.log, 3, "the link is down")
    lab.run("h1", "ip link set eth0 up")
    wait_for(lambda: "p1: link up" in lab.daemon.log, 3, "the link is up")
    lines = [json.loads(line) for line in lab.daemon.log.splitlines()]
    assert all(sorted(line) == ["level", "message", "time"] for line in lines), lines
    assert any(line["message"].startswith("ready in ") and line["level"] == "info" for line in lines), lines
    bad = lab.write_config("nonsense: 1\n", lab.config_file + ".bad")
    done = lab.run("sw", [os.path.join(BUILD, "vethwayd"), "--config", bad, "--log-format", "json"], check=False)
    assert done.returncode == 1 and json.loads(done.stderr)["level"] == "error", done.stderr
