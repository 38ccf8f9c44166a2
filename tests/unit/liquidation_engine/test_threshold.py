"""Liquidatable exactly when E < M, on the deployed engine: portfolios of 1 to 16 instruments and 0 to 8 collaterals, in
tokens of 0 to 18 decimals and at prices of any size, brought to the line by a deposit and then by a price."""

from random import Random

import pytest

from plimsoll.fixed_point import WAD
from tests.helpers import isolated, reverts
from tests.unit.liquidation_engine.sinking import portfolio
from tests.world import USDC, item

SHAPES = [(1, 0), (1, 1), (2, 0), (3, 2), (4, 8), (6, 0), (8, 5), (11, 3), (16, 0), (16, 8)]


@pytest.fixture
def line(house, liquidation, liquidator):
    """Asks the engine about an account: LIQ-1 on one side of the line, a liquidation on the other."""
    taker = house.open(liquidator, 10**9 * USDC)

    def check(account):
        margin = house.judge(account)
        if margin.equity < margin.maintenance:
            with isolated(house.chain):
                liquidation.liquidate(item(account, taker, WAD), sender=liquidator)
        else:
            with reverts("NotLiquidatable", account, margin.equity, margin.maintenance):
                liquidation.liquidate(item(account, taker, WAD), sender=liquidator)
        return margin.equity - margin.maintenance

    return check


@pytest.mark.parametrize(("legs", "coins"), SHAPES)
def test_threshold_by_a_deposit_of_single_units(house, sinking, line, legs, coins):
    """At M − 1 it is liquidated; at M and M + 1 liquidate reverts with the numbers."""
    account = sinking.account(*portfolio(Random(legs * 100 + coins), legs, coins))
    sinking.sink(account, "ETH")
    house.bring_equity(account, house.judge(account).maintenance - 2)
    seen = []
    for _ in range(4):
        seen.append(line(account))
        house.deposit(account, 1)
    assert seen == [-2, -1, 0, 1]


@pytest.mark.parametrize(("legs", "coins"), SHAPES)
def test_threshold_by_one_step_of_a_feed(house, sinking, line, legs, coins):
    """The two neighbouring answers of the feed between which the account crosses its line."""
    account = sinking.account(*portfolio(Random(legs * 100 + coins), legs, coins))
    feed = house.protocol.feeds["ETH"]
    start = feed.latestRoundData()[1]
    sinking.sink(account, "ETH")
    below, safe = feed.latestRoundData()[1], start
    while safe - below > 1:
        half = (safe + below) // 2
        feed.push(half)
        margin = house.judge(account)
        below, safe = (half, safe) if margin.equity < margin.maintenance else (below, half)
    feed.push(below)
    assert line(account) < 0
    feed.push(safe)
    assert line(account) >= 0


def test_threshold_by_a_price_that_meets_it_exactly(house, sinking, line):
    """E = M at one answer of the feed, liquidatable at the next lower one: 10·p + cash − 20,000 = 6 % of 10·p."""
    account = sinking.account({"ETH": 10})
    # 9.4·p = 20,000 − cash, in the feed's hundred-millionths: whole for one cash in 47.
    while (20_000 * USDC - house.cash(account)) % 47:
        house.deposit(account, 1)
    answer = (20_000 * USDC - house.cash(account)) // 47 * 500
    feed, seen = house.protocol.feeds["ETH"], []
    for price in (answer - 100, answer - 1, answer, answer + 1, answer + 100):
        feed.push(price)
        seen.append(line(account))
    assert seen[1] < 0 == seen[2], "a step of the feed is a tenth of a unit"
    assert seen[0] <= -9 and seen[4] >= 9
