"""The rules of a life: what the world does. Time passes, prices move (now and then to somebody's very line), feeds break, are
halted and mended.

A rule is a method with a weight: how often it is drawn beside the others. It looks at the model to draw what may matter, and
says its verbs to the scribe; a refusal is an answer like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import TypeVar

from plimsoll.fuzz.scribe import Scribe
from plimsoll.state import AccountState
from plimsoll.types import DAY, HALT_DELAY, HALT_GRACE, HOUR, WAD, Account, FeedFault

TRADERS = tuple(Account(name) for name in ("ada", "ben", "cid", "dot")) + (Account("ada", 1), Account("ben", 7))
KEEPERS = ("kim", "kay")

Rule = Callable[..., None]
T = TypeVar("T")


def rule(weight: int) -> Callable[[Rule], Rule]:
    """Marks a method as a rule."""

    def mark(method: Rule) -> Rule:
        method.weight = weight  # type: ignore[attr-defined]
        return method

    return mark


class Market:
    """venue: where verbs are said and written down. mood: of which rules there are more."""

    def __init__(self, venue: Scribe, rng: Random, mood: str) -> None:
        self.venue, self.model, self.rng, self.mood = venue, venue.model, rng, mood
        self.prices = {spec.name: spec.price for spec in venue.world.feeds}
        self.broken: set[str] = set()
        self.reported: list[Account] = []

    # Drawing -------------------------------------------------------------------------------------------------------

    @property
    def instruments(self) -> list[str]:
        return [spec.name for spec in self.venue.world.instruments]

    def trader(self) -> Account:
        return self.rng.choice(TRADERS)

    def someone(self) -> Account:
        return self.rng.choice(self.model.accounts())

    def sinking(self) -> Account:
        """An account below its line, mostly; where there is none the price first moves until there is."""
        if not self.model.liquidatable() and self.rng.random() < 0.7:
            self.crash()
        return self.one_of(self.model.liquidatable()) or self.someone()

    def indebted(self) -> Account:
        """An account whose collateral is for sale, mostly."""
        if not self.model.for_sale() and self.rng.random() < 0.7:
            self.crash()
        return self.one_of(self.model.for_sale()) or self.trader()

    def one_of(self, things: Iterable[T]) -> T | None:
        """One in ten is none."""
        some = tuple(things)
        return self.rng.choice(some) if some and self.rng.random() < 0.9 else None

    def instrument(self) -> str:
        return self.rng.choice(self.instruments)

    def keeper(self) -> str:
        return self.rng.choice(KEEPERS)

    def part(self, whole: int) -> int:
        """Some, all, one more than all, or nothing of it."""
        return self.rng.choice((whole, whole + 1, 0, 1, *(self.rng.randrange(whole + 1) for _ in range(6))))

    def state_of(self, account: Account) -> AccountState | None:
        return self.venue.state().accounts.get(account)

    # Time and prices -----------------------------------------------------------------------------------------------

    @rule(10)
    def wait(self) -> None:
        spans = (1, 60, 600, 1_800, HOUR, HOUR + 1, 4_200, 4_201, 4 * HOUR, HALT_GRACE, HALT_DELAY, 3 * DAY)
        weights = (6, 6, 8, 6, 4, 2, 2, 1, 1, 1, 1, 1)
        self.venue.advance_to(self.venue.now + self.rng.choices(spans, weights)[0])
        if self.broken and self.mood != "dead" and self.rng.random() < 0.5:
            self.mend()
        if self.rng.random() < 0.9:
            self.refresh()

    def wait_for(self, seconds: int) -> None:
        self.venue.advance_to(self.venue.now + seconds)
        self.refresh()

    def refresh(self) -> None:
        """Every feed answers again; a broken one now and then is told nothing: its last round grows old."""
        for feed in self.prices:
            if feed not in self.broken or self.rng.random() < 0.2:
                self.venue.set_price(feed, self.prices[feed])

    @rule(22)
    def answer(self, reach: float = 0.03) -> None:
        feed = self.rng.choice(("ETH", "ETH", "BTC", "USD"))
        reach = 0.015 if feed == "USD" else reach
        moved = self.prices[feed] * int(10**6 * (1 + self.rng.uniform(-reach, reach))) // 10**6
        if feed == "USD" and (abs(moved - WAD) > WAD // 50 or self.rng.random() < 0.7):
            moved = WAD
        self.tell(feed, moved)

    @rule(4)
    def crash(self) -> None:
        """Somebody's line, and some way beyond it."""
        state = self.venue.state()
        held = [(account, name) for account, seen in state.accounts.items() for name in seen.positions if seen.margin]
        if not held:
            return self.answer(0.25)
        account, name = self.rng.choice(held)
        feed = self.venue.world.instrument(name).feed
        mid, line = state.feeds[feed].mid, self.model.liquidation_price(account, name)
        if line is not None and mid // 3 < line < mid * 3:
            beyond = self.rng.choice((0, 1, 3, 6, 10, 20, 40))
            self.tell(feed, line * (100 + (beyond if line > mid else -beyond)) // 100)

    @rule(8)
    def aim(self) -> None:
        """To the very line of somebody, or a unit of the feed beside it."""
        account, name = self.trader(), self.instrument()
        feed = self.venue.world.instrument(name).feed
        mid, line = self.venue.state().feeds[feed].mid, self.model.liquidation_price(account, name)
        if line is not None and mid // 2 < line < mid * 2:
            self.tell(feed, line + self.rng.choice((-1, 0, 0, 1)) * 10**10)

    @rule(5)
    def last_second(self) -> None:
        """A feed falls silent until the last second in which its answer is judged, or the first in which it is not."""
        name = self.instrument()
        spec = self.venue.world.feed(self.venue.world.instrument(name).feed)
        age = spec.heartbeat + spec.grace
        wait = self.venue.state().feeds[spec.name].updated_at + age - self.venue.now + self.rng.choice((0, 0, 1))
        if wait < 0 or self.broken:
            return
        self.venue.advance_to(self.venue.now + wait)
        for feed in self.prices:
            if feed != spec.name:
                self.venue.set_price(feed, self.prices[feed])
        holder = self.one_of(who for who, held in self.venue.state().accounts.items() if name in held.positions)
        self.venue.liquidate(self.keeper(), holder or self.trader())

    def tell(self, feed: str, price: int) -> None:
        self.prices[feed] = price
        self.venue.set_price(feed, price)

    # Dead feeds ----------------------------------------------------------------------------------------------------

    @rule(1)
    def break_or_mend(self) -> None:
        if self.broken and self.rng.random() < 0.4:
            return self.mend()
        feed = self.rng.choice(tuple(self.prices))
        self.broken.add(feed)
        self.venue.break_feed(feed, self.rng.choice(list(FeedFault)))

    def mend(self) -> None:
        feed = self.rng.choice(sorted(self.broken))
        self.broken.discard(feed)
        self.venue.mend_feed(feed)
        self.venue.set_price(feed, self.prices[feed])

    def feed(self) -> str:
        return self.rng.choice(sorted(self.broken) if self.broken and self.rng.random() < 0.9 else tuple(self.prices))

    @rule(1)
    def observe(self) -> None:
        self.venue.observe("stranger", self.feed())

    @rule(1)
    def halt(self) -> None:
        feed = self.feed()
        if feed in self.broken and self.rng.random() < 0.6:
            self.venue.observe("stranger", feed)
            self.wait_for(self.rng.choice((HALT_GRACE, HALT_GRACE + 1, HALT_GRACE + 2 * HOUR)))
        self.venue.halt("stranger", feed)
        if self.rng.random() < 0.7:
            self.wait_for(self.rng.choice((HOUR, HALT_DELAY - 1, HALT_DELAY)))

    @rule(1)
    def settle_halted(self) -> None:
        state = self.venue.state()
        halted = [spec.name for spec in self.venue.world.instruments if state.feeds[spec.feed].halted_at]
        name, accounts = self.one_of(halted) or self.instrument(), state.accounts
        feed = state.feeds[self.venue.world.instrument(name).feed]
        if feed.halted_at and self.rng.random() < 0.8:
            while self.broken - {self.venue.world.instrument(name).feed}:
                self.mend()
            self.wait_for(max(1, feed.halted_at + HALT_DELAY - self.venue.now - self.rng.choice((0, 0, 0, 1))))
        sides: tuple[list[Account], list[Account]] = [], []
        for account, held in accounts.items():
            if name in held.positions:
                sides[held.positions[name].size < 0].append(account)
        long, short = (self.rng.choice(side) if side else self.trader() for side in sides)
        self.venue.settle_halted("stranger", name, long, short)
