"""The invariants of the protocol as pure functions over what was observed around one step.

Each has an id, a statement and a check that answers "" or what is wrong, with the numbers. They read what is stored
(no price is needed, so they hold while a feed is dead) except where they judge the margin rule itself. To add one,
write its check and append it to INVARIANTS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from plimsoll.margin_math import Margin
from plimsoll.fixed_point import mul_div_up
from plimsoll.state import AccountState, MarketState, Position, State
from plimsoll.types import DAY, ENGINE, HALT_DELAY, WAD, Absorption, Account, Outcome, World
from plimsoll.venue import Probe

INDEX_UNIT = 10**18  # size units (1e-9) · index units (settlement · 1e-9)
YEAR = 365 * DAY
CHARGES = ("absorb", "liquidate_many", "deleverage", "drain")  # the verbs that may charge a loss to a side
CHANGES = ("set_instrument", "set_interest", "restrict", "lower_caps", "lower_collateral_cap")  # they hold at once
PAYS_OUT = ("withdraw", "redeem")


@dataclass(frozen=True)
class Observation:
    """One step: the states around it, the verb (set_price, liquidate, …; "" for none), its account and its answer; the
    probes of accounts in `after`; settlements: how many positions may have been settled since the beginning, at most.
    `liquidate` is one that closed all that was due, `bite` one that was told to close less."""
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
        if held.balance < sum(held.credit.values()):
            return f"escrow holds {held.balance} {token} but owes {dict(held.credit)}"
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
        held = seen.after.accounts[account]
        margin = held.margin
        if margin is None:
            if probe.liquidate is None or probe.absorb is None:
                return f"{account} can be liquidated although {held.fault}"
            continue
        if _waits_for_a_halt(seen, held):
            names = [refusal.name if refusal else "success" for refusal in probe]
            if names != ["HaltNotFinal"] * 2:
                return f"{account} stands at a price whose halt may be undone, but it answers {' and '.join(names)}"
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


def _waits_for_a_halt(seen: Observation, held: AccountState) -> bool:
    """One of its prices is the stand-in of a halt that is not final."""
    feeds = {seen.world.instrument(name).feed for name in held.positions}
    feeds |= {seen.world.collateral(name).feed for name in held.collateral}
    halts = [seen.after.feeds[feed].halted_at for feed in feeds]
    return any(halted_at and seen.after.time < halted_at + HALT_DELAY for halted_at in halts)


def liquidation_heals(seen: Observation) -> str:
    account, outcome = seen.account, seen.answer
    if account is None:
        return ""
    if seen.verb == "deleverage":
        return _deleveraging_heals(seen, account)
    if seen.verb not in ("liquidate", "bite") or not isinstance(outcome, Outcome):
        return ""
    margin = seen.after.accounts[account].margin
    if outcome.equity >= outcome.maintenance:
        return f"{account} was liquidated at E = {outcome.equity} ≥ M = {outcome.maintenance}"
    if margin is None:
        return ""
    worse = _worse(account, outcome.equity, outcome.maintenance, margin)
    if worse or seen.verb == "bite":
        return worse
    if margin.maintenance > 0 and margin.equity < margin.maintenance:
        return f"{account} is still below its line: E' = {margin.equity} < M' = {margin.maintenance}"
    if outcome.fraction >= WAD and seen.after.accounts[account].positions:
        return f"{account} was closed whole but still holds {dict(seen.after.accounts[account].positions)}"
    return ""


def _worse(account: Account, equity: int, maintenance: int, after: Margin) -> str:
    if after.equity < 0:
        return f"{account} was left with E' = {after.equity} < 0"
    if after.equity * maintenance < equity * after.maintenance:
        return f"{account}: E/M fell from {equity}/{maintenance} to {after.equity}/{after.maintenance}"
    return ""


def _deleveraging_heals(seen: Observation, account: Account) -> str:
    """The account as in a bite (where it was above zero); nobody is left with more, or with another side, than he had."""
    before, after = seen.before.accounts[account].margin, seen.after.accounts[account].margin
    if seen.before.time == seen.after.time and before is not None and after is not None and before.equity >= 0:
        worse = _worse(account, before.equity, before.maintenance, after)
        if worse:
            return worse
    for other, held in seen.before.accounts.items():
        for name, position in held.positions.items():
            left = seen.after.accounts[other].positions.get(name)
            if left and (left.size * position.size < 0 or abs(left.size) > abs(position.size)):
                return f"{other} was deleveraged from {position.size} to {left.size} {name}"
    return ""


def losses_stay_at_home(seen: Observation) -> str:
    owed = sum(market.owed_long + market.owed_short for market in seen.after.markets.values())
    if owed > seen.after.bad_debt:
        return f"sides owe {owed}, more than the bad debt of {seen.after.bad_debt}"
    for name, market in seen.after.markets.items():
        if market.insurance < 0:
            return f"{name}: insurance is {market.insurance} < 0"
    absorbed = seen.answer
    if seen.verb != "absorb" or seen.account is None or not isinstance(absorbed, Absorption):
        return ""
    if absorbed.loss != absorbed.insurance + absorbed.taker + absorbed.shared:
        return f"a loss is paid once, but {absorbed}"
    held = seen.before.accounts[seen.account].positions
    for name in seen.after.markets:
        wrong = _charged_alone(seen, name, held[name].size > 0) if name in held else _untouched(seen, name)
        if wrong:
            return f"the loss of {seen.account}: {wrong}"
    spent = sum(seen.before.markets[name].insurance - seen.after.markets[name].insurance for name in held)
    due = absorbed.insurance + absorbed.reward
    if not due - len(held) <= spent <= due:  # what a rounded-up index brings too much, at most a unit an instrument
        return f"the loss of {seen.account} took {spent} from insurance, not {due}"
    return ""


def _untouched(seen: Observation, name: str) -> str:
    before, after = seen.before.markets[name], seen.after.markets[name]
    return "" if before == after else f"{name} was touched, where nothing was held: {before} became {after}"


def _charged_alone(seen: Observation, name: str, was_long: bool) -> str:
    """Only the side that won: the account's own side owes no more than before, and its index moves as funding alone may."""
    before, after = seen.before.markets[name], seen.after.markets[name]
    owed = (before.owed_long, after.owed_long) if was_long else (before.owed_short, after.owed_short)
    if owed[1] > owed[0]:
        return f"{name}: its own side owes {owed[1]} after {owed[0]}"
    index = (before.index_long, after.index_long) if was_long else (before.index_short, after.index_short)
    spec = seen.world.instrument(name)
    scale = WAD * 10**8 * YEAR
    most = seen.after.feeds[spec.feed].mid * spec.max_rate_e8 * (after.time - before.time) * 10**15
    if abs(index[1] - index[0]) > mul_div_up(most, 1, scale):
        return f"{name}: the index of its own side moved from {index[0]} to {index[1]}, more than funding may"
    return ""


def haircut_is_the_same_for_all(seen: Observation) -> str:
    if seen.verb not in PAYS_OUT or seen.before.bad_debt == 0:
        return ""
    (paid, due), (paid_after, due_after) = (payout(seen.world, state) for state in (seen.before, seen.after))
    rise = paid_after * due - paid * due_after  # what is paid is rounded down: below one unit of it
    if not 0 <= rise < max(due, 1):
        return f"the payout ratio went from {paid}/{due} to {paid_after}/{due_after}"
    return ""


def payout(world: World, state: State) -> tuple[int, int]:
    """(S, S + B): what a withdrawal of S + B would be paid; S is the engine's settlement credit less funds and fees."""
    settlement = state.escrow[world.settlement.name].credit.get(ENGINE, 0)
    for market in state.markets.values():
        settlement = max(0, settlement - market.insurance - market.treasury)
    return settlement, settlement + state.bad_debt


# FUN: funding ------------------------------------------------------------------------------------------------------


def funding_pays_no_more_than_it_takes(seen: Observation) -> str:
    for name, after in seen.after.markets.items():
        before, bound = seen.before.markets[name], seen.world.instrument(name).max_rate_e8
        if abs(after.rate_e8) > bound:
            return f"{name}: the rate is {after.rate_e8}, beyond ±{bound}"
        gained = after.index_long - before.index_long + after.index_short - before.index_short
        if gained < 0:
            return f"{name}: a unit received {-gained} more than a unit paid"
        if seen.verb in CHARGES:
            continue
        if gained > 1:
            return f"{name}: a unit paid {gained} more than a unit received, and no loss was shared"
        moved = (before.index_long, before.index_short) != (after.index_long, after.index_short)
        if moved and before.time == after.time:
            return f"{name}: funding was charged twice for the same second"
    return ""


# ADM: parameters ---------------------------------------------------------------------------------------------------


def changes_are_announced(seen: Observation) -> str:
    for account, held in seen.before.accounts.items() if seen.verb in CHANGES else ():
        before, after = held.margin, seen.after.accounts[account].margin
        if before and after and before.equity >= before.maintenance and after.equity < after.maintenance:
            return f"{account} had M = {before.maintenance}, now E = {after.equity} < M = {after.maintenance}"
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
        "an account with E ≥ M cannot be liquidated or absorbed, and is told its numbers; nor can anyone without a price, "
        "or at one whose halt may be undone",
        healthy_are_untouchable,
    ),
    Invariant(
        "LIQ-2",
        "a liquidation, a bite of one and a deleveraging never lower health and leave E' ≥ 0; E' ≥ M' or no position where "
        "all that was due was closed",
        liquidation_heals,
    ),
    Invariant(
        "LIQ-5",
        "insurance ≥ 0; a loss touches only its own instruments' funds and is charged only to the side that won",
        losses_stay_at_home,
    ),
    Invariant(
        "LIQ-6",
        "a withdrawal leaves the payout ratio as it was while bad debt is recorded",
        haircut_is_the_same_for_all,
    ),
    Invariant(
        "FUN-1",
        "what one side pays, the other receives at most; |rate| ≤ maxRate; a second is charged once",
        funding_pays_no_more_than_it_takes,
    ),
    Invariant("ADM-1", "no change of a parameter that was not announced makes an account liquidatable", changes_are_announced),
)
