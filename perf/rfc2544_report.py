# SPDX-License-Identifier: Apache-2.0
"""The report of the RFC 2544 bench: Markdown, and its plots."""

import os
import statistics

import plot
import report

DISTURBED = 0.1  # of the trials, from which on numbers are not to be quoted
PERCENTILE_TICKS = [(2, "50"), (10, "90"), (100, "99"), (1000, "99.9"), (10000, "99.99")]


def metrics_of(runs_of, higher, rates):
    """Those that any run has, of the rates or of all others."""
    seen = {name for runs in runs_of.values() for run in runs for name in run.get("metrics", {})}
    return [name for name in rates if name in seen] if higher else sorted(seen - set(rates), key=order_of)


def order_of(metric):
    """At throughput before at half, a lower percentile before a higher one."""
    return "half" in metric, metric


def numbers(runs, metric):
    """Of each repeat, None where there is none."""
    return [run.get("metrics", {}).get(metric) for run in runs]


def row_of(metric, runs_of, us):
    """The medians and quartiles of all, and the ratio of ours to theirs within a repeat."""
    cells = [metric]
    for name, runs in runs_of.items():
        good = [v for v in numbers(runs, metric) if v is not None]
        cells.append(report.with_quartiles(good) if good else "-")
        if name != us:
            ratio = report.ratios(numbers(runs_of[us], metric), numbers(runs, metric)) if us in runs_of else []
            cells.append(report.with_quartiles(ratio) if ratio else "-")
    return cells


def tables(size, runs_of, notes, rates):
    us = next((name for name in runs_of if name.startswith("vethway")), None)
    head = ["median (quartiles)"]
    for name in runs_of:
        head += [name] if name == us else [name, f"{us} / {name}"]
    parts = [f"## {size} bytes"]
    for higher, title in ((True, "**More is better**"), (False, "**Less is better**")):
        rows = [row_of(metric, runs_of, us) for metric in metrics_of(runs_of, higher, rates)]
        if rows:
            parts += [title, report.table([head, *rows])]
    parts.append("\n".join(f"- {name}: {note}" for name, note in notes.items()))
    return parts


def trial_words(runs_of):
    trials = sum(run.get("trials", 0) for runs in runs_of.values() for run in runs)
    bad = sum(run.get("disturbed", 0) for runs in runs_of.values() for run in runs)
    words = f"{bad} of {trials} trials were not held at their load, or lost frames in the generator itself."
    return f"**{words} Do not quote these numbers.**" if bad > DISTURBED * max(1, trials) else words


def remark(runs):
    good = [run for run in runs if run]
    words = []
    if good and statistics.median(run.get("took all", False) for run in good):
        words.append("**took all that was offered: a lower bound**")
    if good and statistics.median(run.get("held up", False) for run in good):
        words.append("flat out its full rings held the sender up: that rate is the switch's own")
    wide = sum(not one["narrow"] for run in good for one in run.get("mlr", {}).values())
    if wide:
        words.append(f"{wide} MLRsearches ended by their number of trials, with wider bounds")
    return "; ".join(words)


def median_curve(runs):
    """Of each run's points, which are at the same parts of much the same load: the medians."""
    by_rank = {}
    for run in runs:
        for rank, point in enumerate(run.get("loss", [])):
            by_rank.setdefault(rank, []).append(point)
    return [(statistics.median(p[0] for p in points) / 1e3, 100 * statistics.median(p[1] for p in points))
            for points in by_rank.values()]


def loss_plot(size, runs_of):
    series = {name: curve for name, runs in runs_of.items() if (curve := median_curve(runs))}
    if not series:
        return None
    points = [p for curve in series.values() for p in curve]
    return plot.chart(f"Loss by load, {size} bytes", plot.Axis("load, kpps", [p[0] for p in points], from_zero=True),
                      plot.Axis("frames lost, %", [p[1] for p in points], from_zero=True), series)


def latency_plot(size, runs_of):
    series = {}
    for name, runs in runs_of.items():
        for load, mark in (("at throughput", ""), ("at half", "*")):
            curve = []
            for value, label in PERCENTILE_TICKS:
                found = [run["latency"][load][label] for run in runs if label in run.get("latency", {}).get(load, {})]
                if found:
                    curve.append((value, statistics.median(found)))
            if curve:
                series[f"{name}, {load}{mark}"] = curve
    if not series:
        return None
    values = [p[1] for curve in series.values() for p in curve]
    return plot.chart(f"Latency, {size} bytes", plot.Axis("percentile", [2, 10000], log=True, ticks=PERCENTILE_TICKS),
                      plot.Axis("µs", values, log=True), series)


def rate_plot(results):
    """results: {size: {rival: [run]}}; sizes that are a mix have no place on the axis."""
    series = {}
    for size, runs_of in results.items():
        if not str(size).isdigit():
            continue
        for name, runs in runs_of.items():
            for metric, mark in (("throughput kpps", ""), ("PDR kpps", "*")):
                found = [run["metrics"][metric] for run in runs if metric in run.get("metrics", {})]
                if found:
                    series.setdefault(f"{name}, {metric.split()[0]}{mark}", []).append(
                        (int(size), statistics.median(found)))
    if not series:
        return None
    points = [p for curve in series.values() for p in curve]
    sizes = sorted({p[0] for p in points})
    return plot.chart("Rate by size", plot.Axis("frame, bytes with FCS", sizes, log=True,
                                                ticks=[(s, str(s)) for s in sizes]),
                      plot.Axis("kpps", [p[1] for p in points], from_zero=True), series)


def plots(results):
    """{file: SVG}"""
    found = {"rate.svg": rate_plot(results)}
    for size, runs_of in results.items():
        found[f"loss-{size}.svg"] = loss_plot(size, runs_of)
        found[f"latency-{size}.svg"] = latency_plot(size, runs_of)
    return {name: svg for name, svg in found.items() if svg}


def write(directory, title, environment, results, notes, missing, rates):
    """report.md and its plots; results: {size: {rival: [run, one per repeat]}}"""
    os.makedirs(directory, exist_ok=True)
    drawn = plots(results)
    parts = [f"# {title}", report.environment(environment).rstrip()]
    if "rate.svg" in drawn:
        parts.append("![rate by size](rate.svg)")
    for size, runs_of in results.items():
        told = {name: "; ".join(filter(None, (notes.get(name, ""), remark(runs)))) for name, runs in runs_of.items()}
        parts += tables(size, runs_of, told, rates)
        parts.append(trial_words(runs_of))
        parts += [f"![{what} of {size} bytes]({what}-{size}.svg)" for what in ("loss", "latency")
                  if f"{what}-{size}.svg" in drawn]
    if missing:
        parts.append("Not run: " + "; ".join(f"{name} ({why})" for name, why in missing.items()))
    for name, svg in drawn.items():
        with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
            file.write(svg)
    text = "\n\n".join(parts) + "\n"
    with open(os.path.join(directory, "report.md"), "w", encoding="utf-8") as file:
        file.write(text)
    return text
