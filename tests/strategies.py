"""What properties draw: accounts, many from one seed, or a few with every number drawn.

Drawing each number of a portfolio by itself is slow, so `batches` draws a seed and expands it to many portfolios, which
go to the chain in one call; `portfolios` draws the numbers themselves, few and small, and therefore shrinks well.
"""

from __future__ import annotations

from random import Random

from hypothesis import strategies as st

from plimsoll import margin_math
from plimsoll.fixed_point import WAD, mul_div_up
from plimsoll.fuzz.accounts import MILLION, aimed, magnitude, random_leg, random_portfolio
from plimsoll.margin_math import Coin, Leg, Snapshot
from plimsoll.types import USDC


def listed_leg(random: Random, instrument: int, scale: int, keeper_floor: int, target: int) -> Leg:
    """A position that the listing rule would let be: its minimum's penalty pays a keeper, its floor is twice that."""
    leg = random_leg(random, instrument, scale, most_size=2**60)
    penalty_e6 = magnitude(random, 500_000, 100)
    least = mul_div_up(keeper_floor * MILLION, target, penalty_e6 * (target - WAD))
    return leg._replace(
        base=magnitude(random, MILLION, 2 * penalty_e6) * 10**12,
        slope=magnitude(random, MILLION) * 10**12,
        penalty_rate=penalty_e6 * 10**12,
        floor=magnitude(random, 100 * keeper_floor, 2 * keeper_floor),
        min_notional=least + magnitude(random, 100 * least),
    )


def sinking_portfolio(random: Random, keeper_floor: int, target: int) -> Snapshot:
    """An account with 0 ≤ E < M, as often at the ends as between."""
    drawn = random_portfolio(random)
    scale = drawn.size_scale
    legs = tuple(listed_leg(random, i, scale, keeper_floor, target) for i in range(len(drawn.legs)))
    drawn = drawn._replace(legs=legs)
    maintenance = margin_math.judge(drawn).maintenance
    equity = random.choice((0, 1, maintenance - 1, random.randrange(maintenance), magnitude(random, maintenance - 1)))
    return aimed(drawn, equity)


# Hypothesis --------------------------------------------------------------------------------------------------------

seeds = st.integers(0, 2**64 - 1)


class Batch(list):
    """Many accounts at a time; a failing test names the seed and not every number."""

    def __init__(self, make, size: int, seed: int) -> None:
        random = Random(seed)
        super().__init__(make(random) for _ in range(size))
        self.title = f"Batch({make.__name__}, {size}, {seed})"

    def __repr__(self) -> str:
        return self.title


def batches(make, size: int) -> st.SearchStrategy:
    """`size` of make(random), from one drawn seed."""
    return seeds.map(lambda seed: Batch(make, size, seed))


@st.composite
def portfolios(draw) -> Snapshot:
    """A few positions with every number drawn: slow, and shrinks to the smallest account that fails."""
    prices = st.integers(1, 10**9).map(lambda mid: (mid * 9 // 10, mid, -(-mid * 11 // 10)))
    scale = margin_math.size_scale(6)

    def leg(instrument: int) -> Leg:
        lo, mid, hi = (price * 10**12 for price in draw(prices))
        base = draw(st.integers(2, MILLION))
        return Leg(
            *(instrument, draw(st.integers(1, 10**15)) * draw(st.sampled_from((-1, 1)))),
            *(draw(st.integers(-(10**15), 10**15)), draw(st.integers(-(10**6), 10**6)), lo, mid, hi),
            *(base * 10**12, draw(st.integers(0, MILLION)) * 10**12, draw(st.integers(1, 10**15))),
            *(draw(st.integers(0, 10 * USDC)), draw(st.integers(MILLION + 1, 2**24 - 1)) * 10**12),
            *(WAD + draw(st.integers(0, MILLION)) * 10**12, base // 2 * 10**12, draw(st.integers(0, 1000 * USDC))),
            instrument,
        )

    def coin(collateral: int) -> Coin:
        decimals = draw(st.integers(0, 18))
        lo, mid, _ = (price * 10**12 for price in draw(prices))
        haircut = draw(st.integers(0, MILLION))
        return Coin(
            *(collateral, draw(st.integers(0, 10 ** (decimals + 6))), lo, mid, haircut * 10**12),
            *((MILLION + haircut) // 2 * 10**12, draw(st.integers(1, 10 ** (decimals + 6)))),
            *(margin_math.coin_scale(decimals, 6), 128 + collateral),
        )

    return Snapshot(
        account=1,
        cash=draw(st.integers(-(10**15), 10**15)),
        interest=0,
        size_scale=scale,
        legs=tuple(leg(i) for i in range(draw(st.integers(1, 3)))),
        coins=tuple(coin(i) for i in range(draw(st.integers(0, 2)))),
    )
