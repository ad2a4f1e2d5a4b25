# SPDX-License-Identifier: Apache-2.0
"""vethway doctor: what is broken here on purpose is found, and its own command mends it."""

import json
import os

from lab import BUILD, Lab, needs, wait_for

ALONE = True


def look(lab, daemon=True, prefix=()):
    """(exit status, text, the report): twice, as text and as JSON, which must say the same."""
    command = ["vethway", "--socket", lab.socket, "doctor"] if daemon else \
              ["vethwayd", "--doctor", "--config", lab.config_file]
    command = [*prefix, os.path.join(BUILD, command[0]), *command[1:]]
    text, report = (lab.run("sw", command + more, check=False) for more in ([], ["--json"]))
    assert text.returncode == report.returncode and not text.stderr, (text, report)
    parsed = json.loads(report.stdout)
    assert parsed["scope"] == ("daemon" if daemon else "file"), parsed["scope"]
    assert (parsed["status"] == "bad") == (text.returncode == 1), parsed["status"]
    for finding in parsed["findings"]:
        assert finding["what"] in text.stdout, finding
        assert finding["status"] == "ok" or (finding["means"] and finding["mend"]), finding
    return text.returncode, text.stdout, parsed


def complaints(report):
    """{(subject, check): finding} of what is not ok; of the machine, what a lab can't help is left out."""
    return {(f["subject"], f["check"]): f for f in report["findings"] if f["status"] != "ok"
            and f["check"] not in ("hugepages", "cpus", "bridge_filter", "af_xdp", "memlock")}


def found_and_mended(lab, subject, check, status, what, daemon=True):
    """The one complaint there is; after its command there is none."""
    code, _, report = look(lab, daemon)
    assert code == (1 if status == "bad" else 0), report
    found = complaints(report)
    assert set(found) == {(subject, check)}, found
    finding = found[subject, check]
    assert finding["status"] == status and what in finding["what"], finding
    lab.run("sw", ["sh", "-c", finding["command"]])
    wait_for(lambda: not complaints(look(lab, daemon)[2]), 3, f"{finding['command']} mends it")


def test_nothing_wrong(lab):
    code, text, report = look(lab)
    assert code == 0 and not complaints(report), text
    assert "ok    port p1" in text and f"cable to eth0 in {lab.ns('h1')}" in text, text
    assert text.splitlines()[-1].endswith(" 0 bad")
    assert report["config_file"] == lab.config_file


def test_address_left(lab):
    lab.run("sw", "ip address add 10.9.0.1/24 dev p1")
    found_and_mended(lab, "port p1", "addresses", "warn", "10.9.0.1/24 on p1")


def test_kernel_forwards(lab):
    lab.run("sw", "sysctl -qw net.ipv4.ip_forward=1")
    found_and_mended(lab, "machine", "forwarding", "warn", "net.ipv4.ip_forward=1")


def test_mtu_of_the_other_end(lab):
    lab.run("h2", "ip link set eth0 mtu 1400")
    found_and_mended(lab, "port p2", "mtu", "bad", "1400 at the other end")


def test_links(lab):
    lab.run("h1", "ip link set eth0 down")
    found_and_mended(lab, "port p1", "link", "bad", "the other end")
    lab.run("sw", "ip link set p2 down")
    found_and_mended(lab, "port p2", "link", "bad", "p2 is down")
    # The host's route went with its link.
    lab.wait_ports_up()


def test_company(lab):
    lab.run("sw", "tc qdisc add dev p1 root tbf rate 10mbit burst 10k latency 10ms")
    found_and_mended(lab, "port p1", "qdisc", "warn", "tbf")
    lab.run("sw", "tc qdisc add dev p1 clsact")
    lab.run("sw", "tc filter add dev p1 ingress protocol ip u32 match u32 0 0")
    found_and_mended(lab, "port p1", "programs", "warn", "tc ingress of p1: u32")
    lab.run("sw", "tc qdisc del dev p1 clsact")
    lab.run("sw", "ip link add br0 type bridge")
    lab.run("sw", "ip link set p1 master br0")
    found_and_mended(lab, "port p1", "master", "warn", "p1 is part of br0")
    lab.run("sw", "ip link del br0")


@needs(driver="af_packet")
def test_offloads_not_carried(lab):
    found = complaints(look(lab)[2])
    assert set(found) == {("port p1", "offloads"), ("port p2", "offloads")}, found
    assert lab.ns("h1") in found["port p1", "offloads"]["command"], found


def test_interface_gone(lab):
    lab.run("h2", "ip link del eth0")
    code, text, report = look(lab)
    assert code == 1 and "no interface p2" in text, text
    assert set(complaints(report)) == {("port p2", "interface")}, text
    lab.connect_host(2)
    lab.wait_ports_up()
    assert not complaints(look(lab)[2])


WITHOUT_BPF = ["setpriv", "--bounding-set", "-sys_admin,-bpf"]


@needs(start=False)
def test_daemon_without_capabilities(lab):
    """Its own count, not those of who asks: without its shield an address is bad."""
    lab.start(prefix=WITHOUT_BPF)
    code, text, report = look(lab)
    assert code == 0 and "not BPF, SYS_ADMIN" in text, text
    assert "SYS_ADMIN" in complaints(report)["machine", "shield"]["command"], text
    lab.run("sw", "ip address add 10.9.0.1/24 dev p1")
    lab.run("sw", "sysctl -qw net.ipv4.ip_forward=1")
    code, text, report = look(lab)
    found = complaints(report)
    assert code == 1 and found["port p1", "addresses"]["status"] == "bad", text
    assert found["machine", "forwarding"]["status"] == "bad", text
    for finding in (found["port p1", "addresses"], found["machine", "forwarding"]):
        lab.run("sw", ["sh", "-c", finding["command"]])


@needs(start=False)
def test_before_the_start(lab):
    code, text, report = look(lab, daemon=False)
    assert code == 0 and not complaints(report), text
    lab.run("sw", "ip address add 10.9.0.1/24 dev p1")
    found_and_mended(lab, "port p1", "addresses", "warn", "10.9.0.1/24 on p1", daemon=False)


@needs(start=False)
def test_missing_before_the_start(lab):
    with open(lab.config_file) as f:
        lab.write_config(f.read().replace("veth: p2", "veth: nosuch0"))
    code, text, report = look(lab, daemon=False)
    finding = complaints(report)["port p2", "interface"]
    assert code == 1 and "no interface nosuch0" in finding["what"], text
    lab.run("sw", ["sh", "-c", finding["command"].replace("PEER", "other0")])
    lab.run("sw", "ip link set other0 up")
    code, text, report = look(lab, daemon=False)
    assert code == 0 and not complaints(report), text


@needs(start=False)
def test_port_in_another_namespace(lab):
    far = lab.add_namespace("far")
    lab.run("far", "ip link add v9 up type veth peer name w9")
    lab.run("far", "ip link set w9 up")
    ports = (f"  - {{name: p9, veth: {{interface: v9, netns: {far}}}}}\n"
             f"  - {{name: p8, veth: {{create: {{peer: e8, peer_netns: {far}}}}}}}\n")
    with open(lab.config_file) as f:
        lab.write_config(f.read().replace("ports:\n", "ports:\n" + ports))
    code, text, report = look(lab, daemon=False)
    assert code == 0 and not complaints(report), text
    lab.start()
    code, text, report = look(lab)
    assert code == 0 and not complaints(report), text
    assert f"v9 in {far}" in text and f"cable to w9 in {far}" in text and f"cable to e8 in {far}" in text, text
    lab.run("far", "ip address add 10.9.0.1/24 dev v9")
    found_and_mended(lab, "port p9", "addresses", "warn", "10.9.0.1/24 on v9")
    lab.run("far", "ip link set w9 mtu 1400")
    found_and_mended(lab, "port p9", "mtu", "bad", "1400 at the other end")


@needs(start=False)
def test_adopted_addresses(lab):
    """They are meant to be there, where a pattern takes them over."""
    with open(lab.config_file) as f:
        head, tail = f.read().split("ports:\n")
    lab.write_config(head + 'ports: [{match: "p[12]", adopt: addresses}]\n' + tail[tail.index("metrics:"):])
    lab.run("sw", "ip address add 10.9.0.1/24 dev p1")
    assert not complaints(look(lab, daemon=False)[2])
    lab.start()
    code, text, report = look(lab)
    assert code == 0 and not complaints(report) and "port p1" in text, text
    lab.run("sw", "ip address del 10.9.0.1/24 dev p1")


@needs(start=False)
def test_capabilities_before_the_start(lab):
    code, text, report = look(lab, daemon=False, prefix=["setpriv", "--bounding-set", "-net_raw,-net_admin"])
    assert code == 1 and {"no capability NET_RAW", "no capability NET_ADMIN"} <= \
        {f["what"] for f in report["findings"] if f["status"] == "bad"}, text


def test_beside_a_daemon_that_runs(lab):
    code, text, report = look(lab, daemon=False)
    assert code == 0 and set(complaints(report)) == {("port p1", "owner"), ("port p2", "owner")}, text


def test_machine_alone():
    with Lab(hosts=0, start=False) as lab:
        done = lab.run("sw", [os.path.join(BUILD, "vethwayd"), "--doctor", "--json"], check=False)
        report = json.loads(done.stdout)
        assert report["scope"] == "machine" and {f["subject"] for f in report["findings"]} == {"machine"}
        done = lab.run("sw", [os.path.join(BUILD, "vethway"), "--socket", lab.socket, "doctor"], check=False)
        assert done.returncode == 2 and not done.stdout and len(done.stderr.splitlines()) == 1, done
        assert "vethwayd --doctor --config FILE" in done.stderr, done
        # Still wanted by everything else.
        done = lab.run("sw", [os.path.join(BUILD, "vethwayd"), "--check"], check=False)
        assert done.returncode == 2 and "--config" in done.stderr, done
