"""Funding: the side that crowds the pool pays the other. The twin of FundingMath.sol.

Each market has a yearly rate that drifts while the pool is off balance: it rises while traders are net long (skew > 0),
at most by its velocity a day and never beyond its bound. Over an interval the long side owes the average of the two ends
of the rate, times the time, times mid; the short side the negative of that. Each side has an index, what one whole unit
has owed since the market was listed; a position owes what its side's index gained since it was last settled.

What is owed rounds up and what is received rounds down, so payers never pay less than receivers get (FUN-1).

Units: rate 1e-8 a year; index settlement units · 1e9 per whole unit, within int80; skew and scale size units (1e-9);
price WAD; time seconds.
"""

from __future__ import annotations

from typing import NamedTuple

from plimsoll.fixed_point import div_down, mul_div_up

DAY = 86_400
YEAR = 365 * DAY
MOST = 2**79 - 1  # int80
LEAST = -(2**79)
RATE_UNIT = 10**8
INDEX_UNIT = 10**9
PRICE_UNIT = 10**18


class Market(NamedTuple):
    """The part of a market that funding moves. time: of the last accrual."""

    index_long: int
    index_short: int
    rate: int
    time: int


class Funding(NamedTuple):
    """scale: the skew at which the rate moves fastest; max_velocity: by how much a day; max_rate: how far."""

    scale: int
    max_velocity: int
    max_rate: int


def accrue(market: Market, funding: Funding, skew: int, mid: int, size_scale: int, now: int) -> Market:
    """The market at `now`. Time beyond a day since the last accrual is not charged: anyone may accrue by settling."""
    elapsed = min(now - market.time, DAY)
    if elapsed == 0:
        return market
    rate = next_rate(market.rate, funding, skew, elapsed)
    # (r₀ + r₁)/2 of mid, for `elapsed` of a year, as an index. size_scale / PRICE_UNIT is how many index units make a
    # settlement unit of price; it is whole, as a settlement token has at most 6 decimals.
    numerator = (market.rate + rate) * elapsed
    denominator = 2 * RATE_UNIT * YEAR * div_down(size_scale, PRICE_UNIT)
    long = market.index_long + mul_div_up(numerator, mid, denominator)
    short = market.index_short + mul_div_up(-numerator, mid, denominator)
    if not (fits(long) and fits(short)):
        # Full: both indices stop, so that neither side pays alone and no settlement ever fails.
        long, short = market.index_long, market.index_short
    return Market(long, short, rate, now)


def next_rate(rate: int, funding: Funding, skew: int, elapsed: int) -> int:
    """The rate after `elapsed` seconds; its change is rounded toward zero."""
    leaning = clamp(skew, funding.scale)
    change = div_down(abs(leaning) * funding.max_velocity * elapsed, funding.scale * DAY)
    return clamp(rate + change if leaning >= 0 else rate - change, funding.max_rate)


def charge(size: int, index: int, index_now: int) -> int:
    """What a position owes since its index, settlement units, rounded up; negative where it receives."""
    return mul_div_up(index_now - index, abs(size), INDEX_UNIT * INDEX_UNIT)


def fits(index: int) -> bool:
    return LEAST <= index <= MOST


def clamp(value: int, bound: int) -> int:
    return max(-bound, min(bound, value))
