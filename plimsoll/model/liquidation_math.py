"""Liquidation: how much of an account is closed, at what penalty, and who gets it. The twin of LiquidationMath.sol.

An account with 0 ≤ E < M gives up the same fraction of every position, at mid, so that its hedges survive: the fraction
that brings its health back to the target T,

    f = ⌈(T·M − E) / (T·M − Φ)⌉

or less, in bites. Two rules keep what is left sound. A position closes whole where its remainder would be worth less than
its minimum or would be held at its floor, for then its maintenance would not shrink with it. And the penalty gives up
3 units a leg, more than all the rounding can cost, so that health never falls by a liquidation (LIQ-2).

`plan` is the whole decision; `closed` plays it on the account.

Units: as in margin_math; fraction and target WAD.
"""

from __future__ import annotations

from typing import NamedTuple

from plimsoll.fixed_point import WAD, mul_div_down, mul_div_up
from plimsoll.model import ledger_math, margin_math
from plimsoll.model.margin_math import Leg, Margin, Snapshot

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
    fraction is 1 where every leg closes whole."""

    fraction: int
    closed: tuple[int, ...]
    proceeds: tuple[int, ...]
    notional: int
    penalty: int
    shares: Shares


class TooSmall(ValueError):
    """A bite that is not worth a keeper's while. notional: what it would close; minimum: what it must."""

    def __init__(self, fraction: int, notional: int, minimum: int) -> None:
        super().__init__(f"{fraction} of the account is {notional}, the least is {minimum}")
        self.fraction, self.notional, self.minimum = fraction, notional, minimum


def plan(snapshot: Snapshot, terms: Terms, most: int = WAD) -> Plan:
    """What happens to an account with 0 ≤ E < M; most: the largest fraction that the caller wants to take.

    Raises TooSmall.
    """
    margin = margin_math.judge(snapshot)
    due = fraction(margin, terms.target)
    if most < due:
        require_bite(snapshot, margin, most)
    part = min(most, due)
    closed = tuple(closing(leg, part, snapshot.size_scale) for leg in snapshot.legs)
    if all(units == abs(leg.size) for units, leg in zip(closed, snapshot.legs)):
        part = WAD
    scale = snapshot.size_scale
    lost = penalty(margin.penalty, part, len(closed))
    return Plan(
        fraction=part,
        closed=closed,
        proceeds=tuple(proceeds(leg, units, scale) for leg, units in zip(snapshot.legs, closed)),
        notional=sum(margin_math.notional(units, leg.mid, scale) for leg, units in zip(snapshot.legs, closed)),
        penalty=lost,
        shares=split(lost, terms),
    )


def require_bite(snapshot: Snapshot, margin: Margin, part: int) -> None:
    """A bite smaller than what is due closes at least the largest minimum of the account's positions."""
    minimum = max(leg.min_notional for leg in snapshot.legs)
    bite = mul_div_down(margin.notional, part, WAD)
    if part == 0 or bite < minimum:
        raise TooSmall(part, bite, minimum)


def fraction(margin: Margin, target: int) -> int:
    """f, rounded up; all of it where the penalty would take all the equity."""
    if margin.penalty >= margin.equity:
        return WAD
    goal = target * margin.maintenance
    return mul_div_up(goal - WAD * margin.equity, WAD, goal - WAD * margin.penalty)


def closing(leg: Leg, part: int, size_scale: int) -> int:
    """How many units of a position close: ⌈|s| · part⌉, or all where what is left would be too small to stand alone."""
    size = abs(leg.size)
    units = mul_div_up(size, part, WAD)
    left = size - units
    worth = margin_math.notional(left, leg.mid, size_scale)
    stands = worth >= leg.min_notional and margin_math.requirement(leg, left, size_scale) > leg.floor
    return units if stands else size


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
