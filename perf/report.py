# SPDX-License-Identifier: Apache-2.0
"""Medians, quartiles, ratios, and the Markdown tables of them."""

import statistics

TOO_MANY = 0.1  # of the runs began on a machine in use
SMALL = 0.005  # of a CPU in percent: threads below are not listed


def spread(values):
    """(lower quartile, median, upper quartile)"""
    if len(values) == 1:
        return values[0], values[0], values[0]
    return tuple(statistics.quantiles(values, n=4, method="inclusive"))


def number(value):
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def with_quartiles(values):
    low, middle, high = spread(values)
    return f"{number(middle)} ({number(low)} to {number(high)})"


def ratios(ours, theirs):
    """Within a repeat, which they ran seconds apart; none for one in which either failed."""
    return [a / b for a, b in zip(ours, theirs) if a is not None and b]


def table(rows):
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])


def column(runs, metric):
    """The number of each repeat, None where there was none."""
    return [run.get(metric) for run in runs]


def metric_table(measure, metric, runs_of, notes):
    us = next((name for name in runs_of if name.startswith("vethway")), "vethway")
    rows = [["switch", f"{metric}: median (quartiles)", f"{us} / it: median (quartiles)", "runs",
             "note"]]
    ours = column(runs_of.get(us, []), metric)
    for name, runs in runs_of.items():
        theirs = column(runs, metric)
        good = [v for v in theirs if v is not None]
        ratio = ratios(ours, theirs)
        rows.append([name, with_quartiles(good) if good else "fails",
                     "-" if name == us or not ratio else with_quartiles(ratio), str(len(good)),
                     notes.get(name, "")])
    better = "" if not measure.metrics.get(metric) else f" ({measure.better} is better)"
    return f"**{metric}**{better}\n\n{table(rows)}"


def side_table(measure, runs_of):
    """What is not compared: medians only."""
    metrics = [m for m, compared in measure.metrics.items() if not compared]
    seen = {metric for runs in runs_of.values() for run in runs for metric in run}
    threads = {metric for metric in seen if metric.startswith("thread ")}
    lines = []
    for metric in [*metrics, *sorted(threads)]:
        parts = [f"{name} {number(statistics.median(good))}" for name, runs in runs_of.items()
                 if (good := [v for v in column(runs, metric) if v is not None])
                 and (metric in metrics or statistics.median(good) >= SMALL)]
        if not parts:
            continue
        lines.append(f"- {metric}: " + ", ".join(parts))
    return "\n".join(lines)


def section(measure, runs_of, notes):
    """runs_of: {rival: [{metric: number}, one per repeat, {} where it failed]}"""
    parts = [f"## {measure.name}: {measure.title}"]
    parts += [metric_table(measure, m, runs_of, notes) for m, compared in measure.metrics.items()
              if compared]
    side = side_table(measure, runs_of)
    return "\n\n".join([*parts, side] if side else parts) + "\n"


def quiet(disturbed, runs):
    """Interleaving does not cancel a neighbour: a switch on a CPU of its own loses more to it than
    one on the sender's. Ratios have been seen to change sides by it."""
    text = f"{disturbed} of {runs} runs began on a machine in use by others."
    return f"**{text} Do not quote these ratios.**" if disturbed > runs * TOO_MANY else text


def environment(rows):
    cells = [["what", "value"], *([key, value] for key, value in rows.items())]
    return f"## Environment\n\n{table(cells)}\n"
