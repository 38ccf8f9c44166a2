"""What the market does: a price path as points in time, from inline points, bars or a named shape; and what a feed
answers of it.

A path is a tuple of (time, price): unix seconds, strictly increasing; price WAD. Between two points the market moves in
a straight line; before the first and after the last it stands still.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from plimsoll.fixed_point import mul_div_down, mul_div_up
from plimsoll.types import FeedSpec


class Point(NamedTuple):
    time: int
    price: int


class Bar(NamedTuple):
    """time: when it opens."""

    time: int
    open: int
    high: int
    low: int
    close: int


Path = tuple[Point, ...]


# Paths -------------------------------------------------------------------------------------------------------------


def from_bars(bars: Sequence[Bar], interval: int) -> Path:
    """Each bar is played open → nearer extreme → farther extreme → close, at 0, ⅓, ⅔ and the end of its interval."""
    points = []
    for bar in bars:
        points += [
            Point(bar.time, bar.open),
            Point(bar.time + interval // 3, _nearer(bar)),
            Point(bar.time + interval * 2 // 3, bar.low if _nearer(bar) == bar.high else bar.high),
            Point(bar.time + interval - 1, bar.close),
        ]
    return tuple(points)


def _nearer(bar: Bar) -> int:
    """The extreme nearer to the open; on a tie the one against the bar's direction."""
    up, down = bar.high - bar.open, bar.open - bar.low
    if up == down:
        return bar.low if bar.close >= bar.open else bar.high
    return bar.high if up < down else bar.low


def gap(start: int, length: int, at: int, before: int, after: int) -> Path:
    """Still, then from one second to the next elsewhere, then still."""
    return (Point(start, before), Point(at - 1, before), Point(at, after), Point(start + length, after))


def slide(start: int, length: int, at: int, over: int, before: int, after: int) -> Path:
    """Still, then in a straight line elsewhere within `over` seconds, then still."""
    return (Point(start, before), Point(at, before), Point(at + over, after), Point(start + length, after))


def whipsaw(start: int, length: int, at: int, over: int, before: int, after: int, swings: int) -> Path:
    """Still, then there and back `swings` times within `over` seconds, then still."""
    points = [Point(start, before), Point(at, before)]
    for leg in range(1, 2 * swings + 1):
        points.append(Point(at + over * leg // (2 * swings), after if leg % 2 else before))
    return (*points, Point(start + length, before))


def price_at(path: Path, time: int) -> int:
    """The market's price, WAD."""
    i = bisect_right(path, time, key=lambda point: point.time)
    if i == 0:
        return path[0].price
    if i == len(path):
        return path[-1].price
    a, b = path[i - 1], path[i]
    return a.price + mul_div_down(b.price - a.price, time - a.time, b.time - a.time)


# What a feed answers -----------------------------------------------------------------------------------------------


def answers(path: Path, spec: FeedSpec, end: int, silences: Sequence[tuple[int, int]] = ()) -> Iterator[Point]:
    """The feed's answers after its first one, which is the path's first price at the path's first second.

    The feed observes the market when it has moved by the deviation since the last answer, or when the heartbeat is
    over; the answer with the price observed lands `delay` seconds later, and only then is the market observed again.
    An answer that would land in one of the `silences` [from, until) is lost; the next is observed when it is over.
    """
    time, answered = path[0].time, path[0].price
    while True:
        moved = _first_move(path, time, answered, spec.deviation_e6)
        observed = time + spec.heartbeat if moved is None else min(moved, time + spec.heartbeat)
        for begin, until in silences:
            if begin <= observed + spec.delay < until:
                observed = until
        time = observed + spec.delay
        if time > end:
            return
        answered = price_at(path, observed)
        yield Point(time, answered)


def _first_move(path: Path, since: int, answered: int, deviation_e6: int) -> int | None:
    """The first second ≥ since at which the market is `deviation` or more away from the answer."""
    step = mul_div_up(answered, deviation_e6, 10**6)
    if step == 0:
        return None
    up, down = answered + step, answered - step
    here = Point(since, price_at(path, since))
    first = bisect_right(path, since, key=lambda point: point.time)
    for there in path[first:]:
        if here.price >= up or here.price <= down:
            return here.time
        goal = up if there.price >= up else down if there.price <= down else None
        if goal is not None:
            return here.time + mul_div_up(abs(goal - here.price), there.time - here.time, abs(there.price - here.price))
        here = there
    return here.time if here.price >= up or here.price <= down else None
