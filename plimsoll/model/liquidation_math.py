"""Liquidation: how much of an account is closed, at what penalty, and who gets it. The twin of LiquidationMath.sol.

An account with 0 ≤ E < M gives up the same fraction of every position, at mid, so that its hedges survive: the fraction
that brings its health back to the target T,

    f = ⌈(T·M − E) / (T·M − Φ)⌉

or less, in bites. Two rules keep what is left sound. A position closes whole where its remainder would be worth less than
its minimum or would be held at its floor, for then its maintenance would not shrink with it. And the penalty gives up
3 units a leg, more than all the rounding can cost, so that health never falls by a liquidation (LIQ-2).

`plan` is the whole decision; `closed` plays it on the account. Where the pool takes the positions and is pushed off balance, it
asks the premium of its quote on top: all that the argument needs of the penalty is that it is at most E.

A debt beyond λ · C is repaid by selling collateral at a Dutch auction, never at more than the haircut off mid, so that no
sale lowers equity: `sale_due` is how much brings the debt back to λ₀ · C.

Units: as in margin_math; fraction and target WAD.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from plimsoll import margin_math
from plimsoll.fixed_point import WAD, mul_div_down, mul_div_up
from plimsoll.margin_math import Coin, Leg, Margin, Snapshot
from plimsoll.model import ledger_math, quote_math

MILLION = 10**6
ROUNDING_PER_LEG = 3


class Terms(NamedTuple):
    """What a liquidation engine is deployed with. floor and cap: of the keeper's reward, settlement units."""

    target: int
    keeper_share_e6: int
    keeper_floor: int
    keeper_cap: int
    taker_share_e6: int


class Shares(NamedTuple):
    keeper: int
    taker: int
    insurance: int


class Plan(NamedTuple):
    """closed: of each leg, size units; proceeds: the account's change of quote per leg; notional: what is closed, at mid.
    fraction is 1 where every leg closes whole. penalty = premium + Σ shares."""

    fraction: int
    closed: tuple[int, ...]
    proceeds: tuple[int, ...]
    notional: int
    penalty: int
    premium: int
    shares: Shares


class TooSmall(ValueError):
    """A bite that is not worth a keeper's while. notional: what it would close; minimum: what it must."""

    def __init__(self, fraction: int, notional: int, minimum: int) -> None:
        super().__init__(f"{fraction} of the account is {notional}, the least is {minimum}")
        self.fraction, self.notional, self.minimum = fraction, notional, minimum


class Tranche(NamedTuple):
    """The pool's position in an instrument, and its skew scale, where the pool takes a leg."""

    size: int
    scale: int


def plan(snapshot: Snapshot, terms: Terms, most: int = WAD, tranches: Sequence[Tranche] = ()) -> Plan:
    """What happens to an account with 0 ≤ E < M; most: the largest fraction that the caller wants to take; tranches: one a
    leg where the pool takes them.

    Raises TooSmall.
    """
    margin, scale = margin_math.judge(snapshot), snapshot.size_scale
    ask = asked(snapshot, [abs(leg.size) for leg in snapshot.legs], tranches)
    whole = min(margin.penalty + ask, margin.equity)
    due = fraction(margin, whole, terms.target)
    if most < due:
        require_bite(snapshot, margin, most)
    part = min(most, due)
    closed = tuple(closing(leg, part, scale) for leg in snapshot.legs)
    if all(units == abs(leg.size) for units, leg in zip(closed, snapshot.legs)):
        part = WAD
    legs = len(closed)
    lost = penalty(margin.penalty, part, legs)
    premium = min(asked(snapshot, closed, tranches), penalty(whole, part, legs) - lost)
    return Plan(
        fraction=part,
        closed=closed,
        proceeds=tuple(proceeds(leg, units, scale) for leg, units in zip(snapshot.legs, closed)),
        notional=sum(margin_math.notional(units, leg.mid, scale) for leg, units in zip(snapshot.legs, closed)),
        penalty=lost + premium,
        premium=premium,
        shares=split(lost, terms),
    )


def asked(snapshot: Snapshot, closed: Sequence[int], tranches: Sequence[Tranche]) -> int:
    """What the pool's quote asks beyond mid for taking `closed` of each leg."""
    return sum(
        quote_math.premium(-units if leg.size > 0 else units, tranche.size, leg.mid, tranche.scale, snapshot.size_scale)
        for leg, units, tranche in zip(snapshot.legs, closed, tranches)
    )


def require_bite(snapshot: Snapshot, margin: Margin, part: int) -> None:
    """A bite smaller than what is due closes at least the largest minimum of the account's positions."""
    minimum = max(leg.min_notional for leg in snapshot.legs)
    bite = mul_div_down(margin.notional, part, WAD)
    if part == 0 or bite < minimum:
        raise TooSmall(part, bite, minimum)


def fraction(margin: Margin, whole: int, target: int) -> int:
    """f, rounded up; all of it where the penalty (whole: of closing everything) would take all the equity."""
    if whole >= margin.equity:
        return WAD
    goal = target * margin.maintenance
    return mul_div_up(goal - WAD * margin.equity, WAD, goal - WAD * whole)


def closing(leg: Leg, part: int, size_scale: int) -> int:
    """How many units of a position close: ⌈|s| · part⌉, or all where what is left would be too small to stand alone."""
    size = abs(leg.size)
    units = mul_div_up(size, part, WAD)
    left = size - units
    return units if stands(leg, left, size_scale) else size


def stands(leg: Leg, size: int, size_scale: int) -> bool:
    """A position of `size` is worth its minimum and not held at its floor."""
    worth = margin_math.notional(size, leg.mid, size_scale)
    return worth >= leg.min_notional and margin_math.requirement(leg, size, size_scale) > leg.floor


def proceeds(leg: Leg, units: int, size_scale: int) -> int:
    """What closing `units` at mid adds to quote, rounded toward the account: up, whether it gets or pays."""
    side = 1 if leg.size > 0 else -1
    return mul_div_up(side * units, leg.mid, size_scale)


def penalty(whole: int, part: int, legs: int) -> int:
    """⌊Φ · part⌋ less what all the rounding of the legs can cost the account."""
    return max(0, mul_div_down(whole, part, WAD) - ROUNDING_PER_LEG * legs)


def split(amount: int, terms: Terms) -> Shares:
    """The keeper first: its share, at least the floor, at most the cap, never more than there is. Then the taker."""
    keeper = mul_div_down(amount, terms.keeper_share_e6, MILLION)
    keeper = min(max(keeper, terms.keeper_floor), terms.keeper_cap, amount)
    taker = mul_div_down(amount - keeper, terms.taker_share_e6, MILLION)
    return Shares(keeper, taker, amount - keeper - taker)


def closed(snapshot: Snapshot, plan_: Plan) -> Snapshot:
    """The account afterwards: every charge settled, what closing realised in its cash, the penalty taken."""
    cash = snapshot.cash - plan_.penalty
    legs = []
    for leg, units, gets in zip(snapshot.legs, plan_.closed, plan_.proceeds):
        side = 1 if leg.size > 0 else -1
        filled = ledger_math.fill(leg.size, leg.quote, -side * units, gets)
        cash += filled.cash - leg.charge
        if filled.size:
            legs.append(leg._replace(size=filled.size, quote=filled.quote, charge=0))
    return snapshot._replace(cash=cash, legs=tuple(legs))


def loss(snapshot: Snapshot) -> int:
    """What an account with E < 0 lacks once all of it is closed at mid: closing rounds toward it, so this may be a few
    units less than −E."""
    scale = snapshot.size_scale
    settled = sum(leg.quote - leg.charge + proceeds(leg, abs(leg.size), scale) for leg in snapshot.legs)
    return max(0, -(settled + snapshot.cash + margin_math.judge(snapshot).collateral))


# The sale of collateral --------------------------------------------------------------------------------------------


def discount(haircut: int, elapsed: int, insolvent: int, ramp: int) -> int:
    """0 → haircut within `ramp` seconds of the start; and from when equity was seen below zero, the rest to 1 within another."""
    return mul_div_down(haircut, min(elapsed, ramp), ramp) + mul_div_down(WAD - haircut, min(insolvent, ramp), ramp)


def sale_price(mid: int, discount_: int) -> int:
    """Of one whole token, rounded up."""
    return mul_div_up(mid, WAD - discount_, WAD)


def sale_of(coin: Coin, need: int, price: int) -> int:
    """The tokens that pay `need`, rounded up; all that is held where that is less."""
    return coin.amount if price == 0 else min(coin.amount, mul_div_up(need, coin.scale, price * WAD))


def sale_due(coin: Coin, margin: Margin, price: int, open_debt_limit_e6: int) -> int:
    """The tokens whose sale brings D back to λ₀ · C: each pays `price` and takes at most mid · (1 − h) off C."""
    least = sale_price(coin.mid, coin.haircut)
    excess = margin_math.debt(margin) * MILLION - margin.collateral * open_debt_limit_e6
    gain = price * MILLION - least * open_debt_limit_e6
    return min(coin.amount, mul_div_up(excess, coin.scale, gain * WAD))


def sale_payment(coin: Coin, amount: int, price: int) -> int:
    return mul_div_up(amount * price, WAD, coin.scale)
