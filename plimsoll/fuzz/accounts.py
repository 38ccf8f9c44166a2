"""Accounts of every shape, from a pseudo-random generator: every magnitude is as likely as another, and the ends of a range come
often. Uniform numbers do not find what is wrong at a threshold: `aimed` moves the cash of an account so that its equity is what
is asked for.

Units: as in margin_math.py.
"""

from __future__ import annotations

from random import Random

from plimsoll import margin_math
from plimsoll.fixed_point import WAD, mul_div_down, mul_div_up
from plimsoll.margin_math import Coin, Leg, Snapshot

MILLION = 10**6
MAX_LEGS, MAX_COINS = 16, 8
MAX_SIZE, MAX_PRICE, MAX_AMOUNT = 2**79 - 1, 2**88 - 1, 2**104 - 1
MAX_CASH = 2**79 - 1


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


def random_portfolio(random: Random, most_legs: int = MAX_LEGS, most_coins: int = MAX_COINS) -> Snapshot:
    """1 … 16 positions, 0 … 8 collaterals, a settlement token of 0 … 6 decimals, any cash."""
    decimals = random.randint(0, 6)
    scale = margin_math.size_scale(decimals)
    legs = random.choice((1, most_legs, random.randint(1, most_legs)))
    coins = random.choice((0, most_coins, random.randint(0, most_coins)))
    return Snapshot(
        account=random.getrandbits(256),
        cash=sign(random) * magnitude(random, MAX_CASH),
        interest=magnitude(random, 2**48),
        size_scale=scale,
        legs=tuple(random_leg(random, i, scale) for i in range(legs)),
        coins=tuple(random_coin(random, i, decimals) for i in range(coins)),
    )


def aimed(snapshot: Snapshot, equity: int) -> Snapshot:
    """The account with as much cash as makes its equity this."""
    return snapshot._replace(cash=snapshot.cash + equity - margin_math.judge(snapshot).equity)
