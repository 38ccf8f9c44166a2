"""The invariants of the protocol as pure functions over what was observed around one step.

Each has an id, a statement and a check that answers "" or what is wrong, with the numbers. They read what is stored
(no price is needed, so they hold while a feed is dead) except where they judge the margin rule itself. To add one,
write its check and append it to INVARIANTS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from plimsoll.fixed_point import mul_div_up
from plimsoll.state import AccountState, MarketState, Position, State
from plimsoll.types import ENGINE, WAD, Account, Outcome, World
from plimsoll.venue import Probe

INDEX_UNIT = 10**18  # size units (1e-9) · index units (settlement · 1e-9)


@dataclass(frozen=True)
class Observation:
    """One step: the states around it, the verb (set_price, liquidate, …; "" for none), its account and its answer; the
    probes of accounts in `after`; settlements: how many positions may have been settled since the beginning, at most.
    A liquidation observed here closed all that was due, not a bite of it."""

    world: World
    before: State
    after: State
    verb: str = ""
    account: Account | None = None
    answer: object = None
    probes: Mapping[Account, Probe] = field(default_factory=dict)
    settlements: int = 0


@dataclass(frozen=True)
class Invariant:
    id: str
    statement: str
    check: Callable[[Observation], str]


def violations(seen: Observation) -> tuple[str, ...]:
    """One line for each invariant that does not hold."""
    found = ((invariant, invariant.check(seen)) for invariant in INVARIANTS)
    return tuple(
        f"{invariant.id} violated: {what}. It says: {invariant.statement}" for invariant, what in found if what
    )


# ESC: tokens -------------------------------------------------------------------------------------------------------


def escrow_covers_credits(seen: Observation) -> str:
    for token, held in seen.after.escrow.items():
        if held.balance < held.total_credit:
            return f"escrow holds {held.balance} {token} but owes {held.total_credit}"
        if sum(held.credit.values()) != held.total_credit:
            return f"modules hold {dict(held.credit)} {token}, which is not the total credit {held.total_credit}"
    for collateral in seen.world.collaterals:
        name = collateral.name
        owned = sum(account.collateral.get(name, 0) for account in seen.after.accounts.values())
        credit = seen.after.escrow[name].credit.get(ENGINE, 0)
        if owned != credit:
            return f"accounts own {owned} {name}, the engine's credit in escrow is {credit}"
    return ""


# LED: the matched ledger -------------------------------------------------------------------------------------------


def positions_match(seen: Observation) -> str:
    for name, market in seen.after.markets.items():
        sizes = [position.size for position in _positions(seen.after, name)]
        if sum(sizes) != 0:
            return f"{name}: Σ size is {sum(sizes)}, not 0"
        long = sum(size for size in sizes if size > 0)
        if long != market.open_interest:
            return f"{name}: open interest is {market.open_interest}, the longs hold {long}"
    return ""


def claims_are_covered(seen: Observation) -> str:
    state = seen.after
    claims = sum(claim(account, state.markets) for account in state.accounts.values())
    claims += sum(market.insurance + market.treasury for market in state.markets.values())
    covered = state.escrow[seen.world.settlement.name].credit.get(ENGINE, 0) + state.bad_debt
    if claims > covered:
        return f"claims of {claims} exceed settlement tokens plus bad debt of {covered} by {claims - covered}"
    dust = seen.settlements + sum(len(account.positions) for account in state.accounts.values())
    if covered - claims > dust:
        return f"{covered - claims} units are nobody's, more than the dust of {dust} roundings"
    return ""


def claim(account: AccountState, markets: Mapping[str, MarketState]) -> int:
    """Cash + Σ (quote − unsettled charge), all as stored, settlement units."""
    return account.cash + sum(
        position.quote - _charge(position, markets[name]) for name, position in account.positions.items()
    )


def _charge(position: Position, market: MarketState) -> int:
    index = market.index_long if position.size > 0 else market.index_short
    return mul_div_up(abs(position.size), index - position.index, INDEX_UNIT)


def price_moves_nothing(seen: Observation) -> str:
    if seen.verb != "set_price":
        return ""
    sums = []
    for state in (seen.before, seen.after):
        if any(account.margin is None for account in state.accounts.values()):
            return ""
        sums.append(sum(a.cash - a.owed + a.margin.profit for a in state.accounts.values() if a.margin))
    positions = sum(len(account.positions) for account in seen.after.accounts.values())
    slack = 2 * positions + len(seen.after.markets)  # a unit of value, one of charge; one of an index
    moved = sums[1] - sums[0]
    if abs(moved) > slack:
        return f"a price alone moved Σ (b + U) by {moved}, more than {slack} over {positions} positions"
    return ""


# LIQ: liquidation --------------------------------------------------------------------------------------------------


def healthy_are_untouchable(seen: Observation) -> str:
    for account, probe in seen.probes.items():
        margin = seen.after.accounts[account].margin
        if margin is None:
            if probe.liquidate is None or probe.absorb is None:
                return f"{account} can be liquidated although {seen.after.accounts[account].fault}"
            continue
        if margin.maintenance > 0 and margin.equity < margin.maintenance:
            continue
        numbers = f"{account} has E = {margin.equity} ≥ M = {margin.maintenance}"
        if probe.liquidate is None or probe.liquidate.name != "NotLiquidatable":
            return f"{numbers}, but liquidate answers {probe.liquidate or 'success'}"
        if tuple(probe.liquidate.args[1:]) != (margin.equity, margin.maintenance):
            return f"{numbers}, but liquidate says {probe.liquidate}"
        if margin.equity >= 0 and (probe.absorb is None or probe.absorb.name != "NotInsolvent"):
            return f"{numbers}, but absorb answers {probe.absorb or 'success'}"
    return ""


def liquidation_heals(seen: Observation) -> str:
    if seen.verb != "liquidate" or not isinstance(seen.answer, Outcome) or seen.account is None:
        return ""
    outcome, margin = seen.answer, seen.after.accounts[seen.account].margin
    if outcome.equity >= outcome.maintenance:
        return f"{seen.account} was liquidated at E = {outcome.equity} ≥ M = {outcome.maintenance}"
    if margin is None:
        return ""
    if margin.equity < 0:
        return f"{seen.account} was left with E' = {margin.equity} < 0"
    if margin.equity * outcome.maintenance < outcome.equity * margin.maintenance:
        return (
            f"{seen.account}: E/M fell from {outcome.equity}/{outcome.maintenance} to "
            f"{margin.equity}/{margin.maintenance}"
        )
    if margin.maintenance > 0 and margin.equity < margin.maintenance:
        return f"{seen.account} is still below its line: E' = {margin.equity} < M' = {margin.maintenance}"
    if outcome.fraction >= WAD and seen.after.accounts[seen.account].positions:
        return f"{seen.account} was closed whole but still holds {dict(seen.after.accounts[seen.account].positions)}"
    return ""


def _positions(state: State, instrument: str) -> Iterator[Position]:
    return (account.positions[instrument] for account in state.accounts.values() if instrument in account.positions)


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "ESC-1",
        "per token, the balance of escrow is at least Σ credits, and each credit is its module's own",
        escrow_covers_credits,
    ),
    Invariant("LED-1", "Σ size = 0 and open interest = Σ max(size, 0), per instrument", positions_match),
    Invariant(
        "LED-2",
        "Σ cash + Σ quote − Σ unsettled charges + funds + fees = settlement tokens in escrow + bad debt, "
        "less a unit of dust a settlement",
        claims_are_covered,
    ),
    Invariant("LED-3", "a move of a price alone changes Σ (b + U) by 0, ± 1 unit a position", price_moves_nothing),
    Invariant(
        "LIQ-1",
        "an account with E ≥ M cannot be liquidated or absorbed, and is told its numbers",
        healthy_are_untouchable,
    ),
    Invariant(
        "LIQ-2", "a liquidation never lowers health, leaves E' ≥ 0, and E' ≥ M' or no position", liquidation_heals
    ),
)
