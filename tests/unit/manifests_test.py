#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What is shipped for compose, containerlab and Kubernetes holds together: every name that is used is made, every
configuration in it is one that vethwayd takes, and all ask for the same capabilities. Nothing is asked of a cluster."""

import json
import os
import re
import subprocess
import sys
import tempfile

import yaml

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.realpath(os.environ.get("VETHWAY_BUILD", os.path.join(ROOT, "build")))
DOCKER = os.path.join(ROOT, "docker")
CAPABILITIES = ["NET_ADMIN", "NET_RAW", "SYS_ADMIN", "IPC_LOCK", "SYS_NICE"]


def loaded(name, every=False):
    with open(os.path.join(DOCKER, name)) as f:
        return list(yaml.safe_load_all(f)) if every else yaml.safe_load(f)


def check_config(text, where):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as f:
        f.write(text)
        f.flush()
        done = subprocess.run([os.path.join(BUILD, "vethwayd"), "--check", "--config", f.name], capture_output=True,
                              text=True, check=False)
    assert done.returncode == 0, f"{where}: {done.stderr}"


def mounted(directory, volume):
    source = volume.split(":")[0]
    path = os.path.join(DOCKER, directory, source)
    assert os.path.exists(path), f"{directory}: no {source}"
    return path


def check_compose(directory):
    compose = loaded(os.path.join(directory, "compose.yaml"))
    networks, switches = compose["networks"], 0
    used = {network for service in compose["services"].values() for network in service["networks"]}
    assert used == set(networks), used ^ set(networks)
    for name, service in compose["services"].items():
        if service["image"] == "vethway":
            switches += 1
            assert service["cap_drop"] == ["ALL"] and service["cap_add"] == CAPABILITIES, name
            with open(mounted(directory, service["volumes"][0])) as f:
                check_config(f.read(), name)
        for volume in service.get("volumes", []):
            if volume.startswith("."):
                mounted(directory, volume)
        for network, how in service["networks"].items() if isinstance(service["networks"], dict) else []:
            if how:
                subnet = networks[network]["ipam"]["config"][0]["subnet"]
                assert how["ipv4_address"].startswith(subnet.removesuffix("0/24")), (name, network)
    return switches


def test_compose():
    assert check_compose(".") == 1
    assert check_compose("lab") == 3


def test_containerlab():
    topology = loaded("lab/triangle.clab.yaml")["topology"]
    ends = [end for link in topology["links"] for end in link["endpoints"]]
    assert len(set(ends)) == len(ends) == 10
    for name, node in topology["nodes"].items():
        own = {end.split(":")[1] for end in ends if end.split(":")[0] == name}
        set_up = set(re.findall(r" dev (\w+)", " ".join(node["exec"])))
        assert own == set_up, (name, own, set_up)
        for bind in node.get("binds", []):
            mounted("lab", bind)
    # The addresses are those of the other two forms of the same network.
    with open(os.path.join(DOCKER, "lab", "compose.yaml")) as f:
        compose = set(re.findall(r"10\.82\.\d+\.\d+(?=})", f.read()))
    with open(os.path.join(DOCKER, "lab", "namespaces.sh")) as f:
        script = set(re.findall(r"^  cable .*", f.read(), re.M))
    script = {address for line in script for address in re.findall(r"10\.82\.\d+\.\d+", line)}
    clab = {address for node in topology["nodes"].values() for address in re.findall(r"10\.82\.\d+\.\d+(?=/24 dev)", str(node))}
    assert compose == script == clab, (compose ^ script, script ^ clab)


def test_kubernetes():
    every = loaded("kubernetes/vethway.yaml", every=True)
    named = {(one["kind"], one["metadata"]["name"]): one for one in every}
    assert len(named) == len(every) == 4
    check_config(named["ConfigMap", "vethway"]["data"]["vethway.yaml"], "ConfigMap")
    spec = named["DaemonSet", "vethway"]["spec"]
    template = spec["template"]
    assert spec["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    for network in json.loads(template["metadata"]["annotations"]["k8s.v1.cni.cncf.io/networks"]):
        definition = named["NetworkAttachmentDefinition", network["name"]]
        assert json.loads(definition["spec"]["config"])["type"] == "bridge"
        assert re.fullmatch(r"port\d", network["interface"]), "the configuration's match would not fit it"
    container = template["spec"]["containers"][0]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"], "add": CAPABILITIES}
    # Hugepages can't be overcommitted, and are only given beside memory or cpu.
    resources = container["resources"]
    assert resources["requests"] == resources["limits"] and {"memory", "cpu", "hugepages-2Mi"} == set(resources["limits"])
    volumes = {volume["name"]: volume for volume in template["spec"]["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == set(volumes)
    assert volumes["config"]["configMap"]["name"] == "vethway"
    assert volumes["hugepages"]["emptyDir"]["medium"] == "HugePages-2Mi"


def test_documents():
    with open(os.path.join(DOCKER, "README.md")) as f:
        text = f.read()
    assert all(f"`{capability}`" in text for capability in CAPABILITIES), "docker/README.md leaves a capability out"
    flags = " ".join(f"--cap-add {capability}" for capability in CAPABILITIES)
    assert flags in text, f"docker/README.md has no docker run with {flags}"


def main():
    passed = failed = 0
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            try:
                test()
                passed += 1
            except Exception as error:  # pylint: disable=broad-exception-caught
                failed += 1
                print(f"FAILED   {name}: {type(error).__name__}: {error}")
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
