# SPDX-License-Identifier: Apache-2.0
"""What is shipped for Prometheus and Grafana, against a real Prometheus that scrapes a real switch under traffic."""

import glob
import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import jsonschema
import yaml

from lab import ROOT, Failure, inside, needs, wait_for

DOCKER = os.path.join(ROOT, "docker")
ADDRESS = "127.0.0.1:19090"
METRIC = re.compile(r"\b(?:vethway|process|instance\w*:vethway)_\w+(?::\w+)?(?:\{[^}]*\})?|\bup\{[^}]*\}")


def dashboards():
    for file in sorted(glob.glob(os.path.join(DOCKER, "grafana", "dashboards", "*.json"))):
        with open(file) as f:
            yield os.path.basename(file), json.load(f)


def loaded(name):
    with open(os.path.join(DOCKER, "prometheus", name)) as f:
        return yaml.safe_load(f)


def rules(name):
    return [rule for group in loaded(name)["groups"] for rule in group["rules"]]


def panel_queries():
    for name, board in dashboards():
        for panel in board["panels"]:
            for target in panel["targets"]:
                yield f"{name}: {panel['title']}", (
                    target["expr"].replace("$__rate_interval", "5s").replace('"$instance"', '".*"')
                    .replace('"$port"', '".*"').replace("[5m]", "[5s]").replace("[1h]", "[5s]"))


class Prometheus:
    def __init__(self, lab):
        self.lab = lab
        config = loaded("prometheus.yml")
        config["global"] = {"scrape_interval": "500ms", "evaluation_interval": "500ms"}
        config["rule_files"] = [os.path.join(DOCKER, "prometheus", f) for f in config["rule_files"]]
        config["scrape_configs"][0]["static_configs"][0]["targets"] = ["127.0.0.1:9464"]
        path = os.path.join(lab.dir, "prometheus.yml")
        with open(path, "w") as f:
            yaml.safe_dump(config, f)
        self.process = lab.spawn("sw", ["prometheus", f"--config.file={path}", f"--storage.tsdb.path={lab.dir}/tsdb",
                                        f"--web.listen-address={ADDRESS}", "--log.level=error"])
        wait_for(self.ready, 15, "Prometheus is ready", interval=0.1)

    def get(self, path):
        with inside(self.lab.ns("sw")), urllib.request.urlopen(f"http://{ADDRESS}{path}", timeout=10) as answer:
            return answer.read().decode()

    def ready(self):
        try:
            return self.get("/-/ready")
        except OSError:
            return None

    def query(self, expression):
        try:
            found = json.loads(self.get("/api/v1/query?" + urllib.parse.urlencode({"query": expression})))
        except urllib.error.HTTPError as error:
            raise Failure(f"{expression}\n{error.read().decode()}") from None
        return found["data"]["result"]


# Beside the two hosts' ports: a bridge with a spanning tree, one that looks for loops, and a LAG.
MORE = "".join(f"  - {{name: n{n}, 'null': {{}}}}\n" for n in range(6)) + """\
bridges:
  - {name: br1, stp: rstp, members: [{port: n0}, {port: n1}]}
  - {name: br2, loop_detection: shut, multicast_snooping: true, members: [{port: n2}, {port: n3}]}
lags:
  - {name: lag1, members: [n4, n5], mode: lacp}"""


@needs(more=MORE, ready=False)  # nobody speaks LACP to the LAG, so it stays down
def test_every_query_returns_data(lab):
    lab.daemon.wait_ready(10)
    prometheus = Prometheus(lab)
    lab.spawn("h1", "ping -n -q -i 0.02 10.2.0.2")
    lab.spawn("h1", "ping -n -q -i 0.05 172.16.0.1")  # no route
    lab.spawn("h1", "ping -n -q -i 0.05 10.1.0.1")    # the switch itself
    lab.spawn("h1", "ping -n -q -i 0.3 10.2.0.99")    # nobody there
    lab.api("POST", "/reload", {})
    time.sleep(4)  # a neighbour is given up after three seconds

    def empty():
        return [(where, query) for where, query in panel_queries() if not prometheus.query(query)]

    wait_for(lambda: not empty(), 10, lambda: f"each query has data: {empty()}", interval=0.5)
    for rule in rules("rules.yml"):
        assert prometheus.query(rule["record"]), rule["record"]
    silent = [(rule["alert"], selector) for rule in rules("alerts.yml") for selector in METRIC.findall(rule["expr"])
              if not prometheus.query(selector)]
    assert not silent, silent
    wrong = [rule for group in json.loads(prometheus.get("/api/v1/rules"))["data"]["groups"]
             for rule in group["rules"] if rule["health"] != "ok"]
    assert not wrong, wrong


def test_alerts_are_raised_by_what_they_are_about():
    here = os.path.join(DOCKER, "prometheus")
    for words in (["check", "config", "prometheus.yml"], ["test", "rules", "alerts_test.yml"]):
        done = subprocess.run(["promtool", *words], cwd=here, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_rules_name_reasons_and_metrics_that_there_are():
    with open(os.path.join(ROOT, "dataplane", "drop.h")) as f:
        reasons = set(re.findall(r"^    X\((\w+),", f.read(), re.M))
    texts = [rule["expr"] for rule in rules("alerts.yml")] + [query for _, query in panel_queries()]
    named = {reason for text in texts for group in re.findall(r'reason[=!~]+"([a-z0-9_|]+)"', text)
             for reason in group.split("|")}
    assert named and named <= reasons, named - reasons


def test_dashboards_are_what_grafana_takes():
    with open(os.path.join(DOCKER, "grafana", "dashboard.schema.json")) as f:
        schema = json.load(f)
    sys.path.insert(0, os.path.join(DOCKER, "grafana"))
    import dashboards as made  # pylint: disable=import-outside-toplevel

    for file, text in made.texts().items():
        with open(file) as f:
            assert f.read() == text, f"{file} is not what docker/grafana/dashboards.py makes: run it"
    boards = dict(dashboards())
    assert len(boards) == len(made.PANELS) == 6
    for name, board in boards.items():
        jsonschema.validate(board, schema)
        ids = [panel["id"] for panel in board["panels"]]
        assert len(set(ids)) == len(ids), name
        taken = set()
        for panel in board["panels"]:
            at = panel["gridPos"]
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            assert at["x"] + at["w"] <= 24 and not cells & taken, f"{name}: {panel['title']} overlaps another"
            taken |= cells
    for file in glob.glob(os.path.join(DOCKER, "grafana", "provisioning", "*", "*.yaml")):
        with open(file) as f:
            assert yaml.safe_load(f)["apiVersion"] == 1
