# SPDX-License-Identifier: Apache-2.0
"""What Prometheus sees."""

import os
import re
import socket
import subprocess
import time

import frames
from frames import udp
from lab import METRICS, ROOT, SLOW, Failure, inside, needs, wait_for

LAB = {"raw": True}


def drop_reasons():
    with open(os.path.join(ROOT, "dataplane", "drop.h")) as f:
        rows = re.findall(r"^    X\((\w+),", f.read(), re.M)
    return set(rows) - {"none"}


def by_reason(metrics):
    found = {}
    for key, value in metrics.items():
        if key.startswith("vethway_drop_packets_total{") and (m := re.search(r'reason="(\w+)"', key)):
            found[m[1]] = found.get(m[1], 0) + value
    return found


def one(metrics, name, **labels):
    """The sum of the series of that name with these labels."""
    rows = [v for k, v in metrics.items() if k.split("{")[0] == name and
            all(f'{label}="{value}"' in k for label, value in labels.items())]
    if not rows:
        raise Failure(f"no series {name} {labels}")
    return sum(rows)


def test_promtool_has_nothing_to_say(lab):
    lab.wire("h1").send(udp(), udp(ttl=1))
    time.sleep(0.2)
    done = subprocess.run(["promtool", "check", "metrics"], input=lab.metrics_text(), text=True,
                          capture_output=True, check=False)
    assert done.returncode == 0 and not done.stdout.strip() and not done.stderr.strip(), done.stdout + done.stderr


def test_every_reason_from_zero(lab):
    reasons = by_reason(lab.metrics())
    assert set(reasons) == drop_reasons(), set(reasons) ^ drop_reasons()
    assert reasons["ttl_expired"] == reasons["no_route"] == 0


def test_counters_move_with_traffic(lab):
    before = lab.metrics()
    w1, w2 = lab.wire("h1"), lab.wire("h2")
    w1.send(udp(), udp(), udp(ttl=1), udp(dst="172.16.0.1"))
    w2.expect()
    w2.expect()
    w1.expect()
    w1.expect()

    def moved(name, **labels):
        return one(lab.metrics(), name, **labels) - one(before, name, **labels)

    wait_for(lambda: moved("vethway_port_rx_packets_total", port="p1") == 4, 3, "rx packets")
    assert moved("vethway_port_rx_bytes_total", port="p1") == 4 * len(udp())
    assert moved("vethway_port_tx_packets_total", port="p2") == 2
    assert moved("vethway_port_tx_packets_total", port="p1") == 2
    assert moved("vethway_drop_packets_total", reason="ttl_expired") == 1
    assert moved("vethway_drop_packets_total", reason="no_route", port="p1") == 1
    assert one(lab.metrics(), "vethway_port_up", port="p1") == 1


def test_accounting_balances(lab):
    w2 = lab.wire("h2")
    lab.wire("h1").send(*[udp(id=n) for n in range(100)], udp(ttl=1), frames.arp())
    w2.expect()
    wait_for(lambda: one(lab.metrics(), "vethway_accounting_imbalance") == 0, 3, "imbalance is 0")


@needs()
def test_accounting_balances_in_the_midst_of_traffic(lab):
    """Not just at rest: no reading ever catches a worker with a packet in its hands."""
    lab.run("h2", "ip neigh flush dev eth0")
    lab.ping("h1", frames.host_ip(2), 1)
    flood = lab.spawn("h1", f"ping -n -q -f {frames.host_ip(2)}")
    readings = [lab.status()["accounting"] for _ in range(100)]
    flood.kill()
    assert readings[-1]["rx"] > readings[0]["rx"] + 1000, "no traffic"
    assert all(r["imbalance"] == 0 for r in readings), [r for r in readings if r["imbalance"]]


def test_metrics_and_api_agree(lab):
    lab.wire("h1").send(*[udp(id=n) for n in range(10)])
    wait_for(lambda: lab.counters().get("p2.tx_packets") == 10, 2, "ten packets went out")
    assert one(lab.metrics(), "vethway_port_tx_packets_total", port="p2") == 10


def test_dead_scraper_blocks_nobody(lab):
    dead = []
    try:
        for n in range(10):
            with inside(lab.ns("sw")):
                connection = socket.create_connection(METRICS, 2)
            connection.send(b"GET /metrics HTTP/1.1\r\nHost: x\r\n" if n % 2 else b"")
            dead.append(connection)
        began = time.monotonic()
        lab.metrics_text(timeout=5)
        assert time.monotonic() - began < 3, "a scrape waited for dead ones"
        # Nor do packets or the API.
        assert lab.status()["pid"] > 0
        with lab.moves({"p1.rx_packets": 1, "p2.tx_packets": 1}):
            lab.wire("h1").send(udp())
    finally:
        for connection in dead:
            connection.close()


def test_other_paths_and_rubbish(lab):
    with inside(lab.ns("sw")):
        connection = socket.create_connection(METRICS, 2)
    connection.send(b"\x00\xff rubbish\r\n\r\n")
    connection.close()
    assert "vethway_" in lab.metrics_text()


def test_removed_port_vanishes_and_kept_one_goes_on(lab):
    lab.wire("h1").send(udp())
    wait_for(lambda: lab.counters().get("p2.tx_packets") == 1, 2, "a packet went out")
    lab.api("DELETE", "/ports/p2")
    lab.mbufs_before //= 2  # a port's own went with it
    metrics = lab.metrics()
    assert not any('port="p2"' in k and k.startswith("vethway_port_") for k in metrics)
    assert one(metrics, "vethway_port_rx_packets_total", port="p1") == 1


def test_link_changes_are_counted(lab):
    def changes():
        return one(lab.metrics(), "vethway_port_link_changes_total", port="p1")

    assert changes() == 0
    for n, state in enumerate(("down", "up", "down", "up"), 1):
        lab.run("h1", f"ip link set eth0 {state}")
        wait_for(lambda n=n: changes() == n, 3, f"{n} changes of the link")
    assert one(lab.metrics(), "vethway_port_link_changes_total", port="p2") == 0


# As many as DPDK's drivers can have, and VLANs of them: these open at once.
MANY = "ports:\n" + "".join(f"  - {{name: n{n}, 'null': {{}}}}\n" for n in range(32)) + \
    "".join(f"  - {{name: n{n}, vlan: {n}, parent: n0}}\n" for n in range(32, 100)) + \
    "metrics: {listen: %s:%d}\ncontrol: {socket: '{socket}'}\n" % METRICS


@needs(hosts=0, config=MANY)
def test_cost_of_a_scrape_at_100_ports(lab):
    """What a port adds is bounded: a series a drop reason, and some."""
    took = []
    for _ in range(15):
        began = time.monotonic()
        text = lab.metrics_text()
        took.append(time.monotonic() - began)
    series = [line for line in text.splitlines() if line and not line.startswith("#")]
    of_each = [sum(f'port="n{n}"' in line for line in series) for n in range(100)]
    assert len(set(of_each)) == 1 and of_each[0] <= 160, of_each
    print(f"{len(series)} series, {of_each[0]} a port; {len(text)} bytes; "
          f"{sorted(took)[len(took) // 2] * 1000:.1f} ms a scrape")
    assert sorted(took)[len(took) // 2] < 0.020 * SLOW, took
