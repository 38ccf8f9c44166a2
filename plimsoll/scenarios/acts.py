"""What a scenario's step does on a venue: one act, one verb. Amounts in the units of `types`. (Liquidation and what follows
from it is in liquidation.py.)"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from plimsoll.errors import Reverted
from plimsoll.fixed_point import mul_div_down
from plimsoll.scenarios.words import money, price, size, token
from plimsoll.types import SIZE_UNIT, WAD, Account, FeedFault, Fill, World
from plimsoll.venue import Venue


@dataclass(frozen=True)
class Act(ABC):
    """`perform` raises Reverted where the protocol refuses; its answer goes to `detail`."""

    verb: ClassVar[str] = ""

    @property
    def about(self) -> Account | None:
        """The account that it changes, if it is one."""
        return getattr(self, "account", None)

    @abstractmethod
    def perform(self, venue: Venue) -> Any: ...

    def detail(self, answer: Any, world: World) -> str:
        """What the answer says, in a few words."""
        return ""


# Accounts ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bring(Act):
    """The actor's wallet is filled."""

    verb = "give"
    account: Account
    token: str
    amount: int

    def perform(self, venue: Venue) -> None:
        venue.give(self.account.actor, self.token, self.amount)


@dataclass(frozen=True)
class Deposit(Act):
    """The actor comes with the tokens and deposits them."""

    verb = "deposit"
    account: Account
    token: str
    amount: int

    def perform(self, venue: Venue) -> int:
        venue.give(self.account.actor, self.token, self.amount)
        return venue.deposit(self.account.actor, self.account, self.token, self.amount)

    def detail(self, answer: int, world: World) -> str:
        return token(answer, world.token(self.token).decimals)


@dataclass(frozen=True)
class Withdraw(Act):
    """amount: None for all that the margin rule lets go."""

    verb = "withdraw"
    account: Account
    token: str
    amount: int | None

    def perform(self, venue: Venue) -> int:
        if self.amount is not None:
            return venue.withdraw(self.account, self.token, self.amount)
        amount = self._most(venue)
        for _ in range(3):
            try:
                return venue.withdraw(self.account, self.token, amount)
            except Reverted as refusal:  # it names what is missing: ask for that much less
                if refusal.name != "InsufficientMargin":
                    raise
                amount -= refusal.args[2] - refusal.args[1]
        return venue.withdraw(self.account, self.token, amount)

    def _most(self, venue: Venue) -> int:
        held = venue.state().accounts[self.account]
        if self.token in held.collateral:
            return held.collateral[self.token]
        if held.margin is None or not held.positions:
            return held.cash
        margin = held.margin
        return min(margin.cash, min(margin.cash + margin.collateral, margin.equity) - margin.initial)

    def detail(self, answer: int, world: World) -> str:
        return f"{token(answer, world.token(self.token).decimals)} {self.token} paid"


@dataclass(frozen=True)
class MoveCash(Act):
    verb = "move_cash"
    account: Account
    target: Account
    amount: int

    def perform(self, venue: Venue) -> None:
        venue.move_cash(self.account, self.target, self.amount)


@dataclass(frozen=True)
class Settle(Act):
    verb = "settle"
    account: Account

    def perform(self, venue: Venue) -> None:
        venue.settle(self.account.actor, self.account)


@dataclass(frozen=True)
class Trade(Act):
    """size: None closes what is held."""

    verb = "trade"
    account: Account
    instrument: str
    size: int | None

    def perform(self, venue: Venue) -> tuple[int, Fill]:
        change = self.size
        if change is None:
            held = venue.state().accounts[self.account].positions.get(self.instrument)
            change = -held.size if held else 0
        return change, venue.trade(self.account, self.instrument, change)

    def detail(self, answer: tuple[int, Fill], world: World) -> str:
        change, fill = answer
        fill_price = mul_div_down(abs(fill.quote), SIZE_UNIT * WAD, abs(change) * 10**world.settlement.decimals)
        return f"{size(change)} {self.instrument} at {price(fill_price)}, fee {money(fill.fee)}"


# The pool ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Provide(Act):
    verb = "provide"
    actor: str
    token: str
    amount: int

    def perform(self, venue: Venue) -> int:
        venue.give(self.actor, self.token, self.amount)
        return venue.provide(self.actor, self.amount)

    def detail(self, answer: int, world: World) -> str:
        return money(self.amount)


@dataclass(frozen=True)
class Allocate(Act):
    verb = "allocate"
    actor: str
    instrument: str

    def perform(self, venue: Venue) -> int:
        return venue.allocate(self.actor, self.instrument)

    def detail(self, answer: int, world: World) -> str:
        return f"{money(answer)} into {self.instrument}"


@dataclass(frozen=True)
class RequestRedeem(Act):
    """part: of the shares that the actor holds, WAD."""

    verb = "request_redeem"
    actor: str
    part: int

    def perform(self, venue: Venue) -> int:
        return venue.request_redeem(self.actor, _shares(venue, self))


@dataclass(frozen=True)
class Redeem(Act):
    """part: of the shares that the actor holds, requested ones included, WAD."""

    verb = "redeem"
    actor: str
    part: int

    def perform(self, venue: Venue) -> int:
        return venue.redeem(self.actor, _shares(venue, self))

    def detail(self, answer: int, world: World) -> str:
        return f"{money(answer)} paid"


def _shares(venue: Venue, act: RequestRedeem | Redeem) -> int:
    return mul_div_down(venue.state().pool.shares.get(act.actor, 0), act.part, WAD)


@dataclass(frozen=True)
class Fund(Act):
    verb = "fund"
    actor: str
    token: str
    instrument: str
    amount: int

    def perform(self, venue: Venue) -> int:
        venue.give(self.actor, self.token, self.amount)
        return venue.fund(self.actor, self.instrument, self.amount)


# Feeds -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answer(Act):
    verb = "set_price"
    feed: str
    price: int

    def perform(self, venue: Venue) -> None:
        venue.set_price(self.feed, self.price)


@dataclass(frozen=True)
class Silence(Act):
    """The feed stops answering, or (stops = False) answers again: its path of answers knows. Nothing is sent."""

    verb = "silence"
    feed: str
    stops: bool

    def perform(self, venue: Venue) -> None:
        return None


@dataclass(frozen=True)
class BreakFeed(Act):
    """fault: None mends it."""

    verb = "break_feed"
    feed: str
    fault: FeedFault | None

    def perform(self, venue: Venue) -> None:
        if self.fault is None:
            venue.mend_feed(self.feed)
        else:
            venue.break_feed(self.feed, self.fault)
