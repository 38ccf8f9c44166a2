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
each leg N, |quote|, (|index now| + |index|)·|s|, the requirement, for each coin its worth before the haircut. To first order
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

An account that holds a billion of a token of 6 decimals is judged in integers within 0.00009 of its line.
"""

from __future__ import annotations

from typing import NamedTuple, cast

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


class Verdicts(NamedTuple):
    """By row of the book, until the book changes. Settlement units.

    below: E < M with a position, as the contracts say it; never where `judged` is False, for want of a price. sunk: of those, E < 0.
    Neither is ever a float's word. equity, maintenance, collateral, bound: floats, to sort and to show; the contracts' E, M and E − M
    are within `bound` of them. exact: by row, the margins that integers had to decide.
    """

    below: Mask
    sunk: Mask
    judged: Mask
    equity: Floats
    maintenance: Floats
    collateral: Floats
    bound: Floats
    exact: dict[int, Margin]

    @property
    def health(self) -> Floats:
        """E / M; infinite without a position."""
        return np.divide(self.equity, self.maintenance, out=np.full_like(self.equity, np.inf), where=self.maintenance > 0)

    def perhaps_for_sale(self, debt_limit_e6: int) -> Mask:
        """Who may owe more than λ of what its collateral is worth: ask the lens about those. Nobody else does; but an estate is
        for sale whatever it owes."""
        debt = self.collateral - self.equity
        limit = debt_limit_e6 / MILLION * self.collateral
        return self.judged & (debt > 0) & (debt + 2 * self.bound > limit)


class Sums(NamedTuple):
    """By row. worth: what it adds to E. need: what it adds to M. mass: what it adds to W."""

    worth: Floats
    need: Floats
    mass: Floats


def judge(book: Book, terms: Terms, marks: Marks) -> Verdicts:
    """Every account of the book at these marks. Raises RiskError where the book holds what the terms do not list."""
    legs, coins, cash = _legs(book, terms, marks), _coins(book, terms, marks), _cash(book, marks)
    equity = cash.worth + coins.worth + legs.worth
    bound = ROUNDING + PRECISION * (cash.mass + coins.mass + legs.mass)
    gap = equity - legs.need
    judged = _judged(book, terms, marks)
    # "Not surely beyond" rather than "within": what is no number would be neither.
    unsure = judged & (legs.need > 0) & ~((np.abs(gap) > bound) & (np.abs(equity) > bound))
    below = judged & (legs.need > 0) & (gap < 0)
    sunk = below & (equity < 0)
    decided = {}
    for row in np.flatnonzero(unsure).tolist():
        account = book.accounts[row]
        assert account is not None
        decided[row] = margin = exact.margin(book, account, terms, marks)
        below[row] = margin_math.liquidatable(margin)
        sunk[row] = below[row] and margin.equity < 0
    return Verdicts(below, sunk, judged, equity, legs.need, coins.worth, bound, decided)


def _cash(book: Book, marks: Marks) -> Sums:
    cash, paid = book.near[: book.rows], book.interest_index[: book.rows]
    interest = np.maximum(-cash, 0.0) * (marks.interest_index - paid) / paid
    return Sums(cash - interest, np.zeros(0), np.abs(cash) + np.abs(interest))


def _legs(book: Book, terms: Terms, marks: Marks) -> Sums:
    table, specs = book.legs, terms.instruments
    row, kind = _lines(table, len(specs), "instrument")
    size, quote, index = table.near[:, : table.lines]
    mids = [marks.prices[spec.feed].mid if spec.feed in marks.prices else 0 for spec in specs]
    price = np.array([mid / terms.size_scale for mid in mids])
    base = np.array([spec.base_e6 / MILLION for spec in specs])
    slope = np.array([spec.slope_e6 / (MILLION * spec.depth) for spec in specs])
    floor = np.array([float(spec.floor) for spec in specs])
    indices = np.array([float(index) for pair in marks.indices for index in pair])  # long, short, long, …
    units = np.abs(size)
    value = size * price[kind]
    notional = np.abs(value)
    need = np.maximum(notional * np.minimum(base[kind] + slope[kind] * units, 1.0), floor[kind])
    now = indices[2 * kind + (size < 0)]
    units *= INDEX_UNIT
    worth = value + quote - (now - index) * units
    mass = notional + np.abs(quote) + (np.abs(now) + np.abs(index)) * units + need
    return Sums(*(_by_row(row, part, book) for part in (worth, need, mass)))


def _coins(book: Book, terms: Terms, marks: Marks) -> Sums:
    table, specs = book.coins, terms.collaterals
    row, kind = _lines(table, len(specs), "collateral")
    amount = table.near[0, : table.lines]
    listed = [exact.coin(terms, marks, i, 0) if spec.feed in marks.prices else None for i, spec in enumerate(specs)]
    price = np.array([coin.mid * WAD / coin.scale if coin else 0.0 for coin in listed])
    haircut = np.array([coin.haircut / WAD if coin else 0.0 for coin in listed])
    most = np.array([coin.max_haircut / WAD if coin else 0.0 for coin in listed])
    slope = np.array([1 / spec.depth for spec in specs])
    mass = amount * price[kind]
    worth = mass * (1.0 - np.minimum(most[kind], haircut[kind] + slope[kind] * amount))
    return Sums(_by_row(row, worth, book), np.zeros(0), _by_row(row, mass, book))


def _judged(book: Book, terms: Terms, marks: Marks) -> Mask:
    """Whose every feed has a price."""
    judged = book.taken[: book.rows].copy()
    for table, feeds in ((book.legs, terms.instruments), (book.coins, terms.collaterals)):
        blind = np.array([spec.feed not in marks.prices for spec in feeds], np.bool_)
        if blind.any():
            row, kind = table.row[: table.lines], table.kind[: table.lines]
            judged[row[blind[kind]]] = False
    return judged


def _lines(table: Table, listed: int, what: str) -> tuple[Rows, Rows]:
    row, kind = table.row[: table.lines], table.kind[: table.lines]
    if table.lines and (most := int(kind.max())) >= listed:
        raise RiskError(f"the book holds {what} {most}, the terms list {listed}: read the terms anew")
    return row, kind


def _by_row(row: Rows, numbers: Floats, book: Book) -> Floats:
    return cast(Floats, np.bincount(row, numbers, book.rows))
