# SPDX-License-Identifier: Apache-2.0
"""RFC 2544's searches (26.1 to 26.5). Pure: `trial` is asked, a function of a load in frames a second (or of a number
of frames) whose answer is the ratio of them that was lost."""

import math


def throughput(trial, least, most, width=0.01, most_trials=20, loss=0.0):
    """26.1: the highest load of which no more than `loss` is lost, to `width` of itself; None: not even `least`.
    Halves the interval by ratio, since neither end need be near."""
    if trial(most) <= loss:
        return most
    used, low, high = 1, None, most
    while used < most_trials:
        if low is None:
            # By and by further down, so that a load near `most` costs few trials.
            load = max(least, most / 2 ** used)
        elif high - low <= width * high:
            break
        else:
            load = math.sqrt(low * high)
        used += 1
        if trial(load) <= loss:
            low = load
        elif load <= least:
            return None
        else:
            high = load
    return low


def loss_by_load(trial, most, step=0.1):
    """26.3: [(load, loss ratio)] from `most` down, by `step` of it, until two in a row lose nothing."""
    found, clean = [], 0
    for n in range(round(1 / step)):
        load = most * (1 - n * step)
        lost = trial(load)
        found.append((load, lost))
        clean = clean + 1 if lost == 0 else 0
        if clean == 2:
            break
    return found


def back_to_back(trial, most, least=32, width=0.02, most_trials=16):
    """26.4: the longest burst, in frames, that all gets through; `most`: no burst was too long; 0: the shortest was."""
    if trial(most) == 0:
        return most
    used, low, high = 1, 0, most
    while used < most_trials and high - low > max(least // 2, width * high):
        frames = max(least, round(math.sqrt(low * high)) if low else high // 8)
        used += 1
        if trial(frames) == 0:
            low = frames
        elif frames <= least:
            return 0
        else:
            high = frames
    return low
