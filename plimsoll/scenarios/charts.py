"""Line charts as SVG: what a risk officer needs and nothing else. Coordinates are floats; no balance comes from here."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from html import escape

Point = tuple[int, float | None]  # (time, value); None lifts the pen

_TIME_STEPS = (60, 300, 900, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 2_592_000)
_MARGIN_LEFT, _MARGIN_RIGHT, _MARGIN_TOP, _MARGIN_BOTTOM = 58, 10, 8, 20


@dataclass(frozen=True)
class Series:
    """steps: a value holds until the next point (a feed's answer); else the line is straight. dashed: a limit."""

    name: str
    color: str
    points: Sequence[Point]
    steps: bool = True
    dashed: bool = False
    thin: bool = False
    fill: bool = False


@dataclass(frozen=True)
class Mark:
    """up: points upward. whole: filled, else hollow. label: what hovering says."""

    time: int
    value: float
    color: str
    label: str
    up: bool = False
    whole: bool = False


@dataclass(frozen=True)
class Chart:
    """unit: before or after the numbers, "$" or "%". low, high: the axis where it should not follow the values."""

    series: Sequence[Series]
    begin: int
    end: int
    unit: str = ""
    marks: Sequence[Mark] = field(default_factory=tuple)
    low: float | None = None
    high: float | None = None
    width: int = 1080
    height: int = 230
    ticks: int = 5


def svg(chart: Chart) -> str:
    """The chart, with its values beside it for the page's script to show where the pointer is."""
    scale = _Scale(chart)
    parts = [
        f'<svg class="chart" viewBox="0 0 {chart.width} {chart.height}" role="img" data-begin="{chart.begin}" '
        f'data-end="{chart.end}" data-left="{_MARGIN_LEFT}" data-right="{chart.width - _MARGIN_RIGHT}">'
    ]
    parts += _grid(chart, scale)
    thinned = [(series, _thin(series, chart)) for series in chart.series]
    for series, points in thinned:
        parts += _line(series, points, scale)
    parts += [_mark(mark, scale) for mark in chart.marks]
    parts.append(f'<line class="cursor" y1="{_MARGIN_TOP}" y2="{chart.height - _MARGIN_BOTTOM}"/></svg>')
    values = [
        {
            "name": series.name,
            "color": series.color,
            "steps": series.steps,
            "points": [[time, None if value is None else float(f"{value:.6g}")] for time, value in points],
        }
        for series, points in thinned
    ]
    data = json.dumps({"unit": chart.unit, "series": values}, separators=(",", ":")).replace("<", "\\u003c")
    return "".join(parts) + f'<script type="application/json">{data}</script>'


class _Scale:
    """Values → coordinates."""

    def __init__(self, chart: Chart) -> None:
        values = [value for series in chart.series for _, value in series.points if value is not None]
        values += [mark.value for mark in chart.marks]
        low = chart.low if chart.low is not None else min(values, default=0.0)
        high = chart.high if chart.high is not None else max(values, default=1.0)
        if high <= low:  # a flat line: give it room
            low, high = low - (abs(low) * 0.05 or 1.0), high + (abs(high) * 0.05 or 1.0)
        room = (high - low) * 0.04
        self.low = low if chart.low is not None else low - room
        self.high = high if chart.high is not None else high + room
        self.ticks = nice_ticks(self.low, self.high, chart.ticks)
        self.chart = chart

    def x(self, time: float) -> float:
        chart = self.chart
        share = (time - chart.begin) / max(chart.end - chart.begin, 1)
        return _MARGIN_LEFT + min(max(share, 0.0), 1.0) * (chart.width - _MARGIN_LEFT - _MARGIN_RIGHT)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        bottom = self.chart.height - _MARGIN_BOTTOM
        return bottom - min(max(share, 0.0), 1.0) * (bottom - _MARGIN_TOP)


def nice_ticks(low: float, high: float, count: int) -> list[float]:
    """Round values inside low … high, about `count` of them."""
    raw = (high - low) / max(count - 1, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.8)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [i * step for i in range(first, last + 1)]


def number(value: float, unit: str) -> str:
    """A short label: $1.2M, 12.5%, 194."""
    size = abs(value)
    if unit == "%":
        text = f"{value:,.3g}" if size < 100 else f"{value:,.0f}"
        return f"{text}%"
    short = next(((size / n, tail) for n, tail in ((1e9, "B"), (1e6, "M"), (1e4, "k")) if size >= n), None)
    if short and short[1] == "k":
        short = (size / 1e3, "k")
    text = f"{short[0]:,.4g}{short[1]}" if short else f"{size:,.5g}"
    return f"{'−' if value < 0 else ''}{unit}{text}"


def _grid(chart: Chart, scale: _Scale) -> list[str]:
    right, bottom = chart.width - _MARGIN_RIGHT, chart.height - _MARGIN_BOTTOM
    parts = []
    for tick in scale.ticks:
        y = scale.y(tick)
        zero = ' class="zero"' if tick == 0 else ""
        parts.append(f'<line{zero} x1="{_MARGIN_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(
            f'<text x="{_MARGIN_LEFT - 6}" y="{y + 3.5:.1f}" text-anchor="end">{number(tick, chart.unit)}</text>'
        )
    for time, label in _times(chart):
        x = scale.x(time)
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{bottom}" y2="{bottom + 4}"/>')
        anchor = "end" if x > right - 30 else "middle"
        parts.append(f'<text x="{min(x, right):.1f}" y="{chart.height - 4}" text-anchor="{anchor}">{label}</text>')
    return parts


def _times(chart: Chart) -> list[tuple[int, str]]:
    room = max((chart.width - _MARGIN_LEFT) // 90, 2)
    span = chart.end - chart.begin
    step = next((step for step in _TIME_STEPS if span / step <= room), _TIME_STEPS[-1])
    first = -(-chart.begin // step) * step
    labels = []
    for time in range(first, chart.end + 1, step):
        moment = datetime.fromtimestamp(time, timezone.utc)
        midnight = moment.hour == 0 and moment.minute == 0
        labels.append((time, moment.strftime("%-d %b" if midnight else "%H:%M")))
    return labels


def _thin(series: Series, chart: Chart) -> list[Point]:
    """At most four points for two pixel columns: the first, the extremes, the last."""
    columns: dict[int, list[Point]] = {}
    width = max((chart.end - chart.begin) / (chart.width / 2), 1)
    for point in series.points:
        columns.setdefault(int((point[0] - chart.begin) / width), []).append(point)
    kept: list[Point] = []
    for points in columns.values():
        known = [point for point in points if point[1] is not None]
        chosen = {points[0], points[-1]}
        if known:
            chosen |= {min(known, key=lambda p: p[1] or 0.0), max(known, key=lambda p: p[1] or 0.0)}
        kept += sorted(chosen, key=points.index)
    return kept


def _line(series: Series, points: Sequence[Point], scale: _Scale) -> list[str]:
    runs: list[list[tuple[float, float]]] = [[]]
    for time, value in points:
        if series.steps and runs[-1]:
            runs[-1].append((scale.x(time), runs[-1][-1][1]))
        if value is None:
            runs.append([])
        else:
            runs[-1].append((scale.x(time), scale.y(value)))
    style = f'stroke="{series.color}"' + (' stroke-dasharray="4 3"' if series.dashed else "")
    style += ' stroke-width="1"' if series.thin else ""
    parts = []
    for run in runs:
        if not run:
            continue
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in run)
        if series.fill:
            floor = scale.y(max(0.0, scale.low))
            area = f"{run[0][0]:.1f},{floor:.1f} {line} {run[-1][0]:.1f},{floor:.1f}"
            parts.append(f'<polygon points="{area}" fill="{series.color}" class="area"/>')
        parts.append(f'<polyline points="{line}" {style}/>')
    return parts


def _mark(mark: Mark, scale: _Scale) -> str:
    x, y = scale.x(mark.time), scale.y(mark.value)
    tip, base = (y + 3, y + 11) if mark.up else (y - 3, y - 11)
    fill = mark.color if mark.whole else "#fff"
    return (
        f'<path class="mark" d="M{x:.1f} {tip:.1f}L{x - 4.5:.1f} {base:.1f}H{x + 4.5:.1f}Z" fill="{fill}" '
        f'stroke="{mark.color}"><title>{escape(mark.label)}</title></path>'
    )
