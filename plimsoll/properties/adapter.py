"""What the properties must know of a margin contract: this file is the only one that you write against.

Write a subclass of StepByStep (one account at a time, seven short verbs, in whatever way you talk to your contract) or,
for speed, of MarginAdapter itself (many whole cases at a time). `examples/` has one of each for the same contract.

Every number is an int in a unit of your own; `step` of a Range is the smallest amount by which it can change.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class Case(NamedTuple):
    """One account at one moment: opened at the price `entry` with this collateral and size (+ long, − short), judged
    when the price is `price`."""

    collateral: int
    size: int
    entry: int
    price: int

    def __str__(self) -> str:
        opened = "" if self.entry == self.price else f" opened at {self.entry}"
        return f"collateral {self.collateral} · size {self.size}{opened} · price {self.price}"


class Margin(NamedTuple):
    """equity: what the account owns, maintenance: what it must hold, both in units of collateral, rounded as your rule
    rounds them. The margin ratio is equity / maintenance and the line is 1."""

    equity: int
    maintenance: int

    @property
    def liquidatable(self) -> bool:
        """Exactly when the ratio is below 1. Every case holds a position."""
        return self.equity < self.maintenance

    @property
    def at_the_line(self) -> bool:
        return self.equity == self.maintenance


class Outcome(NamedTuple):
    """A liquidation that went through, measured on balances and not on what the contract says that it did.

    before, after: the account's collateral. realised: the profit (− loss) that closing added to it. seized: what the
    liquidator received out of it. All in units of collateral. liquidatable: the verdict on the account afterwards.
    """

    before: int
    realised: int
    after: int
    seized: int
    liquidatable: bool


class Range(NamedTuple):
    """From where to where the generators go, both included; step: the smallest change, of which low is a multiple."""

    low: int
    high: int
    step: int = 1

    def place(self, value: float) -> int:
        """The nearest admissible value."""
        return self.low + (max(self.low, min(self.high, int(value))) - self.low) // self.step * self.step


class MarginAdapter(ABC):
    """Your contract, judged on whole cases, many at a time. A context manager: `close` is called at the end.

    collateral, size, price: ranges; `size` is of the absolute size. The widest ranges that your contract accepts find most.
    shorts: whether sizes may be negative. max_price_age: the oldest price, in seconds, at which it may liquidate; None
    where it has no clock. rounding: how many units of collateral your rule's own rounding may give or take when price or
    size change; 2 where equity and maintenance are rounded once each.
    """

    collateral: Range
    size: Range
    price: Range
    shorts: bool = True
    max_price_age: int | None = None
    rounding: int = 2

    @abstractmethod
    def are_liquidatable(self, cases: Sequence[Case]) -> list[bool | None]:
        """The contract's verdicts; None where it refuses to open such an account."""

    @abstractmethod
    def liquidate_all(self, cases: Sequence[Case], age: int = 0) -> list[Outcome | None]:
        """What a liquidation of each does, each in a world of its own, when the price is `age` seconds old; None where
        the contract refuses."""

    def margins(self, cases: Sequence[Case]) -> list[Margin | None]:
        """What the contract itself reports, where it does; None everywhere leaves the property that needs it out."""
        return [None] * len(cases)

    def rule(self, case: Case) -> Margin | None:
        """Your rule, written from its words and not from the contract: the judge of the exact boundary. Without it the
        boundary is only looked for, and the property that needs it is left out."""
        return None

    def close(self) -> None:
        """Ends what the adapter started."""

    def __enter__(self) -> MarginAdapter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class StepByStep(MarginAdapter):
    """Your contract, one account and one transaction at a time: about as many cases a second as your node mines."""

    refusals: tuple[type[Exception], ...] = ()  # what your library raises when a transaction reverts

    @abstractmethod
    def undone(self) -> AbstractContextManager[object]:
        """A world in which everything done inside is undone at its end: a snapshot, and the way back to it."""

    @abstractmethod
    def set_price(self, price: int) -> None:
        """Your contract sees this price from now on, fresh at this moment."""

    @abstractmethod
    def set_up(self, collateral: int, size: int) -> object:
        """A new account with this collateral that has just opened this size at the price; its name for the other verbs."""

    @abstractmethod
    def is_liquidatable(self, account: object) -> bool:
        """Your contract's verdict now."""

    @abstractmethod
    def liquidate(self, account: object) -> Outcome:
        """Liquidates it now; what your contract raises when it refuses must be among `refusals`."""

    def advance(self, seconds: int) -> None:
        """Time passes. Needed only where max_price_age is stated."""
        raise NotImplementedError("state max_price_age only together with advance()")

    def margin_ratio(self, account: object) -> Margin | None:
        """Equity and maintenance as your contract reports them, where it does."""
        return None

    def are_liquidatable(self, cases: Sequence[Case]) -> list[bool | None]:
        return [self._in_a_world(case, self.is_liquidatable) for case in cases]

    def liquidate_all(self, cases: Sequence[Case], age: int = 0) -> list[Outcome | None]:
        return [self._in_a_world(case, self.liquidate, age) for case in cases]

    def margins(self, cases: Sequence[Case]) -> list[Margin | None]:
        return [self._in_a_world(case, self.margin_ratio) for case in cases]

    def _in_a_world(self, case: Case, verb: Callable[[object], T], age: int = 0) -> T | None:
        with self.undone():
            try:
                self.set_price(case.entry)
                account = self.set_up(case.collateral, case.size)
                if case.price != case.entry:
                    self.set_price(case.price)
                if age:
                    self.advance(age)
                return verb(account)
            except self.refusals:
                return None
