"""Liquidatable exactly when E < M, on the deployed engine: portfolios of 1 to 16 instruments and 0 to 8 collaterals, in
tokens of 0 to 18 decimals and at prices of any size, brought to the line by a deposit and then by a price."""

from random import Random

import pytest

from plimsoll.fixed_point import WAD
from tests.helpers import isolated, reverts
from tests.unit.liquidation_engine.sinking import portfolio
from tests.world import FEEDS, USDC

SHAPES = [(1, 0), (1, 1), (2, 0), (3, 2), (4, 8), (6, 0), (8, 5), (11, 3), (16, 0), (16, 8)]


@pytest.fixture
def line(house, liquidation, liquidator):
    """Asks the engine about an account: LIQ-1 on one side of the line, a liquidation on the other."""
    taker = house.open(liquidator, 10**9 * USDC)

    def check(account):
        margin = house.judge(account)
        if margin.equity < margin.maintenance:
            with isolated(house.chain):
                liquidation.liquidate(account, taker, WAD, sender=liquidator)
        else:
            with reverts("NotLiquidatable", account, margin.equity, margin.maintenance):
                liquidation.liquidate(account, taker, WAD, sender=liquidator)
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
    """E = M at one answer of the feed, and liquidatable one answer lower: 10 ETH on 1,836; 10·(p − 2,000) + 1,836 = 0.6·p."""
    account = sinking.account({"ETH": 10})
    house.deposit(account, 24 * USDC)  # 1,860 + 10·p − 20,000 = 0.6·p at p = 1,929.7872…; 1,889 at 1,926.7021…
    margin_at = {}
    for deposit in range(60):
        cash = house.cash(account)
        exact = (20_000 * USDC - cash) * 100  # 9.4·p in hundredths of the feed's unit, 1e-8
        if exact % 94 == 0:
            break
        house.deposit(account, 1)
    answer = exact * 10 // 94 * 1
    house.protocol.feeds["ETH"].push(answer)
    margin_at[0] = line(account)
    assert margin_at[0] == 0
    house.protocol.feeds["ETH"].push(answer - 1)
    assert line(account) == -1
    house.protocol.feeds["ETH"].push(answer + 20)
    assert line(account) == 1
    assert FEEDS["ETH"][1] == 8
