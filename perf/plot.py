# SPDX-License-Identifier: Apache-2.0
"""Line charts as SVG. A page of code in place of python3-matplotlib, which brings a hundred packages for three plots."""

import math
from html import escape

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 74, 190, 40, 56
COLOURS = ("#1b6ca8", "#d1495b", "#2e8b57", "#8a5aab", "#c77d0a", "#4a4a4a", "#00868b", "#a0522d")


class Axis:
    """Maps values to 0 … 1. ticks: [(value, label)], or it finds round ones. log: zeros are left out."""

    def __init__(self, label, values, log=False, ticks=None, from_zero=False):
        self.label, self.log = label, log
        usable = [v for v in values if not log or v > 0] or [1]
        low, high = min(usable), max(usable)
        if from_zero and not log:
            low = 0
        if low == high:
            low, high = (low / 2, high * 2) if log else (low - 0.5, high + 0.5)
        self.ticks = ticks or (decades(low, high) if log else round_ticks(low, high))
        self.low = min([low, *(v for v, _ in self.ticks)])
        self.high = max([high, *(v for v, _ in self.ticks)])

    def shows(self, value):
        return not self.log or value > 0

    def place(self, value):
        low, high = self.low, self.high
        if self.log:
            value, low, high = math.log10(value), math.log10(low), math.log10(high)
        return (value - low) / (high - low)


def text_of(value):
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def round_ticks(low, high, wanted=6):
    """Multiples of 1, 2 or 5 times a power of ten, from at or below `low` to at or above `high`."""
    rough = (high - low) / wanted
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [(n * step, text_of(n * step)) for n in range(first, last + 1)]


def decades(low, high):
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return [(10.0 ** n, text_of(10.0 ** n)) for n in range(first, last + 1)]


def line(x1, y1, x2, y2, colour="#ddd"):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def text(x, y, what, anchor="middle", more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{escape(what)}</text>'


def frame_of(title, x, y, at_x, at_y):
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    parts = [text((LEFT + right) / 2, 22, title, more='font-size="15" font-weight="bold"')]
    for value, label in x.ticks:
        parts += [line(at_x(value), TOP, at_x(value), bottom), text(at_x(value), bottom + 18, label)]
    for value, label in y.ticks:
        parts += [line(LEFT, at_y(value), right, at_y(value)), text(LEFT - 8, at_y(value) + 4, label, "end")]
    parts += [line(LEFT, TOP, LEFT, bottom, "#444"), line(LEFT, bottom, right, bottom, "#444"),
              text((LEFT + right) / 2, HEIGHT - 14, x.label),
              text(0, 0, y.label, more=f'transform="translate(18 {(TOP + bottom) / 2:.0f}) rotate(-90)"')]
    return parts


def chart(title, x, y, series):
    """series: {name: [(x, y)]}; a name that ends with "*" is dashed. x, y: Axis."""
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM

    def at_x(value):
        return LEFT + x.place(value) * (right - LEFT)

    def at_y(value):
        return bottom - y.place(value) * (bottom - TOP)

    parts = frame_of(title, x, y, at_x, at_y)
    colours = {}
    for n, (name, points) in enumerate(series.items()):
        plain = name.rstrip("*")
        colour = colours.setdefault(plain.split(",")[0], COLOURS[len(colours) % len(COLOURS)])
        dash = ' stroke-dasharray="6 4"' if name.endswith("*") else ""
        shown = [(at_x(a), at_y(b)) for a, b in sorted(points) if x.shows(a) and y.shows(b)]
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in shown)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in shown]
        row = TOP + 12 + n * 20
        parts.append(f'<line x1="{right + 12}" y1="{row}" x2="{right + 36}" y2="{row}" stroke="{colour}" '
                     f'stroke-width="2"{dash}/>')
        parts.append(text(right + 42, row + 4, plain, "start"))
    body = "\n".join(parts)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
            f'height="{HEIGHT}" font-family="sans-serif" font-size="12">\n'
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>\n{body}\n</svg>\n')
