# SPDX-License-Identifier: Apache-2.0
"""The labs that come with vethway: all that they claim holds, here too, and nothing of them is left."""

import glob
import json
import os
import signal
import subprocess

from support import BUILD, SLOW, wait_for

VETHWAY = os.path.join(BUILD, "vethway")


def run(*args):
    return subprocess.run([VETHWAY, "lab", *args], capture_output=True, text=True, timeout=120 * SLOW, check=False)


def namespaces():
    """Of labs; other tests make theirs at the same time."""
    listed = subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout
    return {line.split()[0] for line in listed.splitlines() if line.startswith("vethway-lab-")}


def check_lab(name):
    before = namespaces()
    done = run(name, "--json")
    result = json.loads(done.stdout)
    wrong = [f"{s['title']}: {c['says']}: {c['why_not']}" for s in result["steps"] for c in s["claims"]
             if not c["holds"]]
    assert not wrong, "\n".join(wrong)
    assert (done.returncode, done.stderr, result["holds"]) == (0, "", True), done
    assert all(step["claims"] for step in result["steps"]), "each step claims something"
    assert namespaces() == before, "its namespaces are gone"
    assert not glob.glob("/tmp/vethway-lab-*"), "its files are gone"


def test_veth_pair():
    check_lab("veth-pair")


def test_mtu_blackhole():
    check_lab("mtu-blackhole")


def test_asymmetric_route():
    check_lab("asymmetric-route")


def test_all_are_listed_and_tested():
    labs = {lab["name"] for lab in json.loads(run("--json").stdout)["labs"]}
    assert labs == {name[5:].replace("_", "-") for name in globals() if name.startswith("test_")} - \
        {"all-are-listed-and-tested", "unknown", "what-does-not-hold", "interrupted"}, labs


def test_unknown():
    done = run("veth-piar")
    assert (done.returncode, done.stdout) == (2, "") and "did you mean veth-pair?" in done.stderr, done


OWN = """name: mine
title: one step
namespaces: [sw]
network:
  - sw: ip link add p1 type veth peer name p2; ip link set p1 up; ip link set p2 up
config: |
  ports: [{name: p1, veth: p1}]
ports: [p1]
steps:
  - title: what is not so
    vethway: [COMMAND]
    claims:
      - {says: this is wrong, printed: no such thing}
      - {says: p1 is quiet, seen: {p1: []}}
"""


def own_lab(command):
    path = os.path.join("/tmp", f"lab{os.getpid()}.yaml")
    with open(path, "w") as f:
        f.write(OWN.replace("COMMAND", command))
    return path


def test_what_does_not_hold():
    """A lab of one's own; a claim that does not hold is said to be wrong."""
    path = own_lab("vethway show ports")
    try:
        done = run(path)
    finally:
        os.unlink(path)
    assert done.returncode == 1, done
    assert "WRONG this is wrong: nothing printed reads: no such thing" in done.stdout, done.stdout
    assert "ok p1 is quiet" in done.stdout and "1 of 2 claims do not hold" in done.stdout, done.stdout


def test_interrupted():
    """Ctrl-C leaves nothing behind."""
    before = namespaces()
    path = own_lab("sleep 60")
    try:
        lab = subprocess.Popen([VETHWAY, "lab", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait_for(lambda: "# sleep 60" in lab.stdout.readline(), 20, "the step runs", 0)
        lab.send_signal(signal.SIGINT)
        _, errors = lab.communicate(timeout=10 * SLOW)
    finally:
        os.unlink(path)
    assert lab.returncode == 2 and errors == "vethway: lab: interrupted\n", (lab.returncode, errors)
    assert namespaces() == before
