"""What a hostile audit found: one test a finding, each failing on the code as it was."""

from __future__ import annotations

import pytest

from plimsoll.fixed_point import WAD
from plimsoll.model import margin_math
from tests.helpers import event, reverts
from tests.world import DAY, HOUR, MAX, UNIT, USDC

ANY = MAX
ETH, BTC, SOL = 0, 1, 2
SOL_FEED = 2


@pytest.fixture
def pool(house, lp):
    house.provide(lp)
    return house.pool


@pytest.fixture
def oracle(house):
    return house.protocol.oracle


def refresh(house, *dead):
    for name, feed in house.protocol.feeds.items():
        if name not in dead:
            feed.push(feed.latestRoundData()[1])


def kill_sol(house, oracle, halted=True):
    house.chain.advance(9 * DAY)
    refresh(house, "SOL")
    oracle.observe(SOL_FEED)
    house.chain.advance(6 * HOUR + 2)
    if halted:
        oracle.halt(SOL_FEED, 1 << 64 | house.protocol.feeds["SOL"].latestRound())
    refresh(house, "SOL")


# A shield of dust --------------------------------------------------------------------------------------------------


def test_dust_of_halted_collateral_opens_no_position_that_nobody_can_liquidate(house, oracle, pool, trader, short, keeper):
    account = house.open(trader, 1_836 * USDC, WSOL=1)
    kill_sol(house, oracle)
    with reverts("HaltNotFinal", SOL_FEED):
        house.trade(account, short, {"ETH": 10})


def test_dust_on_a_dead_feed_shields_no_sinking_account(house, oracle, pool, trader, short, keeper):
    account = house.open(trader, 1_836 * USDC)
    house.trade(account, short, {"ETH": 10})
    kill_sol(house, oracle, halted=False)
    house.reprice("ETH", 1_900)
    with reverts("InvalidPrice"):
        house.deposit(account, 1, "WSOL")
    house.liquidation.liquidate((account, 0, WAD, 0, ANY), sender=keeper)


def test_dust_on_a_halted_feed_shields_no_sinking_account(house, oracle, pool, trader, short, keeper):
    account = house.open(trader, 1_836 * USDC)
    house.trade(account, short, {"ETH": 10})
    kill_sol(house, oracle)
    house.reprice("ETH", 1_900)
    with reverts("HaltNotFinal", SOL_FEED):
        house.deposit(account, 1, "WSOL")
    house.liquidation.liquidate((account, 0, WAD, 0, ANY), sender=keeper)
