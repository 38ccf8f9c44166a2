"""The keeper as a role of a scenario: it liquidates whatever the lens names, absorbs what is below zero, and buys the
collateral that is for sale. Pure over a state, but for the two questions to the venue."""

from __future__ import annotations

from collections.abc import Iterator

from plimsoll.fixed_point import div_down, mul_div_down, mul_div_up
from plimsoll.scenarios.acts import Absorb, Act, BuyCollateral, Liquidate
from plimsoll.scenarios.scenario import Scenario
from plimsoll.types import WAD, Account, State, World
from plimsoll.venue import Venue


def due(venue: Venue, state: State, scenario: Scenario) -> Iterator[Act]:
    """What there is to do now, the most urgent first. `state` is the venue's present one."""
    for account in venue.liquidatable():
        yield (Absorb if _sunk(state, account) else Liquidate)(scenario.keeper, account)
    for account, debt in venue.debt_for_sale().items():
        if _sunk(state, account):  # its loss is paid first: then its collateral covers its debt
            yield Absorb(scenario.keeper, account)
        yield from _purchases(scenario, state, account, debt)


def _sunk(state: State, account: Account) -> bool:
    margin = state.accounts[account].margin
    return margin is not None and margin.equity < 0


def title(act: Act) -> str:
    words = {"liquidate": "liquidates", "absorb": "absorbs", "buy_collateral": "buys collateral of"}
    return f"the keeper {words[act.verb]} {act.about}"


def _purchases(scenario: Scenario, state: State, account: Account, debt: int) -> Iterator[Act]:
    """As much of each priced collateral as covers the debt at mid less the haircut."""
    for name, held in state.accounts[account].collateral.items():
        unit = _discounted(scenario.world, state, name, held)
        if unit == 0:
            continue
        decimals = scenario.world.collateral(name).token.decimals
        wanted = mul_div_down(debt * 10**decimals, WAD, unit * 10**scenario.world.settlement.decimals)
        if min(wanted, held) > 0:
            yield BuyCollateral(scenario.keeper, account, name, min(wanted, held), debt)


def _discounted(world: World, state: State, name: str, held: int) -> int:
    """What one whole token is sold for, WAD; 0 without a price."""
    spec = world.collateral(name)
    growing = spec.haircut_e6 * div_down(WAD, 10**6) + mul_div_up(held, WAD, spec.depth * 10**spec.token.decimals)
    haircut = min(growing, spec.max_haircut_e6 * div_down(WAD, 10**6))
    return mul_div_up(state.feeds[spec.feed].mid, WAD - haircut, WAD)
