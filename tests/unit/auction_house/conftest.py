"""The house, and accounts whose collateral is for sale."""

import pytest

from plimsoll import margin_math
from plimsoll.fixed_point import WAD
from tests.world import USDC, engine, house, long, short  # noqa: F401


@pytest.fixture
def auctions(house):  # noqa: F811
    return house.protocol.auctions


@pytest.fixture
def oracle(house):  # noqa: F811
    return house.protocol.oracle


@pytest.fixture
def buyer(house, liquidator):  # noqa: F811
    house.give(liquidator, "USDC", 1_000_000 * USDC)
    return liquidator


@pytest.fixture
def owing(house, trader, short):  # noqa: F811
    """Cash −12,000 behind ten WETH, now 1,450 each: the debt is above λ of what they count for."""
    account = house.open(trader, WETH=10 * WAD)
    house.trade(account, short, {"SOL": 1_000}, [-32_000 * USDC])
    house.trade(account, short, {"SOL": -1_000})
    house.reprice("ETH", 1_450)
    margin = house.judge(account)
    assert margin.equity > 0 and margin_math.debt(margin) * 10 > margin.collateral * 9
    return account


@pytest.fixture
def running(auctions, owing):
    """Its auction, since this second."""
    auctions.startAuction(owing)
    return owing


@pytest.fixture
def sunk(house, owing):  # noqa: F811
    """The same at 1,200: E < 0, and nothing is held."""
    house.reprice("ETH", 1_200)
    assert house.judge(owing).equity < 0
    return owing
