"""Everybody judged at once: floats sort, integers decide.

    verdicts = judge(book, terms, marks)
    book.named(verdicts.below)                       # exactly those for whom MarginLens.liquidatable answers true at these marks
    verdicts.health[book.row(account)]

The contracts judge in integers that are rounded at every step. Here E − M of every account is computed in doubles, with a bound B
on how far that may be from the contracts' number. Beyond B the sign is theirs; within B the account is judged again in integers
(exact.py). So no verdict is ever a float's, and few accounts take the long way. The bound has two parts.

What the contracts round. Let X be E − M in real numbers. They round everything against the account, so theirs is at most X, and
above X less:
    a leg     1 for ⌊s·mid⌋, 1 for ⌈charge⌉, and for ⌈⌈N⌉·(r rounded up by ≤ 1e-18)⌉ at most 2 + N·1e-18                      < 4
    a coin    1 for its value, and its worth times 1e-18 for the haircut, rounded up                                          < 1
    a debt    1 for ⌈interest⌉
With at most 16 legs and 8 coins that is 73, and 1e-18 of what the account holds. (A floor under a requirement brings no rounding of
its own: max moves by no more than what it compares.)

What the floats round. Each operation errs by at most u = 2^-53 of its result, and so does each integer made a float; ratios of
integers (mid / scale) are the nearest float. Let W be the sum of the absolute values of all that is added: |cash|, interest, and for
each leg N, |quote|, (|index now| + |index|)·|s|, N·r and its floor, for each coin its worth before the haircut. To first order
    N         3: size, price, product
    N·r       8: N 3, r 4 (slope·size 3, + base), product
    charge    6: two indices and their difference 2, size and scale 4; of (|index now| + |index|)·|s|
    leg       at most 8: the charge's 6, two additions
    coin      9: worth 3, 1 − h 5, product
    cash      5: interest 3, cash, difference
    sums      16 for the legs' equity, 16 for their requirements, 8 for the coins, 3 to put all together
so that even if every one of these were of all W, the error were below (8 + 8 + 9 + 5 + 43)·u·W = 73·u·W. B takes 2^-46 = 128·u, which
also covers higher orders, the 1e-18 above and the rounding of B and W themselves:

    B = 75 + 2^-46 · W

So an account whose W is a billion, in a token of 6 decimals, is judged in integers within 0.0001 of its line.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from plimsoll import margin_math
from plimsoll.errors import RiskError
from plimsoll.fixed_point import WAD
from plimsoll.margin_math import MILLION, Margin
from plimsoll.risk import exact
from plimsoll.risk.book import Book, Floats, Mask, Rows, Table
from plimsoll.risk.terms import Marks, Terms

ROUNDING = 75.0
PRECISION = 2.0**-46
INDEX_UNIT = 1e-18  # index · size, in settlement units
BLOCK = 2**14  # lines


class Verdicts(NamedTuple):
    """By row of the book, until the book changes. Settlement units.

    below: E < M with a position, as the contracts say it; never where `judged` is False, for want of a price. sunk: of those, E < 0.
    Neither is ever a float's word. equity, maintenance, collateral, bound: floats, to sort and to show; the contracts' E, M and E − M
    are within `bound` of them. pledged: whether there is any collateral, whatever it is worth. exact: by row, the margins that
    integers had to decide. (The rows of nobody are never judged.)
    """

    below: Mask
    sunk: Mask
    judged: Mask
    equity: Floats
    maintenance: Floats
    collateral: Floats
    bound: Floats
    pledged: Mask
    exact: dict[int, Margin]

    @property
    def health(self) -> Floats:
        """E / M; infinite without a position."""
        return np.divide(self.equity, self.maintenance, out=np.full_like(self.equity, np.inf), where=self.maintenance > 0)

    def perhaps_for_sale(self, debt_limit_e6: int) -> Mask:
        """Who has collateral and may owe more than λ of what it is worth: ask the lens about those. Nobody else does; but an
        estate is for sale whatever it owes."""
        debt = self.collateral - self.equity
        return self.judged & self.pledged & (debt + 2 * self.bound > debt_limit_e6 / MILLION * self.collateral)


class Lines(NamedTuple):
    """Some lines of a table. worth: what each adds to E. mass: what it adds to W. moves: that part of the worth which is proportional
    to the price; asks: N·r, likewise, and floor, below which what it adds to M does not fall (both 0 for coins)."""

    row: Rows
    kind: Rows
    worth: Floats
    mass: Floats
    moves: Floats
    asks: Floats
    floor: Floats


def judge(book: Book, terms: Terms, marks: Marks) -> Verdicts:
    """Every account of the book at these marks. Raises RiskError where the book holds what the terms do not list, or is from later
    than the marks."""
    cash, paid = book.near[: book.rows], book.interest_index[: book.rows]
    if (paid > marks.interest_index).any():
        raise RiskError(f"somebody has paid interest beyond the index {marks.interest_index}: read the InterestSet events anew")
    interest = np.maximum(-cash, 0.0) * (marks.interest_index - paid) / paid
    mass = np.abs(cash) + np.abs(interest)
    profit, need, collateral = np.zeros((3, book.rows))
    for some in leg_lines(book, terms, marks):
        np.add.at(profit, some.row, some.worth)
        np.add.at(need, some.row, np.maximum(some.asks, some.floor))
        np.add.at(mass, some.row, some.mass)
    for some in coin_lines(book, terms, marks):
        np.add.at(collateral, some.row, some.worth)
        np.add.at(mass, some.row, some.mass)
    equity = cash - interest + collateral + profit
    bound = ROUNDING + PRECISION * mass
    gap, judged = equity - need, _judged(book, terms, marks)
    below = judged & (need > 0) & (gap < 0)
    sunk = below & (equity < 0)
    # "Not surely beyond" rather than "within": what is no number would be neither.
    unsure = judged & (need > 0) & ~((np.abs(gap) > bound) & (np.abs(equity) > bound))
    decided = {}
    for row in np.flatnonzero(unsure).tolist():
        account = book.accounts[row]
        assert account is not None  # nobody's rows are not judged
        decided[row] = margin = exact.margin(book, account, terms, marks)
        below[row] = margin_math.liquidatable(margin)
        sunk[row] = below[row] and margin.equity < 0
    pledged = np.zeros(book.rows, np.bool_)
    pledged[book.coins.row[: book.coins.lines]] = True
    return Verdicts(below, sunk, judged, equity, need, collateral, bound, pledged, decided)


def leg_lines(book: Book, terms: Terms, marks: Marks) -> Iterator[Lines]:
    """All positions, in blocks. Raises RiskError, as `judge`."""
    specs = terms.instruments
    mids = [marks.prices[spec.feed].mid if spec.feed in marks.prices else 0 for spec in specs]
    price = np.array([mid / terms.size_scale for mid in mids])
    base = np.array([spec.base_e6 / MILLION for spec in specs])
    slope = np.array([spec.slope_e6 / (MILLION * spec.depth) for spec in specs])
    floor = np.array([float(spec.floor) for spec in specs])
    indices = np.array([float(index) for pair in marks.indices for index in pair])  # long, short, long, …
    for row, kind, (size, quote, index) in _blocks(book.legs, len(specs), "instrument"):
        units = np.abs(size)
        value = size * price[kind]
        notional = np.abs(value)
        asks, least = notional * np.minimum(base[kind] + slope[kind] * units, 1.0), floor[kind]
        now = indices[2 * kind + (size < 0)]
        units *= INDEX_UNIT
        worth = value + quote - (now - index) * units
        mass = notional + np.abs(quote) + (np.abs(now) + np.abs(index)) * units + asks + least
        yield Lines(row, kind, worth, mass, value, asks, least)


def coin_lines(book: Book, terms: Terms, marks: Marks) -> Iterator[Lines]:
    """All collateral, in blocks. Raises RiskError, as `judge`."""
    specs = terms.collaterals
    listed = [exact.coin(terms, marks, i, 0) if spec.feed in marks.prices else None for i, spec in enumerate(specs)]
    price = np.array([coin.mid * WAD / coin.scale if coin else 0.0 for coin in listed])
    haircut = np.array([coin.haircut / WAD if coin else 0.0 for coin in listed])
    most = np.array([coin.max_haircut / WAD if coin else 0.0 for coin in listed])
    slope = np.array([1 / spec.depth for spec in specs])
    for row, kind, (amount,) in _blocks(book.coins, len(specs), "collateral"):
        mass = amount * price[kind]
        worth = mass * (1.0 - np.minimum(most[kind], haircut[kind] + slope[kind] * amount))
        nothing = np.zeros(len(row))
        yield Lines(row, kind, worth, mass, worth, nothing, nothing)


def _blocks(table: Table, listed: int, what: str) -> Iterator[tuple[Rows, Rows, Floats]]:
    """So many lines at once that all that is computed from them stays in the processor's cache."""
    for start in range(0, table.lines, BLOCK):
        block = slice(start, min(start + BLOCK, table.lines))
        row, kind = table.row[block], table.kind[block]
        if (most := int(kind.max())) >= listed:
            raise RiskError(f"the book holds {what} {most}, the terms list {listed}: read the terms anew")
        yield row, kind, table.near[:, block]


def _judged(book: Book, terms: Terms, marks: Marks) -> Mask:
    """Whose every feed has a price."""
    judged = book.taken[: book.rows].copy()
    for table, feeds in ((book.legs, terms.instruments), (book.coins, terms.collaterals)):
        blind = np.array([spec.feed not in marks.prices for spec in feeds], np.bool_)
        if blind.any():
            row, kind = table.row[: table.lines], table.kind[: table.lines]
            judged[row[blind[kind]]] = False
    return judged
