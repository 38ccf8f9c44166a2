"""The keeper as a role of a scenario: what there is to do now, from the state, what it remembers and a few questions to
the venue. It acts after each answer of a feed.

    below its line     liquidate; where the pool refuses the whole, a bite; report the refusal; deleverage when that is open
    below zero         absorb; likewise
    collateral         start an auction, buy at a discount that is worth its while
    bad debt           drain it, once an epoch
    dead feeds         observe that one is invalid, or well again; halt it after its grace; settle its positions
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from plimsoll.errors import Reverted
from plimsoll.fixed_point import div_down, mul_div_down
from plimsoll.scenarios.acts import Act
from plimsoll.scenarios.liquidation import (
    Absorb,
    Bite,
    BuyCollateral,
    Deleverage,
    Drain,
    HaltFeed,
    Liquidate,
    Observe,
    ReportRefusal,
    SettleHalted,
    StartAuction,
)
from plimsoll.scenarios.scenario import Scenario
from plimsoll.state import FeedState, MarketState, Position, State
from plimsoll.types import (
    DELEVERAGE_DELAY,
    DELEVERAGE_WINDOW,
    HALT_DELAY,
    HALT_GRACE,
    LOSS_EPOCH,
    USDC,
    WAD,
    Account,
    Offer,
    World,
)
from plimsoll.venue import Probe, Venue

LEAST_DISCOUNT = div_down(WAD, 100)  # what selling elsewhere costs: at a smaller discount the keeper waits
LEAST_LOSS = USDC  # below zero: less is not worth a transaction
MOST_COUNTERPARTIES = 16  # of one deleveraging
REFUSALS = ("TakerRefused", "TakerIsAccount")  # the pool takes no more, or it is the pool's own account


@dataclass
class Memory:
    """What the chain tells the keeper once. refused: when it reported that the pool refuses an account; drained: the epoch in
    which an instrument was last drained; invalid: since when a feed is on record as invalid."""

    refused: dict[Account, int] = field(default_factory=dict)
    drained: dict[str, int] = field(default_factory=dict)
    invalid: dict[str, int] = field(default_factory=dict)

    def note(self, act: Act, before: State, after: State) -> None:
        """What an act, the keeper's or another's, did that was not refused."""
        if isinstance(act, ReportRefusal):
            self.refused[act.account] = after.time
        elif isinstance(act, Drain):
            self.drained[act.instrument] = after.time // LOSS_EPOCH
        elif isinstance(act, Absorb):  # charges as much as the epoch allows
            self.drained |= dict.fromkeys(before.accounts[act.account].positions, after.time // LOSS_EPOCH)
        elif isinstance(act, Observe):
            feed = after.feeds[act.feed]
            if feed.fault or feed.halted_at:
                self.invalid.setdefault(act.feed, after.time)
            else:
                self.invalid.pop(act.feed, None)


def due(venue: Venue, state: State, scenario: Scenario, memory: Memory | None = None) -> Iterator[Act]:
    """What there is to do now, the most urgent first. `state` is the venue's present one."""
    keeper, seen = scenario.keeper, memory or Memory()
    named = venue.liquidatable()
    for account, probe in (venue.probe(named) if named else {}).items():
        yield from _unload(keeper, state, seen, account, probe)
    yield from _sell(keeper, venue, state)
    for name, market in state.markets.items():
        if market.owed_long + market.owed_short > 0 and seen.drained.get(name) != state.time // LOSS_EPOCH:
            yield Drain(keeper, name)
    for name, feed in state.feeds.items():
        yield from _watch(keeper, state, seen, name, feed)
    for spec in scenario.world.instruments:
        halted_at = state.feeds[spec.feed].halted_at
        if halted_at and state.time >= halted_at + HALT_DELAY:
            yield from _settle(keeper, state, spec.name)


# Accounts below their line -----------------------------------------------------------------------------------------


def _unload(keeper: str, state: State, seen: Memory, account: Account, probe: Probe) -> Iterator[Act]:
    sunk = _sunk(state, account)
    refusal: Reverted | None = probe.absorb if sunk else probe.liquidate
    if refusal is None or refusal.name not in REFUSALS:
        yield (Absorb if sunk else Liquidate)(keeper, account)
        return
    if refusal.name == "TakerRefused" and not sunk:
        yield Bite(keeper, account)
    since = seen.refused.get(account)
    opens = (since or 0) + DELEVERAGE_DELAY
    if since is None or state.time >= opens + DELEVERAGE_WINDOW:
        yield ReportRefusal(keeper, account)
    elif state.time >= opens:
        for name, position in state.accounts[account].positions.items():
            against = eligible(state, account, name, position)
            if against:
                yield Deleverage(keeper, account, name, against)


def eligible(state: State, account: Account, instrument: str, sinking: Position) -> tuple[Account, ...]:
    """The largest accounts of the other side whose profit a unit is at or above their side's average:
    q · OI ≥ Q_side · |s|."""
    market: MarketState = state.markets[instrument]
    found: list[tuple[int, Account]] = []
    for other, held in state.accounts.items():
        position = held.positions.get(instrument)
        if position is None or other == account or position.size * sinking.size > 0:
            continue
        side = market.quote_long if position.size > 0 else market.quote_short
        if position.quote * market.open_interest >= side * abs(position.size):
            found.append((abs(position.size), other))
    return tuple(other for _, other in sorted(found, reverse=True)[:MOST_COUNTERPARTIES])


def _sunk(state: State, account: Account) -> bool:
    margin = state.accounts[account].margin
    return margin is not None and margin.equity < 0


# Collateral --------------------------------------------------------------------------------------------------------


def _sell(keeper: str, venue: Venue, state: State) -> Iterator[Act]:
    """An account below zero that holds nothing is absorbed first, so that its collateral covers its debt; but not for what a
    few minutes of interest make of it after that."""
    for account, held in state.accounts.items():
        if not held.positions and held.margin and held.margin.equity <= -LEAST_LOSS:
            yield Absorb(keeper, account)
    for account, offer in venue.for_sale().items():
        if offer is None:
            yield StartAuction(keeper, account)
        elif offer.most and offer.price <= _fair(venue.world, state, offer):
            yield BuyCollateral(keeper, account, offer.collateral, offer.most)


def _fair(world: World, state: State, offer: Offer) -> int:
    feed = world.collateral(offer.collateral).feed
    return mul_div_down(state.feeds[feed].mid, WAD - LEAST_DISCOUNT, WAD)


# Dead feeds --------------------------------------------------------------------------------------------------------


def _watch(keeper: str, state: State, seen: Memory, name: str, feed: FeedState) -> Iterator[Act]:
    since, halted_at = seen.invalid.get(name), feed.halted_at
    if halted_at and state.time >= halted_at + HALT_DELAY:
        return
    is_well = feed.updated_at > halted_at if halted_at else not feed.fault
    if is_well == (since is not None):
        yield Observe(keeper, name)
    elif since is not None and not halted_at and state.time > since + HALT_GRACE:
        yield HaltFeed(keeper, name)


def _settle(keeper: str, state: State, instrument: str) -> Iterator[Act]:
    """The first long with the first short: what is left of the larger one meets the next."""
    held: Mapping[Account, int] = {
        account: accounts.positions[instrument].size
        for account, accounts in state.accounts.items()
        if instrument in accounts.positions
    }
    longs = [account for account, size in held.items() if size > 0]
    shorts = [account for account, size in held.items() if size < 0]
    if longs and shorts:
        yield SettleHalted(keeper, instrument, longs[0], shorts[0])
