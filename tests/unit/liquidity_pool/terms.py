"""The terms of these tests: two markets, what the pool asks in them, and what the twin says a trade costs.

Amounts in USDC units. ETH answers 2,000 and BTC 20,000, lo and hi 1 % off; the pool quotes 0.1 % off mid, charges 5
and 2 basis points, and backs each market with half of its equity.
"""

from types import SimpleNamespace

from plimsoll.fixed_point import mul_div_down
from plimsoll.model import quote_math

USDC = 10**6
UNIT = 10**9
WAD = 10**18
HOUR = 3_600
DAY = 86_400
MAX = 2**256 - 1
SIZE_SCALE = 10**21
SUPPLY = 1_000_000 * USDC  # what the lp deposits
ETH, BTC = 0, 1
PRICES = (2_000, 20_000)
MARKET = SimpleNamespace(spread=1_000, taker=500, maker=200, weight=500_000, cap=600_000 * USDC, scale=1_000 * UNIT)


def market_config(spread=MARKET.spread, taker=MARKET.taker, maker=MARKET.maker, weight=MARKET.weight, cap=MARKET.cap):
    return (spread, taker, maker, weight, cap)


def instrument(feed, scale=MARKET.scale):
    """9 % initial, 6 % maintenance, whatever the size; no funding; a fifth of the fees to insurance, a tenth to the
    treasury."""
    risk = (60_000, 0, 10**15, 5 * USDC, 15_000, feed, 1_500_000, True, False)
    limits = (10**15, 10**15, 1_000_000, 0, 1_000 * USDC)
    return (risk, limits, (scale, 0, 0, 200_000, 100_000), 20_000, 600)


def expected(units, held, mid=2_000, scale=MARKET.scale):
    """(quote, fee, price) of the twin."""
    size, maker = int(units * UNIT), int(held * UNIT)
    quote = quote_math.amount(size, maker, mid * WAD, scale, SIZE_SCALE, MARKET.spread)
    fee = quote_math.fee(size, maker, mid * WAD, SIZE_SCALE, MARKET.taker, MARKET.maker)
    return quote, fee, quote_math.price(size, quote, SIZE_SCALE)


def shares_for(assets, worth, supply):
    """⌊assets · (supply + 10⁶) / (worth + 1)⌋"""
    return mul_div_down(assets, supply + 10**6, worth + 1)


def assets_for(shares, worth, supply):
    """⌊shares · (worth + 1) / (supply + 10⁶)⌋"""
    return mul_div_down(shares, worth + 1, supply + 10**6)
