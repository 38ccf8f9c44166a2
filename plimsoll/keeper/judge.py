"""Who is below its line now: the risk engine over everything that is stored, and the lens as its witness.

Every account is judged each round, by prices and markets of one block. A few accounts, in turn, are put to the lens at the same
block: if it ever answers otherwise, what we hold or how we judge is wrong, and somebody is told.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from plimsoll.errors import NodeRefused, Reverted, RiskError
from plimsoll.keeper.book import Holding
from plimsoll.keeper.decide import Standing
from plimsoll.keeper.market import Market
from plimsoll.keeper.port import Call, Port
from plimsoll.risk import exact
from plimsoll.risk.book import Book
from plimsoll.risk.engine import Verdicts, judge
from plimsoll.risk.lines import line
from plimsoll.risk.terms import Interest, Marks, Terms

NAMED = 400  # standings a judgement names of those below the line, the most urgent
NEAR = 16  # and of those who are still above it
WITNESSED = 64


@dataclass(frozen=True)
class Judgement:
    """sinking: all below the line. below: the most urgent of them that are not passed over, near: the nearest to it, exact. unjudged:
    how many hold something and have no price. for_sale: whose collateral may be for sale. wrong: accounts about which the lens says
    otherwise."""

    sinking: frozenset[int] = frozenset()
    below: tuple[Standing, ...] = ()
    near: tuple[Standing, ...] = ()
    unjudged: int = 0
    for_sale: tuple[int, ...] = ()
    wrong: tuple[int, ...] = ()

    def shown(self, count: int) -> list[Standing]:
        """The most urgent, then the nearest."""
        return [*self.below[:count], *self.near[: max(0, count - len(self.below))]]


@dataclass
class Judge:
    """debt_limit_e6: λ."""

    debt_limit_e6: int
    book: Book = field(default_factory=Book)
    interest: Interest = Interest()
    odd: set[int] = field(default_factory=set)
    _turn: list[int] = field(default_factory=list)
    _last: tuple[Terms, Marks] | None = None

    def put(self, held: Mapping[int, Holding]) -> None:
        """What accounts hold from now on. One that the engine will not have is the lens's to judge, and hides no other."""
        new = {account: one for account, one in held.items() if one.matters and account not in self.book}
        rest = set(held.keys() - new.keys())
        self.odd -= held.keys()
        try:
            self.book.put_all(new)
        except RiskError:
            rest = set(held)
        for account in rest:
            try:
                if held[account].matters:
                    self.book.put(account, held[account])
                else:
                    self.book.remove(account)
            except RiskError:
                self.book.remove(account)
                self.odd.add(account)

    def set_rates(self, rates: Iterable[tuple[int, int]]) -> None:
        """Of interest, since when."""
        self.interest = Interest()
        for rate, since in rates:
            self.interest = self.interest.set(rate, since)

    def look(
        self, port: Port, market: Market, terms: Terms, block: str, passed_over: Collection[int] = frozenset()
    ) -> Judgement:
        """At a block (its hash). Raises RiskError where what was read does not fit together, NodeDead, NodeRefused."""
        marks = market.marks(market.time, terms, self.interest)
        self._last = terms, marks
        verdicts = judge(self.book, terms, marks)
        health = np.where(verdicts.judged, verdicts.health, np.inf)
        below = np.flatnonzero(verdicts.below)
        above = np.where(verdicts.below, np.inf, health)
        nearest = np.argsort(above)[:NEAR] if len(above) <= NEAR else np.argpartition(above, NEAR)[:NEAR]
        ranked = [account for row in below[np.argsort(health[below])] if (account := self.book.accounts[row]) is not None]
        odd = self._odd(port, block)
        urgent = islice((account for account in ranked if account not in passed_over), NAMED)
        named = [*self._standings(urgent, terms, marks), *(one for one in odd if one.account not in passed_over)]
        close = [account for row in nearest[np.isfinite(above[nearest])] if (account := self.book.accounts[row]) is not None]
        return Judgement(
            sinking=frozenset(ranked).union(one.account for one in odd),
            below=tuple(sorted(named, key=lambda one: one.depth)),
            near=tuple(sorted(self._standings(close, terms, marks), key=lambda one: one.depth)),
            unjudged=len(self.book) - int(np.count_nonzero(verdicts.judged)),
            for_sale=tuple(self.book.named(verdicts.perhaps_for_sale(self.debt_limit_e6))),
            wrong=self._wrong(port, verdicts, block),
        )

    def lines(self, account: int) -> list[tuple[int, int]]:
        """(feed, price at which it is liquidated, WAD) of each feed of its positions, as the lens says it; nothing where there is
        none, or no price."""
        if self._last is None or account not in self.book:
            return []
        terms, marks = self._last
        found = {}
        for instrument in self.book.holding(account).positions:
            feed = terms.instruments[instrument].feed
            if feed not in found and feed in marks.prices:
                mid = marks.prices[feed].mid
                ends = [end for end in line(self.book, account, instrument, terms, marks) if end is not None]
                found[feed] = min(ends, key=lambda end: abs(end - mid), default=None)
        return [(feed, end) for feed, end in found.items() if end is not None]

    def _odd(self, port: Port, block: str) -> list[Standing]:
        odd = sorted(self.odd)
        reports = ask_all(port, "reports", odd, block) if odd else []
        low = [report for report in reports if report.valid and report.standing.liquidatable]
        return [Standing(one.account, one.standing.margin.equity, one.standing.margin.maintenance, len(one.legs)) for one in low]

    def _standings(self, accounts: Iterable[int], terms: Terms, marks: Marks) -> Iterator[Standing]:
        for account in accounts:
            margin = exact.margin(self.book, account, terms, marks)
            yield Standing(account, margin.equity, margin.maintenance, len(self.book.legs.of(self.book.row(account))))

    def _wrong(self, port: Port, verdicts: Verdicts, block: str) -> tuple[int, ...]:
        """The next few accounts, by the lens."""
        if not self._turn:
            self._turn = [account for account in self.book.accounts if account is not None]
        some, self._turn = self._turn[:WITNESSED], self._turn[WITNESSED:]
        some = [account for account in some if account in self.book]
        told = ask_all(port, "liquidatable", some, block) if some else []
        return tuple(account for account, answer in zip(some, told) if answer != bool(verdicts.below[self.book.row(account)]))


def ask_all(port: Port, view: str, accounts: Sequence[int], block: str | None) -> list[Any]:
    """A view of the lens about many accounts; in halves where it has not enough gas for so many. Raises NodeDead, NodeRefused."""
    [answer] = port.ask([Call("lens", view, (tuple(accounts),))], block)
    if not isinstance(answer, Reverted):
        return list(answer)
    if len(accounts) == 1:
        raise NodeRefused("eth_call", f"lens.{view} of {hex(accounts[0])} answers {answer}")
    half = len(accounts) // 2
    return ask_all(port, view, accounts[:half], block) + ask_all(port, view, accounts[half:], block)
