# SPDX-License-Identifier: Apache-2.0
"""dpdk-telemetry.py, and what it says beside what the API says."""

import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

from frames import host_ip
from lab import Daemon, Failure, Lab, needs, wait_for

ON = "dataplane: {telemetry: true}"
LAB = {"more": ON}


class Telemetry:
    """A client as DPDK's own is: packets of text on the socket that `status` names."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(10)
        self.socket.connect(path)
        self.greeting = json.loads(self.socket.recv(1024))

    def ask(self, command):
        self.socket.send(command.encode())
        answer = json.loads(self.socket.recv(1 << 16))
        return answer[command.split(",")[0]]

    def rows(self, command):
        """All of a list, page by page."""
        rows, after = [], 0
        while True:
            page = self.ask(f"{command},{after}")
            following, left = page.pop("next", None), page.pop("left_off", 0)
            assert list(page) == [str(after + i) for i in range(len(page))], list(page)
            rows += page.values()
            if following is None:
                return rows
            assert page and following == after + len(page) and left > 0, (following, left)
            after = following


def in_telemetrys_words(value):
    """What becomes of a value of the API's where DPDK knows no such thing."""
    if isinstance(value, dict):
        return {k: in_telemetrys_words(v) for k, v in value.items()}
    if isinstance(value, list) and any(isinstance(v, dict) for v in value):
        return {str(i): in_telemetrys_words(v) for i, v in enumerate(value)}
    if isinstance(value, list):
        return [in_telemetrys_words(v) for v in value]
    if isinstance(value, bool):
        return int(value)
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, float) else value


def connect(lab):
    return Telemetry(lab.status()["telemetry"]["socket"])


def test_same_figures_as_the_api(lab):
    assert lab.ping("h1", host_ip(2), 3)[0] == 3
    lab.ping("h1", "172.16.0.1", 1, "-W 1")
    client = connect(lab)
    assert client.greeting["pid"] == lab.daemon.process.pid

    def compare():  # while nothing moves: the hosts' own ARP may come at any time
        before = lab.settled()
        got = {"ports": client.rows("/vethway/ports"), "p1": client.ask("/vethway/port,p1"),
               "drops": client.rows("/vethway/drops"), "books": client.ask("/vethway/books")}
        ports = in_telemetrys_words(lab.api("GET", "/ports")["ports"])
        want = {"ports": list(ports.values()), "p1": ports["1"],
                "drops": [in_telemetrys_words(d) for d in lab.api("GET", "/drops")["drops"]],
                "books": lab.status()["accounting"]}
        if lab.counters() != before:
            return False
        assert got == want, (got, want)
        return got

    got = wait_for(compare, 5, "a moment without traffic")
    assert got["p1"]["name"] == "p1" and got["p1"]["counters"]["rx_packets"] >= 4, got["p1"]
    assert got["p1"]["addresses"] == ["10.1.0.1/24"] and got["books"]["rx"] >= 8, got
    assert [d["packets"] for d in got["drops"] if d["reason"] == "no_route"] == [1], got["drops"]


def test_workers_and_neighbours(lab):
    assert lab.ping("h1", host_ip(2), 3)[0] == 3
    client = connect(lab)
    worker = client.rows("/vethway/workers")[0]
    api = next(x for x in lab.api("GET", "/lcores")["lcores"] if x["role"] == "worker")
    assert worker.keys() == api.keys(), worker.keys() ^ api.keys()
    assert (worker["cpu"], worker["queues"]["0"]) == (api["cpu"], api["queues"][0]), worker
    assert 0 < worker["rx_packets"] <= api["rx_packets"], (worker, api)
    assert 0 < float(worker["sleep_s"]) <= api["sleep_s"] and api["rx_bursts"] <= api["rx_packets"], (worker, api)
    assert api["wakeups"] > 0 and api["wakeup_s"] > 0, api
    rows = {n["address"]: n for n in client.rows("/vethway/neighbours")}
    for address, known in lab.neighbours().items():
        got = rows.pop(address)
        assert (got["mac"], got["port"], got["held"]) == (known["mac"], known["port"], known["held"]), (got, known)
    assert not rows, rows


def test_more_than_an_answer_holds(lab):
    for n in range(250):
        lab.api("POST", "/neighbours", {"address": f"10.2.0.{n + 4}", "mac": f"02:00:00:00:09:{n:02x}"})
    client = connect(lab)
    assert client.ask("/vethway/neighbours")["left_off"] > 0
    rows = client.rows("/vethway/neighbours")
    assert len({r["address"] for r in rows}) == len(rows) >= 250, len(rows)


def test_what_there_is_not(lab):
    client = connect(lab)
    for command in ("/vethway/port", "/vethway/port,p9", "/vethway/ports,x", "/vethway/drops,-1", "/vethway/nothing"):
        assert client.ask(command) is None, command
    assert client.ask("/vethway/ports,99") == {}
    listed = client.ask("/")
    assert [c for c in listed if c.startswith("/vethway/")] == [
        f"/vethway/{c}" for c in ("books", "drops", "neighbours", "port", "ports", "workers")], listed


def test_by_dpdks_own_client(lab):
    path = lab.status()["telemetry"]["socket"]
    assert path in lab.cli_run("status").stdout and path in lab.daemon.log
    instance = path.rsplit(":", 1)[1] if ":" in path else "0"
    done = subprocess.run(["dpdk-telemetry.py", "-f", "vethway", "-i", instance], input="/vethway/port,p2\n",
                          text=True, capture_output=True, check=False)
    assert json.loads(done.stdout)["/vethway/port"]["name"] == "p2", done


def test_two_daemons_have_a_socket_each(lab):
    path = lab.write_config("ports: []\n" + ON + "\ncontrol: {socket: '{dir}/other.sock'}\n",
                            os.path.join(lab.dir, "other.yaml"))
    other = Daemon(path, os.path.join(lab.dir, "other.sock"), os.path.join(lab.dir, "other.log"), lab.ns("sw"))
    try:
        second = other.wait_ready()["telemetry"]["socket"]
        assert second != lab.status()["telemetry"]["socket"]
        assert Telemetry(second).greeting["pid"] == other.process.pid
        assert other.stop()[0] == 0 and not os.path.exists(second)
        assert connect(lab).greeting["pid"] == lab.daemon.process.pid, "the first has its own still"
    finally:
        other.kill()


def test_killed_one_is_in_nobodys_way(lab):
    lab.check_balance = False
    lab.daemon.kill()
    lab.start()
    assert connect(lab).greeting["pid"] == lab.daemon.process.pid
    lab.check_balance = True


def test_ends_cleanly_while_many_ask(lab):
    """DPDK's threads look at its memory for whoever asks, and it ends none of them."""
    path = lab.status()["telemetry"]["socket"]
    ended, answers = threading.Event(), []

    def asking():
        while not ended.is_set():
            try:
                client = Telemetry(path)
                while not ended.is_set():
                    for command in ("/vethway/ports", "/mempool/list", "/mempool/info,mbufs", "/eal/heap_info,0"):
                        answers.append(client.ask(command))
            except (OSError, ValueError, KeyError):
                time.sleep(0.001)

    threads = [threading.Thread(target=asking) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(4):
            wait_for(lambda n=len(answers): len(answers) > n + 100, 5, "answers")
            status, seconds = lab.daemon.stop()
            assert status == 0 and seconds < 10, (status, seconds, lab.daemon.log[-500:])
            lab.start()
    finally:
        ended.set()
        for thread in threads:
            thread.join()


@needs(more="")
def test_off_by_default(lab):
    status = lab.status()["telemetry"]
    assert status == {"socket": "", "problem": ""}, status
    assert re.search(r"^telemetry +off$", lab.cli_run("status").stdout, re.M)
    assert "elemetry" not in lab.daemon.log


def without_a_place(lab, environment):
    lab.start(env=environment)
    problem = lab.status()["telemetry"]["problem"]
    warnings = [line for line in lab.daemon.log.splitlines() if " warning no DPDK telemetry: " in line]
    assert len(warnings) == 1 and problem and problem in warnings[0], lab.daemon.log
    assert f"none: {problem}" in lab.cli_run("status").stdout
    assert lab.ping("h1", host_ip(2), 1)[0] == 1, "it goes on"
    return problem


@needs(more=ON, start=False)
def test_no_place_for_a_socket(lab):
    file = lab.write_config("", os.path.join(lab.dir, "file"))
    problem = without_a_place(lab, {"RUNTIME_DIRECTORY": file})
    assert problem == f"{file}/dpdk/vethway: Not a directory", problem


@needs(more=ON, start=False)
def test_place_with_too_long_a_name(lab):
    problem = without_a_place(lab, {"RUNTIME_DIRECTORY": os.path.join(lab.dir, "x" * 90)})
    assert "too long" in problem, problem


def test_leaves_nothing_behind():
    lab = Lab(hosts=0, more=ON, start=False)
    try:
        directory = os.path.join(lab.dir, "run")
        os.mkdir(directory)
        for end in (signal.SIGTERM, signal.SIGINT):
            lab.start(env={"RUNTIME_DIRECTORY": directory})
            path = lab.status()["telemetry"]["socket"]
            assert os.listdir(os.path.dirname(path)) == ["dpdk_telemetry.v2"] and path.startswith(directory), path
            assert os.stat(os.path.dirname(path)).st_mode & 0o077 == 0, "only its owner may ask"
            if lab.daemon.stop(end)[0] != 0 or os.listdir(directory + "/dpdk"):
                raise Failure(f"left behind: {os.listdir(directory + '/dpdk')}")
        lab.close()
    finally:
        lab.remove()
        lab.remove_files()
