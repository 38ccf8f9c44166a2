"""The keeper as a role of a scenario: it liquidates whatever the lens names, absorbs what is below zero, starts auctions, and buys
the collateral that is for sale once that is worth its while. Pure over a state, but for the two questions to the venue."""

from __future__ import annotations

from collections.abc import Iterator

from plimsoll.fixed_point import div_down, mul_div_down, mul_div_up
from plimsoll.scenarios.acts import Absorb, Act, BuyCollateral, Liquidate, StartAuction
from plimsoll.scenarios.scenario import Scenario
from plimsoll.state import State
from plimsoll.types import WAD, Account, Offer, World
from plimsoll.venue import Venue

LEAST_DISCOUNT = div_down(WAD, 100)  # what selling elsewhere costs: at a smaller discount the keeper waits


def due(venue: Venue, state: State, scenario: Scenario) -> Iterator[Act]:
    """What there is to do now, the most urgent first. `state` is the venue's present one."""
    for account in venue.liquidatable():
        yield (Absorb if _sunk(state, account) else Liquidate)(scenario.keeper, account)
    for account, offer in venue.for_sale().items():
        if _sunk(state, account):  # its loss is paid first: then its collateral covers its debt
            yield Absorb(scenario.keeper, account)
        elif offer is None:
            yield StartAuction(scenario.keeper, account)
        elif offer.most and offer.price <= _fair(scenario.world, state, offer):
            most = _payment(scenario.world, offer)
            yield BuyCollateral(scenario.keeper, account, offer.collateral, offer.most, most)


def _sunk(state: State, account: Account) -> bool:
    margin = state.accounts[account].margin
    return margin is not None and margin.equity < 0


def title(act: Act) -> str:
    words = {
        "liquidate": "liquidates",
        "absorb": "absorbs",
        "start_auction": "starts the auction of",
        "buy_collateral": "buys collateral of",
    }
    return f"the keeper {words[act.verb]} {act.about}"


def _fair(world: World, state: State, offer: Offer) -> int:
    feed = world.collateral(offer.collateral).feed
    return mul_div_down(state.feeds[feed].mid, WAD - LEAST_DISCOUNT, WAD)


def _payment(world: World, offer: Offer) -> int:
    """Settlement units for all of it."""
    decimals = world.collateral(offer.collateral).token.decimals
    return mul_div_up(offer.most * offer.price, 10**world.settlement.decimals, WAD * 10**decimals)
