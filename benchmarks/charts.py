"""Line charts as SVG, written by hand: no library, and text that stays text.

A chart is one file with one or more panels side by side. Each line is labelled where it ends, so
nobody has to match colours with a legend. Colours follow the reader's light or dark theme by a
media query, on a background of the chart's own, so it is readable wherever it is shown.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

PANEL_WIDTH, PANEL_HEIGHT = 480, 380
LEFT, RIGHT, TOP, BOTTOM = 58, 92, 76, 52  # around the plot of a panel
LABEL_GAP = 14  # between the labels of two lines, so that they do not overlap
TICK_STEPS = (1, 2, 5)
SMALLEST_RANGE = 10  # of the y axis, highest over lowest

# Hues that differ in lightness too; each holds on white and on near-black.
COLOURS = {
    "scoreserve": ("#1d4ed8", "#7aa7ff"),
    "rows": ("#4338ca", "#a5b4fc"),
    "alone": ("#0369a1", "#38bdf8"),
    "mosec": ("#0f766e", "#2dd4bf"),
    "floor": ("#6b7280", "#9ca3af"),
    "fastapi": ("#15803d", "#4ade80"),
    "litserve": ("#7e22ce", "#c084fc"),
    "bentoml": ("#be185d", "#f472b6"),
    "mlserver": ("#b45309", "#fbbf24"),
    "reference": ("#b91c1c", "#f87171"),
}
OTHER = ("#1d4ed8", "#7aa7ff")
EMPHASIS = "scoreserve"


@dataclass(frozen=True)
class Point:
    """One measured place: the median and the range over the rounds."""

    x: float
    y: float
    low: float
    high: float


@dataclass(frozen=True)
class Line:
    """A named line through its points, in the order of x."""

    name: str
    points: Sequence[Point]


@dataclass(frozen=True)
class Panel:
    """One plot, both axes logarithmic; x has a tick at each value measured."""

    title: str
    x_title: str
    lines: Sequence[Line] = field(default_factory=list)
    better: str = ""  # "higher" or "lower"


@dataclass(frozen=True)
class Scale:
    """From a value on a logarithmic axis to a coordinate."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The coordinate."""
        if self.high == self.low:
            return (self.start + self.end) / 2
        part = math.log(value / self.low) / math.log(self.high / self.low)
        return self.start + part * (self.end - self.start)


def chart(title: str, subtitle: str, panels: Sequence[Panel]) -> str:
    """The whole SVG document."""
    width, height = PANEL_WIDTH * len(panels), PANEL_HEIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="{escape(title)}">',
        f"<style>{_style(panels)}</style>",
        f'<rect class="ground" width="{width}" height="{height}" rx="8"/>',
        f'<text class="title" x="20" y="28">{escape(title)}</text>',
        f'<text class="quiet" x="20" y="46">{escape(subtitle)}</text>',
    ]
    for number, panel in enumerate(panels):
        if any(line.points for line in panel.lines):
            parts.append(f'<g transform="translate({number * PANEL_WIDTH} 0)">')
            parts += _panel(panel)
            parts.append("</g>")
    return "\n".join([*parts, "</svg>"]) + "\n"


def _text(kind: str, x: float, y: float, content: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(content)}</text>'


def _rule(kind: str, x: tuple[float, float], y: tuple[float, float]) -> str:
    return f'<line class="{kind}" x1="{x[0]:.1f}" x2="{x[1]:.1f}" y1="{y[0]:.1f}" y2="{y[1]:.1f}"/>'


def _panel(panel: Panel) -> list[str]:
    points = [point for line in panel.lines for point in line.points]
    xs = sorted({point.x for point in points})
    ticks = log_ticks(min(each.low for each in points), max(each.high for each in points))
    x = Scale(xs[0], xs[-1], LEFT + 8, PANEL_WIDTH - RIGHT)
    y = Scale(ticks[0], ticks[-1], PANEL_HEIGHT - BOTTOM, TOP + 12)
    better = f", {panel.better} is better" if panel.better else ""
    parts = [_text("name", LEFT - 38, TOP - 6, panel.title + better)]
    parts += _axes(panel, (x, y), xs, ticks)
    # The line that the chart is about is drawn last, over the others.
    for line in sorted(panel.lines, key=lambda line: line.name == EMPHASIS):
        parts += _line(line, x, y)
    return parts + _labels(panel.lines, x, y)


def _axes(
    panel: Panel, scales: tuple[Scale, Scale], xs: Sequence[float], ticks: Sequence[float]
) -> list[str]:
    x, y = scales
    parts = []
    for tick in ticks:
        parts.append(_rule("grid", (LEFT, x.end + 4), (y(tick), y(tick))))
        parts.append(_text("tick end", LEFT - 6, y(tick) + 4, short(tick)))
    parts += [_text("tick middle", x(value), y.start + 18, short(value)) for value in xs]
    parts.append(_text("quiet middle", (x.start + x.end) / 2, PANEL_HEIGHT - 14, panel.x_title))
    return parts


def _line(line: Line, x: Scale, y: Scale) -> list[str]:
    path = " ".join(f"{x(each.x):.1f},{y(each.y):.1f}" for each in line.points)
    parts = [f'<g class="{_class(line.name)}">', f'<polyline points="{path}"/>']
    for each in line.points:
        if each.high > each.low:
            parts.append(_rule("range", (x(each.x), x(each.x)), (y(each.low), y(each.high))))
        parts.append(f'<circle cx="{x(each.x):.1f}" cy="{y(each.y):.1f}" r="3.2"/>')
    return [*parts, "</g>"]


def _labels(lines: Sequence[Line], x: Scale, y: Scale) -> list[str]:
    """Names beside the ends of the lines, pushed apart where they would overlap."""
    parts = []
    drawn = [line for line in lines if line.points]
    for end in sorted({line.points[-1].x for line in drawn}):
        column = [line for line in drawn if line.points[-1].x == end]
        column.sort(key=lambda line: -line.points[-1].y)
        wanted = [y(line.points[-1].y) for line in column]
        places = spread_apart(wanted, LABEL_GAP, TOP, y.start + 6)
        parts += [
            _text(_class(line.name), x(end) + 9, place + 4, line.name)
            for line, place in zip(column, places, strict=True)
        ]
    return parts


def spread_apart(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """The ascending places moved as little as it takes to be `gap` apart between low and high."""
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + gap if moved else low))
    limit = high
    for index in range(len(moved) - 1, -1, -1):
        moved[index] = min(moved[index], limit)
        limit = moved[index] - gap
    return moved


def log_ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten, from at or below `low` to at or above `high`.

    Only the powers themselves when the range is wide, or the labels would run together; at least a
    factor of ten in all, so that noise does not look like much.
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    steps = TICK_STEPS if last - first <= 3 else (1,)
    ticks = [step * 10.0**power for power in range(first - 1, last + 2) for step in steps]
    start = max(i for i, tick in enumerate(ticks) if tick <= low * (1 + 1e-9))
    end = min(i for i, tick in enumerate(ticks) if tick >= high * (1 - 1e-9))
    while ticks[end] / ticks[start] < SMALLEST_RANGE * (1 - 1e-9):
        start, end = (start - 1, end) if (end - start) % 2 == 0 else (start, end + 1)
    return ticks[start : end + 1]


def short(value: float) -> str:
    """1500 as 1.5k, 20000 as 20k, 0.2 as 0.2."""
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"


def _class(name: str) -> str:
    return "line-" + "".join(letter if letter.isalnum() else "-" for letter in name)


def _style(panels: Sequence[Panel]) -> str:
    """The rules for all, then the colours of the lines, both for light and for dark."""
    names = sorted({line.name for panel in panels for line in panel.lines})
    light, dark = (
        "".join(_line_style(name, COLOURS.get(name, OTHER)[theme]) for name in names)
        for theme in (0, 1)
    )
    return f"{BASE_STYLE}{light}@media (prefers-color-scheme: dark) {{{DARK_STYLE}{dark}}}"


def _line_style(name: str, colour: str) -> str:
    kind = _class(name)
    width = 3 if name == EMPHASIS else 1.8
    weight = "font-weight:700;" if name == EMPHASIS else ""
    return f".{kind}{{color:{colour};stroke-width:{width}}}text.{kind}{{fill:{colour};{weight}}}"


BASE_STYLE = """
text{font-family:-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;font-size:12px;fill:#1f2328}
.ground{fill:#ffffff}
.title{font-size:16px;font-weight:600}
.name{font-weight:600}
.quiet,.tick{fill:#59636e}
.end{text-anchor:end}
.middle{text-anchor:middle}
.grid{stroke:#d8dee4;stroke-width:1}
polyline{fill:none;stroke:currentColor;stroke-linejoin:round;stroke-linecap:round}
circle{fill:currentColor;stroke:#ffffff;stroke-width:1.2}
.range{stroke:currentColor;stroke-width:1.4;opacity:.55}
"""
DARK_STYLE = """
text{fill:#f0f6fc}
.ground{fill:#0d1117}
.quiet,.tick{fill:#9198a1}
.grid{stroke:#2a313c}
circle{stroke:#0d1117}
"""
