"""The price of the line: there the account is liquidatable, one answer nearer it is not, and nothing lies between."""

from collections import Counter
from random import Random

import pytest
from hypothesis import settings

from plimsoll import margin_math
from plimsoll.types import SIZE_UNIT, USDC, WAD
from tests.helpers import isolated, reverts
from tests.unit.margin_lens.portfolios import BTC, ETH, ETH_TOO, MAX, SOL, WORLD, Stage

ROUNDS = settings.default.max_examples // 3
FEED = ("ETH", "ETH", "BTC", "SOL")


def unit(instrument: int) -> int:
    return 10 ** (18 - WORLD.feed(FEED[instrument]).decimals)


def mid(stage: Stage, instrument: int) -> int:
    return stage.protocol.feeds[FEED[instrument]].latestRoundData()[1] * unit(instrument)


def supposed(snapshot: margin_math.Snapshot, instrument: int, price: int) -> margin_math.Margin:
    """The model's verdict if the instrument's feed answered `price`, and nothing else changed."""
    feed = [spec.name for spec in WORLD.feeds].index(FEED[instrument])
    legs = tuple(leg._replace(mid=price) if leg.feed == feed else leg for leg in snapshot.legs)
    coins = tuple(coin._replace(mid=price) if coin.feed == feed else coin for coin in snapshot.coins)
    return margin_math.judge(snapshot._replace(legs=legs, coins=coins))


def slack(snapshot: margin_math.Snapshot, instrument: int, price: int) -> int:
    margin = supposed(snapshot, instrument, price)
    return margin.equity - margin.maintenance


def valid(instrument: int) -> tuple[int, int]:
    """The lowest and the highest answer that the oracle takes, as prices."""
    spec, step = WORLD.feed(FEED[instrument]), unit(instrument)
    lowest = -(-spec.min_price // step * 101 // 100) + 1
    highest = min(spec.max_price // step * 99 // 100 - 1, (2**88 - 1) // step)
    return lowest * step, highest * step


def check(stage: Stage, rng: Random, instrument: int) -> list[str]:
    """Every answer between the present one and the line is safe and every one beyond it is not, but for rounding."""
    snapshot, now, step = stage.snapshot(), mid(stage, instrument), unit(instrument)
    line = stage.lens.liquidationPrice(stage.account, instrument)
    noise = 3 * len(snapshot.legs) + len(snapshot.coins)  # what rounding may lower E − M by
    if margin_math.liquidatable(margin_math.judge(snapshot)):
        assert tuple(line) == (now, now, True, True)
        return ["sunk"]
    found = []
    sides = zip(
        ("below", "above"), (line.below, line.above), (line.hasBelow, line.hasAbove), valid(instrument), (1, -1)
    )
    for side, price, there, end, inward in sides:
        if there:
            found.append(side)
            assert price % step == 0 and slack(snapshot, instrument, price) < 0
            assert slack(snapshot, instrument, price + inward * step) >= 0
            assert all(slack(snapshot, instrument, it) < noise for it in between(rng, price, end, step))
        else:
            assert price == 0 and slack(snapshot, instrument, end) >= 0
        safe = between(rng, now, price + inward * step if there else end, step)
        assert all(slack(snapshot, instrument, it) >= -noise for it in safe)
    return found or ["none"]


def between(rng: Random, one: int, other: int, step: int) -> list[int]:
    """Ten answers from one price to the other."""
    low, high = sorted((one // step, other // step))
    return [rng.randint(low, high) * step for _ in range(10)]


def test_liquidation_price_of_random_books_is_the_line(stage, seed):
    seen = Counter()
    for i in range(ROUNDS):
        rng = Random(f"{seed}/{i}")
        with isolated(stage.chain):
            stage.populate(rng)
            held = [leg.instrument for leg in stage.snapshot().legs]
            for instrument in {*held, rng.randrange(4)}:
                found = check(stage, rng, instrument)
                seen.update(found)
                seen["not held"] += instrument not in held
    print(seen)
    assert {"below", "above", "none", "not held"} <= set(+seen), seen


@pytest.mark.parametrize("side", [1, -1])
def test_liquidation_price_is_where_the_engine_begins_to_liquidate(stage, trader, side):
    """On the chain: answered in the same second, the price liquidates, and the answer before it does not."""
    stage.deposit(trader, "USDC", 30_000 * USDC)
    stage.trade(ETH, side * 80 * SIZE_UNIT)
    stage.trade(ETH_TOO, side * 7 * SIZE_UNIT)
    line = stage.lens.liquidationPrice(stage.account, ETH)
    assert line == stage.lens.liquidationPrice(stage.account, ETH_TOO)
    assert (line.hasBelow, line.hasAbove) == ((True, False) if side > 0 else (False, True))
    price, step = line.below or line.above, unit(ETH)

    def liquidate():
        return stage.now(stage.protocol.liquidation, "liquidate", (stage.account, 0, WAD, 0, MAX), sender=trader)

    stage.answer("ETH", price + side * step)
    with reverts("NotLiquidatable"):
        liquidate()
    stage.answer("ETH", price)
    assert liquidate().event("Liquidated").account == stage.account


def test_liquidation_price_of_a_hedged_account_follows_what_is_left_unhedged(stage, trader):
    """Two equal and opposite positions on one feed: only what they must hold grows with the price."""
    stage.deposit(trader, "USDC", 30_000 * USDC)
    stage.trade(ETH, 60 * SIZE_UNIT)
    stage.trade(ETH_TOO, -60 * SIZE_UNIT)
    line = stage.lens.liquidationPrice(stage.account, ETH)
    assert not line.hasBelow and line.hasAbove and line.above > 2_500 * WAD
    stage.trade(ETH_TOO, 25 * SIZE_UNIT)
    line = stage.lens.liquidationPrice(stage.account, ETH)
    assert line.hasBelow and not line.hasAbove
    stage.trade(ETH_TOO, 35 * SIZE_UNIT)
    stage.trade(ETH, -60 * SIZE_UNIT)
    assert not any(stage.lens.liquidationPrice(stage.account, ETH))


def test_liquidation_price_of_collateral_against_its_own_short_lies_on_both_sides(stage, trader):
    """A fall leaves the floor of the requirement uncovered, a rise lets the requirement outgrow what it gains."""
    stage.deposit(trader, "WBTC", 112_000_000)
    stage.trade(BTC, -SIZE_UNIT)
    of_btc = stage.snapshot()
    stage.take(of_btc.cash + of_btc.legs[0].quote - 250 * USDC)
    assert check(stage, Random(1), BTC) == ["below", "above"]
    line = stage.lens.liquidationPrice(stage.account, BTC)
    for price, inward in ((line.below, 1), (line.above, -1)):
        with isolated(stage.chain):
            stage.answer("BTC", price + inward)
            assert stage.lens.liquidatable([stage.account]) == [False]
            stage.answer("BTC", price)
            assert stage.lens.liquidatable([stage.account]) == [True]


def test_liquidation_price_moves_collateral_on_the_same_feed_along(stage, trader):
    """WETH against a short of ETH: nothing but a rise beyond what the collateral covers can sink it."""
    stage.deposit(trader, "WETH", 100 * 10**18)
    stage.trade(BTC, 2 * SIZE_UNIT)
    of_btc, of_eth = (stage.lens.liquidationPrice(stage.account, it) for it in (BTC, ETH))
    assert of_btc.hasBelow is False  # two bitcoin may go to nothing
    assert of_eth.hasBelow and 0 < of_eth.below < 200 * WAD  # the collateral alone moves: ETH is not even traded
    stage.trade(ETH, -40 * SIZE_UNIT)
    assert stage.lens.liquidationPrice(stage.account, ETH).hasAbove is False


@pytest.mark.parametrize("side", [1, -1])
def test_liquidation_price_is_an_answer_that_the_oracle_takes(stage, trader, side):
    """E = M at the last answer inside the feed's bounds: none. One unit less: that answer, and no other beyond it."""
    stage.deposit(trader, "USDC", 100_000 * USDC)
    stage.trade(SOL, side * 6_000 * SIZE_UNIT)
    end = valid(SOL)[0 if side > 0 else 1]
    stage.take(slack(stage.snapshot(), SOL, end))
    assert slack(stage.snapshot(), SOL, end - side * unit(SOL)) < 0
    assert tuple(stage.lens.liquidationPrice(stage.account, SOL)) == (0, 0, False, False)
    stage.take(1)
    line = stage.lens.liquidationPrice(stage.account, SOL)
    assert (line.below, line.above) == ((end, 0) if side > 0 else (0, end))
    stage.answer("SOL", end)
    assert stage.lens.liquidatable([stage.account]) == [True]
    stage.answer("SOL", end - side * unit(SOL))
    with reverts("InvalidPrice"):
        stage.engine.load(stage.account, 0, [], False)


def test_liquidation_price_without_a_position_is_none(stage, trader):
    stage.deposit(trader, "WETH", 10**18)
    assert tuple(stage.lens.liquidationPrice(stage.account, SOL)) == (0, 0, False, False)


def test_liquidation_price_of_an_account_below_its_line_is_the_present_price(stage, trader):
    stage.deposit(trader, "USDC", 10_000 * USDC)
    stage.trade(ETH, 40 * SIZE_UNIT)
    stage.answer("ETH", 1_800 * WAD)
    assert tuple(stage.lens.liquidationPrice(stage.account, ETH)) == (1_800 * WAD, 1_800 * WAD, True, True)
    now = mid(stage, BTC)
    assert tuple(stage.lens.liquidationPrice(stage.account, BTC)) == (now, now, True, True)


def test_liquidation_price_without_a_present_price_reverts(stage, trader):
    stage.deposit(trader, "USDC", 10_000 * USDC)
    stage.trade(ETH, 40 * SIZE_UNIT)
    stage.protocol.feeds["ETH"].setMode(1, sender=stage.protocol.roles.deployer)
    with reverts("InvalidPrice", 0, 2, 0, 0):
        stage.lens.liquidationPrice(stage.account, ETH)


@pytest.mark.parametrize("instrument", [4, 64, 2**256 - 1])
def test_liquidation_price_of_an_unknown_instrument_reverts(stage, instrument):
    with reverts("UnknownInstrument", instrument):
        stage.lens.liquidationPrice(stage.account, instrument)
