"""The margin rule as the design states it, on the executable specification: a worked account, MAR-2, MAR-3, LED-3."""

from random import Random

from hypothesis import given, settings

from plimsoll import margin_math
from plimsoll.fixed_point import WAD
from plimsoll.fuzz.accounts import MAX_PRICE, magnitude, random_coin, random_leg, random_portfolio, random_prices
from plimsoll.margin_math import Coin, Leg, Margin, Snapshot
from tests.strategies import batches

USDC = 10**6
EACH = 100
SCALE = margin_math.size_scale(6)


def worked() -> Snapshot:
    """Two ETH bought at 2,100 and one BTC sold at 40,500, on 5,000 in cash and three WETH; funding owed 7, due 2.

    ETH is 2,000, BTC 40,000, both ± 1 %. Numbers below are by hand.
    """
    eth = Leg(0, 2 * 10**9, -4_200 * USDC, 7 * USDC, 1_980 * WAD, 2_000 * WAD, 2_020 * WAD, WAD // 20, WAD // 100,
              10 * 10**9, 5 * USDC, 15 * WAD // 10, WAD, WAD // 100, 1_000 * USDC, 0)  # fmt: skip
    btc = Leg(1, -(10**9), 40_500 * USDC, -2 * USDC, 39_600 * WAD, 40_000 * WAD, 40_400 * WAD, WAD // 20, 0,
              10**9, 5_000 * USDC, 2 * WAD, 11 * WAD // 10, WAD // 100, 1_000 * USDC, 1)  # fmt: skip
    weth = Coin(0, 3 * WAD, 1_980 * WAD, 2_000 * WAD, WAD // 10, WAD // 2, 100 * WAD, 10**48, 0)
    return Snapshot(1, 5_000 * USDC, 0, SCALE, (eth, btc), (weth,))


def test_judge_of_a_worked_account_is_the_sum_by_hand():
    margin = margin_math.judge(worked())
    # h = 10 % + 3/100; C = 3 · 2,000 · 0.87. U = (4,000 − 4,200) + (−40,000 + 40,500) + 2; the 7 that is owed left cash.
    # r of ETH = 5 % + 1 % · 2/10 = 5.2 %. M = 4,000 · 5.2 % + max(40,000 · 5 %, 5,000).
    assert margin == Margin(
        cash=4_993 * USDC,
        collateral=5_220 * USDC,
        profit=302 * USDC,
        equity=10_515 * USDC,
        notional=44_000 * USDC,
        maintenance=208 * USDC + 5_000 * USDC,
        initial=0,
        penalty=440 * USDC,
    )
    assert margin_math.backing(margin) == 10_213 * USDC, "profit backs nothing"
    assert margin_math.debt(margin) == 0
    assert not margin_math.liquidatable(margin)


def test_judge_for_adding_uses_the_worse_prices():
    margin = margin_math.judge(worked(), adding=True)
    # C = 3 · 1,980 · 0.87. I = 4,040 · 5.2 % · 1.5 + max(40,400 · 5 %, 5,000) · 2 · 1.1
    assert margin.collateral == 5_167_800_000
    assert margin.initial == 315_120_000 + 11_000 * USDC
    assert margin._replace(collateral=0, initial=0, equity=0) == margin_math.judge(worked())._replace(
        collateral=0, equity=0
    )
    assert not margin_math.meets_initial(margin, 800_000)


@settings(max_examples=20)
@given(snapshots=batches(random_portfolio, EACH))
def test_initial_is_at_least_maintenance(snapshots):
    """MAR-3"""
    for snapshot in snapshots:
        margin = margin_math.judge(snapshot, adding=True)
        assert margin.initial >= margin.maintenance, "MAR-3"


@settings(max_examples=20)
@given(snapshots=batches(random_portfolio, EACH))
def test_requirements_never_fall_in_size(snapshots):
    """MAR-3, a grain at a time and in leaps."""
    random = Random(snapshots[0].account)
    for snapshot in snapshots:
        leg, scale = snapshot.legs[0], snapshot.size_scale
        for size in (abs(leg.size) + 1, abs(leg.size) + magnitude(random, 2**79)):
            assert margin_math.rate(leg, size) >= margin_math.rate(leg, leg.size), "MAR-3"
            assert margin_math.maintenance(leg, size, scale) >= margin_math.maintenance(leg, leg.size, scale), "MAR-3"
            assert margin_math.initial(leg, size, scale) >= margin_math.initial(leg, leg.size, scale), "MAR-3"


@settings(max_examples=20)
@given(snapshots=batches(random_portfolio, EACH))
def test_free_margin_counts_no_profit(snapshots):
    """MAR-2: free margin ≤ b + C − I, whatever the profit."""
    for snapshot in snapshots:
        margin = margin_math.judge(snapshot, adding=True)
        assert margin_math.backing(margin) <= margin.cash + margin.collateral, "MAR-2"
        richer = snapshot._replace(legs=tuple(leg._replace(quote=leg.quote + 10**15) for leg in snapshot.legs))
        gained = margin_math.judge(richer, adding=True)
        assert gained.initial == margin.initial
        assert margin_math.backing(gained) <= margin.cash + margin.collateral, "MAR-2"


def test_more_collateral_never_counts_for_less():
    """MAR-2: up to a unit where the haircut itself rounds, and exactly where the holding is worth less than 10¹⁸ units."""
    random = Random(1)
    for _ in range(8_000):
        coin = random_coin(random, 0, 6)
        more = coin._replace(amount=coin.amount + random.choice((1, magnitude(random, coin.amount + 1, 1))))
        for price in (coin.lo, coin.mid):
            value, greater = (margin_math.collateral_value(c, price) for c in (coin, more))
            assert greater >= value - 1 - more.amount * price // coin.scale, "MAR-2"


def test_no_deposit_of_an_ordinary_coin_lowers_what_it_counts():
    """MAR-2, exactly: eighteen, eight and no decimals, across the whole range of the haircut."""
    random = Random(2)
    for decimals, price in ((18, 2_000), (8, 40_000), (0, 1_800)):
        for _ in range(500):
            haircut = random.randint(0, 10**6)
            most = random.randint(haircut, (10**6 + haircut) // 2)
            depth = random.randint(1, 10**6) * 10**decimals
            coin = Coin(0, 0, 0, 0, haircut * 10**12, most * 10**12, depth, margin_math.coin_scale(decimals, 6), 0)
            amounts = sorted(random.randint(0, 2 * depth) for _ in range(20))
            values = [margin_math.collateral_value(coin._replace(amount=n), price * WAD) for n in amounts]
            assert values == sorted(values), "MAR-2"


def test_a_price_alone_moves_no_money():
    """LED-3: over a matched book, Σ profit changes by at most a unit a position."""
    random = Random(3)
    for _ in range(2_000):
        leg = random_leg(random, 0, SCALE, most_size=2**70)
        parts = [magnitude(random, abs(leg.size)) for _ in range(3)]
        sizes = [leg.size, *(-part for part in parts), sum(parts) - leg.size]
        book = [leg._replace(size=size, quote=random.randint(-(10**12), 10**12)) for size in sizes]
        _, mid, _ = random_prices(random)

        def total(price):
            return sum(margin_math.profit_of(one._replace(mid=price), SCALE) for one in book)

        assert abs(total(mid) - total(leg.mid)) <= len(book), "LED-3"


def test_rate_never_exceeds_one():
    random = Random(4)
    for _ in range(2_000):
        leg = random_leg(random, 0, SCALE)
        assert leg.base <= margin_math.rate(leg, leg.size) <= WAD
        assert margin_math.rate(leg, 2**79) <= WAD


def test_haircut_grows_to_its_bound_and_stops():
    coin = Coin(0, 0, WAD, WAD, WAD // 10, WAD // 2, 1_000, 10**30, 0)
    shown = [margin_math.haircut(coin._replace(amount=amount)) for amount in (0, 1, 399, 400, 401, 10**9)]
    assert shown == [WAD // 10, 101 * WAD // 1_000, 499 * WAD // 1_000, WAD // 2, WAD // 2, WAD // 2]


def test_oi_factor_starts_at_its_threshold_and_ends_at_its_slope():
    cap = 1_000
    factors = [
        margin_math.oi_factor(interest, cap, 800_000, 2 * 10**6) for interest in (0, 800, 801, 1_000, 1_800, 10**9)
    ]
    assert factors == [WAD, WAD, WAD + 2 * WAD // 1_000, WAD + 4 * WAD // 10, 3 * WAD, 3 * WAD]
    assert margin_math.oi_factor(0, 0, 0, 10**6) == WAD
    assert margin_math.oi_factor(1, 0, 0, 10**6) == 2 * WAD


def test_extremes_stay_within_256_bits():
    """The bounds that MarginMath.sol relies on: the largest size, price, amount and rates of its storage."""
    size, amount = 2**79, 2**104 - 1
    assert size * MAX_PRICE < 2**256
    assert amount * MAX_PRICE * WAD < 2**256
    notional = -(-size * MAX_PRICE // 10**21)
    assert notional * WAD * 2 < 2**255
    assert notional * (2**24 * 10**12) * (WAD + 2**24 * 10**12) < 2**256
    assert 16 * notional * 15 * 10**17 * WAD < 2**256
