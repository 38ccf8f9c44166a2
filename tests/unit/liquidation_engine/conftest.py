"""The house, and an account that sinks below its line."""

import pytest

from tests.unit.liquidation_engine.sinking import Sinking
from tests.world import USDC, engine, house, long, short  # noqa: F401


@pytest.fixture
def liquidation(house):  # noqa: F811
    return house.liquidation


@pytest.fixture
def pool(house, lp):  # noqa: F811
    """Five million behind ETH, BTC and FUND."""
    house.provide(lp)
    return house.pool


@pytest.fixture
def taker(house, liquidator):  # noqa: F811
    """The liquidator's own account, a million in cash."""
    return house.open(liquidator, 1_000_000 * USDC)


@pytest.fixture
def weak(house, trader, short):  # noqa: F811
    """Ten ETH bought at 2,000 with 1,836; at 1,900 its equity is 836, its maintenance 1,140, its penalty at most 285."""
    account = house.open(trader, 1_836 * USDC)
    house.trade(account, short, {"ETH": 10})
    house.reprice("ETH", 1_900)
    return account


@pytest.fixture
def broke(house, trader, short):  # noqa: F811
    """The same at 1,750: its equity is −664."""
    account = house.open(trader, 1_836 * USDC)
    house.trade(account, short, {"ETH": 10})
    house.reprice("ETH", 1_750)
    return account


@pytest.fixture
def sinking(house, trader, short):  # noqa: F811
    """Makes accounts of any shape that are a little below their line."""
    return Sinking(house, trader, short)
