"""How far everybody is from the line: the answers of a feed at which E < M begins.

As MarginLens.liquidationPrice: everything on the feed moves along, everything else stands still, also what funding and interest
have charged by now. `line` is the lens's own answer, by integers, for one account; `lines` is everybody's, in floats, to show and to
sort by: never to act on.

With x the feed's price, E − M = a + b·x − Σ max(kᵢ·x, floorᵢ) over the legs on the feed is concave and made of straight pieces. From
an end of the range where it is negative Newton's method never passes the crossing (a tangent lies above a concave curve), and with
every step it leaves a piece for good: with n legs on the feed it is there after n + 1. One more takes off what the first ones, from
far away, were off by.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from plimsoll import margin_math
from plimsoll.errors import RiskError
from plimsoll.fixed_point import WAD
from plimsoll.margin_math import Answers
from plimsoll.risk import exact
from plimsoll.risk.book import Book, Floats
from plimsoll.risk.engine import Lines, Verdicts, coin_lines, leg_lines
from plimsoll.risk.terms import Collateral, Instrument, Marks, Terms

STEPS = 18  # for sixteen legs


def line(book: Book, account: int, instrument: int, terms: Terms, marks: Marks) -> tuple[int | None, int | None]:
    """(at or below, at or above) the present price, WAD, None where there is none. Raises RiskError where a price is missing,
    KeyError for an account that is not in the book."""
    feed = terms.instruments[instrument].feed
    snapshot = exact.snapshot(book, account, terms, marks, include=instrument)
    return margin_math.line(snapshot, feed, marks.prices[feed].mid, _answers(terms, feed))


def lines(book: Book, terms: Terms, marks: Marks, verdicts: Verdicts, feed: int) -> tuple[Floats, Floats]:
    """(at or below, at or above) by row: prices of one whole unit (not WAD), NaN where there is none, or no verdict. verdicts: on this
    book at these marks. Raises RiskError where the feed has no price."""
    if feed not in marks.prices:
        raise RiskError(f"feed {feed} has no price in these marks: no line can be drawn from it")
    mid, valid = marks.prices[feed].mid / WAD, _answers(terms, feed)
    curve = _Curve(book, terms, marks, verdicts, feed)
    below, above = (curve.crossing(end * valid.unit / WAD / mid) for end in (valid.lowest, valid.highest))
    return mid * np.minimum(below, 1.0), mid * np.maximum(above, 1.0)


class _Curve:
    """E − M of every row as a function of x, the feed's price as a multiple of the present one."""

    def __init__(self, book: Book, terms: Terms, marks: Marks, verdicts: Verdicts, feed: int) -> None:
        legs = _on(leg_lines(book, terms, marks), terms.instruments, feed)
        coins = _on(coin_lines(book, terms, marks), terms.collaterals, feed)
        self._row, self._asks, self._floor = legs.row, legs.asks, legs.floor
        self._slope, here = np.zeros((2, book.rows))
        np.add.at(self._slope, legs.row, legs.moves)
        np.add.at(self._slope, coins.row, coins.moves)
        np.add.at(here, legs.row, np.maximum(legs.asks, legs.floor))
        self._rest = verdicts.equity - verdicts.maintenance - self._slope + here
        self._bound, self._below = verdicts.bound, verdicts.below
        self._never = ~verdicts.judged | (verdicts.maintenance == 0.0)

    def crossing(self, end: float) -> Floats:
        """Where it becomes negative on the way to `end`, 1 where it is already; NaN where it is not negative at the end."""
        x: Floats = np.full(len(self._rest), end)
        gap, slope = self._at(x)
        never = self._never | (gap >= -self._bound)
        for _ in range(STEPS):
            inward = slope if end < 1 else -slope
            x = x - np.divide(gap, slope, out=np.zeros_like(gap), where=inward > 0)
            gap, slope = self._at(x)
        return np.where(self._below, 1.0, np.where(never, np.nan, x))

    def _at(self, x: Floats) -> tuple[Floats, Floats]:
        """Its value and its slope."""
        gap, slope = self._rest + self._slope * x, self._slope.copy()
        asked = self._asks * x[self._row]
        np.subtract.at(gap, self._row, np.maximum(asked, self._floor))
        np.subtract.at(slope, self._row, np.where(asked > self._floor, self._asks, 0.0))
        return gap, slope


def _on(blocks: Iterator[Lines], specs: Sequence[Instrument] | Sequence[Collateral], feed: int) -> Lines:
    """The lines on one feed."""
    on = np.array([spec.feed == feed for spec in specs], np.bool_)
    whole, part = np.zeros(0, np.intp), np.zeros(0)
    found = [Lines(whole, whole, part, part, part, part, part)]
    found += [Lines._make(part[on[some.kind]] for part in some) for some in blocks]
    return Lines._make(np.concatenate(parts) for parts in zip(*found))


def _answers(terms: Terms, feed: int) -> Answers:
    return margin_math.answers(*terms.feeds[feed])
