"""What properties draw: accounts of every shape, and accounts aimed at a line.

Drawing each number of a portfolio by itself is slow, so `batches` draws a seed and expands it to many portfolios, which
go to the chain in one call; `portfolios` draws the numbers themselves, few and small, and therefore shrinks well.

Uniform numbers do not find what is wrong at a threshold: `aimed` moves the cash of an account so that its equity is what
the test asks for. Every magnitude is as likely as another, and the ends of a range come often.
"""

from __future__ import annotations

from random import Random

from hypothesis import strategies as st

from plimsoll.fixed_point import WAD, mul_div_down, mul_div_up
from plimsoll.model import margin_math
from plimsoll.model.margin_math import Coin, Leg, Snapshot

MILLION = 10**6
MAX_LEGS, MAX_COINS = 16, 8
MAX_SIZE, MAX_PRICE, MAX_AMOUNT = 2**79 - 1, 2**88 - 1, 2**104 - 1
MAX_CASH = 2**79 - 1
USDC = 10**6


def magnitude(random: Random, most: int, least: int = 0) -> int:
    """least … most, each magnitude above `least` as likely as another, one time in ten an end."""
    room = most - least
    if room <= 0:
        return least
    if random.random() < 0.1:
        return least + random.choice((0, min(1, room), room - 1, room))
    return least + min(room, random.getrandbits(random.randint(1, room.bit_length())))


def sign(random: Random) -> int:
    return random.choice((-1, 1))


def random_prices(random: Random) -> tuple[int, int, int]:
    """(lo, mid, hi) of a feed of 0 … 18 decimals."""
    unit = 10 ** (18 - random.randint(0, 18))
    mid = unit * magnitude(random, MAX_PRICE // unit, 1)
    spread = magnitude(random, 499_999)
    return mul_div_down(mid, MILLION - spread, MILLION), mid, mul_div_up(mid, MILLION + spread, MILLION)


def random_leg(random: Random, instrument: int, scale: int, most_size: int = MAX_SIZE) -> Leg:
    """A position somewhere between a grain and the whole range of its storage; its quote is often near what it is worth."""
    lo, mid, hi = random_prices(random)
    size = sign(random) * magnitude(random, most_size, 1)
    worth = mul_div_down(-size, mid, scale)
    quote = worth + sign(random) * magnitude(random, abs(worth)) if random.random() < 0.8 else worth
    charge = sign(random) * magnitude(random, abs(worth) // 10 + 10)
    base = magnitude(random, MILLION, 1)
    return Leg(
        instrument=instrument,
        size=size,
        quote=max(-(2**95), min(2**95 - 1, quote)),
        charge=charge,
        lo=lo,
        mid=mid,
        hi=hi,
        base=base * 10**12,
        slope=magnitude(random, 2**24 - 1) * 10**12,
        depth=magnitude(random, 2**80 - 1, 1),
        floor=magnitude(random, 2**48 - 1),
        initial_multiple=magnitude(random, 2**24 - 1, MILLION + 1) * 10**12,
        oi_factor=WAD + magnitude(random, 2**24 - 1) * 10**12,
        penalty_rate=magnitude(random, base // 2) * 10**12,
        min_notional=magnitude(random, 2**48 - 1),
        feed=instrument,
    )


def random_coin(random: Random, collateral: int, settlement_decimals: int) -> Coin:
    """A holding of a token of 0 … 18 decimals."""
    lo, mid, _ = random_prices(random)
    decimals = random.randint(0, 18)
    haircut = magnitude(random, MILLION)
    return Coin(
        collateral=collateral,
        amount=magnitude(random, min(MAX_AMOUNT, 10 ** (decimals + 12))),
        lo=lo,
        mid=mid,
        haircut=haircut * 10**12,
        max_haircut=magnitude(random, (MILLION + haircut) // 2, haircut) * 10**12,
        depth=magnitude(random, MAX_AMOUNT, 1),
        scale=margin_math.coin_scale(decimals, settlement_decimals),
        feed=128 + collateral,
    )


def random_portfolio(random: Random) -> Snapshot:
    """1 … 16 positions, 0 … 8 collaterals, a settlement token of 0 … 6 decimals, any cash."""
    decimals = random.randint(0, 6)
    scale = margin_math.size_scale(decimals)
    legs = random.choice((1, MAX_LEGS, random.randint(1, MAX_LEGS)))
    coins = random.choice((0, MAX_COINS, random.randint(0, MAX_COINS)))
    return Snapshot(
        account=random.getrandbits(256),
        cash=sign(random) * magnitude(random, MAX_CASH),
        interest=magnitude(random, 2**48),
        size_scale=scale,
        legs=tuple(random_leg(random, i, scale) for i in range(legs)),
        coins=tuple(random_coin(random, i, decimals) for i in range(coins)),
    )


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


def aimed(snapshot: Snapshot, equity: int) -> Snapshot:
    """The account with as much cash as makes its equity this."""
    return snapshot._replace(cash=snapshot.cash + equity - margin_math.judge(snapshot).equity)


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
