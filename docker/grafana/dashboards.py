#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""dashboards.py: writes dashboards/*.json, which Grafana is given. What differs from panel to panel is a line here;
what Grafana wants around it is said once."""

import json
import os

HERE = os.path.dirname(os.path.realpath(__file__))
SOURCE = {"type": "prometheus", "uid": "vethway"}
BY_INSTANCE = 'instance=~"$instance"'
BY_PORT = BY_INSTANCE + ',port=~"$port"'


def rate(metric, more="", by_port=True):
    return f"rate({metric}{{{BY_PORT if by_port else BY_INSTANCE}{more}}}[$__rate_interval])"


def series(title, unit, *queries, width=12, stack=False, help_=""):
    """Lines over time. queries: (expression, legend)."""
    return {"type": "timeseries", "title": title, "description": help_, "width": width, "queries": queries,
            "fieldConfig": {"defaults": {"unit": unit, "min": 0, "custom": {
                "fillOpacity": 20 if stack else 5, "showPoints": "never",
                "stacking": {"mode": "normal" if stack else "none"}}}, "overrides": []},
            "options": {"legend": {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"]},
                        "tooltip": {"mode": "multi", "sort": "desc"}}}


def stat(title, unit, expression, *steps, help_="", legend="{{instance}}"):
    """One number an instance. steps: (from which value on, colour)."""
    return {"type": "stat", "title": title, "description": help_, "width": 4, "height": 4,
            "queries": [(expression, legend)],
            "fieldConfig": {"defaults": {"unit": unit, "thresholds": {"mode": "absolute", "steps": [
                {"value": value, "color": colour} for value, colour in steps]}}, "overrides": []},
            "options": {"colorMode": "value", "graphMode": "none", "textMode": "auto",
                        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}}


def table(title, expression, width=12, help_=""):
    return {"type": "table", "title": title, "description": help_, "width": width, "queries": [(expression, "")],
            "instant": True, "fieldConfig": {"defaults": {}, "overrides": []}, "options": {"showHeader": True},
            "transformations": [{"id": "organize", "options": {"excludeByName": {"Time": True, "job": True,
                                                                                 "__name__": True}}}]}


def heatmap(title, expression, unit, width=12, help_=""):
    return {"type": "heatmap", "title": title, "description": help_, "width": width, "format": "heatmap",
            "queries": [(expression, "{{le}}")], "fieldConfig": {"defaults": {}, "overrides": []},
            "options": {"calculate": False, "yAxis": {"unit": unit}, "color": {"mode": "scheme", "scheme": "Blues"}}}


GOOD, BAD, WARN = "green", "red", "orange"
GUARDS = "mac_guard|source_guard|arp_guard|dhcp_guard|ra_guard"
LEARNING = ',event=~"moved|damped|pinned|learn_limited|learn_full"'
PANELS = {
    "overview": ("vethway: overview", [
        stat("Answers", "none", f'up{{job="vethway",{BY_INSTANCE}}}', (None, BAD), (1, GOOD)),
        stat("Books", "none", f"vethway_accounting_imbalance{{{BY_INSTANCE}}}", (None, GOOD), (1, BAD),
             help_="Packets that are not accounted for: 0, or a bug."),
        stat("Ports down", "none", f"count by (instance) (vethway_port_up{{{BY_INSTANCE}}} == 0) "
             f"or 0 * sum by (instance) (vethway_port_up{{{BY_INSTANCE}}})", (None, GOOD), (1, WARN)),
        stat("Last reload", "none", f"vethway_config_last_reload_successful{{{BY_INSTANCE}}}", (None, BAD), (1, GOOD),
             help_="0: the file on disk is not what runs."),
        stat("Dropped", "percentunit", f"instance:vethway_drop_ratio:rate1m{{{BY_INSTANCE}}}", (None, GOOD),
             (0.01, WARN), (0.1, BAD)),
        stat("Runs since", "dateTimeFromNow", f"process_start_time_seconds{{{BY_INSTANCE}}} * 1000", (None, GOOD)),
        series("Received", "pps", (f"instance_port:vethway_rx_packets:rate1m{{{BY_PORT}}}", "{{port}}"), stack=True),
        series("Sent", "pps", (f"instance_port:vethway_tx_packets:rate1m{{{BY_PORT}}}", "{{port}}"), stack=True),
        series("Bits", "bps", (f"8 * sum by (instance) ({rate('vethway_port_rx_bytes_total')})", "{{instance}} received"),
               (f"8 * sum by (instance) ({rate('vethway_port_tx_bytes_total')})", "{{instance}} sent")),
        series("Drops by reason", "pps", (f"topk(10, sum by (reason) ({rate('vethway_drop_packets_total')}) > 0)",
                                          "{{reason}}"), stack=True),
        series("Workers busy", "percentunit", (f"instance_lcore:vethway_busy:ratio1m{{{BY_INSTANCE}}}",
                                               "{{instance}} lcore {{lcore}}")),
        series("Packet buffers free", "percentunit", (f"instance_pool:vethway_mempool_free:ratio{{{BY_INSTANCE}}}",
                                                      "{{instance}} {{pool}}")),
        table("Versions", f"vethway_build_info{{{BY_INSTANCE}}}", width=24),
    ]),
    "ports": ("vethway: ports", [
        table("Ports", f"vethway_port_info{{{BY_PORT}}}", width=24),
        series("Received", "pps", (rate("vethway_port_rx_packets_total"), "{{port}}")),
        series("Sent", "pps", (rate("vethway_port_tx_packets_total"), "{{port}}")),
        series("Bits received", "bps", ("8 * " + rate("vethway_port_rx_bytes_total"), "{{port}}")),
        series("Bits sent", "bps", ("8 * " + rate("vethway_port_tx_bytes_total"), "{{port}}")),
        series("Up", "none", (f"vethway_port_up{{{BY_PORT}}}", "{{port}}")),
        series("Changes of the link", "none", (f"increase(vethway_port_link_changes_total{{{BY_PORT}}}[5m])", "{{port}}"),
               help_="In 5 minutes."),
        series("Lost before the switch saw them", "pps", (rate("vethway_port_rx_missed_packets_total"), "{{port}} missed"),
               (rate("vethway_port_rx_no_buffer_total"), "{{port}} no buffer"),
               (rate("vethway_port_rx_errors_total"), "{{port}} errors"),
               help_="The worker was too slow, or had no buffers."),
        series("Failed to send", "pps", (rate("vethway_port_tx_errors_total"), "{{port}}")),
        series("Packets a burst, mean", "none", (f"{rate('vethway_port_rx_burst_packets_sum')} / "
                                                f"({rate('vethway_port_rx_burst_packets_count')} > 0)", "{{port}}")),
        series("Checksums completed in software", "pps", (rate("vethway_port_rx_checksum_completed_packets_total"),
                                                          "{{port}} received"),
               (rate("vethway_port_tx_checksum_completed_packets_total"), "{{port}} sent")),
    ]),
    "drops": ("vethway: drops and why", [
        series("By reason", "pps", (f"sum by (reason) ({rate('vethway_drop_packets_total')}) > 0", "{{reason}}"),
               width=24, stack=True, help_="vethway explain drop REASON says what to do."),
        series("By ingress port", "pps", (f"sum by (port) ({rate('vethway_drop_packets_total')})", "{{port}}"), stack=True),
        series("By stage", "pps", (f"sum by (stage) ({rate('vethway_drop_packets_total')}) > 0", "{{stage}}"), stack=True),
        series("Part of what is received", "percentunit", (f"instance:vethway_drop_ratio:rate1m{{{BY_INSTANCE}}}",
                                                           "{{instance}}")),
        table("In the last hour", f"sort_desc(sum by (instance, port, stage, reason) "
              f"(increase(vethway_drop_packets_total{{{BY_PORT}}}[1h])) > 0)"),
        series("ICMP errors sent", "pps", (f"sum by (type) ({rate('vethway_icmp_sent_total', by_port=False)})", "{{type}}"),
               (f"sum({rate('vethway_icmp_suppressed_total', by_port=False)})", "not sent: rate limit")),
        series("Ended in the switch", "pps", (f"sum by (kind) ({rate('vethway_consumed_packets_total')}) > 0", "{{kind}}"),
               stack=True),
        series("The switch's own", "pps", (f"sum by (kind) ({rate('vethway_originated_packets_total')}) > 0", "{{kind}}"),
               stack=True),
        series("Held", "none", (f"vethway_held_packets{{{BY_INSTANCE}}}", "{{instance}}"),
               help_="For a neighbour, for the rest of a datagram, or between workers."),
    ]),
    "workers": ("vethway: workers and latency", [
        series("Busy", "percentunit", (f"instance_lcore:vethway_busy:ratio1m{{{BY_INSTANCE}}}", "lcore {{lcore}}")),
        series("Asleep", "percentunit", (rate("vethway_lcore_sleep_seconds_total", by_port=False), "lcore {{lcore}}")),
        series("Polls", "ops", (rate("vethway_lcore_polls_total", by_port=False), "lcore {{lcore}} {{result}}")),
        series("Context switches", "ops", (rate("vethway_lcore_context_switches_total", by_port=False),
                                           "lcore {{lcore}} {{type}}"),
               help_="Involuntary ones: somebody else runs on the worker's CPU."),
        series("How long the packet waited that woke a worker", "s",
               *[(f"histogram_quantile({q}, sum by (le) ({rate('vethway_lcore_wakeup_seconds_bucket', by_port=False)}))",
                  f"{int(q * 100)} %") for q in (0.5, 0.9, 0.99)]),
        heatmap("The same", f"sum by (le) ({rate('vethway_lcore_wakeup_seconds_bucket', by_port=False)})", "s"),
        heatmap("Packets a burst", f"sum by (le) ({rate('vethway_port_rx_burst_packets_bucket')})", "none"),
        series("Packet buffers", "none", (f"vethway_mempool_buffers{{{BY_INSTANCE}}}", "{{pool}} {{state}}")),
        series("CPU of the process", "percentunit", (rate("process_cpu_seconds_total", by_port=False), "{{instance}}")),
        series("Memory", "bytes", (f"process_resident_memory_bytes{{{BY_INSTANCE}}}", "{{instance}} without hugepages")),
        series("A scrape takes", "s", (f"vethway_scrape_duration_seconds{{{BY_INSTANCE}}}", "{{instance}}")),
    ]),
    "tables": ("vethway: neighbours and routes", [
        series("Neighbours by state", "none", (f"sum by (state) (vethway_neighbours{{{BY_PORT}}})", "{{state}}"), stack=True),
        series("Neighbours by port", "none", (f"sum by (port) (vethway_neighbours{{{BY_PORT}}})", "{{port}}"), stack=True),
        series("Packets that wait for a MAC address", "none", (f"vethway_neighbour_queue_packets{{{BY_PORT}}}", "{{port}}")),
        series("Dropped for want of a neighbour", "pps",
               (f"sum by (port, reason) (instance_port_reason:vethway_drop_packets:rate1m{{{BY_PORT},"
                'reason=~"neighbour_failed|neighbour_queue_full|neighbour_table_full"})', "{{port}} {{reason}}")),
        series("ARP", "pps", (f"sum by (direction, operation) ({rate('vethway_arp_packets_total')})",
                              "{{direction}} {{operation}}")),
        series("Routes in use", "none", (f"vethway_fib_routes{{{BY_INSTANCE}}}", "{{type}}"), stack=True),
        series("Memory of the forwarding table", "bytes", (f"vethway_fib_bytes{{{BY_INSTANCE}}}", "{{instance}}")),
        series("Its chunks", "none", (f"vethway_fib_chunks{{{BY_INSTANCE}}}", "{{state}}")),
        series("Reloads", "none", (f"vethway_config_reloads_total{{{BY_INSTANCE}}}", "{{result}}")),
    ]),
    "bridges": ("vethway: bridges and LAGs", [
        stat("Held by a guard", "none", f"sum by (instance) (vethway_bridge_member_guarded{{{BY_PORT}}})",
             (None, GOOD), (1, BAD), help_="Members that BPDU guard, root guard or loop detection keeps from forwarding."),
        stat("Loops", "none", f"sum by (instance) (vethway_bridge_member_looped{{{BY_PORT}}})", (None, GOOD), (1, BAD),
             help_="Members by which frames of the bridge's own come back."),
        stat("LAGs down", "none", f"sum by (instance) (vethway_lag_carrying{{{BY_INSTANCE}}} < bool "
             f"on (instance, lag) vethway_lag_min_links{{{BY_INSTANCE}}})", (None, GOOD), (1, BAD),
             help_="Fewer members carry frames than min_links."),
        stat("LAG members idle", "none", f"sum by (instance) (vethway_lag_member_carrying{{{BY_PORT}}} == bool 0)",
             (None, GOOD), (1, WARN)),
        stat("Topology changes", "none", f"sum by (instance) (increase(vethway_stp_topology_changes_total{{{BY_INSTANCE}}}[1h]))",
             (None, GOOD), (50, WARN), help_="Of spanning trees, in the last hour."),
        stat("Stations", "percentunit", f"max by (instance) (vethway_bridge_stations{{{BY_INSTANCE}}} / "
             f"on (instance, bridge) vethway_bridge_stations_limit{{{BY_INSTANCE}}})", (None, GOOD), (0.8, WARN), (1, BAD),
             help_="Of as many as a bridge may learn, the fullest one."),
        series("What bridging did", "pps", (f"sum by (bridge, event) ({rate('vethway_bridge_events_total')})",
                                            "{{bridge}} {{event}}"), stack=True),
        series("Stations learned", "none", (f"vethway_bridge_stations{{{BY_INSTANCE}}}", "{{bridge}}"),
               (f"vethway_bridge_stations_limit{{{BY_INSTANCE}}}", "{{bridge}} may learn")),
        series("Not learned, moved, held in place", "pps",
               (f"sum by (port, event) ({rate('vethway_bridge_events_total', LEARNING)})", "{{port}} {{event}}")),
        series("Refused by guards", "pps",
               (f"sum by (port, reason) (instance_port_reason:vethway_drop_packets:rate1m{{{BY_PORT},reason=~\"{GUARDS}\"}})",
                "{{port}} {{reason}}"), help_="By the port that they came by."),
        series("Multicast groups learned", "none", (f"vethway_bridge_groups{{{BY_INSTANCE}}}", "{{bridge}}"),
               (f"vethway_bridge_groups_limit{{{BY_INSTANCE}}}", "{{bridge}} may learn")),
        series("Said about groups", "pps",
               (rate("vethway_bridge_snooped_messages_total", by_port=False), "{{bridge}} {{kind}}"),
               (rate("vethway_bridge_queries_sent_total", by_port=False), "{{bridge}} asks")),
        series("Forwarding", "none", (f"vethway_bridge_member_forwarding{{{BY_PORT}}}", "{{bridge}} {{port}}")),
        series("Held", "none", (f"vethway_bridge_member_guarded{{{BY_PORT}}}", "{{bridge}} {{port}} {{by}}"),
               (f"vethway_bridge_member_looped{{{BY_PORT}}}", "{{bridge}} {{port}} looped")),
        series("Topology changes in 5 minutes", "none",
               (f"increase(vethway_stp_topology_changes_total{{{BY_INSTANCE}}}[5m])", "{{bridge}}")),
        series("BPDUs", "pps", (rate("vethway_stp_bpdus_total"), "{{bridge}} {{port}} {{direction}}"),
               (f"vethway_stp_root{{{BY_INSTANCE}}}", "{{bridge}} is the root")),
        series("Members that carry a LAG", "none", (f"vethway_lag_carrying{{{BY_INSTANCE}}}", "{{lag}}"),
               (f"vethway_lag_min_links{{{BY_INSTANCE}}}", "{{lag}} needs"),
               (f"vethway_lag_members{{{BY_INSTANCE}}}", "{{lag}} has")),
        series("Which of them", "none", (f"vethway_lag_member_carrying{{{BY_PORT}}}", "{{lag}} {{port}}")),
        series("LACPDUs", "pps", (rate("vethway_lacp_packets_total"), "{{lag}} {{port}} {{direction}}"),
               (rate("vethway_lacp_refused_packets_total"), "{{lag}} {{port}} refused")),
    ]),
}


def panels(rows):
    """On Grafana's grid, which is 24 wide."""
    x = y = line = 0
    for number, row in enumerate(rows, 1):
        panel = dict(row)
        width, height = panel.pop("width"), panel.pop("height", 8)
        queries, instant = panel.pop("queries"), panel.pop("instant", False)
        form = panel.pop("format", "table" if instant else "time_series")
        if x + width > 24:
            x, y, line = 0, y + line, 0
        yield {"id": number, **panel, "datasource": SOURCE, "gridPos": {"x": x, "y": y, "w": width, "h": height},
               "targets": [{"refId": chr(65 + n), "datasource": SOURCE, "expr": expression, "legendFormat": legend,
                            "instant": instant, "range": not instant, "format": form}
                           for n, (expression, legend) in enumerate(queries)]}
        x, line = x + width, max(line, height)


def variable(name, query):
    return {"name": name, "label": name, "type": "query", "datasource": SOURCE, "definition": query,
            "query": {"query": query, "refId": name}, "refresh": 2, "multi": True, "includeAll": True,
            "allValue": ".*", "sort": 7, "current": {"text": ["All"], "value": ["$__all"]}}


def dashboard(uid, title, rows):
    return {"uid": "vethway-" + uid, "title": title, "tags": ["vethway"], "schemaVersion": 37, "version": 1,
            "editable": True, "timezone": "browser", "refresh": "5s", "time": {"from": "now-15m", "to": "now"},
            "templating": {"list": [
                variable("instance", 'label_values(up{job="vethway"}, instance)'),
                variable("port", 'label_values(vethway_port_rx_packets_total{instance=~"$instance"}, port)')]},
            "annotations": {"list": []},
            "links": [{"title": "vethway", "type": "dashboards", "tags": ["vethway"], "asDropdown": True,
                       "includeVars": True, "keepTime": True}],
            "panels": list(panels(rows))}


def texts():
    """{file: what is in it}"""
    return {os.path.join(HERE, "dashboards", uid + ".json"):
            json.dumps(dashboard(uid, title, rows), indent=2, ensure_ascii=False) + "\n"
            for uid, (title, rows) in PANELS.items()}


if __name__ == "__main__":
    for file, text in texts().items():
        with open(file, "w") as f:
            f.write(text)
