"""What a scenario's step does about accounts below their line, their collateral, their losses and dead feeds: one act, one
verb, as in acts.py. `keeper`: the actor who does it; anyone may."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from plimsoll.errors import Reverted
from plimsoll.fixed_point import mul_div_down, mul_div_up
from plimsoll.scenarios.acts import Act
from plimsoll.scenarios.words import money, percent, price, size, token
from plimsoll.types import WAD, Absorption, Account, Offer, Outcome, Purchase, World
from plimsoll.venue import Venue


@dataclass(frozen=True)
class Liquidate(Act):
    """The positions go to the pool: all that is due."""

    verb = "liquidate"
    keeper: str
    account: Account

    def perform(self, venue: Venue) -> Outcome:
        return venue.liquidate(self.keeper, self.account)

    def detail(self, answer: Outcome, world: World) -> str:
        health = mul_div_down(answer.equity, WAD, answer.maintenance)
        return f"{percent(answer.fraction)} closed at health {percent(health)}, penalty {money(answer.penalty)}"


@dataclass(frozen=True)
class Bite(Liquidate):
    """The pool takes a half, a quarter, an eighth …: the largest of them that it does not refuse."""

    verb = "bite"

    def perform(self, venue: Venue) -> Outcome:
        fraction = WAD // 2
        while True:
            try:
                return venue.liquidate(self.keeper, self.account, max_fraction=fraction)
            except Reverted as refusal:
                if refusal.name != "TakerRefused":
                    raise
            fraction //= 2


@dataclass(frozen=True)
class Absorb(Act):
    verb = "absorb"
    keeper: str
    account: Account

    def perform(self, venue: Venue) -> Absorption:
        return venue.absorb(self.keeper, self.account)

    def detail(self, answer: Absorption, world: World) -> str:
        return (
            f"loss {money(answer.loss)}: insurance {money(answer.insurance)}, taker {money(answer.taker)}, "
            f"the other side or bad debt {money(answer.shared)}"
        )


# When the pool refuses ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ReportRefusal(Act):
    verb = "report_refusal"
    keeper: str
    account: Account

    def perform(self, venue: Venue) -> None:
        venue.report_refusal(self.keeper, self.account)


@dataclass(frozen=True)
class Deleverage(Act):
    verb = "deleverage"
    keeper: str
    account: Account
    instrument: str
    against: tuple[Account, ...]

    def perform(self, venue: Venue) -> int:
        return venue.deleverage(self.keeper, self.account, self.instrument, self.against)

    def detail(self, answer: int, world: World) -> str:
        return f"{size(answer).removeprefix('+')} {self.instrument} closed against {', '.join(map(str, self.against))}"


@dataclass(frozen=True)
class Unfreeze(Act):
    verb = "unfreeze"
    keeper: str
    instrument: str

    def perform(self, venue: Venue) -> None:
        venue.unfreeze(self.keeper, self.instrument)


@dataclass(frozen=True)
class Drain(Act):
    verb = "drain"
    keeper: str
    instrument: str

    def perform(self, venue: Venue) -> int:
        return venue.drain(self.keeper, self.instrument)

    def detail(self, answer: int, world: World) -> str:
        return f"{money(answer)} paid"


# Auctions ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StartAuction(Act):
    verb = "start_auction"
    keeper: str
    account: Account

    def perform(self, venue: Venue) -> None:
        venue.start_auction(self.keeper, self.account)


@dataclass(frozen=True)
class StopAuction(Act):
    verb = "stop_auction"
    keeper: str
    account: Account

    def perform(self, venue: Venue) -> None:
        venue.stop_auction(self.keeper, self.account)


@dataclass(frozen=True)
class SaleOrder(Act):
    """In which order the owner's collateral is sold."""

    verb = "sale_order"
    account: Account
    collaterals: tuple[str, ...]

    def perform(self, venue: Venue) -> None:
        venue.set_sale_order(self.account, self.collaterals)


@dataclass(frozen=True)
class BuyCollateral(Act):
    """amount: at most; None for all that is offered. The buyer comes with the tokens that it costs: what it buys it sells
    elsewhere, so its purse is bottomless."""

    verb = "buy_collateral"
    keeper: str
    account: Account
    collateral: str
    amount: int | None = None

    def perform(self, venue: Venue) -> Purchase:
        offer = venue.for_sale().get(self.account)
        amount = self.amount if self.amount is not None else offer.most if offer else 1
        if offer:
            bought = min(amount, offer.most)
            venue.give(self.keeper, venue.world.settlement.name, payment(venue.world, offer, bought))
        return venue.buy_collateral(self.keeper, self.account, self.collateral, amount)

    def detail(self, answer: Purchase, world: World) -> str:
        decimals = world.token(self.collateral).decimals
        paid = mul_div_up(answer.payment * WAD, 10**decimals, max(answer.bought, 1) * 10**world.settlement.decimals)
        return f"{token(answer.bought, decimals)} {self.collateral} for {money(answer.payment)}, {price(paid)} each"


def payment(world: World, offer: Offer, amount: int) -> int:
    """Settlement units for so much of an offer."""
    decimals = world.collateral(offer.collateral).token.decimals
    return mul_div_up(amount * offer.price, 10**world.settlement.decimals, WAD * 10**decimals)


# Dead feeds --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Observe(Act):
    verb = "observe"
    keeper: str
    feed: str

    def perform(self, venue: Venue) -> None:
        venue.observe(self.keeper, self.feed)


@dataclass(frozen=True)
class HaltFeed(Act):
    verb = "halt"
    keeper: str
    feed: str

    def perform(self, venue: Venue) -> None:
        venue.halt(self.keeper, self.feed)


@dataclass(frozen=True)
class SettleHalted(Act):
    verb = "settle_halted"
    keeper: str
    instrument: str
    long: Account
    short: Account

    def perform(self, venue: Venue) -> int:
        return venue.settle_halted(self.keeper, self.instrument, self.long, self.short)

    def detail(self, answer: int, world: World) -> str:
        return f"{size(answer).removeprefix('+')} {self.instrument} of {self.long} and {self.short}"


TITLES: Mapping[str, str] = {
    "liquidate": "liquidates {0.account}",
    "bite": "takes a bite of {0.account}",
    "absorb": "absorbs {0.account}",
    "report_refusal": "reports that the pool refuses {0.account}",
    "deleverage": "deleverages {0.account}",
    "drain": "drains the bad debt of {0.instrument}",
    "start_auction": "starts the auction of {0.account}",
    "stop_auction": "stops the auction of {0.account}",
    "buy_collateral": "buys collateral of {0.account}",
    "observe": "observes the feed of {0.feed}",
    "halt": "halts the feed of {0.feed}",
    "settle_halted": "settles {0.long} and {0.short} at the stand-in",
}


def title(act: Any) -> str:
    """What the keeper does, as a sentence."""
    return f"the keeper {TITLES[act.verb].format(act)}"
