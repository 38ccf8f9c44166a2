"""What is to be seen on a network: prices and their age, markets, the pool; an account, its health and its lines."""

from __future__ import annotations

from collections.abc import Iterator

from plimsoll.chain.artifacts import decode_error
from plimsoll.chain.deployment import Deployment
from plimsoll.deploy.words import money, percent, price, size, token_amount
from plimsoll.errors import Reverted
from plimsoll.fixed_point import WAD
from plimsoll.types import FAULTS

RATE = 10**8
NO_LINE = 2**255 - 1  # IMarginLens.Standing: health without a position


def status(made: Deployment) -> Iterator[str]:
    """A line for each feed, each market, the pool and the house."""
    now = made.chain.now
    for i, spec in enumerate(made.world.feeds):
        seen, (updated, _) = made.oracle.peek(i, False), made.oracle.freshness(i)
        state = "valid" if seen.fault == 0 else FAULTS[seen.fault]
        halted = ", halted" if seen.price.haltedAt else ""
        yield f"feed {spec.name:<10} {price(seen.price.mid):>16}   {now - updated} s old, {state}{halted}"
    for name, i in made.instruments.items():
        market, (risk, limits, _) = made.engine.market(i), made.engine.instrumentConfig(i)
        pool_size = made.engine.position(made.pool.tranche(i), i).size
        paused = ", reduce-only" if risk.reduceOnly else ""
        yield (
            f"market {name:<8} open interest {size(market.openInterest)} of {size(limits.capUnits)}, traders' balance "
            f"{size(-pool_size)}, funding {percent(market.rateE8, RATE)} a year, insurance {money(made.engine.fundOf(i).insurance)}{paused}"
        )
    yield f"pool            equity {_equity(made)}, shares {made.pool.totalSupply()}"
    yield f"house           bad debt {money(made.engine.badDebt())}, withdrawals pay {percent(made.engine.payoutRatio(), WAD)}"


def _equity(made: Deployment) -> str:
    try:
        return money(made.pool.equity().mid)
    except Reverted as refusal:
        return f"unknown ({refusal})"


def account(made: Deployment, number: int) -> Iterator[str]:
    """Equity, margin and health, each position with the prices at which it would be liquidated, each collateral."""
    [report] = made.lens.reports([number])
    if not report.valid:
        yield f"cannot be judged now: {decode_error(report.fault)}"
        return
    standing, margin = report.standing, report.standing.margin
    yield f"cash {money(margin.cash)}, collateral {money(margin.collateral)}, profit {money(margin.profit)}: equity {money(margin.equity)}"
    health = "no position" if standing.health == NO_LINE else percent(standing.health, WAD)
    yield f"maintenance {money(margin.maintenance)}, free margin {money(standing.freeMargin)}, health {health}"
    if standing.liquidatable or standing.forSale:
        yield "LIQUIDATABLE: below its line" if standing.liquidatable else "its collateral is for sale"
    names = {i: name for name, i in made.instruments.items()}
    for leg in report.legs:
        yield f"{names[leg.instrument]:<8} {size(leg.size)} at {price(leg.mid)}; liquidated {_lines(made, number, leg.instrument)}"
    coins = {i: name for name, i in made.collaterals.items()}
    for coin in report.coins:
        yield f"{coins[coin.collateral]:<8} {token_amount(made, coins[coin.collateral], coin.amount)} at {price(coin.mid)}"


def _lines(made: Deployment, number: int, instrument: int) -> str:
    found = made.lens.liquidationPrice(number, instrument)
    if found.hasBelow and found.hasAbove and found.below == found.above:
        return "now"
    below = [f"at or below {price(found.below)}"] if found.hasBelow else []
    above = [f"at or above {price(found.above)}"] if found.hasAbove else []
    return " and ".join([*below, *above]) or "at no price"
