"""The pool's quote, as properties of the exact formula: who it favours, to the unit."""

from fractions import Fraction
from math import ceil, floor

from hypothesis import assume, given, strategies as st

from plimsoll.model import quote_math

SIZE_SCALE = 10**21  # a settlement token of 6 decimals
MIDS = st.one_of(st.integers(1, 2**88 - 1), st.integers(10**15, 10**23))
RATES = st.integers(0, 50_000)


@st.composite
def markets(draw):
    """(mid, scale, position of the pool, its spread, taker's fee, maker's fee); |position| < scale."""
    scale = draw(st.one_of(st.integers(2, 1_000), st.integers(2, 2**79)))
    held = draw(st.integers(1 - scale, scale - 1))
    return draw(MIDS), scale, held, draw(RATES), draw(RATES), draw(RATES)


def sizes_to(held, ends):
    """The taker's trades that bring the pool from `held` through each of `ends` in turn."""
    stops = [held, *ends]
    return [before - after for before, after in zip(stops, stops[1:]) if before != after]


def play(market, sizes):
    """(Σ quote, Σ fee) of the taker."""
    mid, scale, held, spread, taker, maker = market
    quotes = fees = 0
    for size in sizes:
        quotes += quote_math.amount(size, held, mid, scale, SIZE_SCALE, spread)
        fees += quote_math.fee(size, held, mid, SIZE_SCALE, taker, maker)
        held -= size
    return quotes, fees


def within(market):
    scale = market[1]
    return st.integers(1 - scale, scale - 1)


@given(st.data(), markets())
def test_quote_n_pieces_one_way_never_do_better_than_one(data, market):
    held = market[2]
    end = data.draw(within(market))
    low, high = sorted((held, end))
    stops = sorted(data.draw(st.lists(st.integers(low, high), max_size=8)), reverse=end < held)
    whole_quote, whole_fee = play(market, sizes_to(held, [end]))
    quote, fee = play(market, sizes_to(held, [*stops, end]))
    assert quote <= whole_quote and fee >= whole_fee, "MAR-4"


@given(st.data(), markets())
def test_quote_detour_never_does_better_than_the_straight_way(data, market):
    end = data.draw(within(market))
    stops = data.draw(st.lists(within(market), min_size=1, max_size=6))
    whole_quote, whole_fee = play(market, sizes_to(market[2], [end]))
    quote, fee = play(market, sizes_to(market[2], [*stops, end]))
    assert quote - fee <= whole_quote - whole_fee, "MAR-4"


@given(st.data(), markets())
def test_quote_round_trip_never_gains(data, market):
    stops = data.draw(st.lists(within(market), min_size=1, max_size=6))
    quote, fee = play(market, sizes_to(market[2], [*stops, market[2]]))
    assert quote <= 0 <= fee, "LIQ-4"


@given(st.data(), markets())
def test_quote_is_never_better_than_mid_and_spread(data, market):
    mid, scale, held, spread, _, _ = market
    end = data.draw(within(market))
    assume(end != held)
    size = held - end
    quote = quote_math.amount(size, held, mid, scale, SIZE_SCALE, spread)
    side = 1 if size > 0 else -1
    edge = Fraction(mid * (10**6 + side * spread), 10**6)
    assert side * quote_math.price(size, quote, SIZE_SCALE) >= side * edge, "POOL-1"
    assert quote < 0 if size > 0 else quote >= 0


@given(st.data(), markets())
def test_quote_equals_the_premium_of_each_unit_added_up(data, market):
    mid, scale, held, spread, _, _ = market
    end = data.draw(within(market))
    assume(end != held)
    size = held - end
    side = 1 if size > 0 else -1
    average = Fraction(0)  # the premium of the middle of the part that widens, times how much of the trade that is
    start, stop = max(0, -side * held), max(0, -side * end)
    if stop > start:
        average = Fraction(start + stop, 2 * scale) * Fraction(stop - start, abs(size))
    price = mid * (1 + side * average) * (1 + side * Fraction(spread, 10**6))
    exact = price * abs(size) / SIZE_SCALE
    rounded = -ceil(exact) if size > 0 else floor(exact)
    assert quote_math.amount(size, held, mid, scale, SIZE_SCALE, spread) == rounded


@given(st.data(), markets())
def test_price_against_a_limit_decides_as_the_exact_fill_does(data, market):
    mid, scale, held, spread, _, _ = market
    end = data.draw(within(market))
    assume(end != held)
    size = held - end
    quote = quote_math.amount(size, held, mid, scale, SIZE_SCALE, spread)
    price = quote_math.price(size, quote, SIZE_SCALE)
    for limit in (price - 1, price, price + 1):
        fill = abs(quote) * SIZE_SCALE
        beyond = fill > limit * size if size > 0 else fill < limit * -size
        assert beyond == (price > limit if size > 0 else price < limit)


def test_quote_by_hand():
    """100 units against a scale of 1000 at a price of 2000: the first half-balances, the rest pays."""
    unit, usdc, wad = 10**9, 10**6, 10**18
    market = (2_000 * wad, 1_000 * unit, 40 * unit, 1_000, 500, 200)
    quote, fee = play(market, [100 * unit])
    # The pool goes from 40 long to 60 short: premium 60² / (2 · 1000) = 1.8 units; 101.8 · 2000 · 1.001
    assert quote == -203_803_600_000
    assert fee == (60 * 500 + 40 * 200) * 2_000 * usdc // 10**6
    quote, fee = play((2_000 * wad, 1_000 * unit, -40 * unit, 1_000, 500, 200), [-100 * unit])
    assert quote == 98_200 * 2_000 * 999
    assert fee == 76 * usdc
